#!/usr/bin/env python3
"""The journal's way from workers through the clerk: what is sent is there or counted as lost, whatever dies,
stands still or cannot be written. Usage: test_journal.py GATEPOST [NAME…]"""
import glob
import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from kit import NOBODY, PATIENCE, ROOT, Gatepost, Session, check, main, process_status, until  # noqa: E402

from test_upgrade import Upgradable  # noqa: E402


class Journal(Gatepost):
    """With a short way to look into its journal, and a client that makes many records."""

    def __init__(self, binary, **statements):
        super().__init__(binary, **{'limit': ['commands 1000000', 'hang_time 1h'], **statements})
        self.path = f'{self.folder}/var/journal.db'

    def ask(self, query, path=None):
        db = sqlite3.connect(f'file:{path or self.path}?mode=ro', uri=True, timeout=PATIENCE)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()

    def found(self, query, path=None):
        """The same where the journal may not be there yet."""
        try:
            return self.ask(query, path)
        except sqlite3.OperationalError:
            return []

    def counts(self):
        """Records that are there, and that count as lost, of all runs."""
        rows = self.found('SELECT (SELECT count(*) FROM decision), coalesce(sum(lost), 0) FROM stream')
        return rows[0] if rows else (0, 0)

    def status(self):
        done = subprocess.run([self.binary, 'status', '--json', '-c', self.file], stdout=subprocess.PIPE)
        return json.loads(done.stdout)['journal'] if done.returncode == 0 else None

    def sent(self):
        """Decision lines that were numbered: the highest number and those below it, by worker and run. Lines
        that died with their worker before they reached stdout are not among them."""
        highest = {}
        for d in self.decisions():
            key = d['run'], d['worker']
            highest[key] = max(highest.get(key, 0), d['sequence'] + 1)
        return sum(highest.values())

    def settles(self, what):
        """Waits until all that was sent is there or lost."""
        until(lambda: sum(self.counts()) == self.sent(), f'{what}: {self.counts()} of {self.sent()}')
        self.is_whole()

    def is_whole(self):
        check(self.ask('PRAGMA integrity_check') == [('ok',)], 'integrity')
        check(self.ask('SELECT count(*) FROM stream WHERE stored + lost <> next') == [(0,)], 'stored + lost = next')
        check(self.ask('SELECT coalesce(sum(last - first + 1), 0) FROM gap') ==
              self.ask('SELECT coalesce(sum(lost), 0) FROM stream'), 'gaps')
        check(self.ask('SELECT (SELECT count(*) FROM decision) = (SELECT sum(stored) FROM stream)') == [(1,)],
              'records and their count')

    def records(self, count, port=None):
        """A session that makes so many records, and does not wait for them."""
        s = Session(port or self.port)
        s.expect('EHLO client.test', 250)
        s.file.write(b'MAIL FROM:<a@client.test>\r\nRSET\r\n' * count)
        s.file.flush()
        for i in range(2 * count):
            reply = s.reply()
            check(reply.startswith('250'), f'reply {i}: {reply}')
        s.expect('QUIT', 221)
        s.close()


class UpgradableJournal(Upgradable, Journal):
    """The same with a program that can be replaced."""


class Load:
    """Clients that make records all the while; a worker that dies takes its own along."""

    def __init__(self, g, clients=3, pause=0.0):
        self.pause = pause
        self.over = False
        self.made = 0
        self.g = g
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(clients)]
        for t in self.threads:
            t.start()

    def run(self):
        while not self.over:
            try:
                self.g.records(20)
                self.made += 20
                time.sleep(self.pause)
            except OSError:
                pass
            except Exception:  # a reply that was cut off
                pass

    def more(self, count=200):
        wanted = self.made + count
        until(lambda: self.made >= wanted, f'{count} more records')

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.over = True
        for t in self.threads:
            t.join(PATIENCE)


def new_clerk(g, old):
    until(lambda: g.clerk() not in (None, old), 'another clerk')


def changed_thrice(g, load, change):
    """The clerks, each of which came after a change under load."""
    clerks = [g.clerk()]
    for _ in range(3):
        load.more()
        change()
        new_clerk(g, clerks[-1])
        clerks.append(g.clerk())
    return clerks


