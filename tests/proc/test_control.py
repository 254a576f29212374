#!/usr/bin/env python3
"""The control socket, the clerk and `gatepost status`. Usage: test_control.py GATEPOST [NAME…]"""
import json
import os
import re
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from kit import (NOBODY, PATIENCE, ROOT, Gatepost, Session, alive, check, free_port, main, opened,  # noqa: E402
                 process_status, until)


def command(g, *arguments, user=None):
    return subprocess.run([g.binary, *arguments, '-c', g.file], stdin=subprocess.DEVNULL, user=user,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, text=True)


def status(g):
    done = command(g, 'status', '--json')
    check(done.returncode == 0 and not done.stderr, f'{done}')
    return json.loads(done.stdout)


class Control:
    """A client of the control socket that says what it likes."""

    def __init__(self, g):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f'{g.folder}/control')
        self.socket.settimeout(PATIENCE)
        self.file = self.socket.makefile('rb')

    def say(self, octets):
        try:
            self.socket.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def reply(self):
        try:
            line = self.file.readline()
        except ConnectionResetError:
            return None
        return json.loads(line) if line.endswith(b'\n') else None

    def ask(self, octets):
        self.say(octets)
        return self.reply()

    def close(self):
        self.file.close()
        self.socket.close()


def refused(answer, words):
    check(answer is not None and answer['ok'] is False and words in answer['error'], f'{answer}, not {words}')


# ---- the cases ----

def shows_what_is_there(binary):
    with Gatepost(binary, workers=2) as g:
        g.start()
        first = status(g)
        check(first['pid'] == g.popen.pid and first['generation'] == 1 and first['reloads'] == 0, first)
        check(first['workers_wanted'] == 2, first)
        check(sorted(w['pid'] for w in first['workers']) == sorted(g.workers()), 'workers')
        check(set(first['sessions'].values()) == {0}, f"{first['sessions']}")
        sessions = [g.session() for _ in range(4)]
        for s, lines in zip(sessions, ([], ['MAIL FROM:<>'], ['MAIL FROM:<>', 'RCPT TO:<box@example.org>'],
                                       ['MAIL FROM:<>', 'RCPT TO:<box@example.org>', 'DATA'])):
            s.expect('EHLO client.test', 250)
            for line in lines:
                s.expect(line, 354 if line == 'DATA' else 250)
        wanted = {'waiting': 0, 'greeted': 1, 'mail': 1, 'rcpt': 1, 'data': 1, 'message': 0, 'commit': 0, 'late': 0}
        until(lambda: status(g)['sessions'] == wanted, 'sessions by phase')
        sessions[3].expect('Subject: x\r\n\r\nx\r\n.', 250)
        until(lambda: status(g)['counters']['accepted'] == 1, 'the message is counted')
        now = status(g)
        check(now['counters']['connections'] == 4 and now['counters']['greeted'] == 4, f"{now['counters']}")
        check(now['counters']['transactions'] == 3 and now['counters']['rcpt_accepted'] == 2, f"{now['counters']}")
        check(now['loop']['longest_us'] > 0 and now['loop']['longest_at'].endswith('Z'), f"{now['loop']}")
        check(0 < now['loop']['own_us'] <= now['loop']['longest_us'] and now['loop']['own_recent_us'] > 0 and
              now['loop']['own_over_5ms'] >= 0, f"{now['loop']}")
        check(now['spool']['limit'] == 2 * 268435456, f"{now['spool']}")
        sum_of = sum(w['sessions']['greeted'] for w in now['workers'])
        check(sum_of == now['sessions']['greeted'], 'sums')
        for s in sessions:
            s.close()
        until(lambda: set(status(g)['sessions'].values()) == {0}, 'they have gone')


def manual(binary):
    """Requests work as gatepost(8) writes them, and it names each member of the reply."""
    page = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../docs/man/gatepost.8')
    with open(page, encoding='utf-8') as f:
        text = f.read()
    text = text[text.index('.Ss The control socket'):text.index('.Sh DECISION LINES')]
    words = [re.sub(r'"([^"]*)"', r'\1', line[4:]).replace(r'\(dq', '"')  # as mdoc(7) takes quotes
             for line in text.split('\n') if line.startswith('.Dl {')]
    check([json.loads(w)['do'] for w in words] == ['status', 'reload', 'upgrade'], f'{words}')
    named = set(re.findall(r'\w+', ' '.join(line for line in text.split('\n') if re.match(r'\.(It )?Va ', line))))
    with Gatepost(binary, workers=1, route='hop.test to smtp://127.0.0.1:1') as g:
        g.start()
        s = status(g)
        for members in (s, s['confinement'], s['sessions'], s['spool'], s['workers'][0], s['journal'], s['dns'],
                        s['memory'],
                        *s['hops']):
            check(set(members) <= named, f'not in the manual: {set(members) - named}')


