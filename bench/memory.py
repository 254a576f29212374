"""What processes and the kernel hold just now, in octets."""

import ctypes
import os
import threading
import time

from kit.process import children_of

PR_SET_THP_DISABLE = 41
PAGE = os.sysconf("SC_PAGESIZE")
SAME = 65536  # two readings of memory at rest may differ by this
KERNEL_CACHES = ("TCP", "sock_inode_cache", "filp")


def no_huge_pages():
    """From now on for us and all that we start: a page of 2 MiB would be counted for one client."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)


def of_process(pid):
    """The process's proportional share of memory: private pages, and its part of shared ones."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return sum(int(line.split()[1]) * 1024 for line in f if line.startswith("Pss:"))


def of_processes(pids):
    """The same of several, once it has come to rest."""
    before = None
    while True:
        after = sum(map(of_process, pids))
        if before is not None and abs(after - before) <= SAME:
            return after
        before = after
        time.sleep(0.3)


def high_water(pid):
    """The most that this process itself ever had resident, or 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            return next((int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


class Peak:
    """The most that a child of ours, or one of its children, had resident at any time, looked at
    LOOKS times a second. (What wait4 tells may be what we had ourselves when we began it.)"""

    LOOKS = 20

    def __init__(self, pid):
        self.octets = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        self._thread.start()

    def _look(self, pid):
        while not self._over.wait(1 / self.LOOKS):
            self.octets = max([self.octets, high_water(pid), *map(high_water, children_of(pid))])

    def end(self):
        self._over.set()
        self._thread.join()
        return self.octets


def of_kernel():
    """All slabs, and the pages that TCP buffers take."""
    with open("/proc/meminfo", encoding="ascii") as f:
        slab = next(int(line.split()[1]) * 1024 for line in f if line.startswith("Slab:"))
    with open("/proc/net/sockstat", encoding="ascii") as f:
        words = next(line.split() for line in f if line.startswith("TCP:"))
    return slab + int(words[words.index("mem") + 1]) * PAGE


def kernel_objects():
    """{cache: objects in use} of those that every connection has; empty where only root may look."""
    try:
        with open("/proc/slabinfo", encoding="ascii") as f:
            rows = [line.split() for line in f]
    except PermissionError:
        return {}
    return {row[0]: int(row[1]) for row in rows if row[0] in KERNEL_CACHES}


def available():
    with open("/proc/meminfo", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("MemAvailable:"))
