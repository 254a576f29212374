"""Real servers as next hops: several recipients with mixed answers, each in the server's own words;
what arrives equals what the same server stores when it is spoken to directly. Several of them in one
transaction. TLS to them, checked or not, and what happens when their certificate is wrong.
"""

import smtplib

from clients import MESSAGES, SENDER, message
from kit import maildir
from kit.dovecot import FULL_WORDS
from kit.process import wait_until
from kit.report import check
from kit.sender import Sender
from kit.smtp_client import Session

BOXES = ["one", "two", "three"]
DOMAINS = ["direct.test", "via.test"]
FULL = "552 5.2.2 the mailbox of this reader is full"
BUSY = "451 4.2.1 the mailbox of this reader is busy"
PATH = SENDER.encode()


# ---- the servers ----

def postfix(lab, name="postfix-hop", domains=DOMAINS, **settings):
    answers = {f"{box}@{domain}": reply for domain in domains
               for box, reply in (("full", FULL), ("busy", BUSY))}
    return lab.postfix(name, domains=domains, mailboxes=[*BOXES, "full", "busy"], answers=answers,
                       **settings)


def exim(lab, name="exim-hop", domains=DOMAINS, **settings):
    return lab.exim(name, domains=domains, mailboxes=[*BOXES, "full", "busy"],
                    answers={"full": FULL, "busy": BUSY}, **settings)


def opensmtpd(lab, name="opensmtpd-hop", domains=DOMAINS, **settings):
    return lab.opensmtpd(name, domains=domains, mailboxes=BOXES,
                         answers={"full": FULL, "busy": BUSY}, **settings)


def sendmail(lab, name="sendmail-hop", domains=DOMAINS, **settings):
    return lab.sendmail(name, domains=domains, mailboxes=BOXES,
                        answers={"full": FULL, "busy": BUSY}, **settings)


def dovecot(lab, name="dovecot-hop", domains=DOMAINS, **settings):
    return lab.dovecot(name, domains=domains, mailboxes=BOXES, full=["full"],
                       full_for_a_while=["busy"], **settings)


# ---- what is sent and what arrives ----

def addresses(boxes, domain):
    return [f"{box}@{domain}".encode() for box in boxes]


def by_smtp(hop, boxes, octets):
    with smtplib.SMTP("127.0.0.1", hop.port, "client.test", timeout=30) as client:
        refused = client.sendmail(SENDER, [f"{box}@direct.test" for box in boxes],
                                  octets.replace(b"\n", b"\r\n"), ["BODY=8BITMIME"])
    check(not refused, f"directly it was refused: {refused}")


def by_lmtp(hop, boxes, octets):
    """smtplib's sendmail() reads one reply for all recipients, so this is done step by step."""
    with smtplib.LMTP("127.0.0.1", hop.port, "client.test", timeout=30) as client:
        client.ehlo()
        client.mail(SENDER, ["BODY=8BITMIME"])
        for box in boxes:
            client.rcpt(f"{box}@direct.test")
        replies = [client.data(octets.replace(b"\n", b"\r\n"))]
        replies += [client.getreply() for _ in boxes[1:]]
    check(all(code == 250 for code, _ in replies), f"directly it was refused: {replies}")


def take(hop, domain, box):
    """The one message of a mailbox, taken out of it: (trace fields, rest)."""
    stored = hop.arrived(box, domain)
    check(len(stored) == 1, f"{len(stored)} copies for {box}@{domain}")
    maildir.empty_maildir(hop.mailbox(box, domain))
    return maildir.trace_fields(stored[0])


# What Gatepost takes out again.
FORGED = b"Authentication-Results: gatepost.test; dmarc=pass\r\n\theader.from=bank.test\r\n"


def same_octets(hop, g, send_directly):
    """Each kind of message once directly and once, with a forged field in front, through Gatepost."""
    for name, (_, boxes) in MESSAGES.items():
        octets = message(name)
        send_directly(hop, boxes, octets)
        with Session(g.port) as session:
            reply = session.deliver(PATH, addresses(boxes, "via.test"),
                                    FORGED + octets.replace(b"\n", b"\r\n"), parameters=b"BODY=8BITMIME")
            session.quit()
        check(reply.code == 250, f"{name!r} was answered {reply}")
        for box in boxes:
            above, direct = take(hop, "direct.test", box)
            above_via, via = take(hop, "via.test", box)
            check(direct == via, f"{name!r} for {box}: differs from what arrives directly")
            check(len(above_via) == len(above) + 1, f"{name!r}: {len(above_via) - len(above)} "
                  "trace fields more than directly")
    return len(MESSAGES)


