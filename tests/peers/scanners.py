"""Real scanners behind Gatepost: what clamd, rspamd and spamd say of a message decides about it while the
sender waits; and when one of them is stopped, stands still or comes back under load, no message is lost or
stuck, and the policy says what then becomes of it.
"""

import base64
import os
import threading
import time

from kit.process import wait_until
from kit.report import Failed, Skip, check
from kit.scanners import EICAR, MARKER, Clamd, Rspamd, Spamd
from kit.smtp_client import Session

FILES = "/usr/share/clamav-testfiles"
FEW = ("clam.exe", "clam.zip", "clam.tar.gz", "clam.mail", "clam.ole.doc")
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
VIRUS_TIME = 1  # s
IN_A_SESSION = 100  # messages
PAUSE, PAUSE_DEFERRED = 0.02, 0.2  # s, between two of a client; a scanner may take a minute to start

VIRUS_POLICY = """
policy {
    at rcpt {
        reject 550 5.1.1 "no such user" when rcpt == "unknown@via.test"
    }
    at message {
        reject 550 5.7.1 "message carries %{virus}" when virus != ""
        defer  451 4.7.1 "cannot scan just now"     when unknown(virus)
    }
}
"""

# The standard policy, to which this host is a stranger.
STANDARD_POLICY = """
table trusted { 192.0.2.1 }
set greeting_wait = 1s
set defer_strangers = false
policy standard
"""

SPAM_POLICY = """
policy {
    at message {
        defer 451 4.7.1 "cannot scan just now" when unknown(%s.score)
        observe reject 550 5.7.1 "spam"        when %s.score >= 0.5 and %s in { "GTUBE" }
        reject 550 5.7.1 "scored %%{%s.score}"  when %s.score > 14.5
    }
}
"""


def message(number, body=b"", attached=None):
    """A message of its own, perhaps with a file."""
    head = (b"From: <author@client.test>\r\nTo: <somebody@via.test>\r\nDate: Fri, 27 Nov 2026 09:00:00 +0000\r\n"
            b"Message-ID: <%d@client.test>\r\nSubject: number %d\r\n" % (number, number))
    if attached is None:
        return head + b"\r\n" + body + b"\r\n"
    lines = base64.encodebytes(attached).replace(b"\n", b"\r\n")
    return (head + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nsee there\r\n"
            b"--x\r\nContent-Type: application/octet-stream; name=file\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + lines + b"--x--\r\n")


def clamd(lab):
    """That of the group, running."""
    server = lab.keep("clamd", lambda: Clamd(lab.new_folder("clamd")))
    if server.process is None:
        server.start()
    return server


def behind(lab, hop, statement, policy, workers=2, **limits):
    return lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, limits=limits, workers=workers,
                        policy=f"resolver none\n{statement}\n{policy}")


def fact(g, number, name):
    """What the record of the n-th transaction has of a fact."""
    done = wait_until(lambda: len(found := [d for d in g.decisions() if "sender" in d]) > number and found, 10,
                      f"decision {number}")
    check(name in done[number].get("facts", {}), f"{name} is not in {done[number]}")
    return done[number]["facts"][name]


def send(session, octets, recipient=b"somebody@via.test"):
    return session.deliver(b"author@client.test", [recipient], octets)


# ---- what clamd finds ----

def refused_for(reply, name):
    check(reply.code == 550 and reply.enhanced == "5.7.1" and f"message carries {name}" in reply.text,
          f"{name}: {reply}")


def looked_at(server, before, count):
    """clamd has looked at so many, and no more: a line of its log may come behind its reply."""
    wait_until(lambda: server.looked() - before >= count, 10, f"clamd looks at {count}")
    check(server.looked() - before == count, f"clamd has looked at {server.looked() - before}, not {count}")