def all_is_there(binary):
    """Records, rules, health of next hops; the file is its user's; statuses agree."""
    with Journal(binary, route=['example.org to maildir:/nowhere/%{rcpt.local_part}',
                                'hop.test to smtp://127.0.0.1:1']) as g:
        g.write(route=[f'example.org to maildir:{g.folder}/mail/%{{rcpt.local_part}}', 'hop.test to smtp://127.0.0.1:1'])
        g.start()
        g.session().deliver()
        s = g.session()
        s.expect('EHLO client.test', 250)
        s.expect('MAIL FROM:<a@client.test>', 250)
        s.expect('RCPT TO:<b@hop.test>', 451)
        s.expect('QUIT', 221)
        s.close()
        g.records(50)
        g.settles('all')
        check(g.counts()[1] == 0, 'none is lost')
        told = {d['id']: d for d in g.decisions()}
        check({i for i, in g.ask('SELECT id FROM decision')} == set(told), 'ids')
        until(lambda: g.ask('SELECT name, state FROM health ORDER BY n')[-1:] ==
              [('smtp://127.0.0.1:1', 'partly down')], 'the hop has gone down')
        detail = g.ask('SELECT detail FROM health ORDER BY n')[-1][0]
        check('refused' in (detail or ''), f'why it is down: {detail}')
        digest, = {d['policy'] for d in told.values()}
        check(g.ask('SELECT digest FROM policy') == [(digest,)], 'policy')
        check(g.ask("SELECT count(*) FROM rule WHERE label LIKE '% wait' AND text LIKE 'wait %'")[0][0] > 0, 'rules')
        state = g.status()
        check(state['path'] == g.path and state['stored'] == 52 and state['lost'] == 0 and state['waiting'] == 0 and
              'trouble' not in state, f'{state}')
        st = os.stat(g.path)
        check(st.st_mode & 0o777 == 0o640, oct(st.st_mode))
        check(not ROOT or st.st_uid == NOBODY.pw_uid, f'owner {st.st_uid}')


def long_records(binary):
    """A line of several datagrams."""
    with Journal(binary, workers=1) as g:
        g.start()
        s = g.session()
        s.expect('EHLO client.test', 250)
        s.expect('MAIL FROM:<a@client.test>', 250)
        for i in range(900):
            s.file.write(f'RCPT TO:<{i}{"x" * 50}@example.org>\r\n'.encode())
        s.file.flush()
        for _ in range(900):
            check(s.reply().startswith('550'), 'unknown recipient')
        s.expect('RSET', 250)
        s.expect('QUIT', 221)
        s.close()
        g.settles('one long record')
        check(max(len(json.dumps(d)) for d in g.decisions()) > 100000, 'it is long')
        check(g.ask('SELECT count(*), count(DISTINCT mailbox) FROM recipient') == [(900, 900)], 'recipients')
        check(g.counts()[1] == 0, 'lost')


def clerk_killed(binary):
    """Again and again under load, as soon as it has written some: what it had read and not written is counted."""
    with Journal(binary) as g:
        g.start()
        with Load(g):
            for _ in range(4):
                stored = g.counts()[0]
                until(lambda: g.counts()[0] > stored + 200, 'more are there')
                clerk = g.clerk()
                os.kill(clerk, signal.SIGKILL)
                new_clerk(g, clerk)
        g.settles('after the clerks')
        check(g.counts()[0] > 800, f'{g.counts()}')


def clerk_stopped(binary):
    """It stands still: mail flows, what waits is written when it goes on; beyond that it is lost, and counted."""
    with Journal(binary, workers=1) as g:
        g.start()
        g.records(10)
        clerk = g.clerk()
        os.kill(clerk, signal.SIGSTOP)
        g.records(100)
        g.session().deliver()
        os.kill(clerk, signal.SIGCONT)
        g.settles('it went on')
        check(g.counts() == (111, 0), f'{g.counts()}')
        os.kill(clerk, signal.SIGSTOP)
        begun = time.monotonic()
        for _ in range(12):
            g.records(4000)
        took = time.monotonic() - begun
        check(process_status(clerk)['State'].startswith('T'), 'it still stands')
        check(took < 60, f'{took} s')
        os.kill(clerk, signal.SIGCONT)
        g.settles('more than waits')
        stored, lost = g.counts()
        check(lost > 1000 and stored > 1000, f'{stored} stored, {lost} lost')
        until(lambda: 'the journal lacks' in g.log(), 'the operator is told')


