#!/usr/bin/env python3
"""What is remembered of others, in real processes: shared, kept, and given up when the disk is full.
Usage: test_remembered.py GATEPOST [NAME…]"""
import json
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from kit import NOBODY, ROOT, Gatepost, Session, check, main, until  # noqa: E402
from test_upgrade import Upgradable  # noqa: E402

# Every stranger is deferred once. By the time that he may come back all workers know of it.
POLICY = """{
    at connect { drop 421 4.7.0 "banned" when client.banned }
    at mail { ban 1h when sender == "bad@client.test" }
    at rcpt { defer 451 4.7.1 "come back in %{deferral.wait}" when not identity.returned }
}"""
STATEMENTS = {'policy': POLICY, 'limit': ['deferral_time 1s']}
MESSAGE = 'Subject: x\r\n\r\n{}\r\n.'
ROOM = 4 << 20  # octets of the small disk
STRANGERS = 60  # whose two tries may all meet the same worker


def send(g, source, text, sender='a@client.test'):
    """What the recipient was answered: at RCPT, or for the message."""
    s = Session(g.port, source)
    if not s.greeting.startswith('220'):
        s.close()
        return s.greeting
    s.expect('EHLO client.test', 250)
    s.expect(f'MAIL FROM:<{sender}>', 250)
    reply = s.say('RCPT TO:<box@example.org>')
    if reply.startswith('250'):
        s.expect('DATA', 354)
        reply = s.say(MESSAGE.format(text))
    s.expect('QUIT', 221)
    s.close()
    return reply


def becomes_bad(g, source):
    s = Session(g.port, source)
    s.expect('EHLO client.test', 250)
    s.say('MAIL FROM:<bad@client.test>')
    s.close()


def tries(g, source):
    """The decisions on what came from there."""
    return [d for d in g.decisions() if d['client'] == source and 'sender' in d]


def deferred_then_accepted(g, *sources):
    """A stranger from each of them comes, and comes back when he is told to. Which workers they met."""
    for source in sources:
        reply = send(g, source, source)
        check(reply.startswith('451 4.7.1 come back in 1s '), f'{source}, a stranger: {reply}')
    time.sleep(1)
    for source in sources:
        reply = send(g, source, source)
        check(reply.startswith('250'), f'{source}, for the second time: {reply}')
    return [[d['worker'] for d in until(lambda of=source: len(tries(g, of)) == 2 and tries(g, of), 'two decisions')]
            for source in sources]


def known(g, source, when):
    reply = send(g, source, f'{source} {when}')
    check(reply.startswith('250'), f'{source} {when}: {reply}')


def one_worker_learns_for_all(binary):
    """Deferred by one worker, accepted by the other; a ban by one holds with both."""
    with Gatepost(binary, **STATEMENTS) as g:
        g.start()
        met = deferred_then_accepted(g, *(f'127.1.{i}.1' for i in range(STRANGERS)))
        check([0, 1] in met and [1, 0] in met, f'the workers that had the two tries: {met}')
        becomes_bad(g, '127.2.0.1')
        until(lambda: send(g, '127.2.0.1', 'x').startswith('421 4.7.0 banned'), 'the ban')
        for _ in range(20):
            reply = send(g, '127.2.0.1', 'x')
            check(reply.startswith('421 4.7.0 banned'), f'one worker does not know of the ban: {reply}')
        check(send(g, '127.2.0.2', 'x').startswith('451'), 'another address is banned, too')


def it_outlives_them(binary):
    """A reload, another program, a restart, and a kill of everything: what was learned is there."""
    with Upgradable(binary, **STATEMENTS) as g:
        g.start()
        deferred_then_accepted(g, '127.3.0.1')
        becomes_bad(g, '127.3.1.1')
        check(send(g, '127.3.2.1', 'half').startswith('451'), 'a stranger')
        may_return = time.monotonic() + 1

        def all_is_known(when):
            known(g, '127.3.0.1', when)
            reply = send(g, '127.3.1.1', 'x')
            check(reply.startswith('421 4.7.0 banned'), f'{when} the ban is forgotten: {reply}')

        g.reload(hostname='second.test')
        all_is_known('after a reload')
        g.install(lambda octets: octets + b'another')
        g.upgrade()
        all_is_known('after an upgrade')
        g.signal(signal.SIGTERM)
        check(g.wait() == 0, g.log())
        g.start()
        all_is_known('after a restart')
        for pid in [g.popen.pid, *g.workers(), g.clerk()]:
            os.kill(pid, signal.SIGKILL)
        g.popen.wait()
        g.start()
        all_is_known('after kill -9')
        time.sleep(max(0, may_return - time.monotonic()))
        reply = send(g, '127.3.2.1', 'half')
        check(reply.startswith('250'), f'one who was deferred before all that is a stranger: {reply}')