def infected(lab, server, g, hop):
    """Each is read whole and refused once, with the signature's name, and the session goes on."""
    with Session(g.port) as session:
        refused_for(send(session, message(1, EICAR)), "Own.Eicar")
        check(send(session, message(2, b"nothing")).code == 250, "a good one behind it")
        refused_for(send(session, message(3, attached=b"x" * 3000 + MARKER)), "Own.Marker")
        refused_for(send(session, message(4, b"y" * 600 + b"\r\n" + MARKER)), "Own.Marker")
        session.expect(b"NOOP", 250)
        check(send(session, message(6, EICAR), b"unknown@via.test").code == 550, "an unknown recipient")
        check(send(session, message(5, b"." * 200000 + b"\r\n")).code == 250, "a larger one")
        session.quit()
    looked_at(server, 0, 5)
    check(len(hop.delivered()) == 2, f"the hop has {len(hop.delivered())}")


def files(lab, g, hop):
    """Debian's test files, as attachments."""
    if not os.path.isdir(FILES):
        return "without Debian's test files, which are not installed"
    names = sorted(os.listdir(FILES)) if lab.everything else FEW
    missed = []
    with Session(g.port) as session:
        for number, name in enumerate(names):
            with open(f"{FILES}/{name}", "rb") as f:
                reply = send(session, message(100 + number, attached=f.read()))
            if reply.code == 250:
                missed.append(name)
            else:
                refused_for(reply, "ClamAV-Test-File")
        session.quit()
    check(not set(missed) & set(FEW), f"clamd finds nothing in {missed}")
    return f"{len(names) - len(missed)} of {len(names)} test files" + (f", not {' '.join(missed)}" if missed else "")


def finds(lab, where, **limits):
    server = clamd(lab)
    hop = lab.hop()
    g = behind(lab, hop, f"clamd {where(server)}", VIRUS_POLICY, **limits)
    looked = server.looked
    start = looked()
    server.looked = lambda: looked() - start
    try:
        infected(lab, server, g, hop)
    finally:
        del server.looked
    figures = files(lab, g, hop)
    check(all(d.sender for d in hop.deliveries), "somebody was sent a delivery status notification")
    return figures


def finds_by_socket(lab):
    return finds(lab, lambda server: f"unix:{server.socket}")


def finds_by_descriptor(lab):
    """Messages in memory, and larger ones that are in a file."""
    looked = clamd(lab).log().count(" (deleted): ")
    figures = finds(lab, lambda server: f"unix:{server.socket} descriptor", message_memory="64K")
    check(clamd(lab).log().count(" (deleted): ") > looked, "clamd was given no descriptor")
    return figures


def finds_by_tcp(lab):
    return finds(lab, lambda server: f"tcp://127.0.0.1:{server.port}")


def by_standard_policy(lab):
    """The standard policy alone: an infected message is read whole and refused once, with the signature's name;
    the session goes on; nobody is sent a notification; clamd is not asked about what is for nobody."""
    server = clamd(lab)
    hop = lab.hop(rcpt=lambda address: b"550 5.1.1 no such user" if b"unknown" in address else None)
    g = behind(lab, hop, f"clamd unix:{server.socket}", STANDARD_POLICY)
    before = server.looked()
    large = message(20, attached=MARKER + os.urandom(1500000))
    with Session(g.port) as session:
        check(send(session, message(21, EICAR), b"unknown@via.test").code == 550, "an unknown recipient")
        refused = "the message carries Own."
        for octets in (message(22, EICAR), large):
            reply = send(session, octets)
            check(reply.code == 550 and reply.enhanced == "5.7.1" and refused in reply.text, f"{reply}")
            session.expect(b"NOOP", 250)
        check(send(session, message(23)).code == 250, "a good one behind them")
        session.quit()
    looked_at(server, before, 3)
    check([d.sender for d in hop.deliveries] == [b"author@client.test"],
          f"what the hop was given: {[d.sender for d in hop.deliveries]}")
    check(fact(g, 1, "virus")["value"].startswith("Own.Eicar"), f"{fact(g, 1, 'virus')}")


def too_large(lab):
    """Larger than clamd takes: unknown, and said so."""
    hop = lab.hop()
    g = behind(lab, hop, f"clamd unix:{clamd(lab).socket}", VIRUS_POLICY)
    with Session(g.port) as session:
        reply = send(session, message(1, (b"z" * 900 + b"\r\n") * 4000))
        check(reply.code == 451, f"{reply}")
        check(send(session, message(2)).code == 250, "a small one behind it")
    check(fact(g, 0, "virus")["unknown"] == "over budget", f"{fact(g, 0, 'virus')}")


