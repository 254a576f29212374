#!/usr/bin/env python3
"""Master and workers as real processes. Usage: test_processes.py GATEPOST [NAME…]

Prints a line for each case, and `N passed, N failed` at the end. As root, workers become nobody, and
the cases about privileges are run too.
"""
import json
import os
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from kit import (NOBODY, PATIENCE, ROOT, Gatepost, Session, alive, check, connectable, free_port, main,  # noqa: E402
                 process_status, until)


def ready_line(binary):
    with Gatepost(binary) as g:
        g.start()
        check(g.log() == f'gatepost: ready on 127.0.0.1:{g.port} (2 workers)\n', g.log())
        g.session().deliver()
        check(len(g.messages()) == 1, 'no message')
        check(len(g.workers()) == 2, f'workers {g.workers()}')
    with Gatepost(binary, workers=1) as g:
        second = free_port()
        g.write(listen=[f'127.0.0.1:{g.port}', f'[::1]:{second}'])
        g.start()
        check(g.log() == f'gatepost: ready on 127.0.0.1:{g.port}, [::1]:{second} (1 worker)\n', g.log())


def worker_replaced(binary):
    """A dead worker takes its own conversations along, and what it owned in shared memory."""
    with Gatepost(binary, workers=1, limit=['client_sessions 2'],
                  policy='{\n at connect { drop "banned" when client.banned }\n}') as g:
        g.start()
        g.session().deliver()
        first, second = g.session(), g.session()
        check(first.greeting.startswith('220') and second.greeting.startswith('220'), 'two sessions')
        refused = g.session()
        check(refused.greeting.startswith('421 4.7.0'), f'third session: {refused.greeting}')
        refused.close()
        until(lambda: len(g.decisions()) == 2, 'decisions on the message and the refused session')
        worker = g.workers()[0]
        os.kill(worker, signal.SIGKILL)
        check(first.at_end() and second.at_end(), 'sessions of the dead')
        until(lambda: g.workers() not in ([], [worker]), 'a new worker')
        check(f'worker 0 (process {worker}) was killed by signal 9 (Killed)' in g.log(), g.log())
        for _ in range(2):
            g.session().deliver()
        with_two = [g.session(), g.session()]
        check(all(s.greeting.startswith('220') for s in with_two), 'sessions of the dead still count')
        check(g.log().count('ready on') == 1, 'ready again')
        for s in with_two:
            s.close()
        until(lambda: len(g.decisions()) == 6, 'decisions of the new worker')
        numbers = [(d['worker'], d['epoch'], d['sequence']) for d in g.decisions()]
        # Nothing is missing: the two sessions had not come to a decision.
        check(numbers == [(0, 1, 0), (0, 1, 1)] + [(0, 2, i) for i in range(2, 6)], f'{numbers}')


def other_worker_undisturbed(binary):
    with Gatepost(binary, workers=2) as g:
        g.start()
        sessions = [g.session() for _ in range(8)]
        victim = g.workers()[0]
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(g.workers()) == 2 and victim not in g.workers(), 'a new worker')
        answers = []
        for s in sessions:
            try:
                answers.append(s.say('NOOP'))
            except (ConnectionResetError, BrokenPipeError):
                answers.append('')
        check(all(a in ('', '250 2.0.0 ok') for a in answers), f'{answers}')
        g.session().deliver()


def restarts_slow_down(binary):
    """Workers that die at their start come back ever later, and serve once they can."""
    if not ROOT:
        return
    with Gatepost(binary, workers=1) as g:
        g.start()
        state = f'{g.folder}/var/state'
        os.chown(state, 0, 0)
        os.kill(g.workers()[0], signal.SIGKILL)
        time.sleep(1.5)
        deaths = g.log().count('ended with status 2')
        check(2 <= deaths <= 9, f'{deaths} deaths in 1.5 s: {g.log()}')
        check(f'cannot open the state in {state}: Permission denied' in g.log(), g.log())
        os.chown(state, NOBODY.pw_uid, NOBODY.pw_gid)
        g.session().deliver()


