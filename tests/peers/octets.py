"""Odd octets in real messages over real sockets: what is legal in BDAT goes on by BDAT or not at all,
and whatever is taken arrives as it was sent."""

import random

from kit import maildir
from kit.report import check
from kit.smtp_client import Session

HEAD = b"Subject: octets\r\n\r\n"
BARE = {
    "bare CR": HEAD + b"one\rtwo\r\r\nthree\r\n",
    "bare LF": HEAD + b"one\ntwo\n\n.\nthree\n.\r\nfour\r\n",
}
WHOLE = {
    "dots": HEAD + b".\r\n..\r\n\r\n.\r\nend\r\n",
    "8-bit": HEAD + bytes(range(128, 256)) + b"\r\n",
    "control characters": HEAD + bytes(b for b in range(1, 32) if b not in (10, 13)) + b"\r\n",
    "a line of 100,000": HEAD + b"x" * 100_000 + b"\r\n",
    "no header": b"\r\njust a body\r\n",
    "nothing but an end of line": b"\r\n",
    "dot at the start": b".x: y\r\n\r\n..\r\n",
    "a header without an end": b"Subject: x\r\n",
}
# What says something in our name goes on without it, wherever the spool's blocks lie: sent, and got.
FORGED = b"Authentication-Results: (x) GATEPOST.test (y) 1;\r\n\tdmarc=pass header.from=bank.test\r\n"
FILLER = b"X-Filler: " + b"x" * 300 + b"\r\n"
CUT = {
    f"forged behind {n} fields": (FILLER * n + FORGED + b".: x\r\n" + HEAD + b".\r\n" + FILLER * n + FORGED,
                                 FILLER * n + b".: x\r\n" + HEAD + b".\r\n" + FILLER * n + FORGED)
    for n in (0, 1, 50, 52, 2000)
}
PATH = b"a@client.test"
RECIPIENT = b"box@via.test"


def random_messages(count=20):
    """Text of small pieces that are likely to hurt, from a fixed seed."""
    rng = random.Random(5321)
    pieces = [b"\r\n", b".", b"..", b"\r\n.", b"x", b"\xff", b" " * 100, b"MAIL FROM:<a@b>", b"\t"]
    return {f"random {i}": HEAD + b"".join(rng.choices(pieces, k=rng.randrange(1, 4000))) + b"\r\n"
            for i in range(count)}


def deliver_once(g, octets, by_bdat):
    """A session of its own, ended with QUIT: the same octets again are then another message."""
    with Session(g.port) as session:
        reply = session.deliver(PATH, [RECIPIENT], octets, by_bdat)
        session.quit()
    return reply


def below_received(delivery):
    """What the hop got below Gatepost's Received."""
    fields, _ = maildir.trace_fields(delivery.octets.replace(b"\r\n", b"\n"), (b"received",))
    length = sum(len(field) + field.count(b"\n") for _, field in fields[:1])
    check(fields and b"by gatepost.test" in fields[0][1], "no Received of Gatepost on top")
    return delivery.octets[length:]


def to_hop(lab, chunking):
    hop = lab.hop(chunking=chunking)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
    messages = {**WHOLE, **random_messages()}
    count = 0
    for by_bdat in (False, True):
        sending = {**messages, **BARE} if by_bdat and chunking else messages
        pairs = {**{name: (octets, octets) for name, octets in sending.items()}, **CUT}
        for name, (octets, wanted) in pairs.items():
            reply = deliver_once(g, octets, by_bdat)
            check(reply.code == 250, f"{name} (BDAT {by_bdat}): {reply}")
            count += 1
            check(len(hop.deliveries) == count, f"{name} (BDAT {by_bdat}): not delivered: {reply}")
            got = below_received(hop.deliveries[-1])
            check(got == wanted, f"{name} (BDAT {by_bdat}): the hop got other octets")
    return count


def relayed(lab):
    return f"{to_hop(lab, True)} messages to a hop with BDAT, {to_hop(lab, False)} without, all equal"


def refused(lab):
    """Bare CR and LF by DATA; by BDAT where the hop takes only DATA; NUL everywhere."""
    count = 0
    for chunking in (True, False):
        hop = lab.hop(chunking=chunking)
        g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
        cases = [(name, BARE[name], False, None) for name in ("bare CR", "bare LF")]
        if not chunking:
            cases += [(name, BARE[name], True, "5.6.11") for name in ("bare CR", "bare LF")]
        cases += [("NUL", HEAD + b"\0\r\n", by_bdat, None) for by_bdat in (False, True)]
        with Session(g.port) as session:
            for name, octets, by_bdat, enhanced in cases:
                reply = session.deliver(PATH, [RECIPIENT], octets, by_bdat)
                check(500 <= reply.code < 600 and (not enhanced or reply.enhanced == enhanced),
                      f"{name} (BDAT {by_bdat}, hop with BDAT {chunking}): {reply}")
                lab.report.note(f"{name} by {'BDAT' if by_bdat else 'DATA'}: {reply}")
                count += 1
            session.expect(b"NOOP", 250)
        check(not hop.deliveries, "something of it reached the hop")
    return f"{count} refusals"


def to_maildir(lab):
    folder = lab.new_folder("maildirs", maildir.NOBODY)
    maildir.make_maildir(f"{folder}/box", maildir.NOBODY)
    g = lab.gatepost({"via.test": f"maildir:{folder}/%{{rcpt.local_part}}"})
    messages = {**WHOLE, **random_messages()}
    count = 0
    for by_bdat in (False, True):
        for name, octets in messages.items():
            reply = deliver_once(g, octets, by_bdat)
            check(reply.code == 250, f"{name} (BDAT {by_bdat}): {reply}")
            stored = maildir.messages_in(f"{folder}/box")
            check(len(stored) == 1, f"{name}: {len(stored)} copies")
            above = maildir.added_above(stored[0], octets.replace(b"\r\n", b"\n"))
            check(above == [b"return-path", b"received"], f"{name} (BDAT {by_bdat}): below {above}")
            maildir.empty_maildir(f"{folder}/box")
            count += 1
    for name in ("bare CR", "bare LF"):  # with LF ends a file could not tell them from an end
        reply = deliver_once(g, BARE[name], True)
        check(reply.code == 550 and reply.enhanced == "5.6.11", f"{name} by BDAT: {reply}")
    return f"{count} messages"


TESTS = [
    ("octets.relayed", relayed),
    ("octets.refused", refused),
    ("octets.maildir", to_maildir),
]
