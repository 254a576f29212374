"""Real scanners: clamd with signatures of its own, rspamd and spamd, each without the network."""

import os
import shutil
import signal
import socket

from .process import Process, children_of, free_port, wait_until
from .report import Skip

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MARKER = b"a signature of these tests 7281"
# What Debian's clamav-testfiles carry, in one packing or another.
TEST_FILE = "aa15bcf478d165efd2065190eb473bcb:544:ClamAV-Test-File"

CLAMD = """\
LogFile {folder}/clamd.log
LogTime yes
LogVerbose yes
LogClean yes
DatabaseDirectory {folder}/signatures
TemporaryDirectory {folder}
LocalSocket {folder}/socket
LocalSocketMode 666
FixStaleSocket yes
TCPSocket {port}
TCPAddr 127.0.0.1
Foreground yes
StreamMaxLength 3M
MaxThreads 4
"""

RSPAMD = """\
.include "$CONFDIR/common.conf"
options {{
    pidfile = "{folder}/pid"; temp_dir = "{folder}"; hs_cache_dir = "{folder}"; local_addrs = [];
    control_socket = "{folder}/control mode=0600";
    dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "file"; filename = "{folder}/rspamd.log"; level = "info"; }}
worker "normal" {{
    bind_socket = "127.0.0.1:{port}"; bind_socket = "{folder}/socket mode=0666"; count = 1;
}}
"""

# Rules that say what spamd saw of how a message came in.
SPAMD = r"""
header OWN_RELAY X-Spam-Relays-Trusted =~ /ip=127\.0\.0\.1 .*helo=client\.test by=gatepost\.test/
score OWN_RELAY 0.1
header OWN_SENDER EnvelopeFrom =~ /^author@client\.test/
score OWN_SENDER 0.1
"""


class Scanner:
    """One that is started again by start() in the same place."""

    program = None

    def __init__(self, folder):
        if not shutil.which(self.program):
            raise Skip(f"{self.program} is not installed")
        self.folder, self.port = folder, free_port()
        self.socket = f"{folder}/socket"
        self.process = None
        os.chmod(folder, 0o755)

    def _run(self, argv):
        self.process = Process(self.program, argv, f"{self.folder}/start.log", cwd=self.folder)

    def log(self):
        try:
            with open(f"{self.folder}/{self.program}.log", encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def ask(self, question, answer):
        """Does it answer so?"""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as s:
                s.sendall(question)
                return answer in s.recv(4096)
        except OSError:
            return False

    def hang(self):
        """It stands still, with all that it has started, and its sockets take connections as before."""
        for pid in [self.process.pid, *children_of(self.process.pid)]:
            os.kill(pid, signal.SIGSTOP)

    def go_on(self):
        for pid in [self.process.pid, *children_of(self.process.pid)]:
            os.kill(pid, signal.SIGCONT)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process = None

    close = stop


class Clamd(Scanner):
    program = "clamd"

    def __init__(self, folder):
        super().__init__(folder)
        os.mkdir(f"{folder}/signatures")
        with open(f"{folder}/signatures/own.ndb", "w", encoding="ascii") as f:
            f.write(f"Own.Eicar:0:*:{EICAR.hex()}\nOwn.Marker:0:*:{MARKER.hex()}\n")
        with open(f"{folder}/signatures/own.hdb", "w", encoding="ascii") as f:
            f.write(TEST_FILE + "\n")
        with open(f"{folder}/clamd.conf", "w", encoding="ascii") as f:
            f.write(CLAMD.format(folder=folder, port=self.port))

    def start(self):
        self._run(["clamd", "--config-file", f"{self.folder}/clamd.conf"])
        wait_until(lambda: self.ask(b"zPING\0", b"PONG"), 30, "clamd answers")

    def looked(self):
        """How many messages it has looked at."""
        return sum(" -> instream(" in line or " (deleted): " in line for line in self.log().splitlines())


class Rspamd(Scanner):
    program = "rspamd"

    def __init__(self, folder):
        super().__init__(folder)
        with open(f"{folder}/rspamd.conf", "w", encoding="ascii") as f:
            f.write(RSPAMD.format(folder=folder, port=self.port))

    def start(self):
        self._run(["rspamd", "-i", "-f", "-u", "root", "-g", "root", "-c", f"{self.folder}/rspamd.conf",
                   f"--var=DBDIR={self.folder}", f"--var=RUNDIR={self.folder}"])
        wait_until(lambda: self.ask(b"GET /ping HTTP/1.0\r\n\r\n", b"pong"), 110, "rspamd answers")


class Spamd(Scanner):
    program = "spamd"

    def start(self):
        self._run(["spamd", *(f"--cf={line}" for line in SPAMD.splitlines() if line), "--local", "--nouser-config", "--max-children=2", "--min-children=1",
                   f"--listen=127.0.0.1:{self.port}", f"--socketpath={self.socket}", "--socketmode=666",
                   f"--helper-home-dir={self.folder}",
                   f"--syslog={self.folder}/spamd.log"])
        wait_until(lambda: self.ask(b"PING SPAMC/1.5\r\n\r\n", b"PONG"), 90, "spamd answers")
