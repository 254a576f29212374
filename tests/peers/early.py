"""The greeting wait and RFC 2920, with real clients: who talks too early, or pipelines where it must
not, is refused; who keeps to the protocol is served, and nobody polite is ever flagged.

Unknown clients come from 127.0.0.3, the trusted one from 127.0.0.9.
"""

import ssl
import time

from clients import certificate, run_or_fail, tool
from kit.report import check
from kit.smtp_client import Session

UNKNOWN = "127.0.0.3"
TRUSTED = "127.0.0.9"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
COUNT = 12

POLICY = """
table trusted { 127.0.0.9 }
policy {
    at connect {
        trust when client.ip in trusted
        wait 1s
        reject 554 5.5.1 "you spoke before the greeting" when client.early
    }
    at helo {
        reject 554 5.5.1 "you did not wait for a reply" when client.unpipelined
    }
    at message {
        reject 554 5.5.1 "you did not wait for a reply" when client.unpipelined
    }
}
"""


def door(lab, hop, **settings):
    return lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, policy=POLICY, **settings)


def flags(decision):
    facts = decision.get("facts", {})
    return bool(facts.get("client.early")), bool(facts.get("client.unpipelined"))


def delivered_and_never_flagged(g, hop, count):
    check(len(hop.delivered()) == count, f"{len(hop.delivered())} messages reached the hop, not {count}")
    decisions = g.decisions()
    accepted = [d for d in decisions if d["verdict"] == "accepted"]
    check(len(accepted) == count, f"{len(accepted)} accepted decisions, not {count}")
    flagged = [d["id"] for d in decisions if any(flags(d))]
    check(not flagged, f"a polite client was flagged: {flagged}")


# ---- raw sockets ----

def greeted(g, source):
    """A session that was greeted, and after how many seconds."""
    began = time.monotonic()
    session = Session(g.port, source=source, greet=False)
    reply = session.reply()
    check(reply.code == 220, f"the greeting was {reply}")
    return session, time.monotonic() - began


def refused_whole(session, text):
    """A transaction after which every recipient was refused, and the session goes on."""
    mail, rcpt = session.envelope(b"a@client.test", [b"box@via.test"])
    check(mail.code == 250 and rcpt.code == 554 and text in rcpt.text, f"{mail}; {rcpt}")
    session.expect(b"DATA", 554)
    session.expect(b"RSET", 250)
    session.quit()


def raw_waits(lab):
    hop = lab.hop()
    g = door(lab, hop)
    times = []
    for source, least, most in ((UNKNOWN, 0.95, 5), (TRUSTED, 0, 0.9)):
        session, waited = greeted(g, source)
        check(least <= waited < most, f"{source} was greeted after {waited:.2f} s")
        session.ehlo()
        check(session.deliver(b"a@client.test", [b"box@via.test"], MESSAGE).code == 250, "refused")
        session.quit()
        times.append(waited)
    delivered_and_never_flagged(g, hop, 2)
    return f"unknown client {times[0]:.2f} s, trusted one {times[1]:.3f} s"


def raw_early(lab):
    hop = lab.hop()
    g = door(lab, hop)
    with Session(g.port, source=UNKNOWN, greet=False) as session:
        began = time.monotonic()
        session.send(b"EHLO client.test\r\n")
        check(session.reply().code == 220, "no greeting")
        check(time.monotonic() - began > 0.9, "the greeting did not wait for the time to be over")
        check(session.reply().code == 250, "the early EHLO was not answered")
        refused_whole(session, "before the greeting")
    with Session(g.port, source=TRUSTED, greet=False) as session:
        session.send(b"EHLO client.test\r\n")
        check(session.reply().code == 220 and session.reply().code == 250, "trusted, but refused")
        check(session.deliver(b"a@client.test", [b"box@via.test"], MESSAGE).code == 250, "refused")
        session.quit()
    check(len(hop.delivered()) == 1, "the early talker's message was delivered")
    refused = [d for d in g.decisions() if d["verdict"] == "refused"]
    check(len(refused) == 1 and flags(refused[0])[0] and refused[0]["recipients"][0].get("rule"),
          f"decisions: {refused}")
    return "refused at RCPT, the session went on; the trusted client was not asked"


def raw_unpipelined(lab):
    hop = lab.hop()
    g = door(lab, hop)
    session, _ = greeted(g, UNKNOWN)
    session.send(b"EHLO client.test\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<box@via.test>\r\n")
    check([session.reply().code for _ in range(3)] == [250, 250, 554], "behind EHLO")
    session.quit()
    session, _ = greeted(g, UNKNOWN)
    session.ehlo()
    session.envelope(b"a@client.test", [b"box@via.test"])
    session.send(b"DATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n")
    check(session.reply().code == 354 and session.reply().code == 554, "behind DATA")
    session.expect(b"NOOP", 250)
    session.quit()
    session, _ = greeted(g, UNKNOWN)
    session.ehlo()
    session.envelope(b"a@client.test", [b"box@via.test"])
    session.send(b"BDAT 2 LAST\r\n\r\nMAIL FROM:<b@client.test>\r\n")
    check(session.reply().code == 554 and session.reply().code == 250, "behind BDAT LAST")
    session.quit()
    session, _ = greeted(g, UNKNOWN)
    session.expect(b"HELO client.test", 250)
    session.send(b"MAIL FROM:<a@client.test>\r\nRCPT TO:<box@via.test>\r\n")
    check([session.reply().code for _ in range(2)] == [250, 250], "HELO")
    check(session.data(MESSAGE).code == 554, "behind HELO nobody has offered PIPELINING")
    session.quit()
    check(not hop.delivered(), "one of these messages was delivered")
    return "behind EHLO, DATA, BDAT LAST, and after HELO"


