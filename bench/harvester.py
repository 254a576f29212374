"""A botnet that guesses recipients: from each of its addresses one client at a time, which waits for every reply,
comes again when it is sent away, and asks again what it was told to ask later.

A process of its own; started by bench/harvest. The guesses are dealt out to the addresses, and no two ask
the same. What it learned it tells at its end, as a line of JSON.

usage: harvester.py PORT DOMAIN SENDER GUESSES ADDRESSES NETWORKS AT_A_TIME SECONDS
       SENDER: an address, which asks for many recipients in a transaction, or null, which looks like
       somebody who verifies a sender's address: one recipient in a transaction, again and again
"""

import asyncio
import collections
import json
import random
import resource
import sys
import time

SHARE = 100          # of so many guesses one is a mailbox
EACH = 100           # recipients of one transaction, at most
SENT_AWAY = 3        # times one after the other, and the address gives up
AGAIN = 2.0          # s until one that was sent away comes back
RETRY = 75.0         # s until it asks again what it was told to ask later
TRIES = 3            # of one guess
PATIENCE = 200       # s for a reply
SEED = "gatepost"


def mailboxes(guesses):
    """The numbers of the guesses that are mailboxes: the same each time, and in no order."""
    return set(random.Random(SEED).sample(range(guesses), guesses // SHARE))


def local_part(number):
    return f"u{number:07d}"


def address(i, networks):
    """The i-th: as many networks (/24) take turns."""
    network, host = i % networks, i // networks
    return f"127.{64 + network // 250}.{network % 250}.{1 + host}"


class Away(Exception):
    """The server has ended the connection, or said that it does."""


class Bot:
    """One address. `guesses`: its share."""

    def __init__(self, net, source, guesses):
        self.net = net
        self.source = source
        self.guesses = collections.deque(guesses)
        self.later = collections.deque()  # (when, guess, tries)
        self.away = 0

    async def run(self):
        """Until it has asked everything, is sent away again and again, or the time is over."""
        while (self.guesses or self.later) and self.away < SENT_AWAY and not self.net.over():
            try:
                await self.session()
                self.away = 0
            except Away:
                self.away += 1
            except (OSError, asyncio.TimeoutError, ValueError):
                self.net.count["failed"] += 1
                self.away += 1
            if not self.guesses and self.later:
                await self.net.pause(self.later[0][0] - time.monotonic())
            else:
                await self.net.pause(AGAIN)
        if self.away >= SENT_AWAY:
            self.net.count["gave up"] += 1

    async def session(self):
        self.net.count["connections"] += 1
        reader, writer = await asyncio.open_connection("127.0.0.1", self.net.port, local_addr=(self.source, 0))
        self.reader, self.writer = reader, writer
        try:
            await self.expect(None)
            await self.expect(f"EHLO {self.source.replace('.', '-')}.bot.test")
            while (guess := self.next()) and not self.net.over():
                await self.expect(f"MAIL FROM:<{self.net.sender}>")
                left = EACH if self.net.sender else 1
                while guess and left > 0:
                    await self.ask(*guess)
                    left -= 1
                    guess = self.next() if left > 0 and not self.net.over() else None
                await self.expect("RSET")
            await self.expect("QUIT")
        finally:
            writer.close()

    def next(self):
        """(guess, tries), or None when nothing can be asked just now."""
        if self.later and self.later[0][0] <= time.monotonic():
            return self.later.popleft()[1:]
        return (self.guesses.popleft(), 0) if self.guesses else None

    async def ask(self, guess, tries):
        if tries == 0:
            self.net.count["asked"] += 1
        try:
            code = await self.say(f"RCPT TO:<{local_part(guess)}@{self.net.domain}>")
        except (Away, OSError, asyncio.TimeoutError):
            self.later.appendleft((0, guess, tries))
            raise
        self.away = 0
        self.net.heard(guess, code)
        if code[:1] == "4" and tries + 1 < TRIES:
            self.later.append((time.monotonic() + RETRY, guess, tries + 1))

    async def expect(self, line):
        code = await self.say(line)
        if code[:1] not in "23":
            raise Away

    async def say(self, line):
        """The reply's code and, where it is not yes, its enhanced one."""
        if line is not None:
            self.writer.write(line.encode() + b"\r\n")
        while True:
            reply = await asyncio.wait_for(self.reader.readline(), PATIENCE)
            if not reply.endswith(b"\n"):
                raise Away
            if reply[3:4] != b"-":
                break
        words = reply.decode("utf-8", "replace").split()
        code = words[0] if words[0] < "4" or len(words) < 2 else " ".join(words[:2])
        if code[:3] == "421":
            self.net.words[reply.decode("utf-8", "replace").partition(" [")[0].strip()] += 1  # without the id
            raise Away
        return code


class Net:
    def __init__(self, port, domain, sender, guesses, addresses, networks, at_a_time, seconds):
        self.port, self.domain, self.sender = port, domain, sender
        self.real = mailboxes(guesses)
        self.count = collections.Counter()
        self.words = collections.Counter()
        self.learned = set()
        self.later = {True: set(), False: set()}  # told "later" of a mailbox that is there; that is not
        self.began = time.monotonic()
        self.seconds = seconds
        self.places = asyncio.Semaphore(at_a_time)
        order = list(range(guesses))
        random.Random(SEED + "order").shuffle(order)
        self.bots = [Bot(self, address(i, networks), order[i::addresses]) for i in range(addresses)]
        self.course = []  # [seconds, asked, learned]

    def over(self):
        return time.monotonic() - self.began > self.seconds

    async def pause(self, seconds):
        left = self.seconds - (time.monotonic() - self.began)
        await asyncio.sleep(max(0, min(seconds, left + 0.1)))

    def heard(self, guess, code):
        real = guess in self.real
        self.count[f"{code} to {'mailboxes' if real else 'others'}"] += 1
        if code == "250":
            if not real:
                raise ValueError(f"{guess} was accepted")
            self.learned.add(guess)
        elif code[0] == "4":
            self.later[real].add(guess)

    async def one(self, bot):
        async with self.places:
            if not self.over():
                await bot.run()

    async def watch(self):
        while True:
            self.course.append([round(time.monotonic() - self.began), self.count["asked"], len(self.learned)])
            await asyncio.sleep(30)

    async def run(self):
        watch = asyncio.create_task(self.watch())
        await asyncio.gather(*map(self.one, self.bots))
        watch.cancel()
        return {"seconds": time.monotonic() - self.began, "learned": len(self.learned),
                "later_real": len(self.later[True]), "later_others": len(self.later[False]),
                "unfinished": sum(bool(b.guesses or b.later) for b in self.bots),
                "count": self.count, "words": self.words, "course": self.course}


async def main(port, domain, sender, *figures):
    return await Net(int(port), domain, "" if sender == "null" else sender, *map(int, figures)).run()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
