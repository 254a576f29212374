"""kill -9 of workers at random moments of real deliveries, with clients that retry until an answer
is final: every recipient has every message exactly once.

What no design can give (the two generals): when a worker dies between its commit and the durable
ledger entry, a delivered message is not answered, and the retry brings a second copy. Such a copy
is told apart and counted: the worker that had made the copy before it was killed between the
commit and the moment when the ledger must have had it. Any other second copy is a failure.

The same with workers that crash, by the signals that a mistake in the program would raise: it takes
the worker's own sessions along and nobody else's, and leaves no core file with people's mail in it.
"""

import os
import random
import resource
import signal
import time

from kit import maildir, mailer
from kit.process import owner_of
from kit.report import Skip, check
from kit.smtp_client import Gone, Session

SHORT, LONG = 10, 100  # kills in one test
MAILERS = 6
BOXES = ["a", "b", "c"]
LEDGER_SECONDS = 0.1  # a commit that was answered is in the ledger after this
CLOCK_SECONDS = 0.02  # how far the times of two observers may be apart


class Attempt:
    """One try of one message, as its client saw it."""

    def __init__(self, worker):
        self.worker = worker  # process id
        self.began = time.time()
        self.ended = None
        self.reply = None     # None: the worker went away


class Mail(mailer.Mail):
    def __init__(self, number, boxes):
        super().__init__(number)
        self.boxes = boxes
        self.attempts = []


class Mailer(mailer.Mailer):
    """Several messages in a session, as long as its worker lives."""

    def __init__(self, g, seed, first, *share):
        super().__init__(first, *share)
        self.gatepost = g
        self.random = random.Random(seed + first)
        self.session = None
        self.worker = None

    def mail(self, number):
        return Mail(number, BOXES if number % 3 == 0 else [self.random.choice(BOXES)])

    def end(self):
        self.forget_session()

    def until_final(self, mail):
        deadline = time.monotonic() + mailer.PATIENCE
        while time.monotonic() < deadline:
            attempt = self.attempt(mail)
            if not attempt or not attempt.reply or attempt.reply.code == 421:
                self.forget_session()
            elif attempt.reply.code == 250 or attempt.reply.code >= 500:
                mail.reply = attempt.reply
                if self.random.random() < 0.3:
                    self.forget_session()
                return
            else:
                time.sleep(0.02)

    def attempt(self, mail):
        """None when there was no session to be had."""
        try:
            if not self.session:
                self.session = Session(self.gatepost.port, timeout=30)
                client_port = self.session.socket.getsockname()[1]
                self.worker = owner_of(self.gatepost.port, client_port, self.gatepost.workers())
        except (Gone, OSError):
            return None
        if not self.worker:  # it has been killed, or the list of processes was read in between
            return None
        attempt = Attempt(self.worker)
        mail.attempts.append(attempt)
        try:
            attempt.reply = self.session.deliver(
                b"sender@client.test", [f"{box}@via.test".encode() for box in mail.boxes],
                mail.octets, len(mail.attempts) % 2 == 0)
        except (Gone, OSError):
            pass
        attempt.ended = time.time()
        return attempt

    def forget_session(self):
        if self.session:
            self.session.close()
        self.session = None


def kill_workers(g, count, rng, signals):
    """Kills `count` workers, one after the other. Returns [(process id, when)…]."""
    kills = []
    deadline = time.monotonic() + 5 * count
    while len(kills) < count:
        check(time.monotonic() < deadline, f"only {len(kills)} workers could be killed: no new ones")
        time.sleep(rng.uniform(0.01, 0.2))
        workers = g.workers()
        if not workers:
            continue
        victim = rng.choice(workers)
        try:
            kills.append((victim, time.time()))
            os.kill(victim, rng.choice(signals))
        except ProcessLookupError:
            kills.pop()
    return kills


def only_the_dead_are_missed(mails, kills, seed):
    """No session was cut off but those of workers that were killed."""
    dead = {worker for worker, _ in kills}
    for mail in mails:
        for attempt in mail.attempts:
            check(attempt.reply is not None or attempt.worker in dead,
                  f"{mail.id}: cut off by worker {attempt.worker}, which lives (seed {seed})")


def deliver_under_fire(lab, g, signals):
    """Returns (mails, kills, seed)."""
    seed = int(os.environ.get("GATEPOST_TEST_SEED") or time.time())
    rng = random.Random(seed)
    g.all_workers()
    mails, kills = mailer.send_while(
        lambda *share: Mailer(g, seed, *share), MAILERS,
        lambda: kill_workers(g, LONG if lab.everything else SHORT, rng, signals), f" (seed {seed})")
    g.all_workers()
    only_the_dead_are_missed(mails, kills, seed)
    return mails, kills, seed


class Copy:
    """One delivered copy: when it was committed, and when the hop had answered that."""

    def __init__(self, committed, answered):
        self.committed = committed
        self.answered = answered


