"""One measurement: so many messages through a server, and the processor time it took for them."""

import os
import time

from kit.process import cpu_ticks, run_tool
from kit.report import Failed

from servers import DOMAIN

MICROSECONDS_A_TICK = 1_000_000 / os.sysconf("SC_CLK_TCK")
PARALLEL = 60  # enough to use the processors up, though each session waits a tick of the lobby
OCTETS = 4096


# Who sends what, in words for smtp-source.
PLAIN = ["-M", "source.bench.test", "-f", f"sender@{DOMAIN}", "-l", str(OCTETS)]


def source_command(port, count, mail=PLAIN):
    """Sends messages to as many different recipients, one a connection."""
    return ["smtp-source", "-s", str(PARALLEL), "-m", str(count), "-N", *mail, "-t", f"rcpt@{DOMAIN}",
            f"127.0.0.1:{port}"]


def send(port, count, mail=PLAIN):
    status, output = run_tool(source_command(port, count, mail), seconds=300)
    if status != 0 or output.strip():
        raise Failed(f"smtp-source ended with {status}: {output.strip()[:300]}")


class Sample:
    def __init__(self, cpu, clerk, messages_a_second):
        self.cpu = cpu                              # microseconds a message
        self.clerk = clerk                          # the same of the clerk, which is not in cpu
        self.messages_a_second = messages_a_second


def ticks(server):
    """User and system time of the server's processes, dead ones included, and its clerk's apart."""
    clerk = server.clerk()
    own = cpu_ticks(clerk) if clerk else 0
    return sum(map(cpu_ticks, server.pids)) - own, own


def measure(server, count, send_all=None):
    """send_all(count): where it is not smtp-source that sends, or not PLAIN."""
    before, clerk_before = ticks(server)
    started = time.monotonic()
    if send_all:
        send_all(count)
    else:
        send(server.port, count)
    took = time.monotonic() - started
    settled = sum(ticks(server))
    while True:  # what it still does behind the last reply is its work too
        time.sleep(0.2)
        after, clerk_after = ticks(server)
        if after + clerk_after - settled <= 1:
            break
        settled = after + clerk_after
    return Sample((after - before) * MICROSECONDS_A_TICK / count,
                  (clerk_after - clerk_before) * MICROSECONDS_A_TICK / count, count / took)
