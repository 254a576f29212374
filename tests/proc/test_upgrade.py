#!/usr/bin/env python3
"""A new program in a running Gatepost's place. Usage: test_upgrade.py GATEPOST [NAME…]"""
import os
import re
import shutil
import signal
import socket
import sys
import tempfile

sys.dont_write_bytecode = True
from kit import Gatepost, Session, check, free_port, main, opened, process_status, until  # noqa: E402
from test_control import Control, command  # noqa: E402
from test_reload import Hop, begin, greeting  # noqa: E402


class Upgradable(Gatepost):
    """One whose program is a file of its own, that can be replaced."""

    def __init__(self, binary, **statements):
        self.place = tempfile.mkdtemp(prefix='gatepost-program-')
        self.original = binary
        self.program = f'{self.place}/gatepost'
        self.install(lambda octets: octets)
        super().__init__(self.program, **statements)

    def install(self, change):
        """Puts another program into its place, as a package manager does: by a rename."""
        with open(self.original, 'rb') as f:
            octets = change(f.read())
        with open(f'{self.program}.new', 'wb') as f:
            f.write(octets)
        os.chmod(f'{self.program}.new', 0o755)
        os.rename(f'{self.program}.new', self.program)

    def upgrade(self):
        before = self.log().count('upgraded to ')
        self.signal(signal.SIGUSR2)
        until(lambda: self.log().count('upgraded to ') > before, f'an upgrade in {self.log()}')

    def executable(self):
        return os.stat(f'/proc/{self.popen.pid}/exe').st_ino

    def __exit__(self, *error):
        super().__exit__(*error)
        shutil.rmtree(self.place)


def sessions_go_on(binary):
    """The same process, the new program; sessions of the old workers go on and may send more."""
    with Upgradable(binary) as g:
        g.start()
        workers = g.workers()
        idle, busy = g.session(), g.session()
        begin(busy, data=True)
        inode = g.executable()
        g.install(lambda octets: octets + b'another')
        g.upgrade()
        check(g.executable() == os.stat(g.program).st_ino != inode, 'not the new program')
        with Gatepost(binary, state=g.statements['state']) as second:
            check(second.refused().endswith('another Gatepost works there'), 'the state folder is free')
        state = os.path.realpath(f'{g.folder}/var/state')
        check(state in opened(g.popen.pid), f'no lock in {opened(g.popen.pid)}')
        new = set(g.workers()) - set(workers)  # of the old ones, one without a session may just end
        check(not any(state in opened(pid) for pid in new), 'a worker has the lock')
        check(process_status(g.popen.pid)['Name'] == 'gatepost', process_status(g.popen.pid)['Name'])
        check('GATEPOST_HANDED_OVER' not in open(f'/proc/{g.popen.pid}/cmdline').read(), 'command line')
        check(len(new) == 2, f'workers {new}')
        g.session().deliver()
        busy.expect('Subject: x\r\n\r\nx\r\n.', 250)
        for s in (idle, busy):
            s.expect('EHLO client.test', 250)
            s.expect('MAIL FROM:<a@client.test>', 250)
            s.expect('RCPT TO:<box@example.org>', 250)
            s.expect('DATA', 354)
            s.expect(f'Subject: y\r\n\r\n{id(s)}\r\n.', 250)
            s.expect('QUIT', 221)
            s.close()
        check(len(g.messages()) == 4, f'{len(g.messages())} messages')
        new = g.workers_after(workers)
        os.kill(new[0], signal.SIGKILL)
        until(lambda: len(g.workers()) == 2 and new[0] not in g.workers(), 'the new master keeps workers alive')
        g.reload(hostname='reloaded.test')
        until(lambda: 'reloaded.test' in greeting(g.port), 'and reloads')
        for _ in range(3):
            g.upgrade()
        g.session().deliver()
        until(g.clerk_answers, 'a clerk of the new program')
        descriptors = os.listdir(f'/proc/{g.popen.pid}/fd')
        g.upgrade()
        until(g.clerk_answers, 'and of the one after it')
        check(len(os.listdir(f'/proc/{g.popen.pid}/fd')) == len(descriptors), 'descriptors are left open')
        check(g.log().count('ready on') == 1, g.log())