def worker_killed(binary):
    """Its last records, sent or not, are there or counted; the next worker of its number goes on counting."""
    with Journal(binary, workers=1) as g:
        g.start()
        g.records(10)
        clerk = g.clerk()
        os.kill(clerk, signal.SIGSTOP)
        g.records(400)
        worker = g.workers()[0]
        os.kill(worker, signal.SIGKILL)
        until(lambda: g.workers() not in ([], [worker]), 'another worker')
        os.kill(clerk, signal.SIGCONT)
        g.records(5)
        g.settles('the sockets outlive a worker')
        stored, lost = g.counts()
        check(stored + lost == 415 and lost < 100, f'{stored} stored, {lost} lost')
        check(g.ask('SELECT DISTINCT epoch FROM decision ORDER BY 1') == [(1,), (2,)], 'epochs')


def tail_of_the_killed(binary):
    """A clerk is killed with what it had read, and nothing comes after it: the next one knows all the same."""
    with Journal(binary, workers=1) as g:
        g.start()
        g.records(10)
        g.settles('the first')
        locker = sqlite3.connect(g.path, isolation_level=None)
        locker.execute('BEGIN IMMEDIATE')
        g.records(30)
        clerk = g.clerk()
        until(lambda: (g.status() or {}).get('waiting', 0) > 10000, 'records wait in the clerk')
        os.kill(clerk, signal.SIGKILL)
        new_clerk(g, clerk)
        locker.execute('ROLLBACK')
        locker.close()
        g.settles('the tail')
        check(g.counts() == (10, 30), f'{g.counts()}')


def reloads_under_load(binary):
    """Another clerk each time, and none of the records is lost."""
    with Journal(binary) as g:
        g.start()
        with Load(g, pause=0.02) as load:
            clerks = changed_thrice(g, load, g.reload)
        g.settles('after the reloads')
        check(len(set(clerks)) == 4, f'{clerks}')
        check(g.counts()[1] == 0, f'lost: {g.ask("SELECT * FROM gap")}')


def upgrades_under_load(binary):
    """The sockets, the numbers and what waits go over to the next program, and never do two clerks read."""
    with UpgradableJournal(binary) as g:
        g.start()
        with Load(g, pause=0.02) as load:
            changed_thrice(g, load, g.upgrade)
            load.more()
            os.kill(g.clerk(), signal.SIGKILL)  # what it had read counts as lost
            worker = g.workers()[0]
            os.kill(worker, signal.SIGKILL)
            until(lambda: worker not in g.workers(), 'it is buried')
            load.more()
        g.settles('after the upgrades')
        check(len({d['run'] for d in g.decisions()}) == 1, 'it is one run')
        check(g.counts()[0] > 800, f'{g.counts()}')


def upgrades_lose_nothing(binary):
    with UpgradableJournal(binary) as g:
        g.start()
        with Load(g, pause=0.02) as load:
            load.more()
            g.upgrade()
            load.more()
        g.settles('all')
        check(g.counts()[1] == 0, f'lost: {g.ask("SELECT * FROM gap")}')


def another_policy(binary):
    with Journal(binary, workers=1) as g:
        g.start()
        g.records(1)
        g.reload(policy='{\n at mail {\n  reject 550 5.7.1 "no" when sender.null\n'
                        '  observe defer "later" when sender.null\n }\n}')
        g.records(1)
        until(lambda: len(g.found('SELECT digest FROM policy')) == 2, 'both policies')
        rules = g.ask("SELECT phase, action, observe, text FROM rule WHERE label LIKE 'gatepost.conf:%' ORDER BY number")
        check(rules == [('mail', 'reject', 0, 'reject 550 5.7.1 "no" when sender.null'),
                        ('mail', 'defer', 1, 'observe defer "later" when sender.null')], f'{rules}')
        g.settles('both')


def off_and_on(binary):
    """Without a journal nothing is kept, nor missed later; another file has a run of its own."""
    with Journal(binary, workers=1, journal='off', inspectors='off') as g:
        g.start()
        g.records(20)
        check(g.status() is None and not os.path.exists(g.path), 'there is none')
        text = subprocess.run([binary, 'status', '-c', g.file], stdout=subprocess.PIPE).stdout.decode()
        check(re.search(r'^journal +none is kept$', text, re.M), text)
        check(socket_of_records(g.workers()[0]) is None, 'a worker has the socket all the same')
        if ROOT:
            os.chown(f'{g.folder}/var', NOBODY.pw_uid, NOBODY.pw_gid)
        g.reload(journal=g.path)
        g.records(20)
        until(lambda: g.counts() == (20, 0), f'{g.counts()}')
        other = f'{g.folder}/var/other.db'
        g.reload(journal=other)
        g.records(20)
        until(lambda: g.found('SELECT count(*), (SELECT sum(lost) FROM stream) FROM decision', other) == [(20, 0)],
              'the other file')
        check(g.counts() == (20, 0), f'{g.counts()}')
        check(len({d['run'] for d in g.decisions()}) == 3, 'runs')


