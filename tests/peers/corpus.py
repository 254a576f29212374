"""Real mail, octet by octet: what is stored behind Gatepost is what was sent, once and whole."""

import json
import os
import re
import tarfile
import threading

from kit import maildir
from kit.process import wait_until
from kit.report import Failed, Skip, check
from kit.smtp_client import Session

SETS = ("lists", "csdmc", "phishing")
SHORT = 1200       # messages in the short version
CONNECTIONS = 8
PER_SESSION = 15   # below Gatepost's limit of errors in one session
# Fields of that name in what others have sent are taken out as forged, where they are ours to write.
MARKS_OFF = "marks off\n"
BDAT_EVERY = 4

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
MAILBOX = re.compile(rf"{ATOM}(\.{ATOM})*@{LABEL}(\.{LABEL})*")  # RFC 5321 4.1.2, unquoted

POSTFIX_FIELDS = [b"return-path", b"x-original-to", b"delivered-to", b"received"]
EXIM_FIELDS = [b"return-path", b"received"]
MAILDIR_FIELDS = [b"return-path"]


class Item:
    """One message of the corpus in its wire form, with its envelope and what must become of it."""

    def __init__(self, name, octets, sender):
        self.name = name
        self.octets = octets
        self.sender = sender.encode()
        self.sender_valid = not sender or bool(MAILBOX.fullmatch(sender))
        self.box = None
        self.fault = fault_of(octets)
        self.by_bdat = False
        self.reply = None
        self.sender_reply = None

    def stored_form(self):
        return self.octets.replace(b"\r\n", b"\n")


def fault_of(octets):
    """Why DATA has to refuse these octets, or None (RFC 5321 2.3.8, 4.5.2)."""
    if b"\0" in octets:
        return "NUL"
    if re.search(rb"\r(?!\n)", octets):
        return "bare CR"
    if re.search(rb"(?<!\r)\n", octets):
        return "bare LF"
    return None


def wire_form(octets, with_mbox_line):
    """A file of the corpus as a client would send it. Files with LF ends get CRLF; files that have
    CRLF are sent as they are, their stray LF and CR included. The "From " line that some files
    begin with is the mbox's, not the message's: Postfix takes such a line for the end of the
    header, so it goes only to hops that look at nothing."""
    if b"\r\n" not in octets:
        octets = octets.replace(b"\n", b"\r\n")
    if not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    if octets.startswith(b"From ") and not with_mbox_line:
        octets = octets.partition(b"\r\n")[2]
    return octets


def data_folder(lab):
    folder = os.environ.get("GATEPOST_DATA") or str(lab.root.parent / "shared" / "data")
    if not os.path.isdir(os.path.join(folder, "mail")):
        raise Skip(f"no test mail in {folder}")
    return os.path.join(folder, "mail")


