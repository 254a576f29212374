"""The clients of bench/hostile.c, driven from here: a crowd that does harm, and mail at a fixed rate.

Also for tests/peers. The crowd comes from 127.64.0.0 and up, a network (/24) for each address, mail
from 127.200.0.0 and up, likewise.
"""

import ipaddress
import json
import subprocess
import time

from kit.report import Failed

STRIDE = 257          # between two addresses: each in a /24 of its own
CROWD = "127.64.0.1"
MAIL = "127.200.0.1"
EACH = 10_000         # connections of one process
PATIENCE = 60         # s


def mail_address(i):
    """The i-th that mail comes from."""
    return str(ipaddress.ip_address(MAIL) + i * STRIDE)


class Crowd:
    """`count` connections from `addresses` addresses, until it is closed."""

    def __init__(self, program, port, addresses, count):
        self.count = count
        self._processes = []
        while count > 0:
            some = min(count, EACH)
            self._processes.append(subprocess.Popen(
                [program, "crowd", str(port), CROWD, str(addresses), str(STRIDE), str(some)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            count -= some

    def tell(self):
        """The figures of all processes, summed."""
        total = {}
        for process in self._processes:
            process.stdin.write("tell\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            if not answer:
                raise Failed("the crowd's process has ended")
            for key, value in json.loads(answer).items():
                total[key] = total.get(key, 0) + value
        return total

    def await_all(self, share=0.97):
        """Returns once nearly all are connected: those that were just sent away are on their way."""
        until = time.monotonic() + PATIENCE
        while self.tell()["connected"] < share * self.count:
            if time.monotonic() > until:
                raise Failed(f"a crowd of {self.count}: {self.tell()}")
            time.sleep(0.2)

    def close(self):
        for process in self._processes:
            process.stdin.close()
        for process in self._processes:
            process.wait(PATIENCE)
            process.stdout.close()


def mail(program, port, addresses, rate, seconds):
    """What became of `rate` messages a second; see bench/hostile.c."""
    done = subprocess.run([program, "mail", str(port), MAIL, str(addresses), str(STRIDE), str(rate),
                           str(seconds)], stdout=subprocess.PIPE, text=True, check=False,
                          timeout=seconds + 2 * PATIENCE)
    if done.returncode != 0:
        raise Failed(f"the mail's process ended with status {done.returncode}")
    return json.loads(done.stdout)
