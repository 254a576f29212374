#!/usr/bin/env python3
"""What surrounds a service: systemd's sockets, the journal, certificates that are renewed, workers that
hang. Usage: test_service.py GATEPOST [NAME…]"""
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from kit import (NOBODY, PATIENCE, Gatepost, Session, alive, check, connectable, free_port, main,  # noqa: E402
                 process_status, until)
from test_reload import greeting  # noqa: E402


class Datagrams:
    """A socket that keeps what it is sent."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.socket.setblocking(False)
        self.seen = []

    def all(self):
        while True:
            try:
                self.seen.append(self.socket.recv(1 << 20).decode())
            except BlockingIOError:
                return self.seen

    def close(self):
        self.socket.close()


class Started:
    """Environment variables for a program that is started meanwhile."""

    def __init__(self, **variables):
        self.variables = variables

    def __enter__(self):
        os.environ.update(self.variables)

    def __exit__(self, *error):
        for name in self.variables:
            del os.environ[name]


def lines(text):
    return dict(line.partition('=')[::2] for line in text.splitlines())


def notify(binary):
    """READY=1 when clients are served, RELOADING=1 and READY=1 around a reload, STOPPING=1, WATCHDOG=1."""
    with Gatepost(binary, workers=1) as g:
        systemd = Datagrams(f'{g.folder}/notify')
        with Started(NOTIFY_SOCKET=systemd.path, WATCHDOG_USEC='400000'):
            g.start()

        def told(pattern, count=1):
            until(lambda: sum(bool(re.match(pattern, text)) for text in systemd.all()) >= count,
                  f'{pattern} {count} times in {systemd.seen}')

        told('READY=1\nSTATUS=serving$')
        check(systemd.seen[0].startswith('READY=1'), f'{systemd.seen}')
        told('WATCHDOG=1$', 3)
        before = time.monotonic()
        g.signal(signal.SIGHUP)
        told('RELOADING=1\nMONOTONIC_USEC=\\d+\n')
        told('READY=1\nSTATUS=serving$', 2)
        usec = int(lines([t for t in systemd.seen if 'RELOADING' in t][0])['MONOTONIC_USEC'])
        check(before - 1 < usec / 1e6 < time.monotonic() + 1, f'{usec}')
        good = dict(g.statements)
        g.write(nonsense='x')
        g.signal(signal.SIGHUP)
        told(f'READY=1\nSTATUS=not reloaded: {g.file}:')
        g.statements = good
        g.write()
        g.signal(signal.SIGUSR2)
        told('RELOADING=1', 3)
        told('READY=1\nSTATUS=serving$', 3)
        check('upgraded to' in g.log(), g.log())
        count = sum(text == 'WATCHDOG=1' for text in systemd.all())
        told('WATCHDOG=1$', count + 2)  # also by the program that took over
        g.signal(signal.SIGTERM)
        told('STOPPING=1')
        check(g.wait() == 0, 'exit status')
        systemd.close()


def notify_abstract(binary):
    """A name in the abstract namespace; and one that nobody listens to harms nobody."""
    with Gatepost(binary, workers=1) as g, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        name = f'gatepost-test-{os.getpid()}'
        s.bind(f'\0{name}')
        s.settimeout(PATIENCE)
        with Started(NOTIFY_SOCKET=f'@{name}'):
            g.start()
        check(s.recv(1000).startswith(b'READY=1'), 'no READY=1')
    with Gatepost(binary, workers=1) as g:
        with Started(NOTIFY_SOCKET='/nonexistent/notify', WATCHDOG_USEC='100000'):
            g.start()
        g.session().deliver()


LAUNCHER = """
import os, socket, sys
wanted = [int(word) for word in sys.argv[1].split(',')]
for place, fd in enumerate(wanted):
    os.dup2(fd, 100 + place)
for place in range(len(wanted)):
    os.dup2(100 + place, 3 + place, inheritable=True)
