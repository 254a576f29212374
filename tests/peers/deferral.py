"""The standard policy defers a stranger once: real Postfix and real Exim with the retry times that they have
by default come back and are let in, and their queues' logs tell what our decisions tell.

Postfix comes back after 5 to 10 minutes, Exim at the next queue run after 15. They live through that in
seconds: all of their processes go by a clock of their own that is 30 times as fast (kit/clock.py), and not one
setting that has to do with time is other than Debian's. Gatepost goes by our clock, so `limit deferral_time` is
a 30th of what it is by default. Its waits are as long as ever, and to the sender seem 30 times as long.
"""

import re
import time

from kit.clock import Clock
from kit.nsd import NsdServer
from kit.postfix import defaults
from kit.process import free_port, wait_until
from kit.report import check
from kit.smtp_client import Session

RATE = 30
DEFERRAL_TIME = 60  # s, what the limit is by default
POSTFIX_TIMES = ("minimal_backoff_time", "maximal_backoff_time", "queue_run_delay")
POSTFIX_BACK = (300, 1800)  # s: when its message is through, with the time that Gatepost makes it wait
# Debian's conf.d/retry/30_exim4-config, and QUEUEINTERVAL of its /etc/default/exim4.
EXIM_RETRY, EXIM_QUEUE_RUN = "F,2h,15m; G,16h,1h,1.5; F,4d,6h", "30m"
EXIM_BACK = (900, 3600)
PATIENCE = 100  # s until a sender is done

# Strangers, each in a network of its own, whose address has no name; that of "verifies" has one.
ADDRESS = {"postfix": "127.9.1.1", "exim": "127.9.2.1", "two": "127.9.3.1", "null": "127.9.4.1",
           "pool": "127.9.5.1", "verifies": "127.9.6.1", "calls": "127.9.7.1",
           "nameless": "127.9.8.1"}
POOL = ("127.9.5.1", "127.9.5.200", "127.9.99.1")  # the last one is in another network

POLICY = """
dnssec off
table trusted { 192.0.2.1 }
table impatient { "login@via.test" }
set greeting_wait = 1s
policy standard
"""

ZONE = """\
$ORIGIN .
$TTL 3600
@ IN SOA ns.test. hostmaster.test. 1 3600 600 86400 3600
@ IN NS ns.test.
ns.test. IN A 127.0.0.1
""" + "".join(f"{domain}.test. IN MX 10 mail.{name}.test.\n" for name in ADDRESS
              for domain in (name, f"postfix-{name}", f"exim-{name}")) + "".join(
    f"mail.{name}.test. IN A {address}\n" for name, address in ADDRESS.items()) + """\
1.6.9.127.in-addr.arpa. IN PTR mail.verifies.test.
"""
MESSAGE = b"From: <author@%s.test>\nDate: Fri, 27 Nov 2026 09:00:00 +0000\nSubject: no hurry\n\nlater will do\n"


# ---- the world ----

def clock(lab):
    return lab.keep("clock", lambda: Clock(RATE, f"{lab.new_folder('clock')}/start.log"))


def dns(lab):
    def make():
        server = NsdServer(lab.new_folder("nsd"), "127.0.0.1", free_port(), {".": ZONE})
        server.start()
        return server
    return lab.keep("nsd", make)


def door(lab, hop):
    """Gatepost with the standard policy, which trusts nobody, for senders that live RATE times as fast."""
    return lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"},
                        limits={"deferral_time": f"{DEFERRAL_TIME // RATE}s"},
                        policy=f"resolver 127.0.0.1:{dns(lab).port}\n{POLICY}")


def postfix(lab, name, g, fast=True, **extra):
    """One of that name, with Postfix's own times; fast: by a clock that goes faster."""
    return lab.postfix(f"postfix-{name}", clock=clock(lab) if fast else None, transport={"via.test": g.port},
                       domains=[f"{name}.test"], mailboxes=["author"],
                       extra={**defaults(*POSTFIX_TIMES), "smtp_bind_address": ADDRESS[name],
                              "smtp_helo_name": f"mail.{name}.test", "smtpd_recipient_restrictions":
                              "permit_mynetworks, reject", **extra})


def exim(lab, name, g, fast=True, **settings):
    return lab.exim(f"exim-{name}", clock=clock(lab) if fast else None, transport={"via.test": (g.port, False)},
                    retry=EXIM_RETRY, queue_run=EXIM_QUEUE_RUN, domains=[f"{name}.test"], mailboxes=["author"],
                    options=f"interface = {ADDRESS[name]}\n  helo_data = mail.{name}.test", **settings)


def hand_over(server, name, recipients, sender=None):
    """Gives it a message by SMTP, so that what takes it goes by its clock, too."""
    with Session(server.port) as session:
        reply = session.deliver(f"author@{name}.test".encode() if sender is None else sender, recipients,
                                MESSAGE.replace(b"\n", b"\r\n") % name.encode())
        check(reply.code == 250, f"{server.name} was given a message and said {reply}")
        session.quit()


