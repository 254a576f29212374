"""What a client is told about a recipient is what the next hop knows: a full mailbox in the hop's own
words and before the data, a hop that accepts everybody noticed, and a hop that is down never taken for
a recipient that does not exist.
"""

import os
import re

from kit.dovecot import FULL_WORDS
from kit.process import free_port, wait_until
from kit.report import check
from kit.smtp_client import Session

PATH = b"author@sender.test"


def ask(g, *recipients):
    """The replies to RCPT for each of them, in one transaction that goes no further."""
    with Session(g.port) as session:
        replies = session.envelope(PATH, list(recipients))
        check(replies[0].code == 250, f"MAIL was answered {replies[0]}")
        session.quit()
    return replies[1:]


def full(lab):
    """Dovecot says at RCPT that a mailbox is full: so does Gatepost, before it takes any data."""
    hop = lab.dovecot("dovecot-truth", domains=["via.test"], mailboxes=["one"], full=["full"],
                      full_for_a_while=["busy"], at_rcpt=True)
    for target in (f"lmtp:{hop.socket}", f"lmtp://127.0.0.1:{hop.port}"):
        g = lab.gatepost({"via.test": target})
        one, gone, busy, nobody = ask(g, b"one@via.test", b"full@via.test", b"busy@via.test",
                                      b"nobody@via.test")
        check(one.code == 250, f"one was answered {one}")
        check(gone.code == 552 and gone.enhanced == "5.2.2" and FULL_WORDS in gone.text,
              f"full for good was answered {gone}")
        check(busy.code == 452 and busy.enhanced == "4.2.2" and FULL_WORDS in busy.text,
              f"full for a while was answered {busy}")
        check(nobody.code == 550 and nobody.enhanced == "5.1.1", f"nobody was answered {nobody}")
    return f"{gone.code} {gone.words} | {busy.code} {busy.enhanced}"


def says_no_mailbox(reply):
    words = reply.text.lower()
    return (reply.code >= 500 or reply.enhanced.startswith("5.") or
            any(each in words for each in ("no such", "unknown", "does not exist", "5.1.1")))


def down(lab):
    """A hop that is not there, one that goes away, one that says 421: 451 4.4.1, whoever is asked."""
    hop = lab.postfix("postfix-down", domains=["via.test"], mailboxes=["one"])
    tempered = lab.postfix("postfix-tempered", domains=["via.test"], mailboxes=["one"],
                           extra={"smtpd_client_restrictions": "static:{421 4.3.2 not now}",
                                  "smtpd_delay_reject": "no"})
    targets = [f"smtp://127.0.0.1:{free_port()}", f"lmtp:{lab.folder}/nobody-listens-here",
               f"smtp://127.0.0.1:{tempered.port}"]
    replies = []
    for target in targets:
        replies += ask(lab.gatepost({"via.test": target}), b"one@via.test", b"nobody@via.test")
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
    first = ask(g, b"one@via.test", b"nobody@via.test")
    check(first[0].code == 250 and first[1].code == 550, f"while it is there: {first}")
    hop.close()
    replies += ask(g, b"two@via.test", b"three@via.test")
    for reply in replies:
        check(reply.code == 451 and reply.enhanced == "4.4.1" and not says_no_mailbox(reply),
              f"a hop that is down was told as {reply}")
    hop.start()
    return f"{len(replies)} recipients: {replies[0]}"


POLICY = """
policy {
    at rcpt {
        observe reject 550 5.7.1 "it would bounce" when route.accept_all
    }
}
"""


def accept_all(lab):
    """A Postfix that accepts everybody and bounces later is noticed by a random address, and the
    operator is warned; one that knows its recipients is not."""
    careless = lab.postfix("postfix-careless", domains=["careless.test"], mailboxes=None)
    careful = lab.postfix("postfix-careful", domains=["careful.test"], mailboxes=["one"])
    g = lab.gatepost({"careless.test": f"smtp://127.0.0.1:{careless.port}",
                      "careful.test": f"smtp://127.0.0.1:{careful.port}"}, policy=POLICY)
    one, other = ask(g, b"one@careful.test", b"nobody@careless.test")
    check(one.code == 250 and other.code == 250, f"answered {one} and {other}")

    def recipients():
        return {r["recipient"]: r for d in g.decisions() for r in d.get("recipients", [])}
    wait_until(lambda: len(recipients()) == 2, 10, "the decision")
    found = {name: r.get("facts", {}).get("route.accept_all") for name, r in recipients().items()}
    check(found == {"one@careful.test": False, "nobody@careless.test": True}, f"found {found}")

    def warnings():
        with open(g.process.stderr, encoding="utf-8") as f:
            return [line for line in f if "accepts any address" in line]
    wait_until(warnings, 10, "a warning")
    check(all("careless.test" in line for line in warnings()), f"warned of {warnings()}")
    probes = re.findall(r"reject: RCPT .*to=<(gatepostprobe[^>]*)>", careful.log())
    check(len(probes) == 1, f"the careful one refused the probes {probes}")
    check(careless.queue_empty() and not os.listdir(f"{careless.folder}/mail/careless.test"),
          "something was sent to the careless one")
    return warnings()[0].split("]: ")[-1].strip()


TESTS = [
    ("truth.full", full),
    ("truth.down", down),
    ("truth.accept-all", accept_all),
]
