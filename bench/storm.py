"""Many large messages at once: what is answered, and what they take up meanwhile."""

import collections
import os
import threading
import time

import memory
from kit.process import children_of, name_of, wait_until
from kit.smtp_client import Gone, Session, dot_stuffed

LOOKS = 4  # a second
PIECE = 1 << 20


def connect(port, mail, timeout=600):
    """Comes as the mail's client does, by the header of a proxy; greeted."""
    session = Session(port, greet=False, timeout=timeout)
    family, own = ("TCP6", "2001:db8::25") if ":" in mail.ip else ("TCP4", "192.0.2.25")
    session.send(f"PROXY {family} {mail.ip} {own} 40000 25\r\n".encode())
    session.reply()
    session.ehlo(mail.helo.encode())
    return session


def header_of(mail):
    """Without the empty line."""
    return mail.octets.partition(b"\r\n\r\n")[0]


class Sender(threading.Thread):
    """One message, whose wire form is `head` and then the octets that all share. `reply`: to the final dot, or what
    else ended it."""

    def __init__(self, port, mail, head, shared, together):
        super().__init__(daemon=True)
        self.reply = "no answer"
        self.took = 0.0
        self._arguments = (port, mail, head, shared, together)

    def run(self):
        try:
            self._send(*self._arguments)
        except (OSError, Gone, threading.BrokenBarrierError) as error:
            self.reply = f"{type(error).__name__} {error}"

    def _send(self, port, mail, head, shared, together):
        with connect(port, mail) as session:
            replies = session.envelope(mail.sender.encode(), [mail.recipient.encode()])
            together.wait()
            began = time.monotonic()
            reply = session.say(b"DATA") if replies[-1].code == 250 else replies[-1]
            if reply.code == 354:
                session.send(head)
                for at in range(0, len(shared), PIECE):
                    session.send(shared[at:at + PIECE])
                reply = session.reply()
            self.reply, self.took = f"{reply.code} {reply.enhanced}", time.monotonic() - began
            session.quit()


class Watch:
    """The most that all processes below `pid` had in memory (PSS), by name, that the spool took up in memory, and in
    files that have no name any more."""

    def __init__(self, gatepost, pid):
        self.all = self.files = self.buffers = 0
        self.by_name = collections.Counter()
        self._gatepost = gatepost
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        self._thread.start()

    def _look(self, pid):
        while not self._over.wait(1 / LOOKS):
            pids = [pid, *children_of(pid)]
            now = collections.Counter()
            for each in pids:
                now[name_of(each)] += pss(each)
            self.all = max(self.all, sum(now.values()))
            self.by_name |= now
            self.files = max(self.files, sum(map(deleted_files, pids)))
            self.buffers = max(self.buffers, self._gatepost.status()["spool"]["used"])

    def end(self):
        self._over.set()
        self._thread.join()


def pss(pid):
    try:
        return memory.of_process(pid)
    except OSError:
        return 0


def deleted_files(pid):
    """Octets on disk of the files without a name that the process has open."""
    total = 0
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{fd}"
            if "/spool/" in os.readlink(path):
                total += os.stat(path).st_blocks * 512
    except OSError:
        pass  # it, or a file, is gone
    return total


def storm(gatepost, mails, seconds):
    """All at once, each by a session of its own. The senders, when all are done, and what was watched."""
    shared = dot_stuffed(mails[0].octets[len(header_of(mails[0])) + 4:])
    together = threading.Barrier(len(mails))
    senders = [Sender(gatepost.port, mail, header_of(mail) + b"\r\n\r\n", shared, together) for mail in mails]
    watch = Watch(gatepost, gatepost.process.pid)
    for sender in senders:
        sender.start()
    wait_until(lambda: not any(s.is_alive() for s in senders), seconds, "all messages are answered")
    watch.end()
    return senders, watch