os.environ.update(LISTEN_FDS=str(len(wanted)), LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def activated(g, sockets, **options):
    """Starts it as systemd would, with these sockets."""
    fds = [s.fileno() for s in sockets]
    return subprocess.Popen([sys.executable, '-c', LAUNCHER, ','.join(map(str, fds)), g.binary, 'run',
                             '-c', g.file], pass_fds=fds, start_new_session=True,
                            stdin=subprocess.DEVNULL, **options)


def socket_activation(binary):
    """An inherited socket is the one of its address; what is not inherited is bound."""
    with Gatepost(binary, workers=1) as g:
        second = free_port()
        g.write(listen=[f'127.0.0.1:{g.port}', f'127.0.0.1:{second}'])
        systemd = socket.create_server(('127.0.0.1', g.port))
        early = socket.create_connection(('127.0.0.1', g.port), PATIENCE)  # before anybody accepts
        with open(f'{g.folder}/stderr', 'ab') as err, open(f'{g.folder}/stdout', 'ab') as out:
            g.popen = activated(g, [systemd], stderr=err, stdout=out)
        check(early.recv(100).startswith(b'220'), 'who came early')
        early.close()
        until(lambda: 'ready on' in g.log(), 'ready')
        check('220' in greeting(second), 'the bound one')
        g.reload(hostname='second.test')
        check('second.test' in greeting(g.port), 'the reloaded one')
        g.signal(signal.SIGUSR2)
        until(lambda: 'upgraded to' in g.log(), 'an upgrade')
        check('second.test' in greeting(g.port), 'the upgraded one')
        g.write(listen=[f'127.0.0.1:{second}'])
        g.signal(signal.SIGHUP)
        until(lambda: f':2:1: expected a `listen` for 127.0.0.1:{g.port} too' in g.log(), 'the refusal')
        g.signal(signal.SIGTERM)
        check(g.wait() == 0, 'exit status')
        late = socket.create_connection(('127.0.0.1', g.port), PATIENCE)  # systemd keeps it open
        late.close()
        systemd.close()


def wrong_sockets(binary):
    """An inherited socket that no `listen` names, or that is none, is told of, and nothing begins."""
    with Gatepost(binary, workers=1) as g, socket.create_server(('127.0.0.1', 0)) as other, \
            socket.socket(socket.AF_UNIX) as unix:
        unix.bind(f'{g.folder}/unix')
        unix.listen()
        port = other.getsockname()[1]
        for s, said in ((other, f'{g.file}:2:1: expected a `listen` for 127.0.0.1:{port} too, which was '
                                'inherited by socket activation'),
                        (unix, 'descriptor 3, inherited by socket activation, is no listening TCP socket')):
            popen = activated(g, [s], stderr=subprocess.PIPE)
            told = popen.communicate(timeout=PATIENCE)[1].decode()
            check(popen.returncode == 2 and told.startswith(said), f'{popen.returncode}: {told}')


def journal(binary):
    """Lines with fields to the journal's socket; to standard error when that is not there."""
    with Gatepost(binary, workers=1, log='journald') as g:
        journald = Datagrams(f'{g.folder}/journal')
        with Started(GATEPOST_JOURNALD=journald.path):
            with open(f'{g.folder}/stderr', 'ab') as err:
                g.popen = subprocess.Popen([binary, 'run', '-c', g.file], stderr=err, start_new_session=True,
                                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

        def entry(pattern):
            def find():
                return [t for t in journald.all() if re.search(pattern, t)]
            return lines(until(find, f'{pattern} in {journald.seen}')[0])

        ready = entry('ready on')
        check(ready == {'PRIORITY': '5', 'SYSLOG_IDENTIFIER': 'gatepost', 'GATEPOST_ROLE': 'master',
                        'MESSAGE': f'ready on 127.0.0.1:{g.port} (1 worker)'}, f'{ready}')
        os.kill(g.workers()[0], signal.SIGKILL)
        check(entry('was killed by')['PRIORITY'] == '3', 'priority of an error')
        until(lambda: len(g.workers()) == 1, 'another worker')
        state = f'{g.folder}/var/state'
        if os.geteuid() == 0:
            os.chown(state, 0, 0)
            os.kill(g.workers()[0], signal.SIGKILL)
            said = entry('cannot open the state')
            check(said['GATEPOST_ROLE'] == 'worker 0' and said['MESSAGE'].startswith('worker 0: '), f'{said}')
            os.chown(state, os.stat(f'{g.folder}/var/spool').st_uid, -1)
        check(g.log() == '', g.log())
        journald.close()
        os.unlink(journald.path)
        g.signal(signal.SIGHUP)
        until(lambda: 'reloaded: ' in g.log(), 'the line on standard error')


def stderr_under_systemd(binary):
    """Where standard error leads to the journal, but its socket is not there: priorities in front."""
    with Gatepost(binary, workers=1) as g:
        with open(f'{g.folder}/stderr', 'ab') as err:
            st = os.fstat(err.fileno())
            with Started(JOURNAL_STREAM=f'{st.st_dev}:{st.st_ino}', GATEPOST_JOURNALD='/nonexistent/socket'):
                g.popen = subprocess.Popen([binary, 'run', '-c', g.file], stderr=err, start_new_session=True,
                                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until(lambda: 'ready on' in g.log(), 'ready')
        check(g.log() == f'<5>ready on 127.0.0.1:{g.port} (1 worker)\n', g.log())


def fill(pipe):
    """Until nothing more goes in; then writing waits again."""
    os.set_blocking(pipe, False)
    try:
        while True:
            os.write(pipe, b'x' * 4096)
    except BlockingIOError:
        os.set_blocking(pipe, True)


def start_with_stderr(g, binary, pipe):
    with open(f'{g.folder}/stderr', 'ab'):
        pass
    g.popen = subprocess.Popen([binary, 'run', '-c', g.file], stderr=pipe, start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def stuck_log(binary):
    """Nobody reads standard error: mail goes on."""
    reader, writer = os.pipe()
    with Gatepost(binary, workers=1) as g:
        start_with_stderr(g, binary, writer)
        check(b'ready on' in os.read(reader, 1000), 'ready')
        fill(writer)
        g.session().deliver()
        g.write(hostname='second.test')
        g.signal(signal.SIGHUP)
        until(lambda: 'second.test' in greeting(g.port), 'the reload')
        g.session().deliver()
    os.close(reader)
    os.close(writer)


def stuck_from_the_start(binary):
    """Standard error is full before it begins: clients are served, and the master lives."""
    reader, writer = os.pipe()
    fill(writer)
    with Gatepost(binary, workers=1) as g:
        start_with_stderr(g, binary, writer)
        until(lambda: os.path.exists(f'{g.folder}/control'), 'the control socket')
        until(lambda: g.workers(), 'a worker')
        until(lambda: connectable(g.port), 'the port')
        g.session().deliver()
        worker = g.workers()[0]
        os.kill(worker, signal.SIGKILL)
        until(lambda: g.workers() not in ([], [worker]), 'another worker')
        g.session().deliver()
    os.close(reader)
    os.close(writer)


def hung_worker(binary):
    """A worker whose loop stands still is killed and replaced; others are not touched."""
    with Gatepost(binary, workers=2, limit=['hang_time 1s']) as g:
        g.start()
        first, second = g.workers()
        os.kill(first, signal.SIGSTOP)
        until(lambda: not alive(first), 'the hung worker is killed')
        check(re.search(rf'worker \d \(process {first}\) has not moved for \d s: it is ended by SIGABRT', g.log()),
              g.log())
        until(lambda: len(g.workers()) == 2, 'another worker')
        check(second in g.workers(), 'the other worker was touched')
        g.session().deliver()


def all_frozen(binary):
    """When all of Gatepost stood still, as in a host that was suspended, no worker hung."""
    with Gatepost(binary, workers=2, limit=['hang_time 3s']) as g:
        g.start()
        workers = g.workers()
        everybody = [*workers, g.clerk(), g.popen.pid]
        s = g.session()
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        until(lambda: all(process_status(pid)['State'].startswith('T') for pid in everybody), 'all to stop')
        time.sleep(4)  # longer than hang_time and a look of the master's
        for pid in reversed(everybody):  # the master first, before any worker has moved
            os.kill(pid, signal.SIGCONT)
        s.expect('EHLO client.test', 250)
        check('has not moved' not in g.log(), g.log())
        check(g.workers() == workers, 'workers were replaced')
        s.close()
        os.kill(workers[0], signal.SIGSTOP)
        until(lambda: not alive(workers[0]), 'one that hangs alone is still killed')
        # Once it is buried, too: an end before that would be a failure.
        until(lambda: workers[0] not in g.workers() and len(g.workers()) == 2, 'another worker')


def make_certificate(folder, name, key=None):
    """A self-signed certificate; with `key` for that key. Returns the texts of both."""
    cert, own = f'{folder}/{name}.new', f'{folder}/{name}.key'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
                    '-nodes', '-days', '30', '-subj', f'/CN={name}', '-keyout', own, '-out', cert],
                   check=True, stderr=subprocess.DEVNULL)
    with open(cert, 'rb') as c, open(own, 'rb') as k:
        return c.read(), k.read()


def offered(port):
    """The certificate that a client gets."""
    s = Session(port)
    s.say('EHLO client.test')
    s.expect('STARTTLS', 220)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(s.socket) as tls:
        return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True)).encode()


