"""Refusal at the end of data: the message is read whole, one 5xx follows, and the session goes on.

A real Postfix as sender hears it once and tells its own sender, which is why nobody else has to.
"""

from kit.report import check
from kit.smtp_client import Session

LIMIT = 65536
REFUSAL = b"550 5.7.1 the hop wants no such message"
BAD = b"Subject: refuse me\r\n\r\n" + b"Some text that goes on for a while.\r\n" * 500
GOOD = b"Subject: take me\r\n\r\nfine\r\n"
LARGE = b"Subject: too large\r\n\r\n" + b"x" * 70 + b"\r\n" + b"0123456789\r\n" * 30000


def picky(delivery):
    return REFUSAL if b"Subject: refuse me" in delivery.octets else None


def refused_then_clean(session, octets, code, enhanced, by_bdat=False):
    """The refused message, RSET, and a clean message in one session. Returns the refusal."""
    reply = session.deliver(b"a@client.test", [b"box@via.test"], octets, by_bdat)
    check(reply.code == code and reply.enhanced == enhanced, f"end of data was answered {reply}")
    session.expect(b"RSET", 250)
    clean = session.deliver(b"a@client.test", [b"box@via.test"], GOOD, by_bdat)
    check(clean.code == 250, f"the clean message after it was answered {clean}")
    session.expect(b"NOOP", 250)
    return reply


def raw_hop_refuses(lab):
    count = 0
    for chunking in (True, False):
        hop = lab.hop(dot=picky, chunking=chunking)
        g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
        for by_bdat in (False, True):
            with Session(g.port) as session:
                reply = refused_then_clean(session, BAD, 550, "5.7.1", by_bdat)
                check("the hop wants no such message" in reply.text, f"not the hop's words: {reply}")
                session.quit()
            count += 1
        check(len(hop.deliveries) == 4 and len(hop.delivered()) == 2,
              f"the hop saw {len(hop.deliveries)} messages, took {len(hop.delivered())}")
        check(all(d.octets.endswith(BAD) for d in hop.deliveries if d.reply == REFUSAL),
              "the refused message had not reached the hop whole")
    return f"{count} sessions"


def raw_postfix_refuses(lab):
    hop = lab.postfix("picky-hop", domains=["via.test"], mailboxes=["box"],
                      extra={"header_checks": "regexp:{{/^Subject: refuse me/ REJECT no such mail}}"})
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
    with Session(g.port) as session:
        reply = refused_then_clean(session, BAD, 550, "5.7.1")
        session.quit()
    stored = hop.arrived("box", "via.test")
    check(len(stored) == 1 and b"take me" in stored[0], "not exactly the clean message is stored")
    return str(reply)


def raw_over_size(lab):
    hop = lab.hop()
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, limits={"message_size": LIMIT})
    for by_bdat in (False, True):
        with Session(g.port) as session:
            check(session.extensions.get("SIZE") == [str(LIMIT)], "SIZE is not announced as set")
            reply = refused_then_clean(session, LARGE, 552, "5.3.4", by_bdat)
            declared = session.say(b"MAIL FROM:<a@client.test> SIZE=%d" % len(LARGE))
            check(declared.code == 552 and declared.enhanced == "5.3.4", f"MAIL SIZE=: {declared}")
            session.quit()
    check(len(hop.deliveries) == 2, f"the hop saw {len(hop.deliveries)} messages instead of 2")
    return str(reply)


def sender_bounces(lab, name, gatepost, octets, words, extra=None):
    """Real Postfix sends `octets` to Gatepost, is refused, tries once only and bounces."""
    domain = f"{name}.test"
    sender = lab.postfix(name, domains=[domain], mailboxes=["author"], extra=extra,
                         transport={"via.test": gatepost.port})
    sender.submit(f"author@{domain}", ["box@via.test"], octets.replace(b"\r\n", b"\n"))
    bounce = sender.arrived("author", domain)
    sender.wait_idle()
    attempts = sender.attempts("box@via.test")
    check(len(attempts) == 1, f"{len(attempts)} attempts instead of one")
    check("status=bounced" in attempts[0], f"not bounced: {attempts[0]}")
    check(len(sender.arrived("author", domain)) == 1, "more than one bounce")
    check(b"MAILER-DAEMON" in bounce[0] and words in bounce[0],
          "the bounce does not carry the refusal's words")
    sender.submit(f"author@{domain}", ["box@via.test"], GOOD.replace(b"\r\n", b"\n"))
    sender.wait_idle()
    check("status=sent" in sender.attempts("box@via.test")[-1], "the clean message was not sent")
    return attempts[0].partition(" said: ")[2][:70]


def sender_hop_refuses(lab):
    hop = lab.hop(dot=picky)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
    figures = sender_bounces(lab, "sender", g, BAD, b"the hop wants no such message")
    check(len(hop.deliveries) == 2 and len(hop.delivered()) == 1,
          f"the hop saw {len(hop.deliveries)} messages and took {len(hop.delivered())}")
    return f"one attempt, one bounce: {figures}"


def sender_over_size(lab):
    hop = lab.hop()
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, limits={"message_size": LIMIT})
    figures = sender_bounces(lab, "sender-without-size", g, LARGE, b"5.3.4",
                             extra={"smtp_discard_ehlo_keywords": "size"})
    check(len(hop.deliveries) == 1, f"the hop saw {len(hop.deliveries)} messages instead of 1")
    return f"one attempt, one bounce: {figures}"


TESTS = [
    ("refusal.raw-hop", raw_hop_refuses),
    ("refusal.raw-postfix-hop", raw_postfix_refuses),
    ("refusal.raw-size", raw_over_size),
    ("refusal.postfix-sender-hop", sender_hop_refuses),
    ("refusal.postfix-sender-size", sender_over_size),
]
