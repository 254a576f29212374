"""Senders with all kinds of mail, and the books on what became of each message.

Each message has a number, which it carries in a field; hop and mailboxes are looked through for it.
What was answered 250 must be there once for each recipient, whatever its sender went through before;
what was refused, or given up by its sender, must not be there at all.
"""

import collections
import os
import random
import socket
import threading
import time

from kit.hop import Hop
from kit.smtp_client import Gone, Session, dot_stuffed

FIELD = b"X-Soak: "
PATIENCE = 120  # s that a sender tries again for
LARGE = 3_000_000
USERS = 200


def number_in(octets):
    """The number of a message, by its field; None when it has none."""
    at = octets.find(FIELD)
    return None if at < 0 else int(octets[at + len(FIELD):].split(None, 1)[0])


class Books:
    """What was promised, and what has arrived."""

    def __init__(self):
        self._lock = threading.Lock()
        self._promised = {}                          # number: recipients that must have it
        self._arrived = collections.Counter()        # (number, recipient): copies
        self._last = 0
        self.kinds = collections.Counter()           # messages by what they are
        self.troubles = []                           # what should not have happened
        self.retries = 0

    def number(self, kind):
        with self._lock:
            self._last += 1
            self.kinds[kind] += 1
            return self._last

    def promise(self, number, recipients):
        with self._lock:
            self._promised[number] = recipients

    def arrive(self, number, recipient):
        with self._lock:
            self._arrived[number, recipient] += 1

    def trouble(self, text):
        with self._lock:
            self.troubles.append(text)

    def retry(self):
        with self._lock:
            self.retries += 1

    def messages(self):
        with self._lock:
            return self._last

    def wrong(self):
        """What is lost, doubled, or there without having been accepted: texts."""
        with self._lock:
            wanted = {(n, r) for n, recipients in self._promised.items() for r in recipients}
            found = [f"message {n} to {r} is lost" for n, r in wanted if not self._arrived[n, r]]
            for (n, r), copies in self._arrived.items():
                if (n, r) not in wanted and copies:
                    found.append(f"message {n} to {r} was not accepted, but is there")
                elif copies > 1:
                    found.append(f"message {n} to {r} is there {copies} times")
            return found


class CountingHop(Hop):
    """Takes everything but what is for `unknown`; the first time it puts off what says so."""

    def __init__(self, books):
        self._books = books
        self._put_off = set()
        super().__init__(rcpt=self._refuse, dot=self._count)

    @staticmethod
    def _refuse(address):
        return b"550 5.1.1 no such user" if address.startswith(b"unknown") else None

    def _count(self, delivery):
        number = number_in(delivery.octets)
        with self.lock:
            self.deliveries.clear()
            if b"\nX-Put-Off: " in delivery.octets and number not in self._put_off:
                self._put_off.add(number)
                return b"451 4.3.0 not now"
        for recipient in delivery.recipients:
            self._books.arrive(number, recipient.decode())
        return None


class Collector(threading.Thread):
    """Takes messages out of the Maildir folders below `folder`."""

    def __init__(self, books, folder):
        super().__init__(daemon=True)
        self._books = books
        self._folder = folder
        self._enough = threading.Event()

    def run(self):
        while not self._enough.wait(5):
            self.collect()

    def stop(self):
        self._enough.set()
        self.join()
        self.collect()

    def collect(self):
        for user in os.listdir(self._folder):
            new = os.path.join(self._folder, user, "new")
            for name in os.listdir(new) if os.path.isdir(new) else []:
                path = os.path.join(new, name)
                with open(path, "rb") as f:
                    self._books.arrive(number_in(f.read()), f"{user}@box.test")
                os.unlink(path)