def attempts_when(server, recipient, count):
    """The lines of its log, once it has tried so often."""
    return wait_until(lambda: len(server.attempts(recipient)) >= count and server.attempts(recipient), PATIENCE,
                      f"{server.name} tries {recipient} {count} times: {server.log()[-1500:]}")


def tries(g, recipient, sender=None):
    """Our decisions: [(transaction, recipient)…] for each try of his, in their order."""
    return [(d, r) for d in g.decisions() if "sender" in d and sender in (None, d["sender"])
            for r in d["recipients"] if r["recipient"] == recipient]


def tries_when(g, recipient, count):
    return wait_until(lambda: len(tries(g, recipient)) >= count and tries(g, recipient), 20,
                      f"{count} decisions for {recipient}")


def deferred_once(server, g, recipient):
    """It was deferred, came back and was let in; its log has our very words. Returns its two lines."""
    lines = attempts_when(server, recipient, 2)
    (_, first), (_, second) = tries_when(g, recipient, 2)
    check(first["code"] == 451 and first["enhanced"].startswith("4.7."), f"at first {first}")
    check(second["code"] == 250, f"the second time {second}")
    check(f"451 {first['enhanced']} {first['text']}"[:60] in lines[0],
          f"its log does not have our words: {lines[0]} {first}")
    check(len(lines) == 2 and len(tries(g, recipient)) == 2, f"it came again: {lines}")
    return lines


def delay(line):
    """Seconds that Postfix says a message took, by its clock."""
    return float(re.search(r" delay=([0-9.]+),", line)[1])


def postfix_log_agrees(lines):
    check(" status=deferred (host 127.0.0.1[127.0.0.1] said: 451 4.7." in lines[0], lines[0])
    check(" status=sent (250 " in lines[1], lines[1])
    took = delay(lines[1])
    check(POSTFIX_BACK[0] <= took <= POSTFIX_BACK[1], f"{took} s until it was sent")
    return took


def exim_time(line):
    return time.mktime(time.strptime(line[:19], "%Y-%m-%d %H:%M:%S"))


def exim_log_agrees(lines):
    check(" == " in lines[0] and "SMTP error from remote mail server after " in lines[0] and ": 451 4.7." in lines[0],
          lines[0])
    check(" => " in lines[1] and ' C="250 ' in lines[1], lines[1])
    took = exim_time(lines[1]) - exim_time(lines[0])
    check(EXIM_BACK[0] <= took <= EXIM_BACK[1], f"{took} s between its two tries")
    return took


# ---- delivery ----

def senders(lab):
    """A message each; and then another one, which does not wait."""
    hop = lab.hop()
    g = door(lab, hop)
    by_postfix, by_exim = postfix(lab, "postfix", g), exim(lab, "exim", g)
    by_exim.submit("author@exim.test", ["exim@via.test"], MESSAGE % b"exim")
    hand_over(by_postfix, "postfix", [b"postfix@via.test"])
    minutes = [postfix_log_agrees(deferred_once(by_postfix, g, "postfix@via.test")) / 60]
    hand_over(by_postfix, "postfix", [b"postfix2@via.test"])
    minutes.append(exim_log_agrees(deferred_once(by_exim, g, "exim@via.test")) / 60)
    by_exim.submit("author@exim.test", ["exim2@via.test"], MESSAGE % b"exim")
    for server, name in ((by_postfix, "postfix2"), (by_exim, "exim2")):
        lines = attempts_when(server, f"{name}@via.test", 1)
        check(len(lines) == 1 and len(tries_when(g, f"{name}@via.test", 1)) == 1, f"the second message: {lines}")
        check(server.queue_empty(), f"something is left with {server.name}")
    check(sorted(r for d in hop.delivered() for r in d.recipients) ==
          [b"exim2@via.test", b"exim@via.test", b"postfix2@via.test", b"postfix@via.test"], "what the hop has")
    return "Postfix after {:.1f}, Exim after {:.1f} minutes of theirs; their next messages at once".format(*minutes)


def two_recipients(lab):
    """One who cannot wait has it at once, the other one when it comes back."""
    hop = lab.hop()
    g = door(lab, hop)
    sender = postfix(lab, "two", g)
    hand_over(sender, "two", [b"login@via.test", b"other@via.test"])
    at_once = attempts_when(sender, "login@via.test", 1)
    check(" status=sent " in at_once[0], at_once[0])
    took = postfix_log_agrees(deferred_once(sender, g, "other@via.test"))
    check([d.recipients for d in hop.delivered()] == [[b"login@via.test"], [b"other@via.test"]],
          f"the hop has {[d.recipients for d in hop.delivered()]}")
    check(len(tries(g, "login@via.test")) == 1 and sender.queue_empty(), "a second try for who had it")
    return f"after {delay(at_once[0]):.0f} and {took:.0f} s of theirs"


