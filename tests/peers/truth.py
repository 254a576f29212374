"""What a client is told about a recipient is what the next hop knows: a full mailbox in the hop's own
words and before the data, and a hop that is down never taken for a recipient that does not exist.
Hops that accept everybody are in recipients.py.
"""

from kit.dovecot import FULL_WORDS
from kit.process import free_port
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


TESTS = [
    ("truth.full", full),
    ("truth.down", down),
]
