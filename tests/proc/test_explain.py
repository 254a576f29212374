#!/usr/bin/env python3
"""gatepost log and explain on the journal of a Gatepost that serves: what was just decided is found and told,
also by another user who may, after an end, and while the journal is begun anew.
Usage: test_explain.py GATEPOST [NAME…]"""
import json
import os
import re
import select
import signal
import sqlite3
import subprocess
import sys

sys.dont_write_bytecode = True
from kit import NOBODY, PATIENCE, ROOT, Gatepost, check, main, until  # noqa: E402

POLICY = '''blocked {
    evil.example
}
policy {
    at connect {
        wait 10ms
    }
    at rcpt {
        reject 550 5.7.1 "no mail from %{sender.domain} here" when sender.domain in blocked unless tls
        observe defer 451 4.7.1 "later" when rcpt.count >= 0
    }
}'''


class Explained(Gatepost):
    def __init__(self, binary, **statements):
        super().__init__(binary, **{'table': POLICY, **statements})
        self.path = f'{self.folder}/var/journal.db'

    def run(self, *arguments, **others):
        others = {'encoding': 'utf-8', **({} if 'input' in others else {'stdin': subprocess.DEVNULL}), **others}
        return subprocess.run([self.binary, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=PATIENCE, **others)

    def log_has(self, *options):
        """Its lines, once there are any."""
        found = until(lambda: self.run('log', '-c', self.file, *options).stdout, f'{options} in the log')
        return found.splitlines()

    def refused_id(self, sender='offer@evil.example'):
        """The id in the reply to a recipient that a rule refuses."""
        s = self.session()
        for line in ('EHLO client.test', f'MAIL FROM:<{sender}>'):
            s.expect(line, 250)
        reply = s.expect('RCPT TO:<box@example.org>', 550)
        s.expect('QUIT', 221)
        s.close()
        return re.search(r'\[(\w{14}\.\d+\.\d+)\]$', reply)[1]

    def refused_and_over(self):
        """The same, when it is on record and nobody serves any more."""
        name = self.refused_id()
        self.log_has('--verdict', 'refused')
        self.signal(15)
        self.wait()
        return name


def told_at_once(binary):
    with Explained(binary) as g:
        g.start()
        name = g.refused_id()
        g.session().deliver()
        check(len(g.log_has('--verdict', 'accepted')) == 1, 'accepted')
        check(len(g.log_has('--sender', '@evil.example')) == 1, 'refused')
        done = g.run('explain', '-c', g.file, name)
        check(done.returncode == 0 and done.stderr == '', done)
        # The table stands in the configuration, which is still the one that judged.
        for part in ('The recipient was refused by rule gatepost.conf:', 'no mail from evil.example here',
                     f'[{name}]', 'sender.domain in blocked: was true', 'tls: was false, would have to be true'):
            check(part in ' '.join(done.stdout.split()), f'{part}: {done.stdout}')
        # A bounce, and the id as somebody typed it.
        bounce = f'> 550 5.7.1 no mail from evil.example here\n> [{name[:6]}\n> {name[6:]}]\n'
        check(g.run('explain', '-c', g.file, '-', input=bounce).stdout == done.stdout, 'a bounce')
        check(g.run('explain', '-c', g.file, name.lower()).stdout == done.stdout, 'small letters')
        # Another policy does not know the table: the rule's text is there all the same.
        g.reload(table='another { x.example }\npolicy {\n}')
        later = g.run('explain', '-c', g.file, name)
        check('the journal has the rule\'s text, but not the tables' in ' '.join(later.stdout.split()), later)
        check('when sender.domain in blocked unless tls' in ' '.join(later.stdout.split()), later)


def which_is_meant(binary):
    """Of a connection the last no; of an id that came twice, after the clock was set back, the newest."""
    with Explained(binary) as g:
        g.start()
        s = g.session()
        for sender, reply in (('offer@evil.example', 550), ('last@evil.example', 550), ('a@client.test', 250)):
            s.expect('EHLO client.test', 250)
            s.expect(f'MAIL FROM:<{sender}>', 250)
            s.expect('RCPT TO:<box@example.org>', reply)
        s.expect('QUIT', 221)
        s.close()
        name = json.loads(until(lambda: g.run('log', '-c', g.file, '--json', '--sender', 'a@client.test').stdout,
                                'the last one'))['id']
        told = json.loads(g.run('explain', '--json', '-c', g.file, name[:14]).stdout)
        check(told['sender'] == 'last@evil.example', told)
        with sqlite3.connect(g.path, timeout=10) as db:
            db.execute("UPDATE decision SET id = (SELECT id FROM decision WHERE sender = 'offer@evil.example')"
                       " WHERE sender = 'last@evil.example'")
            name, = db.execute("SELECT id FROM decision WHERE sender = 'last@evil.example'").fetchone()
        db.close()
        told = json.loads(g.run('explain', '--json', '-c', g.file, name).stdout)
        check(told['sender'] == 'last@evil.example', told)


def lines_for_people(binary):
    """A line names who fared otherwise, and whose words the reply is; nothing found is a status of its own."""
    with Explained(binary) as g:
        g.start()
        name = g.refused_id()
        s = g.session()
        for line, reply in (('EHLO client.test', 250), ('MAIL FROM:<a@client.test>', 250),
                            ('RCPT TO:<box@example.org>', 250), ('RCPT TO:<x@nowhere.test>', 550), ('DATA', 354),
                            ('Subject: x\r\n\r\nx\r\n.', 250)):
            s.expect(line, reply)
        s.close()
        line, = g.log_has('--verdict', 'accepted')
        check(line.endswith(' <a@client.test> -> <box@example.org>, <x@nowhere.test> refused: 250 2.0.0 delivered'),
              line)
        with sqlite3.connect(g.path, timeout=10) as db:
            db.execute("UPDATE decision SET hop_reply = 1, hop = 'smtp://h.test:25' WHERE verdict = 'accepted'")
        db.close()
        line, = g.log_has('--verdict', 'accepted')
        check(line.endswith(': 250 2.0.0 delivered (smtp://h.test:25)'), line)
        check(g.run('log', '-c', g.file, '--sender', 'nobody@client.test').returncode == 1, 'nothing is found')
        # Of a text's ids the first that is on record.
        done = g.run('explain', '-c', g.file, f'550 no [00000000000000.1], and [{name}]')
        check(done.returncode == 0 and done.stdout.startswith(name[:16]), done)


def lines_come_back(binary):
    """What log prints as JSON is the decision line, every member of it."""
    with Explained(binary) as g:
        g.start()
        g.refused_id()
        g.session().deliver()
        s = g.session()
        s.expect('QUIT', 221)
        s.close()
        lines = until(lambda: len(g.decisions()) == 3 and g.decisions(), 'three decisions')
        until(lambda: len(g.run('log', '-c', g.file).stdout.splitlines()) == 3, 'three records')
        records = [json.loads(line) for line in g.run('log', '--json', '-c', g.file).stdout.splitlines()]
        for record in records:
            check(record.pop('n') > 0, record)
        for _ in range(3): # together more than is written at once
            g.session().deliver()
        until(lambda: len(g.run('log', '-c', g.file).stdout.splitlines()) == 6, 'six records')
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([binary, 'log', '--json', '-c', g.file], stdout=full, stderr=subprocess.PIPE,
                                  encoding='utf-8', timeout=PATIENCE, check=False)
        check(done.returncode == 1 and 'cannot write' in done.stderr and 'descriptor' not in done.stderr, done)
        by_id = {line['id']: line for line in lines}
        for record in records:
            check(record == by_id[record['id']], f'{record}\n{by_id[record["id"]]}')


def told_afterwards(binary):
    """Nobody serves any more; and somebody looks who may read the file and write nothing."""
    with Explained(binary) as g:
        g.start()
        name = g.refused_and_over()
        before = sorted(os.listdir(f'{g.folder}/var'))
        done = g.run('explain', '-c', g.file, name)
        check(done.returncode == 0 and 'refused by rule' in done.stdout, done)
        if ROOT:
            os.chmod(g.path, 0o640)
            os.chmod(f'{g.folder}/var', 0o755)
            done = g.run('log', '--journal', g.path, user=12345, group=12345, extra_groups=[])
            check(done.returncode == 2 and 'may not be read by this user' in done.stderr and
                  NOBODY.pw_name in done.stderr, done)
            done = g.run('log', '--journal', g.path, user=12345, group=os.stat(g.path).st_gid, extra_groups=[])
            check(done.returncode == 0 and name[:14] in done.stdout, done)
        left = sorted(file for file in os.listdir(f'{g.folder}/var') if not file.endswith(('-shm', '-wal')))
        check(left == [file for file in before if not file.endswith(('-shm', '-wal'))], left)


def journal_off(binary):
    with Explained(binary, journal='off') as g:
        g.start()
        g.refused_id()
        done = g.run('log', '-c', g.file)
        check(done.returncode == 2 and 'no journal is kept' in done.stderr and done.stdout == '', done)


def no_time(binary):
    """A period that ends before it begins is a slip of the pen, and not one without records."""
    with Explained(binary) as g:
        for words in (['log'], ['rules'], ['replay', '--policy', g.file]):
            for since, until in (('1d', '2d'), ('2026-11-22', '2026-11-22')):
                done = g.run(*words, '-c', g.file, '--since', since, '--until', until)
                check(done.returncode == 2 and '--until must be later' in done.stderr and 'usage:' in done.stderr, done)


class Follower:
    """gatepost log --follow, and its lines one by one."""

    def __init__(self, g, *options):
        self.popen = subprocess.Popen([g.binary, 'log', '-c', g.file, '--follow', '--json', *options],
                                      stdout=subprocess.PIPE)

    def next_id(self):
        ready, _, _ = select.select([self.popen.stdout], [], [], PATIENCE)
        check(ready, 'no further line')
        line = b''
        while not line.endswith(b'\n'):
            line += os.read(self.popen.stdout.fileno(), 1)
        return json.loads(line)['id']

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.popen.kill()
        self.popen.wait()
        self.popen.stdout.close()


def followed(binary):
    """New records come as they are decided, of the journal that is begun anew too."""
    with Explained(binary) as g:
        g.start()
        first = g.refused_id()
        g.log_has('--verdict', 'refused')
        with Follower(g, '--verdict', 'refused') as log:
            check(log.next_id() == first[:16], 'what was there')
            g.session().deliver()  # is not asked for
            second = g.refused_id()
            check(log.next_id() == second[:16], 'what came')
            g.signal(15)
            g.wait()
            os.rename(g.path, f'{g.path}.aside')
            g.start()
            until(lambda: g.log().count('ready on') == 2, 'its second start')
            third = g.refused_id()
            check(log.next_id() == third[:16], 'of the new journal')
            with open(f'/proc/{log.popen.pid}/stat', encoding='ascii') as f:
                ticks = sum(int(word) for word in f.read().rpartition(')')[2].split()[11:13])
            check(ticks < 100, f'{ticks} ticks of the processor for a few looks')
            log.popen.send_signal(2)
            check(log.popen.wait(PATIENCE) == -2, 'ended by SIGINT')


def nobody_reads(binary):
    """Who has closed the pipe, as head does, has seen enough: no complaint."""
    with Explained(binary) as g:
        g.start()
        g.refused_and_over()
        for arguments in (['log', '-c', g.file], ['rules', '-c', g.file], ['replay', '-c', g.file, '--policy', g.file]):
            check(g.run(*arguments).stdout != '', f'{arguments} print something')
            reader, writer = os.pipe()
            os.close(reader)
            done = subprocess.run([binary, *arguments], stdin=subprocess.DEVNULL, stdout=writer,
                                  stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
            os.close(writer)
            check(done.returncode == -signal.SIGPIPE and done.stderr == '', f'{arguments}: {done}')


def hostile_records(binary):
    """Whatever is in the journal's columns, what is printed is harmless, and JSON is JSON."""
    with Explained(binary) as g:
        g.start()
        name = g.refused_and_over()
        db = sqlite3.connect(g.path)
        evil = '\x1b]0;x\x07\x1b[2J\x9b31m\u202e\u2066\r\n\t"\\' + 'y' * 5000
        for table, columns in (('decision', ('client', 'helo', 'protocol', 'tls', 'sender', 'phase', 'verdict', 'text',
                                             'enhanced', 'hop', 'note', 'why', 'rule')),
                               ('recipient', ('mailbox', 'verdict', 'text', 'hop', 'why'))):
            for column in columns:
                db.execute(f'UPDATE {table} SET {column} = ?', (evil,))
        for table in ('decision', 'recipient'):
            db.execute(f'UPDATE {table} SET more = ?, facts = ?', ('{"broken', 'no JSON'))
        db.execute('UPDATE rule SET text = ?, phase = ?', (evil, evil))
        db.execute('UPDATE decision SET text = ?', (b'\xff\xfe\x1b[31m',))
        db.commit()
        db.close()
        for arguments in (['log', '-c', g.file], ['explain', '-c', g.file, name], ['explain', '-c', g.file, name[:16]]):
            done = g.run(*arguments)
            check(done.returncode == 0, done)
            wrong = [c for c in done.stdout if not (' ' <= c <= '~' or c == '\n')]
            check(not wrong and len(done.stdout) < 60000, f'{arguments}: {wrong[:20]} of {len(done.stdout)}')
            json.loads(g.run(*arguments, '--json').stdout)


if __name__ == '__main__':
    sys.exit(main([told_at_once, which_is_meant, lines_for_people, lines_come_back, told_afterwards, journal_off,
                   no_time, followed, nobody_reads, hostile_records]))