def screen(binary):
    with Gatepost(binary, workers=1) as g:
        g.start()
        check(' at ,' not in command(g, 'status').stdout, 'a block that never was has a time')
        g.session().deliver()
        until(lambda: status(g)['counters']['accepted'] == 1, 'the message is counted')
        text = command(g, 'status').stdout
        for words in ('memory ', f'process {g.popen.pid} ', 'sessions ', 'spool ', 'loop ', 'journal ', 'confined ', 'worker ',
                      'accepted ', 'connections '):
            check(words in text, f'no {words!r} in:\n{text}')
        until(lambda: status(g)['workers'][0]['age_us'] >= 1000000, 'a second')
        age = re.search(r' age (\S+)', command(g, 'status').stdout)[1]
        check(re.fullmatch(r'\d\.\ds|\d\ds', age), f'age {age}')
        check(len(text.splitlines()) < 40 and max(map(len, text.splitlines())) <= 120, text)


def counts_outlive_workers(binary):
    with Gatepost(binary, workers=1) as g:
        g.start()
        g.session().deliver()
        until(lambda: status(g)['counters']['accepted'] == 1, 'the message is counted')
        worker = g.workers()[0]
        os.kill(worker, signal.SIGKILL)
        until(lambda: [w['pid'] for w in status(g)['workers']] not in ([], [worker]), 'a new worker')
        now = status(g)
        check(now['counters']['accepted'] == 1, 'what the dead one counted is lost')
        check(now['workers'][0]['epoch'] == 2, f"{now['workers']}")
        g.session().deliver()
        until(lambda: status(g)['counters']['accepted'] == 2, 'sums over both')


def phases_of_refusal(binary):
    policy = '{\n at rcpt { reject "no" when sender == "bad@client.test" }\n}'
    with Gatepost(binary, workers=1, policy=policy, limit=['errors 1']) as g:
        g.start()
        s = g.session()
        s.expect('EHLO client.test', 250)
        s.expect('MAIL FROM:<bad@client.test>', 250)
        s.expect('RCPT TO:<box@example.org>', 550)
        s.expect('RSET', 250)
        s.expect('FOO', 500)
        s.expect('FOO', 421)
        until(lambda: status(g)['counters']['errors_421'] == 1, 'the 421')
        c = status(g)['counters']
        check(c['rcpt_refused'] == 1 and c['refused_rcpt'] == 1 and c['accepted'] == 0, f'{c}')


def what_could_not_be_judged(binary):
    """A pattern that is stopped, and facts that cannot be found out."""
    policy = """{
        at mail { reject "no" when sender ~ "^(a+)+@none" }
        at message { mark when header("Subject") == "x" or header.missing("To") }
    }"""
    with Gatepost(binary, workers=1, policy=policy) as g:
        g.start()
        s = g.session()
        s.expect('EHLO client.test', 250)
        s.expect(f'MAIL FROM:<{"a" * 60}@client.test>', 250)
        s.expect('RCPT TO:<box@example.org>', 250)
        s.expect('DATA', 354)
        filler = 'X-Filler: ' + 'x' * 900 + '\r\n'
        s.expect(filler * 400 + 'Subject: x\r\n\r\n.', 250)
        until(lambda: status(g)['counters']['accepted'] == 1, 'the message')
        c = status(g)['counters']
        check(c['patterns_stopped'] == 1 and c['facts_unknown'] == 2, f'{c}')


