"""Clients that do harm: silent, slow, talking nonsense, gone without a word, never reading."""

import random
import selectors
import socket
import threading
import time

RESET = b"\1\0\0\0\0\0\0\0"
TURN = 0.1       # s
AGE_MOST = 90.0  # s after which one goes by itself


class Rude:
    """One such connection. Its step() is called now and then; False when it is over."""

    def __init__(self, port, rng):
        self._rng = rng
        self.kind = rng.choice(["silent", "slow", "garbage", "half", "deaf", "handshake", "rset"])
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((f"127.30.{rng.randrange(40)}.{rng.randrange(1, 250)}", 0))
        self.socket.connect_ex(("127.0.0.1", port))
        now = time.monotonic()
        self._ends = now + rng.uniform(1, AGE_MOST)
        self._next = now + rng.uniform(0, 2)
        self._text = {"slow": b"EHLO slow.test\r\n" + b"NOOP\r\n" * 100,
                      "deaf": b"EHLO deaf.test\r\n" + b"HELP\r\n" * 20_000,
                      "garbage": rng.randbytes(5000),
                      "half": b"EHLO half.test\r\nMAIL FROM:<a@b.test>\r\n",
                      "handshake": b"EHLO tls.test\r\nSTARTTLS\r\n",
                      "rset": b"EHLO rset.test\r\n" + b"RSET\r\n" * 600, "silent": b""}[self.kind]

    def step(self, now):
        if now >= self._ends:
            return False
        if now < self._next or not self._text:
            return True
        self._next = now + (5 if self.kind == "slow" else 0.5)
        try:
            sent = self.socket.send(self._text[:1] if self.kind == "slow" else self._text)
            self._text = self._text[sent:]
            if self.kind == "half" and not self._text:
                self.socket.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def hear(self):
        """Something came: read, or left where it is. False at the end."""
        if self.kind == "deaf":
            return True
        try:
            return bool(self.socket.recv(65536))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self):
        if self._rng.random() < 0.5:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()


class Crowd(threading.Thread):
    """So many of them at a time."""

    def __init__(self, port, count, seed):
        super().__init__(daemon=True)
        self._port = port
        self._count = count
        self._rng = random.Random(seed)
        self._enough = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._members = set()
        self.seen = 0

    def stop(self):
        self._enough.set()
        self.join()

    def _admit(self):
        for _ in range(min(10, self._count - len(self._members))):
            rude = Rude(self._port, self._rng)
            self._members.add(rude)
            if rude.kind != "deaf":
                self._selector.register(rude.socket, selectors.EVENT_READ, rude)
            self.seen += 1

    def _let_go(self, rude):
        self._members.discard(rude)
        if rude.kind != "deaf":
            self._selector.unregister(rude.socket)
        rude.close()

    def run(self):
        while not self._enough.wait(TURN):
            self._admit()
            gone = [key.data for key, _ in self._selector.select(0) if not key.data.hear()]
            now = time.monotonic()
            gone += [rude for rude in self._members if rude not in gone and not rude.step(now)]
            for rude in gone:
                self._let_go(rude)
        for rude in list(self._members):
            self._let_go(rude)