def null_sender(lab):
    """A bounce is taken to the end of the data before it is told to come later."""
    hop = lab.hop()
    g = door(lab, hop)
    sender = postfix(lab, "null", g)
    hand_over(sender, "null", [b"bounced@via.test"], sender=b"")
    lines = deferred_once(sender, g, "bounced@via.test")
    check("in reply to end of DATA command" in lines[0], lines[0])
    took = postfix_log_agrees(lines)
    check([(d.sender, d.recipients) for d in hop.delivered()] == [(b"", [b"bounced@via.test"])], "what the hop has")
    return f"after {took:.0f} s of theirs"


def pool(lab):
    """It comes back from another address of its network, which counts; from another network, which does not."""
    hop = lab.hop()
    g = door(lab, hop)
    sender = postfix(lab, "pool", g)
    hand_over(sender, "pool", [b"near@via.test"])
    attempts_when(sender, "near@via.test", 1)
    sender.change(smtp_bind_address=POOL[1])
    took = postfix_log_agrees(deferred_once(sender, g, "near@via.test"))
    clients = [d["client"] for d, _ in tries(g, "near@via.test")]
    check(clients == list(POOL[:2]), f"it came from {clients}")
    sender.change(smtp_bind_address=POOL[2])
    hand_over(sender, "pool", [b"far@via.test"])
    line = attempts_when(sender, "far@via.test", 1)[0]
    check(" status=deferred " in line, f"a network that nobody knows was let in at once: {line}")
    return f"after {took:.0f} s of theirs"


# ---- callouts ----

EXIM_ACL = """\
  accept domains = via.test
         verify = recipient/callout=60s,no_cache
  require verify = sender/callout=60s,no_cache"""


def ask(server, sender, recipient, seconds=60):
    """What it says at RCPT, once it has made up its mind."""
    def final():
        with Session(server.port, timeout=90) as session:
            replies = session.envelope(sender, [recipient])
            session.quit()
        return replies[-1].code != 450 and replies[-1]
    return wait_until(final, seconds, f"an answer of {server.name} to {sender} and {recipient}")


def only_asked(g, hop):
    """Whoever asked was not deferred, and delivered nothing. How many transactions there were."""
    found = wait_until(lambda: [r for d in g.decisions() for r in d.get("recipients", [])], 10, "decisions")
    codes = sorted({r["code"] for r in found if "code" in r})
    check(codes in ([250, 550], [550], []), f"recipients were answered {found}")
    check(not hop.deliveries, "something was delivered")
    return len(found)


def unknown_to(hop_recipient):
    return b"550 5.1.1 no such mailbox" if hop_recipient.startswith(b"nobody") else None


def exim_calls_out(lab):
    """Exim asks us whether a sender, or a recipient, is there, and hears it at once."""
    hop = lab.hop(rcpt=unknown_to)
    g = door(lab, hop)
    server = exim(lab, "calls", g, fast=False, acl=EXIM_ACL)
    for sender, recipient, code in ((b"box@via.test", b"author@calls.test", 250),
                                    (b"nobody@via.test", b"author@calls.test", 550),
                                    (b"author@calls.test", b"box2@via.test", 250),
                                    (b"author@calls.test", b"nobody2@via.test", 550)):
        reply = ask(server, sender, recipient)
        check(reply.code == code, f"{sender} to {recipient}: {reply}; {server.log()[-1000:]}")
    check("451" not in server.log(), f"one was deferred: {server.log()}")
    return f"{only_asked(g, hop)} callouts"


def postfix_verifies(lab, name="verifies"):
    """Postfix asks the same, as its double-bounce address (address_verify_sender)."""
    hop = lab.hop(rcpt=unknown_to)
    g = door(lab, hop)
    server = postfix(lab, name, g, fast=False, unverified_sender_reject_code="550",
                     unverified_recipient_reject_code="550",
                     smtpd_recipient_restrictions="reject_unverified_sender, reject_unverified_recipient, "
                                                  "permit_mynetworks, reject")
    author = f"author@{name}.test".encode()
    for sender, recipient, code in ((b"box@via.test", author, 250),
                                    (b"nobody@via.test", author, 550),
                                    (author, b"box2@via.test", 250),
                                    (author, b"nobody2@via.test", 550)):
        reply = ask(server, sender, recipient)
        check(reply.code == code, f"{sender} to {recipient}: {reply}; {server.log()[-1000:]}")
    check("status=undeliverable-but-not-cached" not in server.log() and "said: 451" not in server.log(),
          f"one was deferred: {server.log()}")
    return f"{only_asked(g, hop)} probes"


def nameless_verifies(lab):
    """From a host that nothing speaks for, too: that address is taken for what it is."""
    return postfix_verifies(lab, "nameless")


TESTS = [
    ("deferral.senders", senders),
    ("deferral.two-recipients", two_recipients),
    ("deferral.null-sender", null_sender),
    ("deferral.pool", pool),
    ("deferral.exim-callout", exim_calls_out),
    ("deferral.postfix-verify", postfix_verifies),
    ("deferral.postfix-verify-nameless", nameless_verifies),
]