def same(lab):
    """The same message for one after the other, at once and later: one look at it."""
    server, hop = clamd(lab), lab.hop()
    g = behind(lab, hop, f"clamd unix:{server.socket}", VIRUS_POLICY, workers=1)
    before = server.looked()
    replies = []

    def deliver(number):
        with Session(g.port) as session:
            replies.append(send(session, message(9, b"the same"), b"to%d@via.test" % number).code)

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deliver(8)
    check(replies == [250] * 9, f"{replies}")
    check(server.looked() - before == 1, f"clamd looked at it {server.looked() - before} times")
    sources = [fact(g, i, "virus")["source"] for i in range(9)]
    check(sources.count("scanner") == 1 and sources.count("cache") == 8, f"{sources}")


# ---- a scanner that is stopped, hung and started again under load ----

class Load:
    """Clients that send one message after the other until they are told to stop."""

    def __init__(self, port, clients=4):
        self.port, self.over = port, False
        self.replies = []  # (when, number, code)
        self.failures = []
        self._number = 1000
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _next(self):
        with self._lock:
            self._number += 1
            return self._number

    def _run(self):
        try:
            while not self.over:
                with Session(self.port) as session:
                    self._talk(session)
                    session.quit()
        except Exception as error:  # told at the end
            self.failures.append(repr(error))

    def _talk(self, session):
        for _ in range(IN_A_SESSION):
            if self.over:
                return
            number = self._next()
            code = send(session, message(number)).code
            self.replies.append((time.monotonic(), number, code))
            time.sleep(PAUSE_DEFERRED if code == 451 else PAUSE)

    def since(self, when):
        return [code for at, _, code in list(self.replies) if at >= when]

    def wait_for(self, code, count, seconds, what):
        """Until so many more replies with that code have come."""
        began = time.monotonic()
        wait_until(lambda: self.since(began).count(code) >= count or self.failures, seconds, what)
        if self.failures:
            raise Failed(f"{what}: {self.failures}")

    def end(self):
        self.over = True
        for thread in self._threads:
            thread.join(60)
        if self.failures or any(thread.is_alive() for thread in self._threads):
            raise Failed(f"a client is stuck, or failed: {self.failures}")


def through_faults(server, g, load):
    load.wait_for(250, 4, 20, "messages pass")
    server.stop()
    load.wait_for(451, 4, 20, "messages are deferred while it is stopped")
    server.start()
    load.wait_for(250, 4, 60, "messages pass after its start")
    server.hang()
    load.wait_for(451, 8, 30, "messages are deferred while it hangs")
    server.go_on()
    load.wait_for(250, 4, 60, "messages pass when it goes on")


def check_faults(g, hop, load, name):
    """No message is lost or doubled, and each decision says why."""
    good = sorted(number for _, number, code in load.replies if code == 250)
    late = [number for _, number, code in load.replies if code == 451]
    check(len(good) + len(late) == len(load.replies), f"{set(code for _, _, code in load.replies)}")
    arrived = sorted(int(d.octets.partition(b"Message-ID: <")[2].partition(b"@")[0]) for d in hop.delivered())
    check(arrived == good, f"{len(good)} were answered 250, {len(arrived)} have arrived")
    done = wait_until(lambda: len(found := [d for d in g.decisions() if "sender" in d]) >= len(load.replies) and found,
                      20, "all decisions")
    reasons = [d["facts"][name].get("unknown") for d in done]
    check(len(reasons) - reasons.count(None) == len(late), f"{len(late)} were deferred, reasons: {set(reasons)}")
    check({"temporary failure", "timeout"} == {r for r in reasons if r}, f"reasons: {set(reasons)}")
    lines = [line for line in g.log().splitlines() if " is down: " in line or " is well again" in line]
    check(2 <= len(lines) <= 8, f"the operator was told {lines}")
    wait_until(lambda: [s["unknown"] for s in g.status()["scanners"]] == [len(late)], 10,
               f"the status tells of {len(late)} messages without an answer: {g.status()['scanners']}")
    return f"{len(good)} passed, {len(late)} deferred: {reasons.count('timeout')} timeout, " \
           f"{reasons.count('temporary failure')} temporary failure"