def certificates(binary):
    """Renewed ones are loaded by themselves, once both files fit; the configuration stays as it was."""
    with Gatepost(binary, workers=1) as g:
        folder = tempfile.mkdtemp(dir=g.folder)
        files = [f'{g.folder}/cert', f'{g.folder}/key']

        def put(*texts):
            for file, text in zip(files, texts):
                if text is not None:
                    with open(file, 'wb') as f:
                        f.write(text)

        first, second = make_certificate(folder, 'first'), make_certificate(folder, 'second')
        put(*first)
        g.write(tls=f'cert {files[0]} key {files[1]}')
        with Started(NOTIFY_SOCKET='/nonexistent/notify', WATCHDOG_USEC='400000'):  # it looks more often
            g.start()
        check(offered(g.port) == first[0], 'the first certificate')
        g.write(hostname='not.yet.test')
        put(second[0], None)
        until(lambda: 'certificate and key have changed, but cannot be used yet' in g.log(), 'a warning')
        check(offered(g.port) == first[0], 'a mismatch was used')
        os.kill(g.workers()[0], signal.SIGKILL)
        check(offered(g.port) == first[0], 'the replaced worker has another certificate')
        put(second[0][:200], second[1])
        until(lambda: g.log().count('cannot be used yet') == 2, 'another warning for another state')
        time.sleep(1)
        check(g.log().count('cannot be used yet') == 2, 'warned again')
        put(second[0], None)
        until(lambda: offered(g.port) == second[0], 'the second certificate')
        check('gatepost.test' in greeting(g.port), 'the configuration was read too')
        check(g.log().count('reloaded: ') == 1, g.log())
        g.reload()
        check('not.yet.test' in greeting(g.port), 'the new configuration')


