#!/usr/bin/env python3
"""Reloads of the configuration in a running Gatepost. Usage: test_reload.py GATEPOST [NAME…]"""
import os
import re
import signal
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
from kit import PATIENCE, Gatepost, Session, alive, check, connectable, free_port, main, opened, until  # noqa: E402


def greeting(port):
    s = Session(port)
    s.close()
    return s.greeting


def begin(session, data=False):
    for line, code in (('EHLO client.test', 250), ('MAIL FROM:<a@client.test>', 250),
                       ('RCPT TO:<box@example.org>', 250)) + ((('DATA', 354),) if data else ()):
        session.expect(line, code)


def new_configuration(binary):
    """New sessions have the new configuration, those that began before keep theirs and go on."""
    with Gatepost(binary) as g:
        g.start()
        old_workers = g.workers()
        idle, open_message = g.session(), g.session()
        begin(open_message, data=True)
        g.reload(hostname='second.test', workers=3)
        check('reloaded: 3 workers' in g.log(), g.log())
        check(g.log().count('ready on') == 1, 'ready again')
        for _ in range(20):
            check('second.test' in greeting(g.port), 'an old worker accepted a client')
        open_message.expect('Subject: x\r\n\r\nx\r\n.', 250)
        idle.expect('EHLO client.test', 250)
        for s in (open_message, idle):
            for i in range(2):
                for line, code in (('MAIL FROM:<a@client.test>', 250), ('RCPT TO:<box@example.org>', 250),
                                   ('DATA', 354), (f'Subject: {i}\r\n\r\n{id(s)}\r\n.', 250)):
                    s.expect(line, code)
        check(len(g.messages()) == 5, f'{len(g.messages())} messages')
        until(lambda: len(g.workers()) == 3 + len([pid for pid in old_workers if alive(pid)]), 'three new workers')
        for s in (open_message, idle):
            s.expect('QUIT', 221)
            s.close()
        check(len(g.workers_after(old_workers)) == 3, f'only the new ones live: {g.workers()}')
        g.session().deliver()
        until(lambda: len(g.decisions()) >= 6, 'decisions')
        slots = {d['worker'] for d in g.decisions()}
        check(slots & {0, 1} and slots & {2, 3, 4}, f'workers {slots}')


def wrong_configuration(binary):
    """It is told with file, line and column, and the old one stays."""
    with Gatepost(binary, limit=['errors 3']) as g:
        g.start()
        workers = g.workers()
        line = 0
        for statements, said in (
                ({'limit': ['erors 3']}, r'unknown limit "erors"'),
                ({'limit': [], 'policy': '{\n at rcpt { reject "x" when nonsense }\n}'}, r'unknown .*"nonsense"'),
                ({'policy': 'standard', 'tls': 'cert /nonexistent/c key /nonexistent/k'}, r'No such file'),
                ({'tls': [], 'state': f'lmdb:{g.folder}/other'}, r'`state` cannot change'),
                ({'state': f'lmdb:{g.folder}/var/state', 'listen': '127.0.0.1:1, 192.0.2.1:1'},
                 r'cannot listen on 192\.0\.2\.1:1: ')):
            line += 1
            g.write(**statements)
            g.signal(signal.SIGHUP)
            pattern = rf'reload refused, all goes on as before: {g.file}:\d+:\d+: .*{said}'
            until(lambda: len(re.findall(pattern, g.log())) == 1, f'word of {said} in {g.log()}')
            check(g.log().count('refused') == line, g.log())
            check(g.workers() == workers, 'workers changed')
            g.session().deliver()
        os.unlink(g.file)
        g.signal(signal.SIGHUP)
        until(lambda: f'{g.file}:1:1: expected a readable file' in g.log(), 'word of the missing file')
        g.reload(listen=f'127.0.0.1:{g.port}', hostname='mended.test')
        check('mended.test' in greeting(g.port), 'the mended configuration')


