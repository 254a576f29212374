#!/usr/bin/env python3
"""What administrators do with the memory by hand, while Gatepost runs and while it does not: bans,
`gatepost state`, and memories that cannot be used. Usage: test_memory.py GATEPOST [NAME…]"""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from kit import NOBODY, PATIENCE, ROOT, Gatepost, Session, check, main, until  # noqa: E402

SOURCE = '127.0.0.2'
BANS = """{
        at connect { drop 421 4.7.0 "banned" when client.banned }
    }"""


class House(Gatepost):
    """Commands on the same configuration."""

    def ask(self, *arguments, said=None):
        done = subprocess.run([self.binary, *arguments, '-c', self.file], text=True, input=said,
                              capture_output=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def done(self, *arguments, said=None):
        status, out, error = self.ask(*arguments, said=said)
        check(status == 0, f'{arguments}: {status} {out}{error}')
        return out

    def refuses(self, status, part, *arguments, said=None):
        found, out, error = self.ask(*arguments, said=said)
        check(found == status and part in error, f'{arguments}: {found}, not {status} with {part!r}: {out}{error}')
        check('Traceback' not in error and 'Sanitizer' not in error, error)

    def records(self, *kind):
        status, out, _ = self.ask('state', 'export', *kind)
        return [json.loads(line) for line in out.splitlines()] if status == 0 else []

    def record(self, kind, name):
        return next((r for r in self.records(kind) if r.get('name') == name), None)

    def memory(self):
        return f'{self.folder}/var/state/memory'

    def send(self, sender, box='box', source=SOURCE):
        """The reply to RCPT; delivered where that is a yes."""
        s = Session(self.port, source)
        s.expect('EHLO client.test', 250)
        s.expect(f'MAIL FROM:<{sender}>', 250)
        reply = s.say(f'RCPT TO:<{box}@example.org>')
        if reply.startswith('250'):
            s.expect('DATA', 354)
            s.expect('Subject: x\r\n\r\nx\r\n.', 250)
        s.expect('QUIT', 221)
        s.close()
        return reply

    def stop(self):
        self.signal(signal.SIGTERM)
        check(self.wait() == 0, self.log())

    def again(self):
        """Started anew: the ready line is looked for in a log of its own."""
        os.rename(f'{self.folder}/stderr', f'{self.folder}/stderr.before')
        return self.start()

    def greetings(self, code, seconds):
        """Within that time a connection gets this code, from both workers; from each no other after that."""
        deadline = time.monotonic() + seconds
        seen = set()
        while len(seen) < 2:
            before = len(self.decisions())
            s = Session(self.port, SOURCE)
            greeting = s.greeting
            s.close()
            lines = until(lambda: self.decisions()[before:], 'a decision')
            if greeting.startswith(code):
                seen.add(lines[0]['worker'])
            else:
                check(lines[0]['worker'] not in seen, f'{greeting} of a worker that had said {code}')
            check(time.monotonic() < deadline, f'{seen} of two workers say {code} within {seconds} s')


def banned(binary):
    """All workers obey a ban, and its end, within a second; over a reload and a restart too."""
    with House(binary, policy=BANS, table='trusted { 127.0.0.1 }') as g:
        g.start()
        g.greetings('220', PATIENCE)
        out = g.done('ban', SOURCE, '1h', 'too loud')
        check(out.startswith(f'{SOURCE} is banned until '), out)
        g.greetings('421', 1)
        check(Session(g.port).greeting.startswith('220'), 'another address')
        check('too loud' in g.done('bans') and SOURCE in g.done('bans'), 'bans')
        g.reload()
        g.greetings('421', PATIENCE)
        g.stop()
        g.again()
        g.greetings('421', PATIENCE)
        out = g.done('unban', SOURCE)
        check('banned no more' in out, out)
        g.greetings('220', 1)
        g.refuses(1, 'nobody is banned', 'bans')
        g.refuses(1, 'is not banned', 'unban', SOURCE)
        g.done('ban', '127.0.0.0/24', '1h')
        g.greetings('421', 1)
        check(Session(g.port).greeting.startswith('220'), 'a trusted address in a banned network')
        g.done('ban', SOURCE, '30s')
        check('127.0.0.0/24 is banned still' in g.done('unban', SOURCE), 'the network goes on')
        check('1 banned no more' in g.done('unban', 'all'), 'unban all')
        g.greetings('220', 1)


def whom(binary):
    """Who can be banned, and for how long; what is told of everybody else."""
    with House(binary, policy=BANS, table='trusted { 192.0.2.0/25, 2001:db8:1::/48 }',
               proxy='198.51.100.25, 203.0.113.0/24') as g:
        g.refuses(1, 'no folder', 'ban', '192.0.2.200', '1h')
        g.start()
        for who in ('192.0.2.1', '192.0.2.0/24', '2001:db8:1::25', '2001:db8:1:2::/64'):
            g.refuses(1, '`trusted`', 'ban', who, '1h')
        for who in ('198.51.100.25', '198.51.100.0/24', '203.0.113.9', '203.0.113.0/24'):
            g.refuses(1, '`proxy`' if who != '198.51.100.0/24' else 'behind `proxy`', 'ban', who, '1h')
        for who in ('10.0.0.0/8', '10.0.0.0/25', '2001:db8::/48', '0.0.0.0/0'):
            g.refuses(2, 'table of the policy', 'ban', who, '1h')
        for who in ('host.example', '', '10.0.0.1/33', '10.0.0'):
            g.refuses(2, 'an address or a network', 'ban', who, '1h')
        for how_long in ('', '1', '0', '3651d', 'soon', '1ms'):
            g.refuses(2, '3650d', 'ban', '10.0.0.1', how_long)
        g.refuses(2, '96 octets', 'ban', '10.0.0.1', '1h', 'x' * 97)
        g.refuses(2, '96 octets', 'ban', '10.0.0.1', '1h', 'x\x1by')
        g.refuses(2, 'missing', 'ban', '10.0.0.1')
        g.refuses(2, 'one word too many', 'ban', '10.0.0.1', '1h', 'a', 'b')
        check(g.records('ban') == [], g.records('ban'))
        for who, name in (('10.0.0.1', '10.0.0.1'), ('10.0.0.0/24', '10.0.0.0/24'), ('2001:DB8::1', '2001:db8::/64'),
                          ('2001:db8:2::/64', '2001:db8:2::/64'), ('192.0.2.200', '192.0.2.200')):
            check(g.done('ban', who, '3650d').startswith(f'{name} is banned until'), who)
        check(len(g.done('bans', '--json').splitlines()) == 5, 'five bans')
        check('is banned no more' in g.done('unban', '2001:db8:0:0:1::'), 'by another address of the /64')


def edited(binary):
    """set, show, list, forget; by their exit statuses and what is said."""
    with House(binary) as g:
        g.refuses(1, 'nothing is remembered yet', 'state', 'list')
        g.start()
        g.refuses(1, '--new', 'state', 'set', 'spf', 'remote.test', 'days=2')
        g.done('state', 'set', '--new', 'spf', 'Remote.test', 'days=2', 'accepted=3', 'rate.messages=1.5',
               'first=7d', 'returned=now', 'note=by hand')
        r = g.record('spf', 'remote.test')
        check(r['days'] == 2 and r['tally'] == {'accepted': 3} and r['note'] == 'by hand', r)
        check(r['rate'] == {'messages': 1.5} and r['first'] < r['last'] and 'returned' in r, r)
        out = g.done('state', 'show', 'remote.test')
        check('spf remote.test (proven)' in out and 'returned ' in out and 'by hand' in out, out)
        g.done('state', 'set', 'spf', 'remote.test', 'days=0', 'note=', 'returned=never')
        r = g.record('spf', 'remote.test')
        check('days' not in r and 'note' not in r and 'returned' not in r and r['tally']['accepted'] > 2.99, r)
        for part, words in (('no field', 'mails=1'), ('FIELD=VALUE', 'days'), ('number of days', 'days=x'),
                            ('number from 0', 'accepted=-1'), ('number from 0', 'rate.messages=nan'),
                            ('time that is past', 'last=tomorrow'), ('96 octets', f'note={"x" * 97}')):
            g.refuses(2, part, 'state', 'set', 'spf', 'remote.test', words)
        g.refuses(2, 'no kind', 'state', 'set', 'mail', 'a', 'days=1')
        g.refuses(2, 'a domain', 'state', 'set', 'spf', 'a@b', 'days=1')
        g.refuses(2, '`gatepost ban`', 'state', 'set', '--new', 'ban', '10.0.0.1', 'note=x')
        g.refuses(2, '--sort', 'state', 'list', '--sort', 'size')
        g.refuses(2, 'no option', 'state', 'show', 'a', '--merge')
        g.refuses(2, 'no part', 'state', 'drop')
        for i in range(5):
            g.done('state', 'set', '--new', 'dkim', f'd{i}.test', f'accepted={i + 1}')
        out = g.done('state', 'list', 'dkim', '--sort', 'good', '--limit', '2')
        check(out.index('d4.test') < out.index('d3.test') and 'd2.test' not in out and 'and 3 more' in out, out)
        check(len(g.done('state', 'list', 'dkim', '--limit', '0', '--json').splitlines()) == 5, 'all')
        names = [json.loads(o)['name'] for o in g.done('state', 'list', 'dkim', '--sort', 'name', '--json').splitlines()]
        check(names == sorted(names) and len(names) == 5, names)
        g.done('state', 'forget', 'dkim', 'd0.test')
        g.refuses(1, 'nothing is remembered', 'state', 'forget', 'dkim', 'd0.test')
        g.refuses(1, 'nothing is remembered', 'state', 'show', 'd0.test')
        g.done('ban', '10.0.0.1', '1h')
        check('4 forgotten' in g.done('state', 'forget', 'dkim', '--before', '0s'), 'all dkim')
        g.done('state', 'forget', '--before', '0s')
        check([r['kind'] for r in g.records()] == ['ban'], g.records())


def address_shown(binary):
    """Of an address all that belongs to it is shown."""
    with House(binary) as g:
        g.start()
        g.done('state', 'set', '--new', 'client', '10.0.0.1', 'note=pool.test')
        g.done('state', 'set', '--new', 'network', '10.0.0.0/24', 'accepted=1')
        g.done('state', 'set', '--new', 'host', 'pool.test', 'days=4')
        g.done('ban', '10.0.0.0/24', '1h', 'noise')
        out = g.done('state', 'show', '10.0.0.1')
        for part in ('client 10.0.0.1\n', 'network 10.0.0.0/24\n', 'host pool.test (proven)\n', 'ban 10.0.0.0/24\n', 'noise'):
            check(part in out, f'{part}: {out}')
        kinds = [json.loads(line)['kind'] for line in g.done('state', 'show', '10.0.0.1', '--json').splitlines()]
        check(kinds == ['client', 'network', 'ban', 'host'], kinds)


def wiped(binary):
    """What was exported and imported again is the same; by the workers' user, also when root does it."""
    with House(binary, policy="""{ at rcpt { defer "later" when sender == "slow@remote.test" } }""") as g:
        g.start()
        for sender in ('a@remote.test', '', 'slow@remote.test', 'b+c@remote.test'):
            g.send(sender)
        g.done('ban', '10.0.0.1', '1h', 'noise')
        g.done('state', 'set', '--new', 'spf', 'remote.test', 'accepted=0.333333')
        until(lambda: {r['kind'] for r in g.records()} >= {'client', 'network', 'recipient', 'ban', 'spf', 'deferral'},
              'all is remembered')
        g.stop()
        before = g.done('state', 'export')
        check(len(before.splitlines()) >= 6, before)
        shutil.rmtree(g.memory())
        g.refuses(1, 'nothing is remembered yet', 'state', 'export')
        count = len(before.splitlines())
        check(g.done('state', 'import', said=before).startswith(f'{count} imported, 0 were'), 'import')
        check(sorted(g.done('state', 'export').splitlines()) == sorted(before.splitlines()), 'the same')
        if ROOT:
            for path in [g.memory(), *glob.glob(f'{g.memory()}/*')]:
                check(os.stat(path).st_uid == NOBODY.pw_uid, path)
        g.again()
        check(g.send('slow@remote.test').startswith('451'), 'and Gatepost works with it')
        # The record that was seen later stays; merged, they are added up.
        g.done('state', 'set', 'spf', 'remote.test', 'accepted=5')
        old = next(o for o in before.splitlines() if '"spf"' in o)
        check('0 imported, 1 were' in g.done('state', 'import', said=old), 'the newer one stays')
        check('1 imported' in g.done('state', 'import', '--merge', '-', said=old), 'merged')
        check(5.33 < g.record('spf', 'remote.test')['tally']['accepted'] < 5.34, g.record('spf', 'remote.test'))


def bad_lines(binary):
    """Each wrong line is told with its number; the others are in, and so it is said."""
    with House(binary) as g:
        g.start()
        good = '{"kind":"spf","name":"good%d.test","last":"2026-01-02T03:04:05Z","tally":{"accepted":9},"day":"2026-01-02","days":3}'
        lines = [good % 1, 'garbage', good % 2, '{"kind":"spf","name":"x","last":"2026-01-02T03:04:05Z","hello":1}',
                 '', good % 3, '{"kind":"ban","name":"10.0.0.0/8","last":"2026-01-02T03:04:05Z","until":"2036-01-01T00:00:00Z"}']
        status, out, error = g.ask('state', 'import', said='\n'.join(lines))
        check(status == 1 and out == '3 imported, 0 were known more recently, 3 lines were wrong\n', f'{status} {out}{error}')
        check([e.split(':')[:2] for e in error.splitlines()] == [['stdin', n] for n in '247'], error)
        check('no object' in error and '"hello"' in error and '/24' in error, error)
        check({r['name'] for r in g.records('spf')} == {f'good{i}.test' for i in (1, 2, 3)}, g.records('spf'))
        g.refuses(2, 'No such file', 'state', 'import', f'{g.folder}/none')
        status, out, error = g.ask('state', 'import', said='x\n' * 50)
        check(status == 1 and len(error.splitlines()) == 21 and 'and 30 more lines' in error, error)


def correspondents(binary):
    """Whom our users write to is deferred no more, whatever tag his address has."""
    with House(binary, policy="""{ at rcpt { defer 451 4.7.1 "later" when not sender.correspondent } }""") as g:
        g.start()
        check(g.send('anna+news@remote.test').startswith('451'), 'a stranger')
        path = f'{g.folder}/correspondents'
        with open(path, 'w', encoding='utf-8') as f:
            f.write('# from the outgoing logs\n\nAnna@Remote.test # of sales\n<bert@remote.test>\nnonsense\n')
        os.chmod(path, 0o600)  # whoever starts the command may read it, the workers' user need not
        status, out, error = g.ask('state', 'import', '--correspondents', path)
        check(status == 1 and out.startswith('2 imported, 0 were') and error.startswith(f'{path}:5: a mailbox'), f'{out}{error}')
        check(g.send('anna+news@remote.test').startswith('250'), 'a correspondent')
        check(g.send('bert@remote.test').startswith('250'), 'the other one')
        check(g.send('carl@remote.test').startswith('451'), 'a stranger still')
        g.done('state', 'forget', 'correspondent', 'anna@remote.test')
        check(g.send('anna@remote.test').startswith('451'), 'and again')


def under_load(binary):
    """Commands while mail comes in; nothing fails, neither here nor there."""
    with House(binary) as g:
        g.start()
        workers = sorted(g.workers())
        stop, failed = threading.Event(), []

        def load(number):
            try:
                while not stop.is_set():
                    check(g.send(f'a{number}@remote.test').startswith('250'), 'mail')
            except Exception as e:  # told below, by the case
                failed.append(e)

        threads = [threading.Thread(target=load, args=(i,)) for i in range(3)]
        for t in threads:
            t.start()
        try:
            for i in range(10):
                g.done('state', 'set', '--new', 'spf', f'd{i}.test', 'accepted=1')
                g.done('ban', f'10.0.{i}.1', '1h')
                g.done('state', 'import', said=g.done('state', 'export', 'spf'))
                g.done('state', 'list', '--sort', 'good')
                g.done('state', 'forget', 'spf', f'd{i}.test')
        finally:
            stop.set()
            for t in threads:
                t.join()
        check(not failed, failed)
        check(sorted(g.workers()) == workers, 'the same workers')
        check(len(g.records('ban')) == 10, g.records('ban'))
        accepted = len([o for o in g.decisions() if o['verdict'] == 'accepted'])
        until(lambda: round(g.record('client', SOURCE)['tally']['accepted']) == accepted, f'{accepted} are remembered')


LOOKING = (['state', 'list'], ['state', 'show', SOURCE], ['state', 'export'], ['bans'])
CHANGING = (['state', 'set', 'client', SOURCE, 'days=1'], ['state', 'set', '--new', 'client', SOURCE, 'days=1'],
            ['state', 'forget', 'client', SOURCE], ['state', 'forget', '--before', '0s'], ['state', 'import'],
            ['ban', '10.0.0.1', '1h'], ['unban', SOURCE], ['unban', 'all'])


def spoilt(binary):
    """A memory that is damaged, from a newer version, or not to be read: told, by commands, which leave it as it is,
    and by Gatepost, which goes on without it or begins another one."""
    with House(binary) as g:
        g.start()
        g.send('a@remote.test')
        until(lambda: g.record('client', SOURCE), 'remembered')
        g.stop()
        data = f'{g.memory()}/data.mdb'
        with open(data, 'rb') as f:
            whole = f.read()
        place = b'\x01\x00\x00\x00\x00\x00\x10\x00' + bytes(16)
        check(whole.count(place + b'\x01') >= 1, 'no version in it')

        def spoil(octets):
            with open(data, 'wb') as f:
                f.write(octets)

        def files():
            """Of all there is, but for LMDB's lock: name, owner, mode, when it was changed, octets."""
            found = {}
            for path in sorted(glob.glob(f'{g.folder}/var/state/**', recursive=True)):
                if not path.endswith('lock.mdb'):
                    s = os.stat(path)
                    octets = None
                    if not os.path.isdir(path):
                        with open(path, 'rb') as f:
                            octets = f.read()
                    found[path] = (s.st_uid, s.st_mode, s.st_mtime_ns, octets)
            return found

        def refused(part, commands):
            before = files()
            for command in commands:
                g.refuses(2, part, *command, said='')
                after = files()
                changed = [p for p in before | after if before.get(p) != after.get(p)]
                check(not changed, f'{command} has changed {changed}')

        before = files()
        g.done('state', 'list')
        check(files() == before, 'a look has changed it')
        os.unlink(f'{g.memory()}/checked-in-boot')  # as after a boot
        before = files()
        g.done('state', 'show', SOURCE)
        check(files() == before, 'a look after a boot has changed it')

        newer = whole.replace(place + b'\x01', place + b'\x02')
        spoil(newer)
        refused('a newer version of Gatepost wrote it, and it was left as it is; when this version starts it moves',
                [*LOOKING, *CHANGING])
        for octets in (b'\xa5' * 65536, bytes(len(whole)), whole[:20000], whole[:8192] + bytes(len(whole) - 8192)):
            spoil(octets)
            refused('it is damaged, and was left as it is; when Gatepost starts it moves', [*LOOKING, *CHANGING])
        g.again()
        check('the memory was damaged; it was moved aside' in g.log(), g.log())
        check(len(glob.glob(f'{g.memory()}.damaged-*')) == 1, os.listdir(f'{g.folder}/var/state'))
        check(g.send('a@remote.test').startswith('250'), 'mail goes on')
        g.stop()
        spoil(newer)
        g.again()
        check('the memory is of a newer Gatepost; it was moved aside' in g.log(), g.log())
        check(len(glob.glob(f'{g.memory()}.newer-*')) == 1, os.listdir(f'{g.folder}/var/state'))
        g.stop()
        if not ROOT:
            os.chmod(data, 0)
        else:
            os.chown(data, 0, 0)
            os.chmod(data, 0o600)
        if ROOT:  # else this test cannot read it either
            refused('Permission denied; only root and the user of Gatepost may look', [*LOOKING, *CHANGING])
        g.again()
        check('Permission denied' in g.log() and 'nothing is remembered' in g.log(), g.log())
        check(g.send('a@remote.test').startswith('250'), 'mail goes on')


if __name__ == '__main__':
    sys.exit(main([under_load, spoilt, banned, whom, edited, address_shown, wiped, bad_lines, correspondents]))