def shared_memory_stays(binary):
    """What the old program's workers have in doubt, and whom they banned, the new ones know."""
    hop = Hop()
    policy = """{
    at connect { drop "banned" when client.banned }
    at mail { ban 1h when sender == "bad@client.test" }
}"""
    with Upgradable(binary, workers=1, policy=policy,
                    route=f'example.org to smtp://127.0.0.1:{hop.port}') as g:
        g.start()
        message = b'Subject: x\r\n\r\nx\r\n.\r\n'
        first = g.session()
        begin(first, data=True)
        first.socket.sendall(message)
        until(lambda: hop.dots == 1, 'the dot')
        bad = Session(g.port, '127.0.0.2')
        bad.say('EHLO client.test')
        bad.say('MAIL FROM:<bad@client.test>')
        bad.close()
        g.upgrade()
        second = g.session()
        begin(second, data=True)
        second.socket.sendall(message)
        told = second.reply()
        check(told.startswith('451'), f'the second try: {told}')
        check('421 4.7.0 banned' in Session(g.port, '127.0.0.2').greeting, 'the ban is forgotten')
        hop.may_answer.set()
        check(first.reply().startswith('250'), 'the first try')
        for s in (first, second):
            s.close()
    hop.listener.close()


def refused(binary):
    """A program that is no program, does not know how, or does not fit: nothing happens."""
    with Upgradable(binary) as g:
        g.start()
        workers, inode = g.workers(), g.executable()
        times = 0
        for change, said in (
                (lambda octets: b'no program', 'cannot be executed: Exec format error'),
                (lambda octets: octets[:50000], None),
                (lambda octets: octets.replace(b'GATEPOST_HANDED_OVER', b'GATEPOST_HANDED_UVER'),
                 'does not know how to take over'),
                (lambda octets: octets.replace(b'disarmed\0', b'disarmex\0'),
                 'lays out the shared memory otherwise, so a restart is needed')):
            g.install(change)
            g.signal(signal.SIGUSR2)
            times += 1
            until(lambda n=times: g.log().count('upgrade refused, all goes on as before: ') == n, 'a refusal')
            check(said is None or said in g.log(), g.log())
            check(g.workers() == workers and g.executable() == inode, 'something has changed')
            g.session().deliver()
        os.unlink(g.program)
        g.signal(signal.SIGUSR2)
        until(lambda: f'{g.program}: No such file' in g.log(), 'word of the missing program')
        g.install(lambda octets: octets)
        good = dict(g.statements)
        g.write(nonsense='x')
        g.signal(signal.SIGUSR2)
        until(lambda: re.search(rf'upgrade refused.*{g.file}:\d+:1: unknown statement', g.log()), 'the place')
        g.statements = good
        g.write()
        g.upgrade()
        check(g.executable() != inode, 'the good program')
        g.session().deliver()


def asked_meanwhile(binary):
    """A reload that is asked for while a new program is tried is not forgotten."""
    with Upgradable(binary, workers=1) as g:
        g.start()
        workers = g.workers()
        with open(g.file, encoding='utf-8') as f:
            before = f.read()
        os.rename(g.file, f'{g.file}.kept')
        os.mkfifo(g.file)  # what the trial reads comes when we want it to
        g.signal(signal.SIGUSR2)
        until(lambda: [pid for pid in g.workers() if pid not in workers], 'a trial')
        with open(g.file, 'w', encoding='utf-8') as f:  # it reads now
            g.signal(signal.SIGHUP)
            until(lambda: not int(process_status(g.popen.pid)['ShdPnd'], 16), 'the signal to be heard')
            g.write(hostname='second.test')  # another file of that name
            f.write(before)
        until(lambda: 'upgraded to' in g.log(), f'an upgrade in {g.log()}')
        g.reloaded(1)
        check('second.test' in greeting(g.port), 'what was asked for meanwhile')