def nothing_more(hop, domain="via.test", boxes=(*BOXES, "nobody", "full", "busy")):
    for box in boxes:
        check(not hop.messages(box, domain), f"there is something for {box}@{domain}")


# ---- answers to RCPT ----

def said(hop, box):
    """What it answers to RCPT when it is asked directly."""
    with Session(hop.port) as session:  # one command after the other: not all can pipelining
        session.expect(b"MAIL FROM:<%s>" % PATH, 250)
        reply = session.say(b"RCPT TO:<%s@via.test>" % box.encode())
        session.quit()
    return reply


def mixed_at_rcpt(hop, g):
    """One transaction to some that it has, one it has not, one that is full, one that is busy."""
    boxes = ["one", "nobody", "full", "two", "busy", "three"]
    refused = {box: said(hop, box) for box in ("nobody", "full", "busy")}
    with Session(g.port) as session:
        for box, reply in zip(boxes, session.envelope(PATH, addresses(boxes, "via.test"))[1:]):
            own = refused.get(box)
            if own:
                check(reply.code == own.code and own.words in reply.text,
                      f"for {box} the hop says {own}, and Gatepost {reply}")
            else:
                check(reply.code == 250, f"{box} was answered {reply}")
        reply = session.data(b"Subject: mixed\r\n\r\nfor some of them\r\n")
        check(reply.code == 250, f"the message was answered {reply}")
        session.quit()
    for box in BOXES:
        take(hop, "via.test", box)
    nothing_more(hop)
    return " | ".join(f"{own.code} {own.enhanced}".strip() for own in refused.values())


def smtp_hop(make):
    def run(lab):
        hop = make(lab)
        g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
        answers = mixed_at_rcpt(hop, g)
        count = same_octets(hop, g, by_smtp)
        return f"3 of 6 recipients, the others {answers}; {count} messages equal"
    return run


# ---- answers after the data ----

def finish(lab, g, recipients, empty):
    """Sends to all of them until each has a final answer. `empty` is called after two rounds."""
    sender = Sender(g.port, PATH, recipients, b"Subject: mixed\r\n\r\nfor some of them\r\n")
    sender.round()
    sender.round()
    empty()
    return sender.finish()


def is_full(outcome):
    check(outcome.code == 552 and FULL_WORDS in outcome.reply.text,
          f"a full mailbox: {outcome.reply} after {[str(reply) for reply in outcome.later]}")


def lmtp_hop(target):
    def run(lab):
        hop = dovecot(lab)
        hop.fill("busy", "via.test")
        g = lab.gatepost({"via.test": target(hop)})
        boxes = ["one", "nobody", "full", "two", "busy", "three"]
        sender = finish(lab, g, addresses(boxes, "via.test"),
                        lambda: hop.empty("busy", "via.test"))
        outcomes = dict(zip(boxes, sender.outcomes.values()))
        check(outcomes["nobody"].code == 550 and not outcomes["nobody"].later,
              f"an unknown recipient: {outcomes['nobody'].reply}")
        is_full(outcomes["full"])
        for box in [*BOXES, "busy"]:
            check(outcomes[box].code == 250, f"{box} was answered {outcomes[box].reply}")
            take(hop, "via.test", box)
        nothing_more(hop)
        count = same_octets(hop, g, by_lmtp)
        return f"mixed answers after the data: {sender.rounds} rounds; {count} messages equal"
    return run


def several_routes(lab):
    """One transaction to four next hops of different kinds, two of them with something to refuse."""
    hops = {"postfix.test": postfix(lab, "postfix-one", ["postfix.test"]),
            "exim.test": exim(lab, "exim-one", ["exim.test"]),
            "lmtp.test": dovecot(lab, "dovecot-one", ["lmtp.test"])}
    folder = lab.new_folder("maildirs", maildir.NOBODY)
    maildir.make_maildir(f"{folder}/one", maildir.NOBODY)
    g = lab.gatepost({"postfix.test": f"smtp://127.0.0.1:{hops['postfix.test'].port}",
                      "exim.test": f"smtp://127.0.0.1:{hops['exim.test'].port}",
                      "lmtp.test": f"lmtp:{hops['lmtp.test'].socket}",
                      "maildir.test": f"maildir:{folder}/%{{rcpt.local_part}}"})
    good = [b"one@postfix.test", b"one@exim.test", b"two@postfix.test", b"one@lmtp.test",
            b"one@maildir.test", b"two@lmtp.test", b"two@exim.test"]

    def empty():
        hops["lmtp.test"].empty("busy", "lmtp.test")
        hops["postfix.test"].answers.set("busy@postfix.test", None)
    sender = finish(lab, g, [*good, b"nobody@exim.test", b"full@lmtp.test", b"busy@lmtp.test",
                             b"busy@postfix.test", b"nobody@maildir.test"], empty)
    for recipient, outcome in sender.outcomes.items():
        if recipient == b"full@lmtp.test":
            is_full(outcome)
        elif recipient.startswith(b"nobody@"):
            check(outcome.code == 550, f"{recipient} was answered {outcome.reply}")
        else:
            check(outcome.code == 250, f"{recipient} was answered {outcome.reply}")
    for domain, hop in hops.items():
        for box in ["one", "two"] + (["busy"] if domain != "exim.test" else []):
            take(hop, domain, box)
        nothing_more(hop, domain)
    check(len(maildir.files_in(f"{folder}/one")) == 1, "not exactly one copy in the Maildir")
    return f"12 recipients behind 4 hops, 9 of them reached once each, in {sender.rounds} rounds"


