"""Real servers as next hops: several recipients with mixed answers, each in the server's own words;
what arrives equals what the same server stores when it is spoken to directly.
"""

import smtplib

from clients import MESSAGES, SENDER, message
from kit import maildir
from kit.process import wait_until
from kit.report import check
from kit.sender import Sender
from kit.smtp_client import Session

BOXES = ["one", "two", "three"]
DOMAINS = ["direct.test", "via.test"]
FULL = "552 5.2.2 the mailbox of this reader is full"
BUSY = "451 4.2.1 the mailbox of this reader is busy"
PATH = SENDER.encode()


def postfix(lab, name="postfix-hop", **settings):
    answers = {f"{box}@{domain}": reply for domain in DOMAINS
               for box, reply in (("full", FULL), ("busy", BUSY))}
    return lab.postfix(name, domains=DOMAINS, mailboxes=[*BOXES, "full", "busy"], answers=answers,
                       **settings)


def exim(lab, name="exim-hop", **settings):
    return lab.exim(name, domains=DOMAINS, mailboxes=[*BOXES, "full", "busy"],
                    answers={"full": FULL, "busy": BUSY}, **settings)


def opensmtpd(lab, name="opensmtpd-hop", **settings):
    return lab.opensmtpd(name, domains=DOMAINS, mailboxes=BOXES,
                         answers={"full": FULL, "busy": BUSY}, **settings)


def sendmail(lab, name="sendmail-hop", **settings):
    return lab.sendmail(name, domains=DOMAINS, mailboxes=BOXES,
                        answers={"full": FULL, "busy": BUSY}, **settings)


def send_directly(hop, boxes, octets):
    with smtplib.SMTP("127.0.0.1", hop.port, "client.test", timeout=30) as client:
        refused = client.sendmail(SENDER, [f"{box}@direct.test" for box in boxes],
                                  octets.replace(b"\n", b"\r\n"), ["BODY=8BITMIME"])
    check(not refused, f"directly it was refused: {refused}")


def take(hop, domain, box):
    """The one message of a mailbox, taken out of it; without its trace fields."""
    stored = hop.arrived(box, domain)
    check(len(stored) == 1, f"{len(stored)} copies for {box}@{domain}")
    maildir.empty_maildir(hop.mailbox(box, domain))
    fields, rest = maildir.trace_fields(stored[0])
    return fields, rest


def same_octets(hop, g):
    """Each kind of message once directly and once through Gatepost."""
    for name, (_, boxes) in MESSAGES.items():
        octets = message(name)
        send_directly(hop, boxes, octets)
        with Session(g.port) as session:
            reply = session.deliver(PATH, [f"{box}@via.test".encode() for box in boxes],
                                    octets.replace(b"\n", b"\r\n"), parameters=b"BODY=8BITMIME")
            session.quit()
        check(reply.code == 250, f"{name!r} was answered {reply}")
        for box in boxes:
            above, direct = take(hop, "direct.test", box)
            above_via, via = take(hop, "via.test", box)
            check(direct == via, f"{name!r} for {box}: differs from what arrives directly")
            check(len(above_via) == len(above) + 1, f"{name!r}: {len(above_via) - len(above)} "
                  "trace fields more than directly")
    return len(MESSAGES)


def said(hop, box):
    """What it answers to RCPT when it is asked directly."""
    with Session(hop.port) as session:  # one command after the other: not all can pipelining
        session.expect(b"MAIL FROM:<%s>" % PATH, 250)
        reply = session.say(b"RCPT TO:<%s@via.test>" % box.encode())
        session.quit()
    return reply


def in_its_words(reply, own, box):
    """Is `reply` the hop's own answer, with no more than an id behind it?"""
    check(reply.code == own.code and own.words in reply.text,
          f"for {box} the hop says {own}, and Gatepost {reply}")


def mixed_at_rcpt(lab, hop, g):
    """One transaction to some that it has, one it has not, one that is full, one that is busy."""
    boxes = ["one", "nobody", "full", "two", "busy", "three"]
    octets = b"Subject: mixed\r\n\r\nfor some of them\r\n"
    refused = {box: said(hop, box) for box in ("nobody", "full", "busy")}
    with Session(g.port) as session:
        replies = session.envelope(PATH, [f"{box}@via.test".encode() for box in boxes])[1:]
        for box, reply in zip(boxes, replies):
            if box in refused:
                in_its_words(reply, refused[box], box)
            else:
                check(reply.code == 250, f"{box} was answered {reply}")
        reply = session.data(octets)
        check(reply.code == 250, f"the message was answered {reply}")
        session.quit()
    for box in BOXES:
        take(hop, "via.test", box)
    nothing_more(hop)
    return " | ".join(f"{own.code} {own.enhanced}".strip() for own in refused.values())


def nothing_more(hop):
    for box in [*BOXES, "nobody", "full", "busy"]:
        check(not hop.messages(box, "via.test"), f"there is something for {box}")


def smtp_hop(make):
    def run(lab):
        hop = make(lab)
        g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
        answers = mixed_at_rcpt(lab, hop, g)
        return f"3 of 6 recipients, the others {answers}; {same_octets(hop, g)} messages equal"
    return run


TESTS = [
    ("hops.postfix", smtp_hop(postfix)),
    ("hops.exim", smtp_hop(exim)),
    ("hops.opensmtpd", smtp_hop(opensmtpd)),
    ("hops.sendmail", smtp_hop(sendmail)),
]
