"""Processes that the tests start: each in a process group of its own, known, and ended for certain.

Nothing here looks for processes by name: what is ended was started by us, or descends from that.
"""

import ctypes
import os
import signal
import socket
import subprocess
import time

from ports import free_port  # noqa: F401  (with the other needs of a process)

from .report import Failed

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """From now on daemons whose parent has ended become our children, so that none can get away."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children_of(pid):
    """The process ids of the living children of `pid`, in order of their start."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as f:
                found += [int(word) for word in f.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def name_of(pid):
    """What the system's lists call the process; "" when it is gone."""
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as f:
            return f.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descendants_of(pid):
    """All processes below `pid`."""
    found = []
    for child in children_of(pid):
        found += [child] + descendants_of(child)
    return found


def end_all_children():
    """Kills whatever still descends from this process and waits until it is gone."""
    seen_none = 0  # the kernel's list of children can miss one while another ends
    while seen_none < 3:
        left = descendants_of(os.getpid())
        seen_none = 0 if left else seen_none + 1
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        time.sleep(0.01)


def alive(pid):
    """Is this process there and not only waiting to be buried? While one of its threads is still
    ending it holds its sockets, though the first one shows as a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            zombie = f.read().rpartition(")")[2].split()[0] == "Z"
        return not zombie or len(os.listdir(f"/proc/{pid}/task")) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


def owner_of(port, client_port, pids):
    """Which of `pids` holds the server's end of a loopback connection; None when none does."""
    wanted = f"0100007F:{port:04X} 0100007F:{client_port:04X} "
    with open("/proc/net/tcp", encoding="ascii") as f:
        inode = next((line.split()[9] for line in f if wanted in line), None)
    return next((pid for pid in pids if f"socket:[{inode}]" in opened(pid)), None)


def opened(pid):
    """Where its descriptors lead; nothing for a process that has ended."""
    found = []
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
            except FileNotFoundError:
                pass  # closed meanwhile
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        pass
    return found


def connectable(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


def wait_until(condition, seconds, what):
    """Returns the first true value of condition(); fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds:g} s")
        time.sleep(0.01)


class Process:
    """One server process; its output goes to files."""

    def __init__(self, name, argv, stdout, stderr=None, env=None, cwd=None):
        self.name = name
        self.stdout = stdout
        self.stderr = stderr or stdout
        with open(self.stdout, "ab") as out, open(self.stderr, "ab") as err:
            self._popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
                cwd=cwd, env={**os.environ, **(env or {})})
        self.pid = self._popen.pid

    def status(self):
        """Exit status, or None while it runs."""
        return self._popen.poll()

    def wait_port(self, port, seconds=15):
        """Returns once the port accepts connections; fails when the process ends before."""
        def ready():
            if self.status() is not None:
                raise Failed(f"{self.name} ended with status {self.status()} before it listened")
            return connectable(port)
        wait_until(ready, seconds, f"{self.name} listens on port {port}")

    def terminate(self):
        if self.status() is None:
            os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds):
        """Exit status; None when it still runs after `seconds`."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, seconds=20):
        """SIGTERM, and SIGKILL to the whole group when that does not help in time. Exit status."""
        self.terminate()
        status = self.wait(seconds)
        self.kill()
        return status

    def kill(self):
        below = descendants_of(self.pid) if self.status() is None else []
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self._popen.wait()


def run_tool(argv, seconds=60, stdin=b"", env=None):
    """Runs a client to its end. Returns (status, output of both kinds as text)."""
    done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=seconds, env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def memory_kib(pid):
    """Resident memory of a process now, in KiB; 0 when it is gone."""
    return _status_field(pid, "VmRSS")


def peak_memory_kib(pid):
    return _status_field(pid, "VmHWM")


def _status_field(pid, name):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith(name + ":"):
                    return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def cpu_ticks(pid):
    """User and system time of `pid`, its living descendants and its buried children, in ticks."""
    total = 0
    for each in [pid] + descendants_of(pid):
        try:
            with open(f"/proc/{each}/stat", encoding="ascii", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(field) for field in fields[11:15])
    return total
