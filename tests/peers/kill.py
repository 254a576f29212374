"""kill -9 of workers at random moments of real deliveries, with clients that retry until an answer
is final: every recipient has every message exactly once.

What no design can give (the two generals): when a worker dies between its commit and the durable
ledger entry, a delivered message is not answered, and the retry brings a second copy. Such a copy
is told apart by its time, since a kill fell between the first copy's commit and the moment the
ledger must have had it, and counted.
"""

import os
import random
import signal
import threading
import time

from kit import maildir
from kit.report import check
from kit.smtp_client import Gone, Session

SHORT, LONG = 10, 100  # kills in one test
MAILERS = 6
BOXES = ["a", "b", "c"]
LEDGER_SECONDS = 0.25  # a commit's answer is in the ledger after this, or the store stood still
PATIENCE = 60


class Mail:
    """One message and what its client saw."""

    def __init__(self, number, boxes):
        self.id = f"mail-{number}"
        self.boxes = boxes
        self.octets = (f"Subject: {self.id}\r\nX-Test-Id: {self.id}\r\n\r\n".encode()
                       + b"text text text\r\n" * (number % 50))
        self.attempts = 0
        self.reply = None


class Mailer(threading.Thread):
    """Sends one message after the other; every one until its answer is final."""

    def __init__(self, port, numbers, enough, seed):
        super().__init__(daemon=True)
        self.port = port
        self.numbers = numbers
        self.enough = enough
        self.random = random.Random(seed)
        self.session = None
        self.mails = []
        self.error = None

    def run(self):
        try:
            for number in self.numbers:
                if self.enough.is_set():
                    break
                mail = Mail(number, BOXES if number % 3 == 0 else [self.random.choice(BOXES)])
                self.mails.append(mail)
                self.until_final(mail)
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            if self.session:
                self.session.close()

    def until_final(self, mail):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            mail.attempts += 1
            try:
                if not self.session:
                    self.session = Session(self.port, timeout=30)
                reply = self.session.deliver(
                    b"sender@client.test", [f"{box}@via.test".encode() for box in mail.boxes],
                    mail.octets, mail.attempts % 2 == 0)
            except (Gone, OSError):
                self.forget_session()
                continue
            if reply.code == 250 or reply.code >= 500:
                mail.reply = reply
                if self.random.random() < 0.3:
                    self.forget_session()
                return
            if reply.code == 421:
                self.forget_session()
            time.sleep(0.02)

    def forget_session(self):
        if self.session:
            self.session.close()
        self.session = None


def kill_workers(g, count, rng):
    """Kills `count` workers, one after the other. Returns the times."""
    times = []
    deadline = time.monotonic() + 5 * count
    while len(times) < count:
        check(time.monotonic() < deadline, f"only {len(times)} workers could be killed: no new ones")
        time.sleep(rng.uniform(0.01, 0.15))
        workers = g.workers()
        if not workers:
            continue
        try:
            os.kill(rng.choice(workers), signal.SIGKILL)
            times.append(time.time())
        except ProcessLookupError:
            pass
    return times


def deliver_under_fire(lab, g):
    """Returns (mails, times of the kills, seed)."""
    seed = int(os.environ.get("GATEPOST_TEST_SEED") or time.time())
    rng = random.Random(seed)
    enough = threading.Event()
    mailers = [Mailer(g.port, range(i, 10 ** 9, MAILERS), enough, seed + i) for i in range(MAILERS)]
    for mailer in mailers:
        mailer.start()
    try:
        kills = kill_workers(g, LONG if lab.everything else SHORT, rng)
    finally:
        enough.set()
    for mailer in mailers:
        mailer.join(PATIENCE + 10)
        check(not mailer.is_alive(), f"a client hangs (seed {seed})")
        check(not mailer.error, f"a client failed: {mailer.error} (seed {seed})")
    g.all_workers()
    return [mail for mailer in mailers for mail in mailer.mails], kills, seed


def judge(mails, copies, kills, seed):
    """copies: {(id, box): [(committed, ledger at the latest)…]} in the order of their commit."""
    exceptions = 0
    for mail in mails:
        check(mail.reply is not None, f"{mail.id}: no final answer in {PATIENCE} s (seed {seed})")
        check(mail.reply.code == 250, f"{mail.id}: {mail.reply} (seed {seed})")
        for box in mail.boxes:
            times = copies.pop((mail.id, box), [])
            check(times, f"{mail.id} is missing for {box} (seed {seed})")
            extra = len(times) - 1
            excused = sum(any(begin <= kill <= end for kill in kills) for begin, end in times[:-1])
            check(extra == excused,
                  f"{mail.id} for {box}: {extra} extra copies, {excused} of them with a kill between "
                  f"commit and ledger; {mail.attempts} attempts (seed {seed})")
            exceptions += extra
    check(not copies, f"copies that nobody sent: {list(copies)[:5]} (seed {seed})")
    retried = sum(mail.attempts > 1 for mail in mails)
    deliveries = sum(len(mail.boxes) for mail in mails)
    return (f"{len(kills)} kills, {len(mails)} messages for {deliveries} recipients, {retried} of "
            f"them sent again, 0 missing, {deliveries} once, {exceptions} second copies of the two "
            f"generals, seed {seed}")


def test_id(octets):
    return octets.partition(b"X-Test-Id: ")[2].split(b"\r" if b"\r" in octets else b"\n")[0].decode()


def to_maildir(lab):
    folder = lab.new_folder("maildirs", maildir.NOBODY)
    for box in BOXES:
        maildir.make_maildir(f"{folder}/{box}", maildir.NOBODY)
    g = lab.gatepost({"via.test": f"maildir:{folder}/%{{rcpt.local_part}}"})
    g.all_workers()
    mails, kills, seed = deliver_under_fire(lab, g)
    copies = {}
    for box in BOXES:
        for path in maildir.files_in(f"{folder}/{box}"):
            with open(path, "rb") as f:
                name = test_id(f.read())
            renamed = os.stat(path).st_ctime  # the rename is the last change of the inode
            copies.setdefault((name, box), []).append((renamed - 0.02, renamed + LEDGER_SECONDS))
    for times in copies.values():
        times.sort()
    return judge(mails, copies, kills, seed)


def to_hop(lab):
    rng = random.Random()
    hop = lab.hop(dot=lambda delivery: time.sleep(rng.uniform(0, 0.01)))
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
    g.all_workers()
    mails, kills, seed = deliver_under_fire(lab, g)
    offset = time.time() - time.monotonic()
    copies = {}
    for delivery in hop.delivered():
        answered = delivery.answered or delivery.committed + 0.05
        for recipient in delivery.recipients:
            key = (test_id(delivery.octets), recipient.partition(b"@")[0].decode())
            copies.setdefault(key, []).append((delivery.committed + offset - 0.02,
                                               answered + offset + LEDGER_SECONDS))
    return judge(mails, copies, kills, seed)


TESTS = [
    ("kill.maildir", to_maildir),
    ("kill.hop", to_hop),
]