def health_of_hops(binary):
    nobody = free_port()
    with Gatepost(binary, workers=2) as g:
        g.write(route=[g.statements['route'], f'down.test to smtp://127.0.0.1:{nobody}'])
        g.start()
        hop = status(g)['hops'][0]
        check(hop['name'] == f'smtp://127.0.0.1:{nobody}' and hop['state'] == 'well' and 'since' not in hop, f'{hop}')
        for _ in range(8):
            s = g.session()
            s.expect('EHLO client.test', 250)
            s.expect('MAIL FROM:<a@client.test>', 250)
            s.expect('RCPT TO:<box@down.test>', 451)
            s.close()
        until(lambda: status(g)['hops'][0]['state'] != 'well', 'the hop is down')
        hop = status(g)['hops'][0]
        check(hop['state'] in ('down', 'partly down') and 'refused' in hop['last_error'].lower() and
              hop['since'].endswith('Z') and hop['failures'] > 0, f'{hop}')
        check(f'smtp://127.0.0.1:{nobody} ' in command(g, 'status').stdout, 'on the screen')


def many_hops(binary):
    """Of more next hops than there is room for it says how many it does not show."""
    with Gatepost(binary, workers=2) as g:
        g.write(route=[g.statements['route'], *(f'h{i}.test to smtp://127.0.0.1:{1000 + i}' for i in range(40))])
        g.start()
        now = status(g)
        check(len(now['hops']) == 32 and now['hops_unshown'] == 8, f"{now['hops_unshown']}")
        check(' 8 more are not shown\n' in command(g, 'status').stdout, 'on the screen')


def nobody_answers(binary):
    with Gatepost(binary) as g:
        done = command(g, 'status')
        check(done.returncode == 1 and done.stdout == '', f'{done}')
        check(f'nobody answers at {g.folder}/control: no Gatepost runs there' in done.stderr, done.stderr)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(f'{g.folder}/control')
        check(command(g, 'status').returncode == 1, 'a socket without anybody')
        g.start()  # takes its place
        check(status(g)['pid'] == g.popen.pid, 'after the start')
        g.signal(signal.SIGTERM)
        check(g.wait() == 0, 'exit status')
        check(not os.path.exists(f'{g.folder}/control'), 'the socket is left behind')
        check(command(g, 'status').returncode == 1, 'after its end')


def bad_places(binary):
    """What was asked for must be had; what is only the standard may be missing."""
    with Gatepost(binary) as g, Gatepost(binary) as other:
        os.mkdir(f'{g.folder}/there')
        g.write(control=f'{g.folder}/there')
        check('File exists' in g.refused(), 'a folder')
        other.start()
        g.write(control=f'{other.folder}/control')
        check('another Gatepost answers there' in g.refused(), "another's socket")
        check(status(other)['pid'] == other.popen.pid, 'and it is his still')
        g.write(control=f'{g.folder}/deep/below/control')
        g.start()
        check(stat.S_IMODE(os.stat(f'{g.folder}/deep/below/control').st_mode) == 0o600, 'mode')
        check(stat.S_IMODE(os.stat(f'{g.folder}/deep').st_mode) == 0o755, 'mode of folders')


def garbage(binary):
    with Gatepost(binary, workers=1) as g:
        g.start()
        clerk = g.clerk()
        for octets, words in ((b'\n', 'not JSON'), (b'status\n', 'not JSON'), (b'\0\xff\xfe\n', 'not JSON'),
                              (b'{}\n', 'no member "do"'), (b'[]\n', 'no member "do"'),
                              (b'{"do": 1}\n', '"do" is none of'), (b'{"do": "dance"}\n', '"do" is none of'),
                              (b'{"do": "status", "x": 1}\n', 'besides'),
                              (b'{"do": "status", "do": "status"}\n', 'not JSON'),
                              (b'{"do": "status"} x\n', 'not JSON'),
                              (b'[' * 4000 + b'\n', 'nested'), (b'x' * 5000, '4096'),
                              (b'{"do": "' + b'x' * 5000 + b'"}\n', '4096')):
            c = Control(g)
            refused(c.ask(octets), words)
            c.close()
        c = Control(g)
        c.say(b'{"do": "sta')
        c.socket.shutdown(socket.SHUT_WR)
        refused(c.reply(), 'line feed')
        c.close()
        check(g.clerk() == clerk, 'the clerk is another')
        g.session().deliver()


def several_requests(binary):
    with Gatepost(binary, workers=1) as g:
        g.start()
        c = Control(g)
        check(c.ask(b'{"do": "status"}\n')['ok'], 'the first')
        refused(c.ask(b'nonsense\n'), 'not JSON')
        c.say(b'{"do": "status"}\n{"do": "status"}\n')  # in one piece
        check(c.reply()['ok'] and c.reply()['ok'], 'two in one piece')
        for octet in b'{"do": "status"}\n':
            c.say(bytes([octet]))
        check(c.reply()['ok'], 'octet by octet')
        c.say(b'{"do": "status"}\n')
        c.socket.shutdown(socket.SHUT_WR)
        check(c.reply()['ok'], 'half-closed behind its request')
        c.close()


