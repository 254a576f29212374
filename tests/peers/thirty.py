"""A real Postfix and a real Exim send one message to 30 recipients, of which the next hop refuses 3 for
good and 4 for a while: how long it takes until nothing is left, how many copies each mailbox has, and
what the author of the message is told.

The LMTP hop is a Dovecot that says after the data that mailboxes are full, 3 of them for good, 4 until
they are emptied. The SMTP hop is a Postfix that says the same at RCPT.
"""

import email
import time

from kit.dovecot import FULL_WORDS
from kit.process import wait_until
from kit.report import check

GOOD = [f"good{i:02}" for i in range(1, 24)]
FULL = [f"full{i}" for i in range(1, 4)]
BUSY = [f"busy{i}" for i in range(1, 5)]
# As a list would have them: not sorted by what becomes of them.
ALL = sorted(GOOD + FULL + BUSY, key=lambda box: (box[-1], box))
MESSAGE = (b"From: Author <author@sender.test>\nTo: Readers <readers@lists.test>\n"
           b"Date: Sun, 01 Feb 2026 12:00:00 +0000\nMessage-ID: <thirty@sender.test>\n"
           b"Subject: to thirty\n\nThe same for everybody.\n")
PATIENCE = 100


class Hop:
    """One of the two, and how its 4 are made ready."""

    def __init__(self, server, target, empty):
        self.server = server
        self.target = target
        self.empty = empty


def lmtp(lab, name):
    server = lab.dovecot(f"dovecot-{name}", domains=["via.test"], mailboxes=GOOD, full=FULL,
                         full_for_a_while=BUSY)

    def empty():
        for box in BUSY:
            server.empty(box, "via.test")
    return Hop(server, f"lmtp:{server.socket}", empty)


def smtp(lab, name):
    answers = {f"{box}@via.test": f"{code} {FULL_WORDS}"
               for boxes, code in ((FULL, "552 5.2.2"), (BUSY, "452 4.2.2")) for box in boxes}
    server = lab.postfix(f"postfix-{name}", domains=["via.test"], mailboxes=ALL, answers=answers)

    def empty():
        for box in BUSY:
            server.answers.set(f"{box}@via.test", None)
    return Hop(server, f"smtp://127.0.0.1:{server.port}", empty)


def by_postfix(lab, name, port):
    return lab.postfix(f"postfix-sender-{name}", domains=["sender.test"], mailboxes=["author"],
                       transport={"via.test": port},
                       extra={"minimal_backoff_time": "1s", "maximal_backoff_time": "1s",
                              "queue_run_delay": "1s"})


def by_exim(lab, name, port):
    return lab.exim(f"exim-sender-{name}", domains=["sender.test"], mailboxes=["author"],
                    transport={"via.test": (port, False)}, retry="F,1h,1s", queue_run="1s")


def told(bounces):
    """[(address, action, diagnostic)…] of every recipient that the bounces report on."""
    reports = []
    for bounce in bounces:
        parsed = email.message_from_bytes(bounce)
        for part in parsed.walk():
            if part.get_content_type() == "message/delivery-status":
                for block in part.get_payload()[1:]:
                    address = block["Final-Recipient"].partition(";")[2].strip()
                    reports.append((address, block["Action"].strip(),
                                    " ".join(block.get("Diagnostic-Code", "").split())))
    return reports


def explanation(bounce):
    """The part of a bounce that is written for people."""
    parsed = email.message_from_bytes(bounce)
    return next(part.get_payload() for part in parsed.walk()
                if part.get_content_type() == "text/plain")


def check_told(bounces):
    """The author hears of the three, once each and in the hop's words, and of nobody else."""
    reports = told(bounces)
    check(sorted(address for address, _, _ in reports) == [f"{box}@via.test" for box in FULL],
          f"the author is told of {reports}")
    for address, action, diagnostic in reports:
        check(action == "failed" and "5.2.2" in diagnostic and FULL_WORDS in diagnostic,
              f"of {address} the author is told: {action}, {diagnostic}")
    for bounce in bounces:
        text = explanation(bounce)
        check(FULL_WORDS in text, f"the text does not have the hop's words: {text}")
        named = [box for box in GOOD + BUSY if f"{box}@via.test" in text]
        check(not named, f"the author is told of {named}: {text}")


def attempts(g):
    """The transactions that the sender has tried."""
    return [d for d in g.decisions() if "sender" in d]


def run(make_hop, make_sender):
    def test(lab):
        name = f"{make_hop.__name__}-{make_sender.__name__[3:]}"
        hop = make_hop(lab, name)
        g = lab.gatepost({"via.test": hop.target})
        sender = make_sender(lab, name, g.port)
        began = time.monotonic()
        sender.submit("author@sender.test", [f"{box}@via.test" for box in ALL], MESSAGE)
        for box in GOOD:
            hop.server.arrived(box, "via.test")
        first = time.monotonic() - began
        others = {f"{box}@via.test" for box in GOOD + FULL}
        wait_until(lambda: sender.finished() >= others, PATIENCE, "the sender is done with 26")
        waited = time.monotonic() - began
        before = len(attempts(g))
        hop.empty()
        wait_until(sender.queue_empty, PATIENCE, "nothing is left")
        wait_until(lambda: len(told(sender.messages("author", "sender.test"))) >= len(FULL),
                   PATIENCE, "the author is told of three")
        for box in BUSY:
            hop.server.arrived(box, "via.test")
        took = time.monotonic() - began
        copies = {box: len(hop.server.messages(box, "via.test")) for box in ALL}
        wrong = {box: n for box, n in copies.items() if n != (0 if box in FULL else 1)}
        check(not wrong, f"copies: {wrong}")
        bounces = sender.messages("author", "sender.test")
        check_told(bounces)
        return (f"23 have it after {first:.1f} s; the sender is done with 26 after {waited:.1f} s and "
                f"{before} attempts, with all after {took:.1f} s and {len(attempts(g))}; 27 mailboxes with one copy, 3 with none; {len(bounces)} bounce(s) tell "
                f"of exactly the 3: {told(bounces)[0][2][:60]}")
    return test


TESTS = [
    ("thirty.lmtp-postfix", run(lmtp, by_postfix)),
    ("thirty.lmtp-exim", run(lmtp, by_exim)),
    ("thirty.smtp-postfix", run(smtp, by_postfix)),
    ("thirty.smtp-exim", run(smtp, by_exim)),
]