# ---- TLS ----

SECURE = ["verified.test", "opportunistic.test", "expired-opportunistic.test"]
PLAIN = ["none.test"]
REFUSED = ["other-name.test", "other-authority.test", "expired.test"]


def tls_routes(lab, scheme, good, expired):
    """{domain: target} for the same server, seen with different eyes."""
    trusted = f"ca {lab.authority().file}"
    stranger = lab.keep("stranger", lab.new_authority)
    to_good, to_expired = (f"{scheme}://127.0.0.1:{hop.port}" for hop in (good, expired))
    return {
        "verified.test": f"{to_good} tls verified name hop.test {trusted}",
        "opportunistic.test": to_good,
        "none.test": f"{to_good} tls none",
        "other-name.test": f"{to_good} tls verified name other.test {trusted}",
        "other-authority.test": f"{to_good} tls verified name hop.test ca {stranger.file}",
        "expired.test": f"{to_expired} tls verified name hop.test {trusted}",
        "expired-opportunistic.test": f"{to_expired} tls opportunistic",
    }


def said_tls(field):
    """Does this Received of a hop tell that it came over TLS?"""
    words = field.replace(b"\n", b" ")
    return any(each in words for each in (b"TLS", b"LMTPS", b"esmtps"))


def deliver_by(g, domain):
    with Session(g.port) as session:
        reply = session.deliver(PATH, [b"one@" + domain.encode()], b"Subject: x\r\n\r\nsecret\r\n")
        session.quit()
    return reply


def record(g, domain):
    """The decision on the message for this domain."""
    def found():
        return [d for d in g.decisions()
                if any(domain in r["recipient"] for r in d.get("recipients", []))]
    return wait_until(found, 10, f"the decision for {domain}")[-1]


def tls_hop(make, scheme="smtp"):
    def run(lab):
        domains = SECURE + PLAIN + REFUSED
        good = make(lab, f"{make.__name__}-good", domains, tls=lab.authority().issue("hop.test"))
        expired = make(lab, f"{make.__name__}-expired", domains,
                       tls=lab.authority().issue("hop.test", expired=True))
        g = lab.gatepost(tls_routes(lab, scheme, good, expired))
        for domain in SECURE + PLAIN:
            hop = expired if domain.startswith("expired") else good
            reply = deliver_by(g, domain)
            check(reply.code == 250, f"{domain} was answered {reply}")
            fields, _ = take(hop, domain, "one")
            received = next(field for name, field in fields if name == b"received")
            check(said_tls(received) == (domain in SECURE), f"{domain}: {received!r}")
            decision = record(g, domain)
            check(("hop_tls" in decision) == (domain in SECURE), f"{domain}: {decision}")
        refusals, reasons = set(), []
        for domain in REFUSED:
            reply = deliver_by(g, domain)
            check(400 <= reply.code < 500, f"{domain} was answered {reply}")
            refusals.add(f"{reply.code} {reply.enhanced}")
            reasons.append(record(g, domain).get("hop_tls_unused"))
            for hop in (good, expired):
                nothing_more(hop, domain)
        return (f"{len(SECURE)} over TLS, 3 certificates refused with "
                f"{', '.join(sorted(refusals))}: {', '.join(map(str, reasons))}")
    return run