def megabytes(binary):
    """A line of ten megabytes is not taken in, and its client sent away."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        before = int(process_status(g.clerk())['VmRSS'].split()[0])
        for _ in range(5):
            c = Control(g)
            c.say(b'x' * (10 << 20))
            c.close()
        after = int(process_status(g.clerk())['VmRSS'].split()[0])
        check(after - before < 4096, f'{before} KiB, then {after} KiB')
        check(status(g)['pid'] == g.popen.pid, 'status')


def many_clients(binary):
    """Idle, slow and vanishing clients do not keep others from being answered."""
    with Gatepost(binary, workers=1, journal='off') as g:
        g.start()
        clerk = g.clerk()
        descriptors = len(os.listdir(f'/proc/{clerk}/fd'))
        idle = [Control(g) for _ in range(60)]
        check(status(g)['pid'] == g.popen.pid, 'beside 60 that wait')
        for each in idle[:20]:
            each.say(b'{"do": ')
        more = [Control(g) for _ in range(100)]
        for _ in range(20):
            check(status(g)['pid'] == g.popen.pid, 'beside 160')
        for each in more[:50]:
            each.say(b'{"do": "status"}\n')
            each.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            each.close()
        for each in idle + more[50:]:
            each.close()
        for _ in range(300):
            c = Control(g)
            c.say(b'{"do": "status"}\n')
            c.close()
        check(status(g)['pid'] == g.popen.pid, 'after 300 that left')
        check(g.clerk() == clerk, 'the clerk is another')
        until(lambda: len(os.listdir(f'/proc/{clerk}/fd')) <= descriptors, 'descriptors are given back')


def silent_client(binary):
    with Gatepost(binary, workers=1) as g:
        g.start()
        began = time.monotonic()
        c = Control(g)
        refused(c.reply(), 'ten seconds')
        check(9 <= time.monotonic() - began < 15, f'{time.monotonic() - began:.1f} s')
        c.close()


def takes_no_reply(binary):
    """Who asks and asks without reading is not waited for."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        c = Control(g)
        c.socket.settimeout(2)
        try:
            while True:
                c.socket.sendall(b'{"do":"status"}\n' * 200)
        except (TimeoutError, BrokenPipeError):
            pass
        check(status(g)['pid'] == g.popen.pid, 'beside one that does not read')
        check(int(process_status(g.clerk())['VmRSS'].split()[0]) < 200 << 10, 'memory')
        c.close()


