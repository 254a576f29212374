"""A client that does with each recipient what a mail server does: tries those that are left, all of
them in one transaction, until each has an answer that is final."""

import time

from .report import check
from .smtp_client import Session


class Outcome:
    """What became of one recipient."""

    def __init__(self):
        self.reply = None    # the final one
        self.later = []      # 4xx that came before

    @property
    def code(self):
        return self.reply.code if self.reply else 0


class Sender:
    """Sends `octets` until nothing is left. `outcomes`: {recipient: Outcome}."""

    def __init__(self, port, sender, recipients, octets, by_bdat=False):
        self.port = port
        self.sender = sender
        self.octets = octets
        self.by_bdat = by_bdat
        self.rounds = 0
        self.outcomes = {recipient: Outcome() for recipient in recipients}

    def left(self):
        return [r for r, outcome in self.outcomes.items() if outcome.reply is None]

    def round(self):
        """One transaction for all that are left, in a session of its own."""
        self.rounds += 1
        left = self.left()
        with Session(self.port) as session:
            replies = session.envelope(self.sender, left)
            check(replies[0].code == 250, f"MAIL was answered {replies[0]}")
            taken = [r for r, reply in zip(left, replies[1:]) if not self._settle(r, reply, True)]
            if taken:
                reply = session.bdat(self.octets) if self.by_bdat else session.data(self.octets)
                check(reply.code != 354, f"the message was answered {reply}")
                for recipient in taken:
                    self._settle(recipient, reply, False)
            session.quit()

    def _settle(self, recipient, reply, at_rcpt):
        """True unless the message is still to follow."""
        outcome = self.outcomes[recipient]
        if reply.code == 250 and at_rcpt:
            return False
        if 400 <= reply.code < 500:
            outcome.later.append(reply)
        else:
            outcome.reply = reply
        return True

    def finish(self, rounds=20, pause=0.05):
        """As many transactions as it takes."""
        while self.left():
            check(self.rounds < rounds, f"after {rounds} rounds there are left {self.left()}: "
                  f"{self.outcomes[self.left()[0]].later[-1]}")
            self.round()
            time.sleep(pause)
        return self