def tls_broken(lab):
    """Debian's OpenSMTPD offers STARTTLS and then fails every handshake (it was written for an older
    OpenSSL): in the clear where that is allowed, and not at all where it is not."""
    hop = opensmtpd(lab, "opensmtpd-broken", ["clear.test", "verified.test"],
                    tls=lab.authority().issue("hop.test"))
    to = f"smtp://127.0.0.1:{hop.port}"
    g = lab.gatepost({"clear.test": to, "verified.test":
                      f"{to} tls verified name hop.test ca {lab.authority().file}"})
    reply = deliver_by(g, "clear.test")
    check(reply.code == 250, f"opportunistic was answered {reply}")
    take(hop, "clear.test", "one")
    reply = deliver_by(g, "verified.test")
    check(400 <= reply.code < 500, f"verified was answered {reply}")
    nothing_more(hop, "verified.test")
    why = record(g, "clear.test").get("hop_tls_unused")
    check(why, f"no reason why TLS was not used: {record(g, 'clear.test')}")
    return (f"delivered in the clear ({why}), and {reply.code} {reply.enhanced} where TLS must be")


# ---- the real client ----

CLIENT = "127.0.0.77"


def real_client(option, setting, log):
    """The hop's own log tells of the client that Gatepost has, not of Gatepost."""
    def run(lab):
        hop = postfix(lab, f"postfix-{setting}",
                      extra={f"smtpd_authorized_{setting}_hosts": "127.0.0.0/8"})
        g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}{option}"})
        with Session(g.port, source=CLIENT, helo=b"real.client.test") as session:
            reply = session.deliver(PATH, [b"one@via.test"], b"Subject: x\r\n\r\nhello\r\n")
            session.quit()
        check(reply.code == 250, f"answered {reply}")
        fields, _ = take(hop, "via.test", "one")
        lines = [line for line in hop.log().splitlines() if ": client=" in line]
        check(log in lines[-1], f"the hop's log says {lines[-1]}")
        return f"the hop's log: {lines[-1].partition(': ')[2][12:]}"
    return run


# ---- delivery status notifications ----

def notifications(lab):
    """DSN is offered once the hop is known to offer it; then it is the hop that notifies, and of
    what the client asked for."""
    hop = postfix(lab, "postfix-dsn", ["via.test", "back.test"])
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
    with Session(g.port) as session:
        check("DSN" not in session.extensions, "offered before the hop was ever heard")
        check(session.say(b"MAIL FROM:<one@back.test> RET=HDRS").code == 555, "and taken")
        reply = session.deliver(PATH, [b"one@via.test"], b"Subject: x\r\n\r\nhello\r\n")
        check(reply.code == 250, f"answered {reply}")
        session.ehlo()
        check("DSN" in session.extensions, "not offered when the hop was known")
        session.expect(b"MAIL FROM:<one@back.test> RET=HDRS ENVID=QQ+2B314", 250)
        session.expect(b"RCPT TO:<two@via.test> NOTIFY=SUCCESS ORCPT=rfc822;Old+2Bname@old.test",
                       250)
        session.expect(b"RCPT TO:<three@via.test> NOTIFY=NEVER", 250)
        reply = session.data(b"Subject: y\r\n\r\nthe body\r\n")
        check(reply.code == 250, f"answered {reply}")
        session.quit()
    take(hop, "via.test", "two")
    take(hop, "via.test", "three")
    _, notification = take(hop, "back.test", "one")
    for want in (b"Original-Envelope-Id: QQ+314", b"Original-Recipient: rfc822;Old+name@old.test",
                 b"Final-Recipient: rfc822; two@via.test", b"Action: delivered"):
        check(want.lower() in notification.lower(), f"{want} is not in {notification[-1200:]}")
    check(b"three@via.test" not in notification, "told of one who was not to be told of")
    check(b"the body" not in notification, "the whole message came back, not its header")
    return "a success told by the hop, with envelope id and original recipient"


TESTS = [
    ("hops.postfix", smtp_hop(postfix)),
    ("hops.exim", smtp_hop(exim)),
    ("hops.opensmtpd", smtp_hop(opensmtpd)),
    ("hops.sendmail", smtp_hop(sendmail)),
    ("hops.dovecot-tcp", lmtp_hop(lambda hop: f"lmtp://127.0.0.1:{hop.port}")),
    ("hops.dovecot-unix", lmtp_hop(lambda hop: f"lmtp:{hop.socket}")),
    ("hops.several-routes", several_routes),
    ("hops.postfix-tls", tls_hop(postfix)),
    ("hops.exim-tls", tls_hop(exim)),
    ("hops.sendmail-tls", tls_hop(sendmail)),
    ("hops.dovecot-tls", tls_hop(dovecot, "lmtp")),
    ("hops.opensmtpd-broken-tls", tls_broken),
    ("hops.postfix-xforward", real_client("", "xforward", f"orig_client=unknown[{CLIENT}]")),
    ("hops.postfix-dsn", notifications),
    ("hops.postfix-xclient", real_client(" xclient", "xclient", f"client=unknown[{CLIENT}]")),
]