def addresses(binary):
    """New ones are served from the switch on, dropped ones are closed; kept ones refuse nobody."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        second = free_port()
        g.reload(listen=[f'127.0.0.1:{g.port}', f'127.0.0.1:{second}'])
        check('220' in greeting(second) and '220' in greeting(g.port), 'both are served')
        on_second = Session(second)
        until(lambda: len(g.workers()) == 1, 'the first worker ends')
        stopped = g.workers()[0]
        os.kill(stopped, signal.SIGSTOP)  # so that clients wait in the sockets' queues
        waiting = [socket.create_connection(('127.0.0.1', port), PATIENCE)
                   for port in (second, g.port) for _ in range(10)]
        g.reload(listen=f'127.0.0.1:{g.port}')
        os.kill(stopped, signal.SIGCONT)
        for each in waiting:
            each.settimeout(PATIENCE)
            check(each.recv(100).startswith(b'220'), 'a client in the queue was not served')
        until(lambda: not connectable(second), 'the dropped address is closed')
        begin(on_second)
        for each in waiting + [on_second]:
            each.close()


def address_taken_back(binary):
    """An address that was given up can be had again as soon as the reload is done."""
    with Gatepost(binary, workers=2) as g:
        g.start()
        first, second = f'127.0.0.1:{g.port}', f'127.0.0.1:{free_port()}'
        for listen in ([first, second], first, [first, second]):
            g.reload(listen=listen)
        check('refused' not in g.log(), g.log())


def overlapping_addresses(binary):
    """Which of our own addresses is in the way, and what helps."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        g.write(listen=f'0.0.0.0:{g.port}')
        g.signal(signal.SIGHUP)
        until(lambda: f'{g.file}:2:8: cannot listen on 0.0.0.0:{g.port} beside 127.0.0.1:{g.port}, with which it '
              'overlaps; from one to the other it takes a restart' in g.log(), f'word of it in {g.log()}')
        g.session().deliver()


def dead_in_between(binary):
    """Workers that die: a new one's end gives the reload up, an old one's changes nothing."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        retiring = g.session()
        old = g.workers()[0]
        g.reload()
        new = [pid for pid in g.workers() if pid != old]
        os.kill(old, signal.SIGKILL)
        check(retiring.at_end(), 'session of the dead')
        until(lambda: g.workers() == new, 'nobody replaces a dead old worker')
        os.kill(new[0], signal.SIGKILL)
        until(lambda: g.workers() not in ([], new), 'a new one is replaced')
        g.session().deliver()
        g.reload()
        g.session().deliver()


def cannot_start(binary):
    """New workers that cannot start: the old ones go on."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        lock = f'{g.folder}/var/state/lock.mdb'
        check(os.path.exists(lock), lock)
        workers = g.workers()
        hold = f'{g.folder}/hold'
        os.rename(f'{g.folder}/var/state/data.mdb', hold)
        os.mkdir(f'{g.folder}/var/state/data.mdb')
        g.signal(signal.SIGHUP)
        until(lambda: 'reload refused' in g.log(), 'the reload is given up')
        check(g.workers() == workers, 'workers changed')
        os.rmdir(f'{g.folder}/var/state/data.mdb')
        os.rename(hold, f'{g.folder}/var/state/data.mdb')
        g.session().deliver()
        g.reload()
        g.session().deliver()


def trial_goes_wrong(binary):
    """The process that reads the configuration dies, or never comes to an end: that is all."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        workers = g.workers()

        def hang():
            """Has the configuration read from a pipe that nobody writes to."""
            os.rename(g.file, f'{g.file}.kept')
            os.mkfifo(g.file)
            g.signal(signal.SIGHUP)
            return until(lambda: [pid for pid in g.workers() if pid not in workers], 'a trial')[0]

        os.kill(hang(), signal.SIGKILL)
        until(lambda: 'the process that checks it was killed by signal 9' in g.log(), 'word of its death')
        os.rename(f'{g.file}.kept', g.file)
        g.session().deliver()
        trial = hang()
        g.session().deliver()
        g.signal(signal.SIGHUP)  # one more, for afterwards
        os.rename(f'{g.file}.kept', g.file)
        os.kill(trial, signal.SIGKILL)
        g.reloaded(1)
        workers = g.workers()
        trial = hang()
        g.signal(signal.SIGTERM)
        check(g.wait() == 0, f'exit status {g.popen.returncode}')
        until(lambda: not alive(trial), 'the trial ends with it')


def worker_beside_trial(binary):
    """A worker that is replaced while a trial runs has nothing of it open: what the trial found could be
    changed through that. And neither has the lock on the state folder, which would outlast the master."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        old = g.workers()[0]
        os.rename(g.file, f'{g.file}.kept')
        os.mkfifo(g.file)
        g.signal(signal.SIGHUP)
        trial = until(lambda: [pid for pid in g.workers() if pid != old], 'a trial')[0]
        os.kill(old, signal.SIGKILL)
        worker = until(lambda: [pid for pid in g.workers() if pid not in (old, trial)], 'another worker')[0]
        g.session().deliver()
        check(not any('memfd:' in name for name in opened(worker)), f'open in a worker: {opened(worker)}')
        state = os.path.realpath(f'{g.folder}/var/state')
        check(state in opened(g.popen.pid), f'not in {opened(g.popen.pid)}')
        check(state not in opened(worker) + opened(trial), f'{opened(worker)} {opened(trial)}')
        os.rename(f'{g.file}.kept', g.file)
        os.kill(trial, signal.SIGKILL)