def load(lab, with_mbox_line=False):
    """The messages to send: all that must be refused, and a fair part or all of the others."""
    folder = data_folder(lab)
    items = []
    for name in SETS:
        with open(f"{folder}/{name}.jsonl", encoding="utf-8") as f:
            senders = {r["file"]: r.get("mail_from") or "" for r in map(json.loads, f)}
        with tarfile.open(f"{folder}/{name}.tar.xz") as archive:
            for member in archive:
                if member.isfile():
                    octets = archive.extractfile(member).read()
                    items.append(Item(member.name, wire_form(octets, with_mbox_line),
                                      senders.get(member.name, "")))
    made = Item("(made: the first with a NUL)", b"X-Made: \0\r\n" + items[0].octets, "")
    if not lab.everything:
        step = max(1, len(items) // SHORT)
        items = [item for i, item in enumerate(items) if item.fault or i % step == 0]
    items.append(made)
    for i, item in enumerate(items):
        item.box = f"m{i}"
        item.by_bdat = not item.fault and i % BDAT_EVERY == 0
    return items


def send_session(port, items, domain):
    """All items in one session, one transaction each."""
    with Session(port) as session:
        for item in items:
            sender = item.sender
            if not item.sender_valid:
                item.sender_reply = session.say(b"MAIL FROM:<" + sender + b">")
                if item.sender_reply.code < 300:
                    session.expect(b"RSET", 250)
                sender = b""
            recipient = f"{item.box}@{domain}".encode()
            item.reply = session.deliver(sender, [recipient], item.octets, item.by_bdat)
        session.quit()


def send_all(port, items, domain):
    """Several connections at a time, several messages on each."""
    parts = [items[i:i + PER_SESSION] for i in range(0, len(items), PER_SESSION)]
    errors = []
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not parts or errors:
                    return
                part = parts.pop()
            try:
                send_session(port, part, domain)
            except Exception as error:
                errors.append(f"session with {part[0].name} …: {type(error).__name__} {error}")

    threads = [threading.Thread(target=work, daemon=True) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise Failed(errors[0])


def check_replies(lab, items):
    """Good messages 250; faulty ones a 5xx of their own, listed."""
    for item in items:
        if item.fault:
            check(500 <= item.reply.code < 600, f"{item.name} with {item.fault}: {item.reply}")
            lab.report.note(f"refused {item.name} ({item.fault}): {item.reply}")
        else:
            check(item.reply.code == 250, f"{item.name} was answered {item.reply}")
        if item.sender_reply:
            check(item.sender_reply.code in (501, 553),
                  f"MAIL FROM:<{item.sender.decode()}> was answered {item.sender_reply}")


def check_stored(items, folder_of, fields, control=None):
    """Every accepted message is in its mailbox exactly once, unchanged below exactly `fields`, of
    which the last is Gatepost's. `control(item)`: what the hop stores when Gatepost is not in
    between, asked where something differs. Returns how many the hop itself changes."""
    changed = 0
    for item in items:
        found = maildir.messages_in(folder_of(item.box))
        wanted = 0 if item.fault else 1
        check(len(found) == wanted, f"{item.name}: {len(found)} copies instead of {wanted}")
        if not found:
            continue
        above, _ = maildir.trace_fields(found[0])
        check([name for name, _ in above[:len(fields)]] == fields
              and b"by gatepost.test" in above[len(fields) - 1][1],
              f"{item.name}: stored below the fields {[name for name, _ in above]}")
        if maildir.added_above(found[0], item.stored_form()) == fields:
            continue
        check(control is not None, f"{item.name}: what is stored is not what was sent")
        changed += 1
        below = found[0][sum(len(field) for _, field in above[:len(fields)]):]
        check(below == control(item), f"{item.name}: differs from what the hop stores without "
                                      f"Gatepost, {difference(below, control(item))}")
    return changed


def difference(a, b):
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return f"first at octet {at}: {a[at - 20:at + 20]!r} and {b[at - 20:at + 20]!r}"


def figures(items, changed, hop_name):
    refused = sum(1 for item in items if item.fault)
    text = (f"{len(items) - refused} equal by SHA-256, {sum(1 for i in items if i.by_bdat)} of them "
            f"by BDAT, {refused} refused as their content says, 0 missing, 0 twice, "
            f"{sum(1 for i in items if i.sender_reply)} senders refused as malformed and sent as <>")
    return text + (f", {changed} changed by {hop_name} itself, the same without Gatepost"
                   if changed else "")


def through(lab, hop, fields, items):
    """The corpus through Gatepost to a real hop which also takes it directly as a control."""
    accepted = sum(1 for item in items if not item.fault)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, policy=MARKS_OFF)
    send_all(g.port, items, "via.test")
    check_replies(lab, items)

    def arrived():
        return sum(len(maildir.files_in(hop.mailbox(i.box, "via.test"))) for i in items)
    wait_until(lambda: arrived() >= accepted, 60, f"{accepted} messages stored by {hop.name}")

    def control(item):
        with Session(hop.port) as session:
            reply = session.deliver(b"", [f"{item.box}@direct.test".encode()], item.octets,
                                    item.by_bdat)
        check(reply.code == 250, f"{item.name} sent directly: {reply}")
        stored = hop.arrived(item.box, "direct.test")[0]
        above, _ = maildir.trace_fields(stored)
        return stored[sum(len(field) for _, field in above[:len(fields) - 1]):]

    changed = check_stored(items, lambda box: hop.mailbox(box, "via.test"), fields, control)
    check(arrived() == accepted, "more was delivered while we were looking")
    return figures(items, changed, hop.name)


def to_postfix(lab):
    items = load(lab)
    hop = lab.postfix("postfix-hop", domains=["via.test", "direct.test"],
                      mailboxes=[item.box for item in items])
    return through(lab, hop, POSTFIX_FIELDS + [b"received"], items)


def to_exim(lab):
    if not lab.everything:
        raise Skip("in the long version only")
    items = load(lab)
    hop = lab.exim("exim-hop", domains=["via.test", "direct.test"],
                   mailboxes=[item.box for item in items])
    return through(lab, hop, EXIM_FIELDS + [b"received"], items)


def to_maildir(lab):
    items = load(lab, with_mbox_line=True)
    folder = lab.new_folder("maildirs", maildir.NOBODY)
    for item in items:
        maildir.make_maildir(f"{folder}/{item.box}", maildir.NOBODY)
    g = lab.gatepost({"via.test": f"maildir:{folder}/%{{rcpt.local_part}}"}, policy=MARKS_OFF)
    send_all(g.port, items, "via.test")
    check_replies(lab, items)
    changed = check_stored(items, lambda box: f"{folder}/{box}", MAILDIR_FIELDS + [b"received"])
    left = [box for box in os.listdir(folder) if os.listdir(f"{folder}/{box}/tmp")]
    check(not left, f"files left in tmp of {left[:5]}")
    with Session(g.port) as session:
        replies = session.envelope(b"", [b"nobody-here@via.test"])
    check(replies[1].code == 550, f"unknown Maildir recipient: {replies[1]}")
    return figures(items, changed, "Gatepost")


def directly(lab):
    """The harness itself: the same comparison with nothing in between."""
    items = [item for item in load(lab) if not item.fault][:200]
    hop = lab.postfix("postfix-plain", domains=["direct.test"],
                      mailboxes=[item.box for item in items])
    send_all(hop.port, items, "direct.test")
    wait_until(lambda: sum(len(maildir.files_in(hop.mailbox(i.box, "direct.test")))
                           for i in items) >= len(items), 60, "direct delivery")
    equal = 0
    for item in items:
        stored = hop.arrived(item.box, "direct.test")[0]
        equal += maildir.added_above(stored, item.stored_form()) == POSTFIX_FIELDS
    check(equal >= len(items) * 0.9, f"only {equal} of {len(items)} arrive unchanged directly")
    return f"{equal} of {len(items)} messages stored unchanged by Postfix itself"


TESTS = [
    ("corpus.directly", directly),
    ("corpus.maildir", to_maildir),
    ("corpus.postfix", to_postfix),
    ("corpus.exim", to_exim),
]