def status(g):
    done = subprocess.run([g.binary, 'status', '-c', g.file, '--json'], stdout=subprocess.PIPE, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def status_shown(g):
    return subprocess.run([g.binary, 'status', '-c', g.file], stdout=subprocess.PIPE, text=True, check=True).stdout


class SmallDisk:
    """A file system of ROOM octets at a folder."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={ROOM},mode=750,uid={NOBODY.pw_uid},gid={NOBODY.pw_gid}',
                        'gatepost-test', folder], check=True)

    def fill(self):
        with open(f'{self.folder}/filler', 'wb', buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass

    def empty(self):
        os.unlink(f'{self.folder}/filler')

    def __enter__(self):
        return self

    def __exit__(self, *error):
        subprocess.run(['umount', '-l', self.folder], check=True)


def learn_until_trouble(g):
    """Strangers come until a worker tells that what it learns of them cannot be kept."""
    i = 0
    while not status(g).get('memory', {}).get('trouble'):
        i += 1
        check(i < 2000, f'no trouble is told of: {status(g).get("memory")}')
        send(g, f'127.5.{i % 250}.{1 + i // 250}', i)


def a_full_disk(binary):
    """Mail flows without memory, nobody is deferred or banned for want of it, and the operator is told; when
    there is room, it goes on."""
    if not ROOT:
        print('only root can make a small disk: skipped')
        return
    with Gatepost(binary, journal='off', **STATEMENTS) as g, SmallDisk(f'{g.folder}/var/state') as disk:
        g.start()
        deferred_then_accepted(g, '127.4.0.1')
        disk.fill()
        learn_until_trouble(g)
        # The other worker goes on, and finds out with its first batch that fails: a few octets may find room in what
        # the file has. From then on nobody is deferred, and whoever was before is let in, however soon he comes back.
        deferred, let_in, i = [], 0, 0
        while let_in < 20:
            i += 1
            check(i < 500, f'while nothing can be remembered these are deferred: {deferred}')
            source = f'127.6.{i % 250}.{1 + i // 250}'
            reply = send(g, source, i)
            check(reply.startswith(('250', '451')), f'a stranger, while nothing can be remembered: {reply}')
            let_in = let_in + 1 if reply.startswith('250') else 0
            if reply.startswith('451'):
                deferred.append(source)
        for source in deferred:
            until(lambda of=source: send(g, of, 'again').startswith('250'), f'{source}, who was deferred, is let in')
        check('memory' in g.log() and 'No space left' in g.log(), g.log())
        disk.empty()
        until(lambda: not status(g).get('memory', {}).get('trouble'), 'there is room, and it is noticed', 60)
        deferred_then_accepted(g, '127.7.0.1')
        known(g, '127.4.0.1', 'remembered from before')


def told_once(binary):
    """As long as nothing can be kept no rule fires that rests on it, in a worker that knows; its facts are
    unknown. The log tells it once and once that it is over, and so does `gatepost status`."""
    if not ROOT:
        print('only root can make a small disk: skipped')
        return
    begins, ends = 'cannot write the memory in ', ' is written again'
    with Gatepost(binary, workers=1, journal='off', **STATEMENTS) as g, SmallDisk(f'{g.folder}/var/state') as disk:
        g.start()
        becomes_bad(g, '127.8.0.1')
        until(lambda: send(g, '127.8.0.1', 'x').startswith('421 4.7.0 banned'), 'the ban')
        disk.fill()
        learn_until_trouble(g)
        shown = status_shown(g)
        check('NOT kept: No space left on device' in shown, shown)
        for i in range(20):
            reply = send(g, f'127.8.1.{i + 1}', f'stranger {i}')
            check(reply.startswith('250'), f'a stranger: {reply}')
        reply = send(g, '127.8.0.1', 'banned before')
        check(reply.startswith('250'), f'one who was banned: {reply}')
        becomes_bad(g, '127.8.0.2')
        reply = send(g, '127.8.0.2', 'banned now')
        check(reply.startswith('250'), f'one who would be banned: {reply}')
        for source in ('127.8.1.1', '127.8.0.1'):
            decision = until(lambda of=source: tries(g, of), 'the decision')[-1]
            told = {name: fact for part in (decision, *decision['recipients']) for name, fact in part['facts'].items()}
            for name in ('client.banned', 'identity.returned'):
                check(told[name].get('unknown') == 'temporary failure', f'{name} of {source}: {told[name]}')
        check(g.log().count(begins) == 1 and ends not in g.log(), g.log())
        check(f'{begins}{g.folder}/var/state/memory: No space left on device; nothing is remembered' in g.log(), g.log())
        disk.empty()
        until(lambda: not status(g).get('memory', {}).get('trouble'), 'there is room, and it is noticed', 60)
        shown = status_shown(g)
        check('NOT kept' not in shown, shown)
        until(lambda: send(g, '127.8.0.1', 'x').startswith('421 4.7.0 banned'), 'the ban from before holds again')
        until(lambda: send(g, '127.8.0.2', 'x').startswith('421 4.7.0 banned'), 'so does the one that waited')
        check(send(g, '127.8.2.1', 'x').startswith('451'), 'strangers are deferred again')
        check((g.log().count(begins), g.log().count(ends)) == (1, 1), g.log())


sys.exit(main([one_worker_learns_for_all, it_outlives_them, a_full_disk, told_once]))