def drains_at_the_end(binary):
    """What was sent before the end is in the file when all have ended."""
    with Journal(binary) as g:
        g.start()
        g.records(500)
        g.session().deliver()
        g.signal(signal.SIGTERM)
        check(g.wait() == 0, 'exit status')
        check(os.path.getsize(f'{g.path}-wal') == 0, 'the log is in the file')
        check(g.counts() == (501, 0), f'{g.counts()}')
        g.is_whole()


def master_killed(binary):
    """Workers and clerk end by themselves, the clerk last."""
    with Journal(binary, workers=1) as g:
        g.start()
        clerk = g.clerk()
        idle = g.session()
        idle.expect('EHLO client.test', 250)
        g.signal(signal.SIGKILL)
        check(g.wait() == -signal.SIGKILL, 'not killed')
        check(idle.reply().startswith('421'), 'told to go')
        idle.close()
        until(lambda: not os.path.exists(f'/proc/{clerk}'), 'the clerk ends')
        check(g.counts() == (1, 0), f'{g.counts()} of {g.decisions()}')
        g.is_whole()


# ---- what the file may be like ----

def garbage(binary):
    with Journal(binary, workers=1) as g:
        os.makedirs(f'{g.folder}/var')
        with open(g.path, 'wb') as f:
            f.write(b'no database at all, ' * 1000)
        if ROOT:
            os.chown(f'{g.folder}/var', NOBODY.pw_uid, NOBODY.pw_gid)
            os.chown(g.path, NOBODY.pw_uid, NOBODY.pw_gid)
        g.start()
        g.records(10)
        g.settles('in a new one')
        aside = glob.glob(f'{g.path}.aside-*')
        check(len(aside) == 1, f'{aside}')
        with open(aside[0], 'rb') as f:
            check(f.read().startswith(b'no database at all, '), 'it is kept as it was')
        check(g.log().count('it is kept as') == 1 and aside[0] in g.log(), g.log())


def locked(binary):
    with Journal(binary, workers=1) as g:
        g.start()
        g.records(10)
        g.settles('before')
        locker = sqlite3.connect(g.path, isolation_level=None)
        locker.execute('BEGIN IMMEDIATE')
        g.records(10)
        g.session().deliver()
        until(lambda: 'locked' in (g.status() or {}).get('trouble', ''), 'the trouble shows')
        text = subprocess.run([binary, 'status', '-c', g.file], stdout=subprocess.PIPE).stdout.decode()
        check('NOT written: ' in text, text)
        locker.execute('ROLLBACK')
        locker.close()
        g.settles('when it is free')
        check(g.counts() == (21, 0), f'{g.counts()}')
        until(lambda: 'written again after' in g.log(), 'the operator is told')
        check(g.log().count('warning: journal') == 1, g.log())


def folder_of_somebody_else(binary):
    """It cannot be written to: said at the start, and mail flows."""
    if not ROOT:
        return
    with Journal(binary, workers=1) as g:
        os.makedirs(f'{g.folder}/closed')
        g.write(journal=f'{g.folder}/closed/journal.db')
        g.start()
        g.session().deliver()
        check(f'warning: journal {g.folder}/closed/journal.db: its folder cannot be written to by user nobody: '
              'Permission denied' in g.log(), g.log())
        until(lambda: (g.status() or {}).get('trouble'), 'the trouble shows')
        os.chown(f'{g.folder}/closed', NOBODY.pw_uid, NOBODY.pw_gid)
        until(lambda: g.status()['stored'] == 1, 'it is written as soon as it can be')


def limit_files(pid, octets):
    """The most that a process may write a file to, of the same user: no privilege is needed."""
    user = {'user': NOBODY.pw_uid, 'group': NOBODY.pw_gid, 'extra_groups': []} if ROOT else {}
    subprocess.run(['prlimit', '--pid', str(pid), f'--fsize={octets}:unlimited'], check=True, **user)


def full(binary):
    """No more room on the disk, by the limit on a file's size: mail flows, and it goes on when there is room."""
    with Journal(binary, workers=1) as g:
        g.start()
        g.records(10)
        g.settles('before')
        clerk = g.clerk()
        limit_files(clerk, os.path.getsize(f'{g.path}-wal'))
        g.records(300)
        g.session().deliver()
        until(lambda: (g.status() or {}).get('trouble'), 'the trouble shows')
        check(g.clerk() == clerk, f'it died of it: {g.log()}')
        limit_files(clerk, 'unlimited')
        g.settles('there is room')
        check(g.counts() == (311, 0), f'{g.counts()}')
        check(glob.glob(f'{g.path}.aside-*') == [], 'put aside')


