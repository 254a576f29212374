"""Clients that send numbered messages until they are told to stop, each until its answer is final."""

import threading

from .report import check

PATIENCE = 60  # seconds for one answer


class Mail:
    """One message and the final answer to it, if there was one."""

    def __init__(self, number):
        self.id = f"mail-{number}"
        self.octets = (f"Subject: {self.id}\r\nX-Test-Id: {self.id}\r\n\r\n".encode()
                       + b"text text text\r\n" * (number % 50))
        self.reply = None


def test_id(octets):
    """The id of the message that these are the octets of."""
    return octets.partition(b"X-Test-Id: ")[2].partition(b"\n")[0].strip().decode()


class Mailer(threading.Thread):
    """One of `count` that share the numbers. Those who inherit have mail(number) and
    until_final(mail), and perhaps end()."""

    def __init__(self, first, count, enough):
        super().__init__(daemon=True)
        self.numbers = range(first, 10 ** 9, count)
        self.enough = enough
        self.mails = []
        self.error = None

    def run(self):
        try:
            for number in self.numbers:
                if self.enough.is_set():
                    break
                self.mails.append(self.mail(number))
                self.until_final(self.mails[-1])
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.end()

    def end(self):
        """Nothing is left open."""


def send_while(make, count, event, note=""):
    """Messages flow while event() runs: from `count` mailers that make(first, count, enough) has
    made. Returns them and what event() has returned; `note` stands behind complaints."""
    enough = threading.Event()
    mailers = [make(first, count, enough) for first in range(count)]
    for mailer in mailers:
        mailer.start()
    try:
        result = event()
    finally:
        enough.set()
    for mailer in mailers:
        mailer.join(PATIENCE + 10)
        check(not mailer.is_alive(), f"a client hangs{note}")
        check(not mailer.error, f"a client failed: {mailer.error}{note}")
    return [mail for mailer in mailers for mail in mailer.mails], result