def clerk_dies(binary):
    """Mail flows, the socket is the same, and another clerk answers."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        inode = os.stat(f'{g.folder}/control').st_ino
        busy = g.session()
        busy.expect('EHLO client.test', 250)
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
            clerk = g.clerk()
            if number != signal.SIGKILL and 'sanitize' in binary:
                continue
            os.kill(clerk, number)
            busy.expect('NOOP', 250)
            until(lambda clerk=clerk: g.clerk() not in (None, clerk), 'another clerk')
            check(status(g)['pid'] == g.popen.pid, 'status')
            check(f'the clerk (process {clerk}) was killed by signal {int(number)}' in g.log(), g.log())
        check(os.stat(f'{g.folder}/control').st_ino == inode, 'another socket')
        busy.expect('QUIT', 221)
        busy.close()
        g.session().deliver()


def clerk_hangs(binary):
    """One that does not move is killed, and another answers; also while all ends."""
    with Gatepost(binary, workers=1, limit=['hang_time 2s']) as g:
        g.start()
        clerk = g.clerk()
        os.kill(clerk, signal.SIGSTOP)
        done = command(g, 'status')
        check(done.returncode == 0 and f'process {g.popen.pid} ' in done.stdout,
              f'the next clerk answers who came meanwhile: {done}')
        check(re.search(rf'the clerk \(process {clerk}\) has not moved for \d s: it is killed', g.log()), g.log())
        clerk = g.clerk()
        began = time.monotonic()
        while time.monotonic() - began < 4.5:  # one that moves, with little to do or much
            status(g)
        check(g.clerk() == clerk, f'it was killed: {g.log()}')
        os.kill(clerk, signal.SIGSTOP)
        g.signal(signal.SIGTERM)
        check(g.wait() == 0, 'exit status')
        check(f'the clerk (process {clerk}) has not moved for' in g.log(), g.log())


def another_hang_time(binary):
    """A clerk keeps to the hang_time in force. Who asks one that is stopped is told what he waits for."""
    with Gatepost(binary, workers=1, limit=['hang_time 1h']) as g:
        g.start()
        clerk = g.clerk()
        os.kill(clerk, signal.SIGSTOP)
        with subprocess.Popen([binary, 'status', '-c', g.file], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as asking:
            line = asking.stderr.readline()
            check('the clerk does not answer yet: it is stopped or hangs' in line, line)
            os.kill(clerk, signal.SIGCONT)
            check(f'process {g.popen.pid} ' in asking.stdout.read() and asking.wait() == 0, 'then it answers')
        g.reload(limit=['hang_time 1s'])
        until(lambda: g.clerk() not in (None, clerk), 'another clerk')
        clerk = g.clerk()
        os.kill(clerk, signal.SIGSTOP)
        until(lambda: g.clerk() not in (None, clerk), 'and one after it hung')


def waits_for_room(binary):
    """A reload that finds no room says so at once, and is done when there is."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        sessions = g.sessions_of_many(32)
        for _ in range(2):
            done = command(g, 'reload')
            check(done.returncode == 1 and done.stderr ==
                  'reload waits for workers of earlier configurations to end: there are too many\n', f'{done}')
        sessions.pop().expect('QUIT', 221)
        g.reloaded(33)
        check(status(g)['reloads'] == 33, 'reloads')
        for s in sessions:
            s.close()


def status_while_ending(binary):
    with Gatepost(binary, workers=1) as g:
        g.start()
        busy = g.session()
        for line, code in (('EHLO client.test', 250), ('MAIL FROM:<>', 250), ('RCPT TO:<box@example.org>', 250)):
            busy.expect(line, code)
        g.signal(signal.SIGTERM)
        until(lambda: status(g)['workers'][0]['draining'], 'status while it ends')
        done = command(g, 'reload')
        check(done.returncode == 2 and 'Gatepost is ending' in done.stderr, f'{done}')
        busy.expect('DATA', 354)
        busy.expect('Subject: x\r\n\r\nx\r\n.', 250)
        check(g.wait() == 0, 'exit status')


def clerk_is_confined(binary):
    with Gatepost(binary, workers=1) as g:
        g.start()
        for pid in [g.clerk(), *g.workers()]:
            st = process_status(pid)
            check(st['NoNewPrivs'] == '1' and st['Seccomp'] == '2', f'{pid}: {st["NoNewPrivs"]} {st["Seccomp"]}')
            for caps in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb') + (('CapBnd',) if ROOT else ()):
                check(int(st[caps], 16) == 0, f'{caps} {st[caps]}')
            if ROOT:
                check(st['Uid'].split() == [str(NOBODY.pw_uid)] * 4, f"Uid {st['Uid']}")
        with open(f'/proc/{g.popen.pid}/net/tcp', encoding='ascii') as f:
            sockets = {line.split()[9] for line in f.readlines()[1:]}
        held = opened(g.clerk())
        check(not any(f'socket:[{inode}]' in held for inode in sockets), f'the clerk holds {held}')
        confinement = status(g)['confinement']
        check(confinement['seccomp'] is True, f'{confinement}')