def raw_starttls(lab):
    """What comes in the clear behind STARTTLS is dropped, never run, and flagged."""
    hop = lab.hop()
    g = door(lab, hop, tls=certificate(lab))
    session, _ = greeted(g, UNKNOWN)
    session.ehlo()
    session.send(b"STARTTLS\r\nMAIL FROM:<injected@client.test>\r\n")
    check(session.reply().code == 220, "STARTTLS")
    session.socket = ssl._create_unverified_context().wrap_socket(session.socket)
    session.ehlo()
    refused_whole(session, "did not wait")
    check(not any(d.get("sender") == "injected@client.test" for d in g.decisions()), "it was run")
    return "dropped and flagged"


def unauthorised_and_polite(lab):
    """The seeds' own case, all at once."""
    hop = lab.hop()
    g = door(lab, hop)
    polite = [greeted_later(g, UNKNOWN) for _ in range(20)]
    trusted, waited = greeted(g, TRUSTED)
    check(waited < 0.9, f"the trusted client waited {waited:.2f} s beside 20 others")
    trusted.ehlo()
    check(trusted.deliver(b"a@client.test", [b"box@via.test"], MESSAGE).code == 250, "trusted")
    trusted.quit()
    rude = Session(g.port, source=UNKNOWN, greet=False)
    rude.send(b"EHLO rude.test\r\nMAIL FROM:<a@rude.test>\r\n")
    for session in polite:
        check(session.reply().code == 220, "polite, but no greeting")
        session.ehlo()
        check(session.deliver(b"a@client.test", [b"box@via.test"], MESSAGE).code == 250, "polite")
        session.quit()
    check([rude.reply().code for _ in range(3)] == [220, 250, 250], "rude")
    check(rude.say(b"RCPT TO:<box@via.test>").code == 554, "rude, but accepted")
    rude.quit()
    check(len(hop.delivered()) == 21, f"{len(hop.delivered())} messages instead of 21")
    return "20 polite clients, one trusted, one rude"


def greeted_later(g, source):
    return Session(g.port, source=source, greet=False)


# ---- mail programs ----

def by_swaks(lab):
    hop = lab.hop()
    g = door(lab, hop)
    path = tool("swaks")
    for extra in ([], ["--pipeline"], ["--pipeline", "--protocol", "ESMTP"]):
        run_or_fail([path, "--server", "127.0.0.1", "--port", str(g.port), "--local-interface",
                     UNKNOWN, "--helo", "client.test", "--from", "a@client.test",
                     "--to", "box@via.test,more@via.test", "--body", "hello", *extra])
    delivered_and_never_flagged(g, hop, 3)
    return "with and without --pipeline: never flagged"


def by_postfix(lab):
    hop = lab.hop()
    g = door(lab, hop)
    sender = lab.postfix("polite-postfix", transport={"via.test": g.port},
                         extra={"smtp_bind_address": UNKNOWN,
                                "smtp_destination_concurrency_limit": "5",
                                "smtp_connection_cache_on_demand": "yes"})
    for i in range(COUNT):
        sender.submit("a@client.test", ["box@via.test", "more@via.test"][:1 + i % 2],
                      b"Subject: %d\n\n%s\n" % (i, b"line\n" * (1 + i * 900)))
    sender.wait_idle()
    delivered_and_never_flagged(g, hop, COUNT)
    return f"{COUNT} messages: never flagged"


def exim_sends(pipe_connect):
    def run(lab):
        hop = lab.hop()
        g = door(lab, hop)
        name = "exim-pipe-connect" if pipe_connect else "exim-plain"
        options = f"interface = {UNKNOWN}\n" + (
            "  hosts_pipe_connect = *\n" if pipe_connect else "")
        sender = lab.exim(name, transport={"via.test": (g.port, False)}, options=options)
        for i in range(4):
            sender.submit("a@client.test", ["box@via.test", "more@via.test"][:1 + i % 2],
                          b"Subject: %d\n\n%s\n" % (i, b"line\n" * (1 + i * 900)))
        delivered_and_never_flagged(g, hop, 4)
        return "4 messages: never flagged"
    return run


TESTS = [
    ("early.raw-wait", raw_waits),
    ("early.raw-early", raw_early),
    ("early.raw-unpipelined", raw_unpipelined),
    ("early.raw-starttls", raw_starttls),
    ("early.all-at-once", unauthorised_and_polite),
    ("early.swaks", by_swaks),
    ("early.postfix", by_postfix),
    ("early.exim", exim_sends(False)),
    ("early.exim-pipe-connect", exim_sends(True)),
]
