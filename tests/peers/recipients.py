"""What is true of recipients, with real servers: a Postfix that takes anything and one that knows its
recipients, guesses that do not reach it, lists, databases, and a backup exchanger.
"""

import json
import os
import sqlite3
import time

from clients import SENDER
from kit.process import free_port, run_tool, wait_until
from kit.report import check
from kit.smtp_client import Session

PATH = SENDER.encode()
FULL = "552 5.2.2 the mailbox of this reader is full"
BUSY = "452 4.2.2 the mailbox of this reader is full just now"


def ask(g, *recipients, sender=PATH):
    """The replies to RCPT for each of them, in one transaction that goes no further."""
    with Session(g.port) as session:
        replies = session.envelope(sender, list(recipients))
        check(replies[0].code == 250, f"MAIL was answered {replies[0]}")
        session.quit()
    return replies[1:]


def is_unknown(reply):
    return reply.code == 550 and reply.enhanced == "5.1.1"


def is_later(reply):
    return reply.code == 451 and reply.enhanced == "4.4.1"


def log_of(g):
    with open(g.process.stderr, encoding="utf-8", errors="replace") as f:
        return f.read()


def mail_log(postfix, text):
    """How many lines of its log have the text."""
    with open(os.path.join(postfix.folder, "mail.log"), encoding="utf-8", errors="replace") as f:
        return sum(text in line for line in f)


def accept_all(lab):
    """A Postfix without recipient maps is found out by one address, and nothing is sent to it."""
    hop = lab.postfix("postfix-anything", domains=["via.test"], mailboxes=None)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, workers=1)
    one, nobody = ask(g, b"one@via.test", b"nobody@via.test")
    check(one.code == 250 and nobody.code == 250, f"it takes anybody: {one}, {nobody}")
    wait_until(lambda: "accepts any address of via.test" in log_of(g), 20, "the warning")
    ask(g, b"two@via.test")
    warnings = log_of(g).count("accepts any address")
    check(warnings == 1, f"warned {warnings} times")
    wait_until(hop.queue_empty, 10, "an empty queue: a probe leaves no message")

    def shown():
        _, text = run_tool([lab.binary, "status", "--json", "-c", g.file])
        return {"server": f"smtp://127.0.0.1:{hop.port}", "domain": "via.test"} in json.loads(
            text)["accept_all"]
    wait_until(shown, 10, "gatepost status to tell of it")
    _, text = run_tool([lab.binary, "status", "-c", g.file])
    check("takes any address of via.test" in text, f"gatepost status: {text}")
    return "warned once, and nothing was sent"


def asked_by_policy(lab):
    """route.accept_all for both kinds of Postfix."""
    anything = lab.postfix("postfix-anything", domains=["via.test"], mailboxes=None)
    knowing = lab.postfix("postfix-knowing", domains=["via.test"], mailboxes=["one"])
    for hop, word in ((anything, "anything"), (knowing, "apart")):
        g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, policy="policy {\nat rcpt {\n"
                         'defer 450 4.7.1 "anything" when route.accept_all\n'
                         'defer 450 4.7.1 "apart" when not route.accept_all\n'
                         'defer 450 4.7.1 "cannot say" when unknown(route.accept_all)\n}\n}\n')
        reply = ask(g, b"one@via.test")[0]
        check(reply.code == 450 and word in reply.text, f"{hop.name}: {reply}")


def guesses(lab):
    """A guessed address is asked about once in five minutes, whoever guesses and at which worker."""
    hop = lab.postfix("postfix-knowing", domains=["via.test"], mailboxes=["one"])
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, workers=2)
    first = ask(g, b"guess@via.test")[0]
    check(is_unknown(first), f"{first}")
    time.sleep(0.5)
    for i in range(30):
        reply = ask(g, b"guess@via.test", sender=b"sender%d@client.test" % i)[0]
        check(is_unknown(reply) and reply.words.split("[")[0] == first.words.split("[")[0],
              f"{reply}, at first {first}")
    asked = mail_log(hop, "to=<guess@via.test>")
    check(asked == 1, f"the hop was asked {asked} times")
    hop.close()
    check(is_unknown(ask(g, b"guess@via.test")[0]), "while the hop is down")
    check(is_later(ask(g, b"other@via.test")[0]), "another one while the hop is down")
    hop.start()
    return "31 times, asked once"


def full(lab):
    """A full mailbox and an unwanted sender: in Postfix's own words, before the data, each time."""
    hop = lab.postfix("postfix-full", domains=["via.test"], mailboxes=["one", "full", "busy"],
                      answers={"full@via.test": FULL, "busy@via.test": BUSY},
                      extra={"smtpd_sender_restrictions": "check_sender_access inline:{"
                             "{bad@client.test = 554 5.7.1 this sender is not wanted}}"})
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
    for _ in range(2):
        gone, busy, one = ask(g, b"full@via.test", b"busy@via.test", b"one@via.test")
        check(gone.code == 552 and gone.enhanced == "5.2.2" and "is full" in gone.text, f"{gone}")
        check(busy.code == 452 and busy.enhanced == "4.2.2" and "just now" in busy.text, f"{busy}")
        check(one.code == 250, f"{one}")
    bad = ask(g, b"one@via.test", sender=b"bad@client.test")[0]
    check(bad.code == 554 and bad.enhanced == "5.7.1" and "not wanted" in bad.text, f"{bad}")
    check(ask(g, b"one@via.test")[0].code == 250, "another sender")
    hop.answers.set("full@via.test", None)
    check(ask(g, b"full@via.test")[0].code == 250, "a mailbox that has room again")
    return f"{gone} | {busy}"