def no_dumps(binary):
    """Neither a core file nor another process of the same user gets at people's mail or the key of TLS."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        worker = g.workers()[0]
        # The master's own limit is every child's from its first moment, before it has confined itself.
        for pid in (g.popen.pid, worker, g.clerk()):
            with open(f'/proc/{pid}/limits', encoding='ascii') as f:
                limits = f.read()
            check([line.split()[4:6] for line in limits.splitlines() if line.startswith('Max core')] == [['0', '0']],
                  limits)
        if 'sanitize' in binary or not ROOT:
            return
        looked = subprocess.run(['cat', f'/proc/{worker}/maps'], user=NOBODY.pw_uid, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
        check(looked.returncode != 0 and not looked.stdout, 'another process may look into a worker')
        with open(f'/proc/{worker}/maps', encoding='ascii') as f:
            writable = [line for line in f if ' rwx' in line]
        check(not writable, f'executable and writable: {writable}')


def others_may_not(binary):
    """Of another user nobody can connect; where the mode lets him, he may ask, and order nothing."""
    if not ROOT:
        return
    with Gatepost(binary, workers=1) as g:
        g.start()
        os.chmod(g.file, 0o644)
        other = NOBODY.pw_uid - 1
        done = command(g, 'status', user=other)
        check(done.returncode == 1 and 'Permission denied' in done.stderr, f'{done}')
        os.chmod(f'{g.folder}/control', 0o666)
        done = command(g, 'status', user=other)
        check(done.returncode == 0, f'{done}')
        for order in ('reload', 'upgrade'):
            done = command(g, order, user=other)
            check(done.returncode == 1 and 'only root' in done.stderr, f'{done}')
        check(status(g)['generation'] == 1, 'something has changed')


def reloads(binary):
    with Gatepost(binary, workers=1) as g:
        g.start()
        done = command(g, 'reload')
        check((done.returncode, done.stdout, done.stderr) == (0, 'reloaded\n', ''), f'{done}')
        check(status(g)['generation'] == 2 and status(g)['reloads'] == 1, 'status')
        good = g.statements['limit']
        g.write(limit=['errors 1'], tls='cert /nonexistent/c key /nonexistent/k')
        done = command(g, 'reload')
        check(done.returncode == 2 and f'{g.file}:' in done.stderr and 'No such file' in done.stderr, f'{done}')
        g.write(tls=[], limit=good)
        g.write(hostname='not..a..name')
        done = command(g, 'reload')
        check(done.returncode == 2 and done.stderr.startswith(f'{g.file}:1:'), f'{done}')
        check(status_of(g, f'{g.folder}/control')['generation'] == 2, 'it goes on')


def status_of(g, path):
    c = socket.socket(socket.AF_UNIX)
    c.settimeout(PATIENCE)
    c.connect(path)
    c.sendall(b'{"do":"status"}\n')
    with c.makefile('rb') as f:
        return json.loads(f.readline())


def storm(binary):
    """Many orders at once: each is answered, however few reloads that takes."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        clients = [Control(g) for _ in range(30)]
        for c in clients:
            c.say(b'{"do": "reload"}\n')
        for c in clients:
            answer = c.reply()
            check(answer['ok'] and answer['text'] == 'reloaded\n', f'{answer}')
            c.close()
        check(status(g)['reloads'] < 30, 'one reload for each')
        Session(g.port).deliver()