def sigterm_drains(binary):
    with Gatepost(binary) as g:
        g.start()
        idle = [g.session() for _ in range(4)]
        idle[0].expect('EHLO client.test', 250)
        ports = sorted(s.socket.getsockname()[1] for s in idle)
        busy = g.session()
        for line, code in (('EHLO client.test', 250), ('MAIL FROM:<>', 250),
                           ('RCPT TO:<box@example.org>', 250), ('DATA', 354)):
            busy.expect(line, code)
        workers = g.workers()
        g.signal(signal.SIGTERM)
        for s in idle:
            told = s.reply()
            check(told.startswith('421 4.3.2 '), f'idle session: {told}')
            check(s.at_end(), 'not closed behind 421')
        until(lambda: not connectable(g.port), 'the port is closed')
        g.signal(signal.SIGTERM)
        time.sleep(0.2)
        check(g.popen.poll() is None, 'a second SIGTERM ended an open transaction')
        busy.expect('Subject: x\r\n\r\nx\r\n.', 250)
        check(g.wait() == 0, f'exit status {g.popen.returncode}')
        check(not any(alive(pid) for pid in workers), 'a worker outlived the master')
        check(len(g.messages()) == 1, 'no message')
        # By port: the looks whether the port is closed may have left records of their own.
        told = sorted(d['port'] for d in g.decisions() if d['verdict'] == 'deferred' and d['port'] in ports)
        check(told == ports, f'idle sessions on {ports}, recorded are {told}')


def death_while_ending(binary):
    with Gatepost(binary, workers=1) as g:
        g.start()
        busy = g.session()
        for line in ('EHLO client.test', 'MAIL FROM:<>', 'RCPT TO:<box@example.org>'):
            busy.expect(line, 250)
        g.signal(signal.SIGTERM)
        until(lambda: not connectable(g.port), 'the port is closed')
        os.kill(g.workers()[0], signal.SIGKILL)
        check(g.wait() == 1, f'exit status {g.popen.returncode}')
        check('was killed by signal 9' in g.log(), g.log())


def sigint_and_sighup(binary):
    with Gatepost(binary) as g:
        g.start()
        before = g.workers()
        g.signal(signal.SIGHUP)
        g.reloaded(1)
        for worker in g.workers_after(before):
            os.kill(worker, signal.SIGHUP)
            os.kill(worker, signal.SIGINT)  # as a terminal does, to the whole process group
        g.session().deliver()
        g.signal(signal.SIGINT)
        check(g.wait() == 0, f'exit status {g.popen.returncode}')
        check('was killed' not in g.log(), g.log())


