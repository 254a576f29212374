"""Gatepost as real processes: its configuration, start and end, a client, and how cases are run."""
import concurrent.futures
import contextlib
import io
import json
import multiprocessing
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from ports import free_port  # noqa: E402

ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam('nobody')
PATIENCE = 20
AT_A_TIME = 4
CLERK = 'gatepost-clerk'
INSPECTOR = 'gatepost-insp'


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


def until(condition, what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < deadline, f'{what}: not within {seconds} s')
        time.sleep(0.01)


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as f:
            return f.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def name_of(pid):
    try:
        with open(f'/proc/{pid}/comm', encoding='ascii', errors='replace') as f:
            return f.read().strip()
    except OSError:
        return ''


def process_status(pid):
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as f:
        return {name: value.strip() for name, _, value in (line.partition(':') for line in f)}


def opened(pid):
    """Where its descriptors lead."""
    found = []
    for fd in os.listdir(f'/proc/{pid}/fd'):
        try:
            found.append(os.readlink(f'/proc/{pid}/fd/{fd}'))
        except FileNotFoundError:
            pass  # closed meanwhile
    return found


def connectable(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


class Gatepost:
    """A folder with a configuration, and the processes on it. Statements override the standard."""

    def __init__(self, binary, stdout=None, **statements):
        self.binary = binary
        self.folder = tempfile.mkdtemp(prefix='gatepost-proc-')
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        self.file = f'{self.folder}/gatepost.conf'
        self.stdout = stdout
        self.popen = None
        self.statements = {
            'hostname': 'gatepost.test', 'listen': f'127.0.0.1:{self.port}',
            'route': f'example.org to maildir:{self.folder}/mail/%{{rcpt.local_part}}',
            'state': f'lmdb:{self.folder}/var/state', 'spool': f'{self.folder}/var/spool',
            'control': f'{self.folder}/control', 'workers': 2, 'limit': [],
            'resolver': 'none', **statements}
        if ROOT:
            self.statements.setdefault('user', 'nobody')
        self.make_maildir('box')
        self.write()

    def write(self, **statements):
        self.statements.update(statements)
        with open(f'{self.file}.new', 'w', encoding='utf-8') as f:
            for name, values in self.statements.items():
                for value in values if isinstance(values, list) else [values]:
                    f.write(f'{name} {value}\n')
        os.rename(f'{self.file}.new', self.file)

    def make_maildir(self, name):
        for path in ['mail', f'mail/{name}'] + [f'mail/{name}/{sub}' for sub in ('tmp', 'new', 'cur')]:
            os.makedirs(f'{self.folder}/{path}', exist_ok=True)
            if ROOT:
                os.chown(f'{self.folder}/{path}', NOBODY.pw_uid, NOBODY.pw_gid)

    def messages(self, name='box'):
        return os.listdir(f'{self.folder}/mail/{name}/new')

    def start(self, descriptors=None):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        with open(f'{self.folder}/stderr', 'ab') as err, open(f'{self.folder}/stdout', 'ab') as out:
            starts = self.log().count('gatepost: ready on')
            self.popen = subprocess.Popen([self.binary, 'run', '-c', self.file], stderr=err,
                                          stdin=subprocess.DEVNULL, start_new_session=True,
                                          preexec_fn=limit if descriptors else None,
                                          stdout=self.stdout if self.stdout is not None else out)
        until(lambda: self.log().count('gatepost: ready on') > starts or self.popen.poll() is not None, 'ready line')
        check(self.popen.poll() is None, f'ended at its start: {self.log()}')
        return self

    def log(self):
        with open(f'{self.folder}/stderr', encoding='utf-8') as f:
            return f.read()

    def decisions(self):
        with open(f'{self.folder}/stdout', encoding='ascii') as f:
            return [json.loads(line) for line in f if line.endswith('\n')]  # else it is being written

    def workers(self):
        with open(f'/proc/{self.popen.pid}/task/{self.popen.pid}/children', encoding='ascii') as f:
            return [pid for pid in (int(word) for word in f.read().split()) if name_of(pid) not in (CLERK, INSPECTOR)]

    def workers_after(self, before):
        """The workers once all of `before` are buried; behind a reload these may still be among them."""
        until(lambda: not set(before) & set(self.workers()), f'{before} end')
        return self.workers()

    def children(self, name):
        with open(f'/proc/{self.popen.pid}/task/{self.popen.pid}/children', encoding='ascii') as f:
            return [pid for pid in (int(word) for word in f.read().split()) if name_of(pid) == name]

    def clerk(self):
        clerks = self.children(CLERK)
        return clerks[0] if clerks else None

    def inspectors(self):
        return self.children(INSPECTOR)

    def clerk_answers(self):
        return subprocess.run([self.binary, 'status', '-c', self.file], stdout=subprocess.DEVNULL).returncode == 0

    def session(self):
        return Session(self.port)

    def reloaded(self, times):
        """Waits until so many reloads are done since the start."""
        until(lambda: len(re.findall(r'reloaded: \d+ worker', self.log())) >= times, f'{times} reloads')

    def reload(self, **statements):
        """Changes the configuration and has it read again."""
        before = self.log().count('reloaded: ')
        self.write(**statements)
        self.signal(signal.SIGHUP)
        self.reloaded(before + 1)

    def sessions_of_many(self, configurations):
        """As many reloads, and a session of each configuration before them that goes on."""
        sessions = []
        for _ in range(configurations):
            sessions.append(self.session())
            self.reload()
        return sessions

    def signal(self, number):
        os.kill(self.popen.pid, number)

    def wait(self, seconds=PATIENCE):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f'did not end within {seconds} s: {self.log()}') from None

    def refused(self, command='run'):
        """What Gatepost says when it does not start: one line, where it has a place with that line
        of the file and a caret below, and exit status 2."""
        done = subprocess.run([self.binary, command, '-c', self.file], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        said = done.stdout.decode()
        check(done.returncode == 2, f'exit status {done.returncode}: {said}')
        check(said.startswith(self.file), f'{said!r} does not begin with {self.file}')
        lines = said[len(self.file):].split('\n')
        check(lines[-1] == '' and len(lines) in (2, 4), f'neither one line nor three: {said!r}')
        if len(lines) == 4:
            number, column = (int(word) for word in lines[0].split(':')[1:3])
            with open(self.file, encoding='utf-8') as f:
                line = f.read().split('\n')[number - 1]
            check(lines[1] == '    ' + line, f'not line {number}: {said!r}')
            check(lines[2] == ' ' * (3 + column) + '^', f'no caret at column {column}: {said!r}')
        return lines[0].strip()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if self.popen and self.popen.poll() is None:
                self.signal(signal.SIGTERM)
                status = self.wait()
                if kind is None:
                    check(status == 0, f'exit status {status}: {self.log()}')
            if kind is None and self.popen:
                check('Sanitizer' not in self.log() and 'runtime error' not in self.log(), self.log())
            elif kind is not None and os.path.exists(f'{self.folder}/stderr'):
                print(f'---- stderr\n{self.log()}----')
        finally:
            if self.popen:
                try:
                    os.killpg(self.popen.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                self.popen.wait()
            shutil.rmtree(self.folder)


class Session:
    """The least of an SMTP client, its greeting read."""

    def __init__(self, port, source='127.0.0.1'):
        self.socket = socket.create_connection(('127.0.0.1', port), PATIENCE, (source, 0))
        self.file = self.socket.makefile('rwb')
        self.greeting = self.reply()

    def reply(self):
        line = self.file.readline()
        while line[3:4] == b'-':
            line = self.file.readline()
        return line.decode().rstrip('\r\n')

    def say(self, line):
        self.file.write(line.encode() + b'\r\n')
        self.file.flush()
        return self.reply()

    def expect(self, line, code):
        reply = self.say(line)
        check(reply.startswith(str(code)), f'{line}: {reply}')
        return reply

    def deliver(self, box='box'):
        check(self.greeting.startswith('220'), f'greeting: {self.greeting}')
        for line, code in (('EHLO client.test', 250), ('MAIL FROM:<a@client.test>', 250),
                           (f'RCPT TO:<{box}@example.org>', 250), ('DATA', 354),
                           ('Subject: x\r\n\r\nx\r\n.', 250), ('QUIT', 221)):
            self.expect(line, code)
        self.close()

    def at_end(self):
        """The other side has closed. A killed process's sockets may be reset."""
        try:
            return self.file.read(1) == b''
        except ConnectionResetError:
            return True

    def close(self):
        self.file.close()
        self.socket.close()


def run(case, binary):
    """(did it pass, its line and whatever it printed)."""
    said = io.StringIO()
    start = time.monotonic()
    with contextlib.redirect_stdout(said):
        try:
            case(binary)
            verdict = 'ok'
        except Exception:
            verdict = f'FAILED\n{traceback.format_exc()}'
    return verdict == 'ok', f'{said.getvalue()}{case.__name__:<28} {time.monotonic() - start:6.2f} s  {verdict}'


def main(cases):
    """Runs the cases, or those that are named, some of them beside each other, as most of them wait most of the
    time: each has a Gatepost of its own, and is run by a process that runs no other one meanwhile. Those that
    wait for long should come first."""
    binary, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    passed = failed = 0
    with concurrent.futures.ProcessPoolExecutor(AT_A_TIME, multiprocessing.get_context('fork')) as pool:
        for done in [pool.submit(run, case, binary) for case in cases if not wanted or case.__name__ in wanted]:
            good, said = done.result()
            passed += good
            failed += not good
            print(said, flush=True)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0