PRIVILEGED_PORTS = range(600, 1024)


def low_port():
    """Any of them: other runs may look for one at the same time."""
    for port in random.sample(PRIVILEGED_PORTS, len(PRIVILEGED_PORTS)):
        with socket.socket() as s:
            if s.connect_ex(('127.0.0.1', port)) != 0:
                try:
                    s.bind(('127.0.0.1', port))
                    return port
                except OSError:
                    pass
    raise AssertionError('no port below 1024 is free')


def ordinary_user(binary):
    """As gatepost.service has it: not root, with the capability to bind low ports, which the master keeps
    over an upgrade and workers give up."""
    if os.geteuid() != 0 or not shutil.which('setpriv'):
        return
    with Gatepost(binary, workers=1, user=[]) as g:
        shutil.chown(g.folder, NOBODY.pw_uid)
        first, second = low_port(), None
        g.port = first
        g.write(listen=f'127.0.0.1:{first}')
        bind = '-all,+net_bind_service'
        with open(f'{g.folder}/stderr', 'ab') as err:
            g.popen = subprocess.Popen(
                ['setpriv', f'--reuid={NOBODY.pw_uid}', f'--regid={NOBODY.pw_gid}', '--clear-groups',
                 f'--inh-caps={bind}', f'--ambient-caps={bind}', f'--bounding-set={bind}', binary, 'run', '-c', g.file],
                stderr=err, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
        until(lambda: 'ready on' in g.log(), 'ready')
        g.session().deliver()
        g.signal(signal.SIGUSR2)
        until(lambda: 'upgraded to' in g.log(), f'an upgrade in {g.log()}')
        second, before = low_port(), g.workers()
        g.reload(listen=[f'127.0.0.1:{first}', f'127.0.0.1:{second}'])
        check('220' in greeting(second), 'another low port after an upgrade')
        for pid in g.workers_after(before):
            status = process_status(pid)
            check(int(status['CapPrm'], 16) == int(status['CapAmb'], 16) == 0, f'{status}')
            check(status['NoNewPrivs'] == '1', f'{status}')


CASES = [all_frozen, hung_worker, certificates, ordinary_user, notify, notify_abstract, socket_activation,
         wrong_sockets, journal, stderr_under_systemd, stuck_log, stuck_from_the_start]

if __name__ == '__main__':
    sys.exit(main(CASES))