def sigterm_at_once(binary):
    for delay in (0, 0.002, 0.01, 0.03):
        with Gatepost(binary) as g:
            popen = subprocess.Popen([binary, 'run', '-c', g.file], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            until(lambda p=popen: signals_blocked(p.pid), 'the master has begun')
            time.sleep(delay)
            popen.terminate()
            said = popen.communicate(timeout=PATIENCE)[1].decode()
            check(popen.returncode == 0, f'{popen.returncode}: {said}')


def signals_blocked(pid):
    return int(process_status(pid)['SigBlk'], 16) & 1 << (signal.SIGTERM - 1)


def master_dies(binary):
    with Gatepost(binary) as g:
        g.start()
        idle = g.session()
        workers = g.workers()
        g.signal(signal.SIGKILL)
        check(g.wait() == -signal.SIGKILL, 'not killed')
        told = idle.reply()
        check(told.startswith('421 4.3.2 '), f'idle session: {told}')
        until(lambda: not any(alive(pid) for pid in workers), 'workers end')
        check(not connectable(g.port), 'the port is still served')


def reset_with_data(binary):
    """A reset that the worker sees together with the last octets ends the session all the same."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        s = g.session()
        s.expect('EHLO client.example', '250')
        s.expect('MAIL FROM:<sender@client.example>', '250')
        s.expect('RCPT TO:<box@example.org>', '250')
        s.expect('DATA', '354')
        worker = g.workers()[0]
        os.kill(worker, signal.SIGSTOP)
        until(lambda: process_status(worker)['State'].startswith('T'), 'the worker to stop')
        s.socket.sendall(b'Subject: half a message\r\n')
        s.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        s.file.close()
        s.socket.close()
        os.kill(worker, signal.SIGCONT)
        until(lambda: len(g.decisions()) == 1, 'the end of the session')
        check(g.decisions()[0]['verdict'] == 'gone', f'{g.decisions()}')


def goodbye_with_unread_input(binary):
    """A 421 is followed by an orderly end, not by a reset that may overtake it on its way."""
    with Gatepost(binary, workers=1, limit=['errors 1']) as g:
        g.start()
        s = g.session()
        s.socket.sendall(b'FOO\r\n' * 8000)
        check(s.reply().startswith('500'), 'the first error')
        check(s.reply().startswith('421 4.7.0'), 'the error too many')
        check(s.file.readline() == b'', 'more than a 421')
        s.close()


def busy_port(binary):
    with Gatepost(binary) as g, socket.create_server(('127.0.0.1', 0)) as holder:
        port = holder.getsockname()[1]
        g.write(listen=f'127.0.0.1:{g.port}, 127.0.0.1:{port}')
        said = g.refused()
        column = len(f'listen 127.0.0.1:{g.port}, ') + 1
        expected = f':2:{column}: cannot listen on 127.0.0.1:{port}: Address already in use'
        check(said == expected, f'{said!r} instead of {expected!r}')


def one_state_folder(binary):
    """Two Gateposts would not know of each other's messages in doubt: the second does not start, until
    the first is gone, in whatever way."""
    with Gatepost(binary) as g, Gatepost(binary, state=f'lmdb:{g.folder}/var/state') as second:
        g.start()
        said = second.refused()
        check(said.endswith(f'{g.folder}/var/state: another Gatepost works there'), said)
        g.session().deliver()
        g.signal(signal.SIGTERM)
        check(g.wait() == 0 and 'Sanitizer' not in g.log(), g.log())
        second.start()
        check(g.refused().endswith('another Gatepost works there'), 'the first comes again')
        second.session().deliver()
        open_still = second.session()
        for line in ('EHLO client.test', 'MAIL FROM:<a@client.test>', 'RCPT TO:<box@example.org>'):
            open_still.expect(line, 250)
        open_still.expect('DATA', 354)
        workers = second.workers()
        second.signal(signal.SIGKILL)
        second.wait()
        check(any(map(alive, workers)), 'no worker is left that could hold the folder')
        os.unlink(f'{g.folder}/stderr')  # which has its first ready line
        g.start()
        g.session().deliver()
        open_still.close()


def folders(binary):
    with Gatepost(binary) as g:
        check(subprocess.run([binary, 'check', '-c', g.file], stdout=subprocess.PIPE).stdout.decode()
              == f'{g.file}: ok\n', 'check')
        check(not os.path.exists(f'{g.folder}/var'), 'check has created something')
        g.start()
        for name in ('state', 'spool'):
            st = os.stat(f'{g.folder}/var/{name}')
            check(stat.S_IMODE(st.st_mode) == 0o700, f'{name}: mode {oct(st.st_mode)}')
            check(not ROOT or st.st_uid == NOBODY.pw_uid, f'{name}: owner {st.st_uid}')
    with Gatepost(binary) as g:
        spool = f'{g.folder}/var/spool'
        os.makedirs(spool)
        os.chmod(spool, 0o777)
        done = subprocess.run([binary, 'check', '-c', g.file], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        check(done.returncode == 0, 'a folder that everybody may write to is refused')
        check(f'{spool}: everybody may write to it' in done.stderr.decode(), done.stderr)
    for command in ('run', 'check'):
        with Gatepost(binary) as g:
            spool = f'{g.folder}/var/spool'
            os.makedirs(f'{g.folder}/var')
            with open(spool, 'w', encoding='ascii'):
                pass
            said = g.refused(command)
            check('spool folder' in said and 'Not a directory' in said, said)
            if ROOT:
                os.unlink(spool)
                os.mkdir(spool, 0o700)
                said = g.refused(command)
                check(f'spool folder {spool}: Permission denied for user nobody' in said, said)
    if ROOT and not os.path.exists('/var/lib/gatepost'):  # no Gatepost has run on this host
        with Gatepost(binary, workers=1) as g:
            own = shutil.copy(binary, g.folder)  # nobody may not come to where the binary is
            for name in ('state', 'user'):
                del g.statements[name]
            g.write()
            done = subprocess.run([own, 'run', '-c', g.file], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[], timeout=PATIENCE)
            check(done.returncode == 2 and done.stderr.decode() ==
                  f'{g.file}: state folder /var/lib/gatepost/state: Permission denied '
                  '(this is the standard; `state` sets another)\n', done)


def wrong_environment(binary):
    for command in ('run', 'check'):
        with Gatepost(binary, tls='cert /nonexistent/c key /nonexistent/k') as g:
            said = g.refused(command)
            check(re.fullmatch(r':\d+:1: tls cert /nonexistent/c: No such file or directory', said), said)
        with Gatepost(binary, route='example.org to smtp://127.0.0.1 tls verified name a.test '
                             'ca /nonexistent/ca') as g:
            said = g.refused(command)
            check(re.fullmatch(r':\d+:\d+: cannot verify next hop smtp://127.0.0.1: '
                               r'/nonexistent/ca: No such file or directory', said), said)
        with Gatepost(binary, user='no-such-user') as g:
            said = g.refused(command)
            check(re.match(r':\d+:1: ', said) and 'user no-such-user' in said, said)
        with Gatepost(binary, decisions='/nonexistent/decisions') as g:
            said = g.refused(command)
            check('decisions /nonexistent/decisions: No such file' in said, said)


def no_privileges(binary):
    if not ROOT:
        return
    with Gatepost(binary) as g:
        g.start()
        for pid in g.workers():
            st = process_status(pid)
            check(st['Uid'].split() == [str(NOBODY.pw_uid)] * 4, f"Uid {st['Uid']}")
            check(st['Gid'].split() == [str(NOBODY.pw_gid)] * 4, f"Gid {st['Gid']}")
            check(st['Groups'].split() in ([], [str(NOBODY.pw_gid)]), f"Groups {st['Groups']}")
            check(st['NoNewPrivs'] == '1', f"NoNewPrivs {st['NoNewPrivs']}")
            for caps in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
                check(int(st[caps], 16) == 0, f'{caps} {st[caps]}')


def decisions_file(binary):
    with Gatepost(binary) as g:
        path = f'{g.folder}/decisions'
        g.write(decisions=path)
        g.start()
        check(stat.S_IMODE(os.stat(path).st_mode) == 0o640, oct(os.stat(path).st_mode))
        for _ in range(10):
            g.session().deliver()
        g.signal(signal.SIGTERM)
        check(g.wait() == 0, 'exit status')
        with open(path, encoding='ascii') as f:
            lines = [json.loads(line) for line in f]
        check(len(lines) == 10, f'{len(lines)} lines')
        for worker in (0, 1):
            numbers = [line['sequence'] for line in lines if line['worker'] == worker]
            check(numbers == list(range(len(numbers))), f'worker {worker}: {numbers}')


def stuck_reader(binary):
    """Nobody reads the decisions: mail goes on, and what comes through later is whole."""
    reader, writer = os.pipe()
    with Gatepost(binary, stdout=writer, workers=1, limit=['commands 1000000']) as g:
        g.start()
        s = g.session()
        s.expect('EHLO client.test', 250)
        count = 1500  # more than a pipe holds, less than we keep for it (1 MiB)
        s.file.write(b'MAIL FROM:<a@client.test>\r\nRSET\r\n' * count)
        s.file.flush()
        for i in range(2 * count):
            reply = s.reply()
            check(reply.startswith('250'), f'reply {i}: {reply}')
        s.expect('QUIT', 221)
        s.close()
        g.session().deliver()
        check(len(g.messages()) == 1, 'no message')
        os.set_blocking(reader, False)
        data = bytearray()

        def all_read():
            try:
                data.extend(os.read(reader, 1 << 20))
            except BlockingIOError:
                pass
            return data.count(b'\n') == count + 1
        until(all_read, f'{count + 1} lines')
        sequence = [json.loads(line)['sequence'] for line in data.splitlines()]
        check(sequence == list(range(count + 1)), 'lines out of order')
    os.close(reader)
    os.close(writer)


def usage(binary):
    for arguments, named in (([], 'usage'), (['nonsense'], 'no command nonsense'),
                             (['run', '--nonsense'], 'there is no option --nonsense'),
                             (['run', '-c', 'x', '--nonsense', 'y'], 'there is no option --nonsense'),
                             (['run', '--json'], 'there is no option --json'),
                             (['check', '--explain=x'], 'there is no option --explain=x'),
                             (['check', '-xc', 'file'], 'there is no option -x'),
                             (['docs', '-c', 'file'], 'there is no option -c'),
                             (['run', '-c'], 'a value is missing behind -c'),
                             (['run', 'x'], 'one word too many: x'), (['docs', 'facts', 'limits'], 'too many: limits')):
        done = subprocess.run([binary] + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        check(done.returncode == 2 and named in done.stderr and not done.stdout, f'{arguments}: {done}')
    for arguments in (['--help'], ['--version'], ['run', '--help'], ['check', '--help']):
        done = subprocess.run([binary] + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check(done.returncode == 0 and done.stdout and not done.stderr, f'{arguments}: {done}')


WAITING = """{
    at connect { wait 100s unless client.ip in trusted }
}
table trusted { 127.0.0.9 }"""


def lobby_leaves_descriptors(binary):
    """However many wait, mail flows: those for whom descriptors would be short are told so."""
    with Gatepost(binary, workers=1, policy=WAITING, limit=['client_sessions 1000']) as g:
        g.start(descriptors=200)
        waiting = [socket.create_connection(('127.0.0.1', g.port), PATIENCE) for _ in range(250)]
        refused = 0
        for each in waiting[::-1]:
            each.settimeout(0.2 if refused == 0 else 0.02)
            try:
                refused += each.recv(100).startswith(b'421 4.3.2')
            except TimeoutError:
                break
        check(refused >= 100, f'{refused} of 250 clients were told to come back')
        Session(g.port, '127.0.0.9').deliver()
        check(len(g.messages()) == 1, 'the message did not arrive')
        for each in waiting:
            each.close()
        until(lambda: sum(d.get('note') == 'client went away' for d in g.decisions()) >= 100, 'records')


def wait_after_idleness(binary):
    """A worker that has slept for a while counts a wait from the client's coming."""
    with Gatepost(binary, workers=1, policy='{\n at connect { wait 1s }\n}') as g:
        g.start()
        Session(g.port).deliver()
        time.sleep(1.5)
        began = time.monotonic()
        Session(g.port).close()
        waited = time.monotonic() - began
        check(0.99 <= waited < 3, f'greeted after {waited:.3f} s')


BANS = """{
    at connect { drop "banned" when client.banned }
    at mail { ban 1h when sender == "bad@client.test" }
}"""


def be_banned(g):
    s = Session(g.port)
    s.say('EHLO client.test')
    s.say('MAIL FROM:<bad@client.test>')
    s.close()


def ban_in_all_workers(binary):
    with Gatepost(binary, workers=2, policy=BANS) as g:
        g.start()
        be_banned(g)

        def is_banned():
            each = socket.create_connection(('127.0.0.1', g.port), PATIENCE)
            banned = each.recv(100).startswith(b'421 4.7.0 banned')
            each.close()
            return banned
        until(is_banned, 'the ban', seconds=1)
        time.sleep(0.1)  # the store thread writes within milliseconds, and the other worker sees it then
        check(all(is_banned() for _ in range(20)), 'a worker does not know of the ban')
        Session(g.port, '127.0.0.2').deliver()


def ban_outlives_a_restart(binary):
    with Gatepost(binary, workers=1, policy=BANS) as g:
        g.start()
        be_banned(g)
        g.signal(signal.SIGTERM)
        check(g.wait() == 0, 'the end')
        g.start()
        until(lambda: g.log().count('ready on') == 2, 'ready again')
        greeting = Session(g.port).greeting
        check(greeting.startswith('421 4.7.0 banned'), f'after a restart: {greeting}')
        Session(g.port, '127.0.0.2').deliver()


def table_file(binary):
    """A table's file is read again when it changes; the last good one stays; the operator hears."""
    def answer():
        s = Session(g.port)
        s.say('EHLO client.test')
        s.say('MAIL FROM:<a@client.test>')
        code = s.say('RCPT TO:<box@example.org>')[:3]
        s.close()
        return code

    policy = '{\n at rcpt { reject "no" when sender in bad }\n}\ntable bad file bad'
    with Gatepost(binary, workers=1, policy=policy) as g:
        file = f'{g.folder}/bad'

        def write(text):
            with open(f'{file}.new', 'w', encoding='utf-8') as f:
                f.write(text)
            os.rename(f'{file}.new', file)

        check('No such file' in g.refused(), 'started without its table')
        write('b@client.test\n')
        g.start()
        check(answer() == '250', 'not in the table, but refused')
        write('# who\na@client.test\n')
        until(lambda: answer() == '550', 'the new table')
        dead = g.workers()
        os.kill(dead[0], signal.SIGKILL)
        until(lambda: g.workers() not in ([], dead), 'another worker')
        check(answer() == '550', 'the new worker began with the old table')
        write('a@client.test\n\0garbage\n')
        until(lambda: f'{file}:2' in g.log(), 'word of the garbage')
        check(answer() == '550', 'the last good table did not stay')
        os.unlink(file)
        until(lambda: 'No such file' in g.log(), 'word of the missing file')
        check(answer() == '550', 'the last good table did not stay')
        write('b@client.test\n')
        until(lambda: answer() == '250', 'the mended table')


def linked_files(binary):
    """Tables and lists of recipients that are links to files elsewhere are read again, too."""
    folder = tempfile.mkdtemp(prefix='gatepost-elsewhere-')
    os.chmod(folder, 0o755)
    policy = '{\n at rcpt { reject 554 5.7.1 "no" when sender in bad }\n}\ntable bad file bad'

    def write(name, text):
        with open(f'{folder}/{name}.new', 'w', encoding='utf-8') as f:
            f.write(text)
        os.rename(f'{folder}/{name}.new', f'{folder}/{name}')

    def answer():
        s = g.session()
        for line in ('EHLO client.test', 'MAIL FROM:<a@client.test>'):
            s.expect(line, 250)
        code = s.say('RCPT TO:<box@example.org>')[:3]
        s.close()
        return code

    with Gatepost(binary, workers=1, policy=policy) as g:
        for name in ('bad', 'rcpts'):
            os.symlink(f'{folder}/{name}', f'{g.folder}/{name}')
        write('bad', 'b@client.test\n')
        write('rcpts', 'box\n')
        g.write(recipients=f'example.org from file {g.folder}/rcpts')
        g.start()
        check(answer() == '250', f'{answer()} {g.log()}')
        write('rcpts', 'other\n')
        until(lambda: answer() == '550', f'the new list: {g.log()}')
        write('bad', 'a@client.test\n')
        until(lambda: answer() == '554', f'the new table: {g.log()}')
        check('Permission denied' not in g.log(), g.log())
    shutil.rmtree(folder)


CASES = [table_file, linked_files, wait_after_idleness, restarts_slow_down, ready_line, worker_replaced,
         other_worker_undisturbed, sigterm_drains, death_while_ending, sigint_and_sighup, sigterm_at_once,
         master_dies, reset_with_data, goodbye_with_unread_input, busy_port, one_state_folder, folders,
         wrong_environment, no_privileges, decisions_file, stuck_reader, usage, lobby_leaves_descriptors,
         ban_in_all_workers, ban_outlives_a_restart]


if __name__ == '__main__':
    sys.exit(main(CASES))
