"""Reloads of the configuration and upgrades of the program while several clients send without a
pause, to a Maildir and to a next hop: no connection is refused or reset, no message is put off,
lost, or there twice, and nothing grows."""

import os
import re
import shutil
import signal
import threading
import time

from kit import maildir
from kit.process import children_of, wait_until
from kit.report import Failed, check
from kit.smtp_client import Session

SHORT, LONG = (20, 3), (300, 20)  # reloads and upgrades
BRIEF, LASTING = 4, 2             # clients: with a connection for each message or three; for long
LASTS = 2.0                       # seconds of such a long session
PAUSE = 0.003                     # between two messages of a client; two processors are for all
SECONDS = 60                      # that a change may take
DOMAINS = [b"box.test", b"hop.test"]


class Client(threading.Thread):
    """Sends one message after the other. Everything but yes is an error, and ends it."""

    def __init__(self, port, name, lasting, enough):
        super().__init__(daemon=True)
        self.port = port
        self.name = name
        self.lasting = lasting
        self.enough = enough
        self.sent = []     # ids of accepted messages
        self.sessions = 0
        self.greetings = set()
        self.longest = 0.0  # seconds from connect to greeting, or from dot to answer
        self.error = None

    def run(self):
        try:
            while not self.enough.is_set():
                self.one_session()
        except Exception as error:
            self.error = f"{self.name}: {type(error).__name__}: {error}"

    def one_session(self):
        began = time.monotonic()
        with Session(self.port, timeout=30) as s:
            self.longest = max(self.longest, time.monotonic() - began)
            self.sessions += 1
            self.greetings.add(s.greeting.text)
            until = began + LASTS if self.lasting else began
            count = 0
            while count == 0 or (time.monotonic() < until and not self.enough.is_set()):
                self.one_message(s)
                count += 1
                time.sleep(PAUSE)
            s.expect(b"QUIT", 221)
            check(s.socket.recv(1) == b"", f"{self.name}: more behind 221")

    def one_message(self, s):
        number = len(self.sent)
        mail = f"{self.name}-{number}"
        domain = DOMAINS[number % len(DOMAINS)]
        for reply in s.envelope(b"a@client.test", [b"box@" + domain]):
            check(reply.code == 250, f"{self.name}: envelope: {reply}")
        began = time.monotonic()
        reply = s.data(f"Subject: {mail}\r\nX-Test-Id: {mail}\r\n\r\ntext\r\n".encode())
        self.longest = max(self.longest, time.monotonic() - began)
        check(reply.code == 250, f"{self.name}: message: {reply}")
        self.sent.append(mail)


def ids(texts):
    found = []
    for text in texts:
        found += re.findall(rb"^X-Test-Id: (\S+)", text, re.M)
    return sorted(each.decode() for each in found)


class Changes:
    """The operator's side."""

    def __init__(self, g, original):
        self.g = g
        self.original = original
        with open(g.file, encoding="utf-8") as f:
            self.configuration = f.read()
        self.count = 0

    def log(self):
        with open(self.g.process.stderr, encoding="utf-8") as f:
            return f.read()

    def done(self):
        text = self.log()
        for bad in ("refused, all goes on", "error: ", "was killed", "ended with status"):
            check(bad not in text, f"the log: {text[-600:]}")
        return len(re.findall(r"(?:reloaded|upgraded to \S+): \d+ worker", text))

    def wait(self, clients):
        self.count += 1

        def arrived():
            for client in clients:
                if client.error:
                    raise Failed(client.error)
            return self.done() >= self.count
        wait_until(arrived, SECONDS, f"change {self.count}")

    def reload(self, clients):
        text = self.configuration.replace("hostname gatepost.test", f"hostname h{self.count}.gatepost.test")
        with open(f"{self.g.file}.new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(f"{self.g.file}.new", self.g.file)
        os.kill(self.g.process.pid, signal.SIGHUP)
        self.wait(clients)

    def upgrade(self, clients):
        shutil.copy(self.original, f"{self.g.binary}.new")
        os.rename(f"{self.g.binary}.new", self.g.binary)
        os.kill(self.g.process.pid, signal.SIGUSR2)
        self.wait(clients)


def memory_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"^RssAnon:\s+(\d+)", f.read(), re.M)[1])


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def under_load(lab):
    reloads, upgrades = LONG if lab.everything else SHORT
    folder = lab.new_folder("maildirs", maildir.NOBODY)
    maildir.make_maildir(f"{folder}/box", maildir.NOBODY)
    hop = lab.hop()
    original = lab.binary
    lab.binary = os.path.join(lab.new_folder("program"), "gatepost")
    shutil.copy(original, lab.binary)
    try:
        g = lab.gatepost({"box.test": f"maildir:{folder}/%{{rcpt.local_part}}",
                          "hop.test": f"smtp://127.0.0.1:{hop.port}"})
    finally:
        lab.binary = original
    changes = Changes(g, original)
    wait_until(lambda: "ready on" in changes.log() and g.clerk(), 20, "all processes are there")
    children = len(children_of(g.process.pid))
    descriptors = descriptors_of(g.process.pid)
    enough = threading.Event()
    clients = [Client(g.port, f"client{i}", i >= BRIEF, enough) for i in range(BRIEF + LASTING)]
    started = time.monotonic()
    for client in clients:
        client.start()
    every = reloads // upgrades
    before = None
    for i in range(reloads):
        changes.reload(clients)
        if (i + 1) % every == 0 and (i + 1) // every <= upgrades:
            changes.upgrade(clients)
            before = before or memory_of(g.process.pid)
    enough.set()
    for client in clients:
        client.join(60)
        check(client.error is None and not client.is_alive(), client.error or "a client hangs")
    seconds = time.monotonic() - started
    wait_until(lambda: len(children_of(g.process.pid)) <= children, 30, "the old workers end")
    # Of one that has just been waited for something may still be open.
    wait_until(lambda: descriptors_of(g.process.pid) <= descriptors, 30,
               f"of the master's descriptors, {descriptors}, none is left over")
    after = memory_of(g.process.pid)

    sent = [mail for client in clients for mail in client.sent]
    have = ids(maildir.messages_in(f"{folder}/box")) + ids(d.octets for d in hop.delivered())
    check(len(have) == len(set(have)), f"{len(have) - len(set(have))} second copies")
    check(set(sent) == set(have), f"{len(set(sent) - set(have))} lost, {len(set(have) - set(sent))} too many")
    names = set().union(*(client.greetings for client in clients))
    check(len(names) > reloads // 4, f"only {len(names)} configurations were met")
    longest = max(client.longest for client in clients)
    return (f"{reloads} reloads and {upgrades} upgrades in {seconds:.1f} s; {len(sent)} messages in "
            f"{sum(c.sessions for c in clients)} sessions, 0 refused, 0 reset, 0 lost, 0 twice; longest wait "
            f"{longest * 1000:.0f} ms; the master's own memory {before} KiB, then {after}")


TESTS = [
    ("reload.under-load", under_load),
]