def each_its_own_answer(binary):
    """A reload and an upgrade that are asked for at the same time: whoever asked hears of his own."""
    with Upgradable(binary, workers=1) as g:
        g.start()
        g.install(lambda octets: b'no program')
        clients = [Control(g) for _ in range(5)]
        for c in clients[:4]:
            c.say(b'{"do": "reload"}\n')
        clients[4].say(b'{"do": "upgrade"}\n')  # while the first reload is under way
        for c in clients[:4]:
            answer = c.reply()
            check(answer['ok'] and answer['text'] == 'reloaded\n', f'{answer}')
        answer = clients[4].reply()
        check(not answer['ok'] and 'cannot be executed' in answer['text'], f'{answer}')
        for c in clients:
            c.close()


def dead_workers(binary):
    """Old workers that die under the new master are buried, and what they left is void."""
    with Upgradable(binary, workers=1, limit=['client_sessions 2'],
                    policy='{\n at connect { drop "banned" when client.banned }\n}') as g:
        g.start()
        old = g.workers()[0]
        held = [g.session(), g.session()]
        g.upgrade()
        check(g.session().greeting.startswith('421 4.7.0'), 'sessions of the old worker do not count')
        os.kill(old, signal.SIGKILL)
        check(held[0].at_end(), 'a session of the dead')
        until(lambda: old not in g.workers(), 'buried')
        check(f'worker 0 (process {old}) was killed by signal 9' in g.log(), g.log())
        for s in [g.session(), g.session()]:
            check(s.greeting.startswith('220'), 'sessions of the dead still count')
            s.close()


def end_while_draining(binary):
    """SIGTERM to the new master ends workers of both programs."""
    with Upgradable(binary, workers=1) as g:
        g.start()
        idle = g.session()
        g.upgrade()
        newer = g.session()
        g.signal(signal.SIGTERM)
        for s in (idle, newer):
            check(s.reply().startswith('421 4.3.2'), 'told to go')
        check(g.wait() == 0, f'exit status {g.popen.returncode}')


def addresses(binary):
    """The new program takes the sockets over, and binds what is new."""
    with Upgradable(binary, workers=1) as g:
        g.start()
        second = free_port()
        g.write(listen=[f'127.0.0.1:{g.port}', f'127.0.0.1:{second}'])
        g.upgrade()
        check('220' in greeting(g.port) and '220' in greeting(second), 'both are served')
        g.write(listen=[f'127.0.0.1:{g.port}'])
        g.upgrade()
        check('220' in greeting(g.port), 'the first is served')
        with socket.socket() as s:
            until(lambda: s.connect_ex(('127.0.0.1', second)) != 0, 'the second is closed')


def cannot_begin(binary):
    """A new program that cannot start its workers has a clerk all the same, and goes on trying."""
    with Upgradable(binary, workers=1) as g, socket.create_server(('127.0.0.1', 0)) as holder:
        g.start()
        g.write(listen=[f'127.0.0.1:{g.port}', f'127.0.0.1:{holder.getsockname()[1]}'])
        g.signal(signal.SIGUSR2)
        until(lambda: 'the new program cannot start its workers' in g.log(), f'word of it in {g.log()}')
        check('cannot listen on' in g.log() and 'all goes on as before' not in g.log(), g.log())
        g.session().deliver()
        check(command(g, 'status').returncode == 0, 'nobody answers')
        done = command(g, 'reload')  # at once, not after half a minute
        check(done.returncode == 2 and 'Address already in use' in done.stderr, f'{done}')
        holder.close()
        done = command(g, 'reload')
        check(done.returncode == 0, f'{done}')
        g.session().deliver()


CASES = [sessions_go_on, shared_memory_stays, refused, asked_meanwhile, each_its_own_answer, dead_workers,
         end_while_draining, addresses, cannot_begin]

if __name__ == '__main__':
    sys.exit(main(CASES))
