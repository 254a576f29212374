"""The servers that are compared, each between smtp-source and smtp-sink, set up alike.

All log what they decide, HAProxy excepted, which looks at nothing and says nothing.
"""

import os
import time

from kit.gatepost import Gatepost
from kit.postfix import Postfix
from kit.process import Process, free_port, run_tool
from kit.report import Failed
from kit.smtp_client import Session

DOMAIN = "bench.test"

HAPROXY = """\
global
    nbthread {workers}
    maxconn 4000
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
frontend front
    bind 127.0.0.1:{port}
    default_backend back
backend back
    server sink 127.0.0.1:{sink}
"""


# The standard policy for strangers: nobody is trusted, everybody waits in the lobby, though not long.
STANDARD = """
table trusted { 192.0.2.1 }
set greeting_wait = 1ms
policy standard
"""


def has_memory(binary):
    """Does that program, which may be an earlier one, remember whom it knows, and defer others?"""
    return "deferral_time" in run_tool([binary, "docs", "limits"])[1]


def knowing(binary):
    """Limits with which a client may be introduced without waiting. What follows is then accepted at the first
    try, as most mail is."""
    return {"deferral_time": "0s"} if has_memory(binary) else {}


# Who comes before anything is measured: name in EHLO, sender, message.
PLAIN_INTRODUCTION = (b"source.bench.test", f"sender@{DOMAIN}".encode(),
                      b"From: <sender@bench.test>\r\nDate: Thu, 26 Nov 2026 09:00:00 +0000\r\n\r\nhello\r\n")


SHARED = 1


def introduce(port, sources=("127.0.0.1",), introduction=PLAIN_INTRODUCTION):
    """Comes from each of these addresses with a message, twice where it is told to come later. What one worker
    has learned the others know within SHARED seconds."""
    left = list(sources)
    for _ in range(2):
        left = [source for source in left if _is_deferred(port, source, *introduction)]
        time.sleep(SHARED)
    if left:
        raise Failed(f"{left[0]} is not let in when it comes back")


def _is_deferred(port, source, helo, sender, message):
    with Session(port, source=source, helo=helo) as session:
        reply = session.deliver(sender, [f"introduction@{DOMAIN}".encode()], message)
        session.quit()
    if reply.code not in (250, 451):
        raise Failed(f"an introduction was answered {reply}")
    return reply.code != 250


class GatepostServer:
    """A route to the sink, spool and state in a folder, decision lines into a file."""

    def __init__(self, binary, folder, sink, workers, name, policy, how, introduction=PLAIN_INTRODUCTION):
        self.name = name
        self.what = f"every message judged, committed at the hop, in the ledger, one decision line; {how}"
        self.decisions = os.path.join(folder, "decisions.json")
        self._gatepost = Gatepost(binary, folder, {DOMAIN: f"smtp://127.0.0.1:{sink}"},
                                  workers=workers, decisions=self.decisions, policy=policy,
                                  limits=knowing(binary))
        self._gatepost.start()
        self._gatepost.all_workers()
        self.port = self._gatepost.port
        if introduction:
            introduce(self.port, introduction=introduction)
        self.pids = [self._gatepost.process.pid]

    def accepted(self):
        """Decision lines of accepted messages until now."""
        with open(self.decisions, "rb") as f:
            return sum(b'"accepted"' in line for line in f)

    def workers(self):
        return self._gatepost.workers()

    def clerk(self):
        return self._gatepost.clerk()

    def close(self):
        return self._gatepost.stop()


class PostfixServer:
    """smtpd that hands each message on through smtpd_proxy_filter before it answers."""

    name = "postfix"
    what = "smtpd with smtpd_proxy_filter; all its processes, the logging one included"

    def __init__(self, folder, sink):
        self._postfix = Postfix("bench", folder, extra={
            "smtpd_proxy_filter": f"127.0.0.1:{sink}", "relay_domains": DOMAIN,
            "relay_recipient_maps": ""})
        self._postfix.start()
        self.port = self._postfix.port
        self.pids = [self._postfix.master()]

    def clerk(self):
        return None

    def close(self):
        self._postfix.close()
        return []


class HaproxyServer:
    """TCP proxy: no more than passing octets on."""

    name = "haproxy"
    what = "TCP mode, looks at nothing, no log"

    def __init__(self, folder, sink, workers):
        self.port = free_port()
        file = os.path.join(folder, "haproxy.cfg")
        with open(file, "w", encoding="utf-8") as f:
            f.write(HAPROXY.format(workers=workers, port=self.port, sink=sink))
        self._process = Process("haproxy", ["haproxy", "-db", "-f", file],
                                os.path.join(folder, "haproxy.log"))
        self._process.wait_port(self.port)
        self.pids = [self._process.pid]

    def clerk(self):
        return None

    def close(self):
        self._process.stop()
        return []


class Sink:
    """smtp-sink: accepts everything, on so many connections at a time."""

    def __init__(self, folder, connections=256):
        self.port = free_port()
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self._process = Process("smtp-sink",
                                ["smtp-sink", *user, "-m", str(connections),
                                 f"127.0.0.1:{self.port}", "1000"],
                                os.path.join(folder, "sink.log"))
        self.pid = self._process.pid
        self._process.wait_port(self.port)

    def close(self):
        self._process.stop()