def faults(lab, server, statement, policy, name, **limits):
    hop = lab.hop()
    g = behind(lab, hop, statement, policy, **limits)
    load = Load(g.port)
    try:
        through_faults(server, g, load)
    finally:
        load.end()
    return check_faults(g, hop, load, name)


def clamd_faults(lab):
    server = clamd(lab)
    return faults(lab, server, f"clamd unix:{server.socket}", VIRUS_POLICY, "virus", virus_time=f"{VIRUS_TIME}s")


# ---- rspamd and spamd ----

def long_only(lab):
    if not lab.everything:
        raise Skip("takes most of a minute to start: only in the long version")


def spam_policy(name, names):
    return SPAM_POLICY % (name, name, names, name, name)


def scores(lab, server, statement, name, names):
    """What it says of a clean message and of GTUBE."""
    hop = lab.hop()
    g = behind(lab, hop, statement, spam_policy(name, names))
    with Session(g.port) as session:
        check(send(session, message(1, b"good morning")).code == 250, "a good one")
        reply = send(session, message(2, GTUBE))
        score = fact(g, 1, f"{name}.score")
        check(reply.code == 550 and f"scored {score['value']}" in reply.text, f"GTUBE: {reply} {score}")
        check(send(session, message(3, b"x" * 900 + b"\r\n" * 1100000)).code == 451, "one above scan_size")
    check(fact(g, 2, f"{name}.score")["unknown"] == "over budget", f"{fact(g, 2, f'{name}.score')}")
    check(len(hop.delivered()) == 1, "what has arrived")
    return g, score["value"], fact(g, 1, names)["value"]


def rspamd(lab):
    long_only(lab)
    server = lab.keep("rspamd", lambda: Rspamd(lab.new_folder("rspamd")))
    server.start()
    g, score, symbols = scores(lab, server, f"rspamd http://127.0.0.1:{server.port}", "rspamd", "rspamd.symbols")
    check("GTUBE" in symbols, f"{symbols}")
    decision = [d for d in g.decisions() if "sender" in d][1]
    line = wait_until(lambda: next((x for x in server.log().splitlines() if f"qid: <{decision['id']}" in x), None), 10,
                      "its log has our decision's id")
    for part in ("ip: 127.0.0.1", "from: <author@client.test>", "rcpts: <somebody@via.test>"):
        check(part in line, f"{part} is not in {line}")
    lab.end_test()
    figures = faults(lab, server, f"rspamd unix:{server.socket}", spam_policy("rspamd", "rspamd.symbols"),
                     "rspamd.score", spam_time="2s")
    return f"GTUBE {score}; {figures}"


def spamd(lab):
    long_only(lab)
    server = lab.keep("spamd", lambda: Spamd(lab.new_folder("spamd")))
    server.start()
    _, score, rules = scores(lab, server, f"spamassassin tcp://127.0.0.1:{server.port}", "spamassassin",
                             "spamassassin.rules")
    check({"GTUBE", "OWN_RELAY", "OWN_SENDER"} <= set(rules), f"{rules}")
    lab.end_test()
    figures = faults(lab, server, f"spamassassin unix:{server.socket}",
                     spam_policy("spamassassin", "spamassassin.rules"), "spamassassin.score", spam_time="3s")
    return f"GTUBE {score}; {figures}"


TESTS = [
    ("scanners/clamd_by_socket", finds_by_socket),
    ("scanners/clamd_by_descriptor", finds_by_descriptor),
    ("scanners/clamd_by_tcp", finds_by_tcp),
    ("scanners/clamd_by_standard_policy", by_standard_policy),
    ("scanners/clamd_too_large", too_large),
    ("scanners/clamd_same_message", same),
    ("scanners/clamd_faults", clamd_faults),
    ("scanners/rspamd", rspamd),
    ("scanners/spamd", spamd),
]