def database(lab):
    """Recipients from an SQLite database that changes, is locked, and goes away."""
    hop = lab.postfix("postfix-anything", domains=["via.test"], mailboxes=None)
    folder = lab.new_folder("database")
    path = os.path.join(folder, "users.db")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE users (address TEXT PRIMARY KEY)")
    db.execute("INSERT INTO users VALUES ('one@via.test')")
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, policy=
                     f'recipients via.test from sqlite {path} '
                     '"SELECT 1 FROM users WHERE address = lower(:address)"\n')
    one, nobody, master = ask(g, b"ONE@via.test", b"nobody@via.test", b"postmaster@via.test")
    check(one.code == 250 and master.code == 250 and is_unknown(nobody), f"{one}, {nobody}, {master}")
    db.execute("INSERT INTO users VALUES ('nobody@via.test')")
    check(ask(g, b"nobody@via.test")[0].code == 250, "a user that was added")
    db.execute("BEGIN EXCLUSIVE")
    locked = ask(g, b"one@via.test")[0]
    check(locked.code == 451 and locked.enhanced == "4.3.0", f"locked: {locked}")
    db.execute("COMMIT")
    check(ask(g, b"one@via.test")[0].code == 250, "unlocked")
    os.rename(path, path + ".old")
    gone = ask(g, b"nobody@via.test")[0]
    check(gone.code == 451 and gone.enhanced == "4.3.0", f"gone: {gone}")
    os.rename(path + ".old", path)
    check(ask(g, b"one@via.test")[0].code == 250, "there again")
    check("accepts any address" not in log_of(g), "probed although there is a list")
    db.close()


def backup(lab):
    """A backup exchanger in front of a Postfix that takes anything asks the primary."""
    primary = lab.postfix("postfix-primary", domains=["via.test"], mailboxes=["one", "two"])
    queue = lab.postfix("postfix-anything", domains=["via.test"], mailboxes=None)
    source = f"recipients via.test from smtp://127.0.0.1:{primary.port}"
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{queue.port}"}, policy=source + "\n")
    h = lab.gatepost({"via.test": f"smtp://127.0.0.1:{queue.port}"},
                     policy=source + " else accept\n")
    one, nobody = ask(g, b"one@via.test", b"nobody@via.test")
    check(one.code == 250 and is_unknown(nobody), f"{one}, {nobody}")
    check(is_unknown(ask(h, b"nobody@via.test")[0]), "else accept, while the primary is there")
    primary.close()
    one, two, nobody = ask(g, b"one@via.test", b"two@via.test", b"nobody@via.test")
    check(one.code == 250, f"known of late: {one}")
    check(is_later(two), f"not asked about yet: {two}")
    check(is_unknown(nobody), f"unknown of late: {nobody}")
    other = ask(h, b"other@via.test")[0]
    check(other.code == 250, f"else accept: {other}")
    primary.start()
    return f"{one.code}, {two}"


def checked(lab):
    """gatepost check says what is wrong with lists and queries, and where."""
    folder = lab.new_folder("check")
    os.chmod(folder, 0o755)
    db = sqlite3.connect(f"{folder}/users.db")
    db.execute("CREATE TABLE users (address TEXT)")
    db.commit()
    db.close()
    with open(f"{folder}/list", "w", encoding="utf-8") as f:
        f.write("one@via.test\n*@via.test\n")
    base = (f"hostname a.test\nlisten 127.0.0.1:{free_port()}\nroute via.test to smtp://127.0.0.1\n"
            f"state lmdb:{folder}/state\nspool {folder}/spool\nuser nobody\npolicy {{ }}\n")
    rows = [
        (f"recipients via.test from file {folder}/list", f"8:31: recipients from file {folder}/list:2: "
         'expected an address, a local part, or @DOMAIN for all of a domain, found "*@via.test"'),
        (f"recipients via.test from file {folder}/none",
         f"8:31: recipients from file {folder}/none: No such file or directory"),
        (f'recipients via.test from sqlite {folder}/none "SELECT :domain"',
         f"8:33: recipients from sqlite {folder}/none: No such file or directory"),
        (f'recipients via.test from sqlite {folder}/list "SELECT :domain"',
         f"8:33: recipients from sqlite {folder}/list: file is not a database"),
        (f'recipients via.test from sqlite {folder}/users.db "SELECT 1 FROM user WHERE :address"',
         f"8:{44 + len(folder)}: recipients from sqlite {folder}/users.db: no such table: user"),
        (f'recipients via.test from sqlite {folder}/users.db "SELECT 1 FORM users WHERE :address"',
         f'8:{58 + len(folder)}: recipients from sqlite {folder}/users.db: near "users": syntax error'),
        (f'recipients via.test from sqlite {folder}/users.db "DELETE FROM users"',
         f"8:{44 + len(folder)}: recipients from sqlite {folder}/users.db: expected one SELECT"),
    ]
    for line, wanted in rows:
        file = os.path.join(folder, "gatepost.conf")
        with open(file, "w", encoding="utf-8") as f:
            f.write(base + line + "\n")
        status, text = run_tool([lab.binary, "check", "-c", file])
        check(status == 2 and f"{file}:{wanted}" in text, f"{line}: {status} {text}; not {wanted}")
    return f"{len(rows)} mistakes"


TESTS = [
    ("recipients.accept-all", accept_all),
    ("recipients.accept-all-asked", asked_by_policy),
    ("recipients.guesses", guesses),
    ("recipients.full", full),
    ("recipients.database", database),
    ("recipients.backup", backup),
    ("recipients.check", checked),
]