def storm(binary):
    """50 SIGHUPs, in part at once: served all the time, few reloads, and the last word counts."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        s = g.session()
        for i in range(50):
            g.write(hostname=f'h{i}.test')
            g.signal(signal.SIGHUP)
            if i % 10 == 0:
                g.session().deliver()
        until(lambda: 'h49.test' in greeting(g.port), 'the last configuration')
        s.expect('EHLO client.test', 250)
        until(lambda: len(g.workers()) == 2, f'only the first and the last worker live: {g.workers()}')
        reloads = g.log().count('reloaded: ')
        check(2 <= reloads <= 50, f'{reloads} reloads')
        check('refused' not in g.log(), g.log())


def too_many_generations(binary):
    """When the last sessions of very many configurations go on, a reload waits for one to end."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        sessions = g.sessions_of_many(32)
        g.write(hostname='waited.test')
        g.signal(signal.SIGHUP)
        until(lambda: 'reload waits for workers of earlier configurations to end' in g.log(), 'word of it')
        check('waited.test' not in greeting(g.port), 'did not wait')
        # The system's list of children may leave some out, or have one that has just ended.
        until(lambda: len(g.workers()) == 33, 'one worker for each configuration, and none for the one that waits')
        sessions[7].expect('QUIT', 221)
        until(lambda: 'waited.test' in greeting(g.port), 'the reload that waited')
        for s in sessions[:7] + sessions[8:]:
            s.expect('EHLO client.test', 250)
            s.close()
        until(lambda: len(g.workers()) == 1, 'all others end')
        g.session().deliver()
        until(lambda: g.decisions(), 'its record')
        check(g.decisions()[-1]['worker'] < 40, 'free worker numbers are used again')


def time_is_over(binary):
    """Sessions that outlast limit reload_time end as after SIGTERM."""
    with Gatepost(binary, workers=1, limit=['reload_time 1s']) as g:
        g.start()
        idle, busy = g.session(), g.session()
        begin(busy, data=True)
        old = g.workers()[0]
        g.reload()
        began = time.monotonic()
        told = idle.reply()
        check(told.startswith('421 4.3.2 '), f'idle session: {told}')
        check(time.monotonic() - began > 0.8, 'told at once')
        check('still open after limit reload_time' in g.log(), g.log())
        busy.expect('Subject: x\r\n\r\nx\r\n.', 250)
        until(lambda: not alive(old), 'the old worker ends')


class Hop(threading.Thread):
    """A next hop that takes messages, but does not answer the dot before it may."""

    def __init__(self):
        super().__init__(daemon=True)
        self.may_answer = threading.Event()
        self.dots = 0
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            self.converse(connection.makefile('rwb'))
        except OSError:
            pass

    def converse(self, f):
        f.write(b'220 hop.test\r\n')
        f.flush()
        for line in f:
            if line.upper().startswith(b'DATA'):
                f.write(b'354 go on\r\n')
                f.flush()
                while f.readline() not in (b'.\r\n', b''):
                    pass
                self.dots += 1
                self.may_answer.wait(PATIENCE)
            f.write(b'250 2.0.0 ok\r\n')
            f.flush()


def in_doubt(binary):
    """A message that an old worker has in doubt is deferred by a new one, and then known to it."""
    hop = Hop()
    with Gatepost(binary, workers=1, route=f'example.org to smtp://127.0.0.1:{hop.port}') as g:
        g.start()
        message = b'Subject: x\r\n\r\nx\r\n.\r\n'
        first, second, third = g.session(), None, None
        begin(first, data=True)
        first.socket.sendall(message)
        until(lambda: hop.dots == 1, 'the dot')
        g.reload()
        second = g.session()
        begin(second, data=True)
        second.socket.sendall(message)
        told = second.reply()
        check(told.startswith('451'), f'the second try: {told}')
        hop.may_answer.set()
        first.socket.shutdown(socket.SHUT_RDWR)  # its 250 is lost
        until(lambda: len(g.workers()) == 1, 'the old worker ends')
        third = g.session()
        begin(third, data=True)
        third.socket.sendall(message)
        told = third.reply()
        check(told.startswith('250'), f'the third try: {told}')
        check(hop.dots == 1, f'{hop.dots} copies')
        for s in (second, third):
            s.close()
    hop.listener.close()


CASES = [too_many_generations, addresses, new_configuration, wrong_configuration, address_taken_back,
         overlapping_addresses, dead_in_between, cannot_start, trial_goes_wrong, worker_beside_trial, storm,
         time_is_over, in_doubt]

if __name__ == '__main__':
    sys.exit(main(CASES))
