"""A clock that goes faster, the same for all processes that are given its environment (libfaketime): they
live through an hour in a minute, whatever they do by time, be it read, slept or waited for.

Nothing but their clock is another: a mail server keeps the retry times that it has by default.
"""

import os
import shutil

from .process import Process, children_of, name_of, wait_until
from .report import Skip

NAMES = ("LD_PRELOAD", "FAKETIME", "FAKETIME_SHARED")


class Clock:
    """`rate`: of its seconds in one of ours. It begins with our time."""

    def __init__(self, rate, log):
        if not shutil.which("faketime"):
            raise Skip("faketime is not installed")
        self.rate = rate
        # It shares the time that it began with those who have its environment, as long as it lives.
        self._keeper = Process("faketime", ["faketime", "-f", f"+0 x{rate}", "sleep", "infinity"], log)
        child = wait_until(self._sleeper, 10, "a clock that goes faster")
        with open(f"/proc/{child}/environ", "rb") as f:
            variables = dict(each.decode().split("=", 1) for each in f.read().split(b"\0") if b"=" in each)
        self.environment = {name: variables[name] for name in NAMES}
        # The times of files are as they were set: in this clock's time by whom it is given to.
        self.environment["NO_FAKE_STAT"] = "1"

    def _sleeper(self):
        found = children_of(self._keeper.pid)
        return found[0] if found and name_of(found[0]) == "sleep" else None

    def close(self):
        """Has it end as by itself, because it takes what it shared with it then."""
        for child in children_of(self._keeper.pid):
            os.kill(child, 15)
        self._keeper.wait(10)
        self._keeper.kill()