def moves(binary):
    """Another `control` is followed by a reload."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        old = f'{g.folder}/control'
        g.write(control=f'{g.folder}/moved')
        done = command(g, 'reload')
        check(done.returncode == 1 and 'goes over to this one after SIGHUP' in done.stderr, f'{done}')
        g.signal(signal.SIGHUP)
        until(lambda: os.path.exists(f'{g.folder}/moved') and not os.path.exists(old), 'it moves')
        until(lambda: command(g, 'status').returncode == 0, 'somebody answers there')
        g.write(control='/proc/control')
        g.signal(signal.SIGHUP)
        until(lambda: 'it stays at' in g.log(), 'word of a place that cannot be')
        check(status_of(g, f'{g.folder}/moved')['ok'], 'it stays')


def stop(g):
    g.signal(signal.SIGTERM)
    check(g.wait() == 0, 'its end')


def start_again(g):
    g.start()
    until(g.clerk_answers, 'the clerk')


def memory_in_use(binary):
    """What is learned is kept for the next Gatepost; damage is told, moved aside and begun anew; where it cannot be
    opened, mail goes on and the status says so."""
    with Gatepost(binary, workers=2) as g:
        folder = f'{g.folder}/var/state/memory'
        g.start()
        g.session().deliver()
        until(lambda: status(g)['memory']['records'] > 0, 'records')
        s = status(g)
        check(s['memory']['limit'] == 268435456 and 0 < s['memory']['size'] < 1 << 20 and 'trouble' not in s['memory'],
              f"{s['memory']}")
        until(lambda: status(g)['counters']['memory_changes'] >= status(g)['memory']['records'], 'changes')
        check(stat.S_IMODE(os.stat(folder).st_mode) == 0o700, 'its mode')
        stop(g)
        start_again(g)
        check(status(g)['memory']['records'] > 0, 'they are there again')
        stop(g)
        with open(f'{folder}/data.mdb', 'r+b') as f:
            f.truncate(10000)
        start_again(g)
        until(lambda: 'the memory was damaged; it was moved aside and begun anew' in g.log(), 'word of damage')
        check(any(name.startswith('memory.damaged-') for name in os.listdir(f'{g.folder}/var/state')), 'nothing aside')
        g.session().deliver()
        until(lambda: status(g)['memory']['records'] > 0, 'new records')
        stop(g)
        os.rename(folder, folder + '.away')
        with open(folder, 'wb'):
            pass  # no folder can be there
        start_again(g)
        until(lambda: 'nothing is remembered' in g.log(), 'word of what cannot be opened')
        g.session().deliver()
        until(lambda: status(g)['memory'].get('trouble') == 'Not a directory', f"{status(g)['memory']}")
        check('NOT kept: Not a directory' in command(g, 'status').stdout, 'the screen')


def memory_on_a_full_disk(binary):
    """On a disk that is full mail goes on; trouble and its end are told once each."""
    with Gatepost(binary, workers=1) as g:
        state = f'{g.folder}/var/state'
        os.makedirs(state)
        if not ROOT or subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size=4m,uid={NOBODY.pw_uid},mode=700', 'none',
                                       state], stderr=subprocess.DEVNULL).returncode != 0:
            print('NOT tested: no tmpfs can be mounted')
            return
        try:
            g.start()
            g.session().deliver()
            until(lambda: status(g)['memory']['records'] > 0, 'records')
            with open(f'{state}/filler', 'wb', buffering=0) as f:
                try:
                    while True:
                        f.write(bytes(4096))
                except OSError:
                    pass
            sent = 0
            while 'trouble' not in status(g)['memory'] and sent < 100:
                g.session().deliver()
                sent += 1
            s = status(g)['memory']
            check(s.get('trouble') == 'No space left on device', f'{s}')
            check('NOT kept: No space left on device' in command(g, 'status').stdout, 'the screen')
            until(lambda: 'cannot write the memory in' in g.log(), 'word of it')
            g.session().deliver()
            os.unlink(f'{state}/filler')
            until(lambda: 'trouble' not in status(g)['memory'], 'its end')
            until(lambda: 'is written again' in g.log(), 'word of its end')
            check(g.log().count('cannot write the memory in') == 1 and g.log().count('is written again') == 1, g.log())
            check(status(g)['counters']['memory_lost'] == 0, 'lost')
            check(len(g.messages()) == sent + 2, 'messages')
            stop(g)
        finally:
            g.signal(signal.SIGKILL) if g.popen and g.popen.poll() is None else None
            subprocess.run(['umount', '-l', state], check=True)


def made_again(binary):
    """A control socket that somebody has removed is back after a reload."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        os.unlink(f'{g.folder}/control')
        g.reload()
        until(lambda: command(g, 'status').returncode == 0, 'the control socket')
        check(stat.S_IMODE(os.stat(f'{g.folder}/control').st_mode) == 0o600, 'its mode')


def upgrades(binary):
    """The new program answers on the same socket."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        g.session().deliver()
        until(lambda: status(g)['counters']['accepted'] == 1, 'the message is counted')
        before = status(g)
        clerk, inode = g.clerk(), os.stat(f'{g.folder}/control').st_ino
        done = command(g, 'upgrade')
        check((done.returncode, done.stdout, done.stderr) == (0, 'the new program takes over\n', ''), f'{done}')
        until(lambda: 'upgraded to' in g.log(), 'the new program')
        until(lambda: not alive(clerk), 'the old clerk ends')
        check(status(g)['generation'] == 2 and status(g)['since'] == before['since'], f'{status(g)}')
        check(os.stat(f'{g.folder}/control').st_ino == inode, 'another socket')
        check(status(g)['counters']['accepted'] == 1, 'counters')


CASES = [memory_in_use, clerk_hangs, silent_client, waits_for_room, another_hang_time, memory_on_a_full_disk,
         shows_what_is_there, manual, screen, counts_outlive_workers, phases_of_refusal,
         what_could_not_be_judged, health_of_hops, many_hops, nobody_answers, bad_places, garbage,
         several_requests, megabytes, many_clients, takes_no_reply, clerk_dies, status_while_ending,
         clerk_is_confined, no_dumps, others_may_not, reloads, storm, moves, made_again, upgrades]

if __name__ == '__main__':
    sys.exit(main(CASES))