def excuse(mail, copy, kills):
    """When the worker that made this copy was killed before its ledger entry had to be there:
    seconds from the hop's answer to that kill. None when it was not."""
    for attempt in mail.attempts:
        made = attempt.began - CLOCK_SECONDS <= copy.committed <= attempt.ended + CLOCK_SECONDS
        for worker, when in kills if made and attempt.reply is None else ():
            if (worker == attempt.worker
                    and copy.committed - CLOCK_SECONDS <= when <= copy.answered + LEDGER_SECONDS):
                return when - copy.answered
    return None


def story(mail, copies, kills):
    """All that is known of one message, for a failure's report."""
    start = mail.attempts[0].began
    events = [(c.committed, "committed") for c in copies]
    for attempt in mail.attempts:
        events.append((attempt.began, f"attempt at worker {attempt.worker}"))
        events.append((attempt.ended, str(attempt.reply or "worker gone")))
        events += [(when, f"kill of {worker}") for worker, when in kills
                   if worker == attempt.worker]
    return ", ".join(f"{(when - start) * 1000:.0f} ms {what}" for when, what in sorted(events))


def judge(mails, copies, kills, seed):
    """copies: {(id, box): [Copy…]}."""
    excuses = []
    for mail in mails:
        check(mail.reply is not None, f"{mail.id}: no final answer in {mailer.PATIENCE} s (seed {seed})")
        check(mail.reply.code == 250, f"{mail.id}: {mail.reply} (seed {seed})")
        for box in mail.boxes:
            made = sorted(copies.pop((mail.id, box), []), key=lambda c: c.committed)
            check(made, f"{mail.id} is missing for {box}: {story(mail, made, kills)} (seed {seed})")
            late = [excuse(mail, copy, kills) for copy in made[:-1]]
            check(None not in late,
                  f"{mail.id} has {len(made)} copies for {box}, and not by a kill between commit "
                  f"and ledger: {story(mail, made, kills)} (seed {seed})")
            excuses += late
    check(not copies, f"copies that nobody sent: {list(copies)[:5]} (seed {seed})")
    cut = sum(attempt.reply is None for mail in mails for attempt in mail.attempts)
    check(cut, f"no transaction was cut off by {len(kills)} kills (seed {seed})")
    deliveries = sum(len(mail.boxes) for mail in mails)
    return (f"{len(kills)} kills, {len(mails)} messages for {deliveries} recipients, {cut} "
            f"transactions cut off; 0 missing, 0 twice but for {len(excuses)} second copies of the "
            f"two generals, by kills at most {max(excuses, default=0) * 1000:.0f} ms after the hop's "
            f"answer; seed {seed}")


def to_maildir(lab, signals=(signal.SIGKILL,)):
    folder = lab.new_folder("maildirs", maildir.NOBODY)
    for box in BOXES:
        maildir.make_maildir(f"{folder}/{box}", maildir.NOBODY)
    g = lab.gatepost({"via.test": f"maildir:{folder}/%{{rcpt.local_part}}"})
    mails, kills, seed = deliver_under_fire(lab, g, signals)
    copies = {}
    for box in BOXES:
        for path in maildir.files_in(f"{folder}/{box}"):
            with open(path, "rb") as f:
                name = mailer.test_id(f.read())
            renamed = os.stat(path).st_ctime  # the rename is the last change of the inode
            copies.setdefault((name, box), []).append(Copy(renamed, renamed))
    return judge(mails, copies, kills, seed)


def to_hop(lab, signals=(signal.SIGKILL,)):
    rng = random.Random()
    hop = lab.hop(dot=lambda delivery: time.sleep(rng.uniform(0, 0.01)))
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"})
    mails, kills, seed = deliver_under_fire(lab, g, signals)
    offset = time.time() - time.monotonic()
    copies = {}
    for delivery in hop.delivered():
        answered = delivery.answered or delivery.committed + 0.05
        for recipient in delivery.recipients:
            key = (mailer.test_id(delivery.octets), recipient.partition(b"@")[0].decode())
            copies.setdefault(key, []).append(Copy(delivery.committed + offset, answered + offset))
    return judge(mails, copies, kills, seed)


CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


def core_files(folder):
    return [name for name in os.listdir(folder) if name.startswith("core")]


def crash(lab, deliver):
    """As if a mistake in the program had raised the signal."""
    if lab.sanitized():
        raise Skip("the sanitizers would report the signals as mistakes")
    # Whoever started Gatepost allows core files: it is for the workers to do without.
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        figures = deliver(lab, CRASHES)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    check(not core_files(os.getcwd()), f"core files: {core_files(os.getcwd())}")
    return figures


def crash_to_maildir(lab):
    return crash(lab, to_maildir)


def crash_to_hop(lab):
    return crash(lab, to_hop)


TESTS = [
    ("crash.maildir", crash_to_maildir),
    ("crash.hop", crash_to_hop),
    ("kill.maildir", to_maildir),
    ("kill.hop", to_hop),
]
