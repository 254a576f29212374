"""A lost 250 and its retry, over real sockets: repaired without a second copy, by another worker and
after a crash of everything too; while the same message sent twice on purpose is delivered twice."""

import os
import signal
import time

from kit import maildir
from kit.process import alive, wait_until
from kit.report import check
from kit.smtp_client import Session, dot_stuffed

MESSAGE = b"Subject: once\r\n\r\nonly once\r\n"
SENDER, RECIPIENTS = b"a@client.test", [b"one@via.test", b"two@via.test"]
PATIENCE = 20
AGAIN = 150  # often enough to catch a race between two workers


def maildir_hop(lab):
    """(target of the route, function that counts the copies of each recipient)."""
    folder = lab.new_folder("maildirs", maildir.NOBODY)
    for box in ("one", "two"):
        maildir.make_maildir(f"{folder}/{box}", maildir.NOBODY)
    return (f"maildir:{folder}/%{{rcpt.local_part}}",
            lambda: [len(maildir.files_in(f"{folder}/{box}")) for box in ("one", "two")])


def smtp_hop(lab):
    hop = lab.hop(dot=lambda delivery: time.sleep(0.01))
    return (f"smtp://127.0.0.1:{hop.port}",
            lambda: [sum(r in d.recipients for d in hop.delivered()) for r in RECIPIENTS])


def lose_reply(g, copies):
    """Sends the message and goes away without reading the answer, once it is delivered."""
    before = copies()
    with Session(g.port) as session:
        for reply in session.envelope(SENDER, RECIPIENTS):
            check(reply.code == 250, f"envelope: {reply}")
        session.expect(b"DATA", 354)
        session.send(dot_stuffed(MESSAGE))
        wait_until(lambda: copies() > before, 10, "the message is delivered")


def retry(g):
    """Sends the message again until the answer is final. Returns (reply, attempts)."""
    deadline = time.monotonic() + PATIENCE
    attempts = 0
    while True:
        attempts += 1
        with Session(g.port) as session:
            reply = session.deliver(SENDER, RECIPIENTS, MESSAGE)
            session.quit()
        if not 400 <= reply.code < 500 or time.monotonic() > deadline:
            return reply, attempts
        time.sleep(0.05)


def lost_reply(lab):
    """Ten times, so that the retry meets both workers."""
    attempts = 0
    for make in (maildir_hop, smtp_hop):
        target, copies = make(lab)
        g = lab.gatepost({"via.test": target})
        for i in range(1, 11):
            lose_reply(g, copies)
            reply, tries = retry(g)
            attempts += tries
            check(reply.code == 250, f"the retry was answered {reply}")
            check(copies() == [i, i], f"after message {i} and its retry there are {copies()} copies")
    return f"20 replies lost, {attempts} retries, no second copy"


def on_purpose(lab):
    """The client has shown that it has the 250, so the same octets again are another message: in the
    same session, and in another one that may meet another worker."""
    for make in (maildir_hop, smtp_hop):
        target, copies = make(lab)
        g = lab.gatepost({"via.test": target})
        with Session(g.port) as session:
            for i in range(1, AGAIN + 1):
                reply = session.deliver(SENDER, RECIPIENTS, MESSAGE)
                check(reply.code == 250 and copies() == [i, i],
                      f"sent {i} times: {reply}, {copies()} copies")
            session.quit()
        for i in range(AGAIN + 1, 2 * AGAIN + 1):
            reply, _ = retry(g)
            check(reply.code == 250 and copies() == [i, i],
                  f"sent {i} times: {reply}, {copies()} copies")
    return f"{2 * AGAIN} times delivered {2 * AGAIN} times, each route"


def crash(lab):
    """After the lost 250 everything is killed with -9; the ledger is still there."""
    for make in (maildir_hop, smtp_hop):
        target, copies = make(lab)
        g = lab.gatepost({"via.test": target})
        lose_reply(g, copies)
        # The decision comes behind the ledger; kill.* has the shorter times.
        wait_until(lambda: any(d["verdict"] == "accepted" for d in g.decisions()), 5, "the decision")
        everything = [g.process.pid, *g.all_workers(), g.clerk()]  # the clerk has the control socket
        for pid in everything:
            os.kill(pid, signal.SIGKILL)
        g.process.kill()
        wait_until(lambda: not any(map(alive, everything)), 5, "all processes are gone")
        g.start()
        reply, _ = retry(g)
        check(reply.code == 250, f"the retry was answered {reply}")
        check(copies() == [1, 1], f"{copies()} copies after a crash")
    return "no second copy"


TESTS = [
    ("ledger.lost-250", lost_reply),
    ("ledger.on-purpose", on_purpose),
    ("ledger.crash", crash),
]
