"""The clients of bench/hold.c, driven from here: they hold connections, or send mail."""

import json
import os
import resource
import subprocess
import time

from kit.process import wait_until
from kit.report import Failed

BATCH = 2000        # connections begun at a time: the server's backlog holds them
SPARE = 500         # descriptors of a process that are not clients
NETWORK = 1 << 16   # addresses of one process: it keeps at most so many clients
OTHERS = 120        # s that whatever is asked for may take


def descriptor_limit(wanted):
    """Raises what our children may have, up to `wanted`, where that is allowed. What they have."""
    with open("/proc/sys/fs/nr_open", encoding="ascii") as f:
        wanted = min(wanted, int(f.read()))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, wanted))
        except (ValueError, PermissionError):
            return hard
    return max(hard, wanted)


def descriptors(pids):
    """How many the processes have open."""
    total = 0
    for pid in pids:
        size = os.stat(f"/proc/{pid}/fd").st_size
        total += size or len(os.listdir(f"/proc/{pid}/fd"))  # before Linux 6.2 it has no size
    return total


def not_accepted(port):
    """Connections that wait in the kernel for the server to accept them."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        for words in map(str.split, f):  # listeners come first
            if words[1] == f"0100007F:{port:04X}" and words[3] == "0A":
                return int(words[4].partition(":")[2], 16)
    raise Failed(f"nobody listens on port {port}")


class Keeper:
    """Processes with clients from 127.NET.0.0 on, which stay connected until they are let go."""

    def __init__(self, program, port, net, server_pids, capacity):
        self._program = program
        self._port = port
        self._net = net
        self._server_pids = server_pids
        self._capacity = min(capacity, NETWORK)
        self._processes = []
        self._room = 0
        self._base = descriptors(server_pids)
        self.count = 0

    def _process(self):
        if self._room == 0:
            first = f"127.{self._net + len(self._processes)}.0.0"
            self._processes.append(subprocess.Popen(
                [self._program, "keep", str(self._port), first], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, text=True))
            self._room = self._capacity
        return self._processes[-1]

    @staticmethod
    def _ask(process, line):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise Failed("the clients' process has ended")
        return json.loads(answer)

    def open(self, what, count):
        """`count` clients more, what = "wait" or "idle". Returns the seconds until the server had
        accepted the last one."""
        began = time.monotonic()
        while count > 0:
            process = self._process()
            step = min(count, BATCH, self._room)
            self._ask(process, f"{what} {step}")
            self._room -= step
            self.count += step
            count -= step
            wait_until(lambda: not_accepted(self._port) == 0, OTHERS, "all connections accepted")
        return time.monotonic() - began

    def tell(self):
        """How the clients of all processes are, summed."""
        answers = [self._ask(process, "tell") for process in self._processes]
        return {key: sum(answer[key] for answer in answers) for key in answers[0]}

    def check_waiting(self):
        state = self.tell()
        if state["lost"] or state["greeted"] or state["connected"] != self.count:
            raise Failed(f"of {self.count} waiting clients {state['connected']} were connected, "
                         f"{state['greeted']} greeted, {state['lost']} lost")

    def check_idle(self):
        state = self.tell()
        if state["lost"] or state["idle"] != self.count:
            raise Failed(f"of {self.count} idle sessions {state['idle']} are there, "
                         f"{state['lost']} lost")

    def close(self):
        """Resets all connections; returns when the server has none of them any more."""
        for process in self._processes:
            process.stdin.close()
        for process in self._processes:
            process.wait(OTHERS)
            process.stdout.close()
        self._processes = []
        wait_until(lambda: descriptors(self._server_pids) <= self._base + 50, OTHERS,
                   "the server let the clients go")


def send(program, port, net, sessions, before, seconds):
    """What `hold send` counted."""
    done = subprocess.run([program, "send", str(port), f"127.{net}.0.0", str(sessions), str(before),
                           str(seconds)], stdout=subprocess.PIPE, text=True, check=False,
                          timeout=before + seconds + OTHERS)
    if done.returncode != 0:
        raise Failed(f"hold send ended with status {done.returncode}")
    return json.loads(done.stdout)