def message(number, size=3000, field=b""):
    head = (FIELD + b"%d\r\nFrom: <sender@client.test>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
            b"Subject: soak\r\n" % number)
    line = b"x" * 76 + b"\r\n"
    return head + field + b"\r\n" + line * (size // len(line))


class Sender(threading.Thread):
    """One message after the other, `rate` a second."""

    def __init__(self, books, port, seed, rate, certificate):
        super().__init__(daemon=True)
        self._books = books
        self._port = port
        self._random = random.Random(seed)
        self._rate = rate
        self._seed = seed
        self._source = None  # address that the present message comes from, however often
        self._enough = threading.Event()
        self._kinds = [
            (30, self.plain), (10, self.several), (8, self.chunks), (10, self.mailbox),
            (4, self.both), (3, self.unknown), (3, self.mixed), (2, self.no_route), (2, self.bare),
            (6, self.lmtp), (6, self.answers), (3, self.abandoned), (3, self.unheard), (3, self.put_off), (4, self.kept), (1, self.large),
        ] + ([(6, self.secure)] if certificate else [])

    def stop(self):
        self._enough.set()

    def run(self):
        weights = [weight for weight, _ in self._kinds]
        while not self._enough.wait(self._random.expovariate(self._rate)):
            kind = self._random.choices(self._kinds, weights)[0][1]
            number = self._books.number(kind.__name__)
            self._source = self.any_source()
            try:
                kind(number)
            except Exception as error:  # a sender never ends because of one message
                self._books.trouble(f"message {number} ({kind.__name__}): "
                                    f"{type(error).__name__}: {error}")

    # ---- how ----

    def any_source(self):
        """Half of the senders are trusted hosts (127.20.0.0/16)."""
        net = 20 + self._seed % 2
        return f"127.{net}.{self._random.randrange(40)}.{self._random.randrange(1, 250)}"

    def session(self, tls=False):
        session = Session(self._port, source=self._source, timeout=60)
        if tls:
            session.starttls()
        return session

    def users(self, count, domain="via.test"):
        return [f"user{n}@{domain}" for n in self._random.sample(range(USERS), count)]

    def until_answered(self, number, once):
        """Calls once(), which returns a reply, until that is none of 4xx."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                reply = once()
                if reply.code // 100 != 4:
                    return reply
                text = str(reply)
            except (Gone, OSError) as error:
                text = f"{type(error).__name__}: {error}"
            if time.monotonic() > until:
                raise TimeoutError(f"put off for {PATIENCE} s, last: {text}")
            self._books.retry()
            time.sleep(self._random.uniform(0.5, 2))

    def deliver(self, number, recipients, octets, tls=False, by_bdat=False):
        """Until it is accepted."""
        def once():
            with self.session(tls) as session:
                reply = session.deliver(b"sender@client.test", [r.encode() for r in recipients],
                                        octets, by_bdat=by_bdat)
                session.quit()
                return reply
        reply = self.until_answered(number, once)
        if reply.code == 250:
            self._books.promise(number, recipients)
        else:
            self._books.trouble(f"message {number} was refused: {reply}")

    def refused(self, number, recipients, octets, wanted):
        def once():
            with self.session() as session:
                reply = session.deliver(b"sender@client.test", [r.encode() for r in recipients], octets)
                session.quit()
                return reply
        reply = self.until_answered(number, once)
        if reply.code not in wanted:
            self._books.trouble(f"message {number} was to be refused, but: {reply}")

    # ---- what ----

    def plain(self, number):
        self.deliver(number, self.users(1), message(number))

    def several(self, number):
        self.deliver(number, self.users(self._random.randrange(2, 6)), message(number))

    def chunks(self, number):
        self.deliver(number, self.users(1), message(number, 90_000), by_bdat=True)

    def secure(self, number):
        self.deliver(number, self.users(1), message(number), tls=True)

    def mailbox(self, number):
        self.deliver(number, self.users(1, "box.test"), message(number))

    def both(self, number):
        """To recipients of two routes: in one transaction or, as RFC 5321 has it for 452, in two."""
        for recipient in self.users(1) + self.users(1, "box.test"):
            part = self._books.number("part")
            self.deliver(part, [recipient], message(part))

    def put_off(self, number):
        self.deliver(number, self.users(1), message(number, field=b"X-Put-Off: once\r\n"))

    def large(self, number):
        self.deliver(number, self.users(1), message(number, LARGE))

    def lmtp(self, number):
        self.deliver(number, self.users(self._random.randrange(1, 4), "lmtp.test"), message(number))

    def answers(self, number):
        """Each recipient has an answer of its own: some get it, some later, some never; and those of
        another route with them."""
        good = self.users(2, "lmtp.test") + self.users(1) + [f"busy{self._random.randrange(USERS)}@lmtp.test"]
        left = good + ["full@lmtp.test"]
        self._random.shuffle(left)
        self.campaign(number, left, good)

    def campaign(self, number, left, good):
        """As a mail server does it: what was put off is tried again, for as long as it takes."""
        delivered = []

        def once():
            with self.session() as session:
                replies = session.envelope(b"sender@client.test", [r.encode() for r in left])
                taken = [r for r, reply in zip(left, replies[1:]) if reply.code == 250]
                refused = [r for r, reply in zip(left, replies[1:]) if reply.code >= 500]
                reply = session.data(message(number)) if taken else replies[-1]
                if taken and reply.code == 250:
                    delivered.extend(taken)
                left[:] = [r for r in left if r not in refused and
                           (r not in taken or reply.code // 100 == 4)]
                session.quit()
                if not left:
                    reply.code = 250  # all of it is over
                elif reply.code // 100 != 4:
                    reply.code = 450
                return reply
        self.until_answered(number, once)
        self._books.promise(number, delivered)
        if sorted(delivered) != sorted(good):
            self._books.trouble(f"message {number} was for {good}, but taken for {delivered}")

    def unknown(self, number):
        self.refused(number, ["unknown@via.test"], message(number), (550,))

    def no_route(self, number):
        self.refused(number, ["user@elsewhere.test"], message(number), (550,))

    def bare(self, number):
        self.refused(number, self.users(1), message(number) + b"bare\nline\r\n", (554,))

    def mixed(self, number):
        """One of two recipients is unknown; the other gets it."""
        known = self.users(1)

        def once():
            with self.session() as session:
                replies = session.envelope(b"sender@client.test", [b"unknown@via.test",
                                                                   known[0].encode()])
                if [reply.code for reply in replies[1:]] != [550, 250]:
                    return replies[2]
                reply = session.data(message(number))
                session.quit()
                return reply
        if self.until_answered(number, once).code == 250:
            self._books.promise(number, known)

    def kept(self, number):
        """Several messages in one session."""
        sent = [(each, self.users(1)) for each in [number] + [self._books.number("part") for _ in range(3)]]

        def once():
            with self.session() as session:
                while sent:
                    each, to = sent[0]
                    reply = session.deliver(b"sender@client.test", [to[0].encode()], message(each))
                    if reply.code != 250:
                        return reply
                    self._books.promise(each, to)
                    sent.pop(0)
                session.quit()
                return reply
        self.until_answered(number, once)

    def abandoned(self, number):
        """The client goes away in the middle of the message, in one way or the other, for good."""
        session = self.session()
        try:
            session.envelope(b"sender@client.test", [self.users(1)[0].encode()])
            session.say(b"DATA")
            session.send(message(number)[:self._random.randrange(2500)])
        except (Gone, OSError):
            pass
        if self._random.random() < 0.5:
            session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        session.close()

    def unheard(self, number):
        """It goes away when it has sent all, without waiting for the answer, and tries again later."""
        to = self.users(1)
        octets = message(number)
        session = self.session()
        try:
            session.envelope(b"sender@client.test", [to[0].encode()])
            if session.say(b"DATA").code == 354:
                session.send(dot_stuffed(octets))
        except (Gone, OSError):
            pass
        if self._random.random() < 0.5:
            time.sleep(0.05)
        session.close()
        time.sleep(self._random.uniform(0.2, 2))
        self.deliver(number, to, octets)
