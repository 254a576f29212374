"""SIGTERM: idle sessions are told to go, open transactions may end, an open commit always does."""

import threading
import time

from kit import maildir
from kit.process import connectable, wait_until
from kit.report import check
from kit.smtp_client import Gone, Session, dot_stuffed

MESSAGE = b"Subject: one\r\n\r\nlast words\r\n"


def begin_data(session):
    for reply in session.envelope(b"a@client.test", [b"box@via.test"]):
        check(reply.code == 250, f"envelope: {reply}")
    session.expect(b"DATA", 354)


def sigterm(g, idle):
    """SIGTERM; returns when it has been seen: the idle session's 421 is there."""
    g.process.terminate()
    reply = idle.reply()
    check(reply.code == 421 and reply.enhanced == "4.3.2", f"an idle session was told {reply}")
    try:
        idle.line()
        check(False, "more than the 421 was said to an idle session")
    except Gone:
        pass
    wait_until(lambda: not connectable(g.port), 5, "no new connections are accepted")


def ends(g, seconds):
    status = g.process.wait(seconds)
    check(status is not None, f"did not end within {seconds} s")
    check(status == 0, f"exit status {status}")


def open_transaction(lab):
    folder = lab.new_folder("maildirs", maildir.NOBODY)
    maildir.make_maildir(f"{folder}/box", maildir.NOBODY)
    g = lab.gatepost({"via.test": f"maildir:{folder}/%{{rcpt.local_part}}"})
    with Session(g.port) as session, Session(g.port) as idle:
        begin_data(session)
        wire = dot_stuffed(MESSAGE)
        session.send(wire[:10])
        sigterm(g, idle)
        session.send(wire[10:])
        reply = session.reply()
        check(reply.code == 250, f"the open transaction ended with {reply}")
        ends(g, 10)
    check(len(maildir.files_in(f"{folder}/box")) == 1, "not exactly one copy")
    return str(reply)


def open_commit(lab):
    release = threading.Event()
    hop = lab.hop(dot=lambda delivery: release.wait(60) and None)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, limits={"drain_time": "1s"})
    with Session(g.port) as session, Session(g.port) as idle:
        begin_data(session)
        session.send(dot_stuffed(MESSAGE))
        wait_until(lambda: hop.deliveries, 10, "the hop has the final dot")
        sigterm(g, idle)
        check(g.process.wait(2.5) is None, "ended although the hop had not answered its dot")
        release.set()
        answered = time.monotonic()
        reply = session.reply()
        check(reply.code == 250, f"after a late yes of the hop the client was told {reply}")
        ends(g, 10)
    check(len(hop.delivered()) == 1, f"{len(hop.delivered())} copies")
    return f"{reply}; ended {time.monotonic() - answered:.2f} s after the hop's answer"


def time_is_over(lab):
    hop = lab.hop()
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, limits={"drain_time": "1s"})
    with Session(g.port) as session, Session(g.port) as idle:
        begin_data(session)
        session.send(b"Subject: never")
        started = time.monotonic()
        sigterm(g, idle)
        reply = session.reply()
        took = time.monotonic() - started
        check(reply.code == 421 and reply.enhanced == "4.3.2", f"an overdue transaction: {reply}")
        check(0.8 < took < 5, f"drain_time of 1 s took {took:.1f} s")
        ends(g, 10)
    check(not hop.deliveries, "an unfinished message reached the hop's dot")
    return f"421 after {took:.1f} s"


def second_sigterm(lab):
    """SIGTERM straight after start, and twice: still an orderly end."""
    for times in (1, 2):
        g = lab.gatepost({"via.test": "smtp://127.0.0.1:9"})
        for _ in range(times):
            g.process.terminate()
        ends(g, 10)
    return ""


TESTS = [
    ("drain.transaction", open_transaction),
    ("drain.commit", open_commit),
    ("drain.time-is-over", time_is_over),
    ("drain.at-once", second_sigterm),
]