def retires(binary):
    """Confined as it is, the clerk makes room in the file, and puts one aside that is damaged meanwhile."""
    with Journal(binary, workers=1, limit=['commands 1000000', 'journal_size 1M']) as g:
        g.start()
        for _ in range(6):
            g.records(1000)
        g.records(1000)
        until(lambda: g.status()['stored'] == 7000, 'all were stored')
        until(lambda: g.status()['size'] < 6 << 20 and g.ask('SELECT count(*) FROM decision')[0][0] < 4000,
              'old ones make room')
        check(g.ask('PRAGMA integrity_check') == [('ok',)], 'integrity')
        check('killed by signal' not in g.log(), g.log())


def grows_old(binary):
    """Records go at the age that the configuration says."""
    with Journal(binary, workers=1, limit=['journal_age 1h']) as g:
        g.start()
        g.records(20)
        g.settles('all')
        with sqlite3.connect(g.path, timeout=10) as db:
            db.execute('UPDATE decision SET time = time - 7200000000 WHERE n <= 10')
        db.close()
        g.records(1)
        until(lambda: g.ask('SELECT count(*), min(n) FROM decision') == [(11, 11)], 'the old ones go')
        check(g.ask('SELECT count(*) FROM stream WHERE stored = 21 AND lost = 0') == [(1,)], 'and are no loss')


def link(binary):
    """The journal's name may be a symbolic link."""
    with Journal(binary, workers=1) as g:
        os.makedirs(f'{g.folder}/elsewhere')
        os.symlink(f'{g.folder}/elsewhere/real.db', f'{g.folder}/link.db')
        if ROOT:
            os.chown(f'{g.folder}/elsewhere', NOBODY.pw_uid, NOBODY.pw_gid)
        g.write(journal=f'{g.folder}/link.db')
        g.start()
        g.records(5)
        until(lambda: (g.status() or {}).get('stored') == 5, f'{g.status()}: {g.log()}')


def worker_says_nonsense(binary):
    """What no worker of ours would send leaves the clerk and its journal alone; said once."""
    if not ROOT:
        return
    with Journal(binary, workers=1, inspectors='off') as g:
        g.start()
        g.records(1)
        worker = g.workers()[0]
        ends = socket_of_records(worker)
        check(ends is not None, 'the socket of records')
        for datagram in (b'', b'\1', b'\1\3\0\0not json\n', b'\1\3\0\0{}\n{"id":1}\n', b'\1\3\377\377x\n',
                         b'\1\1\0\5half', b'\1\2\0\6x\n', b'\xff' * 70000, b'\1\3\0\0' + b'[' * 50000 + b'\n'):
            try:
                ends.send(datagram)
            except OSError:
                pass
        refused = until(lambda: g.status()['refused'] >= 3 and g.status()['refused'], 'it is refused')
        ends.send(b'\1\3\0\0{}\n{"id":1}\n')
        ends.close()
        g.records(5)
        g.settles('all the same')
        check(g.counts() == (6, 0), f'{g.counts()}')
        check(g.status()['refused'] > refused, f'more of it is refused: {g.status()}')
        check(g.log().count("a worker's record is not stored") == 1, g.log())


def socket_of_records(pid):
    """The worker's end, taken by pidfd_getfd(2)."""
    import ctypes
    import socket
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    try:
        for fd in os.listdir(f'/proc/{pid}/fd'):
            own = libc.syscall(438, pidfd, int(fd), 0)
            if own < 0:
                continue  # closed meanwhile
            if not stat.S_ISSOCK(os.fstat(own).st_mode):
                os.close(own)
                continue
            s = socket.socket(fileno=own)
            if s.family == socket.AF_UNIX and s.type == socket.SOCK_SEQPACKET:
                return s
            s.close()
    finally:
        os.close(pidfd)
    return None


CASES = [clerk_stopped, clerk_killed, all_is_there, long_records, worker_killed, tail_of_the_killed,
         reloads_under_load, upgrades_under_load, upgrades_lose_nothing, another_policy, off_and_on,
         drains_at_the_end, master_killed, garbage, locked, folder_of_somebody_else, full, retires, grows_old,
         link, worker_says_nonsense]

if __name__ == '__main__':
    sys.exit(main(CASES))
