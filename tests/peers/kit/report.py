"""How a test ends, and the lines that say so: `ok`, `not ok`, `skip`, and the closing count."""

import sys
import time


class Failed(Exception):
    """The program under test is wrong; the text says how."""


class Skip(Exception):
    """The test cannot run here; the text says why."""


def check(condition, reason):
    """Fails the running test with `reason` unless `condition` holds."""
    if not condition:
        raise Failed(reason)


class Report:
    """Prints one line a test and counts."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self._started = time.monotonic()

    def note(self, text):
        """A remark that belongs to the test whose line follows."""
        for line in str(text).splitlines():
            print(f"    # {line}", flush=True)

    def ok(self, name, figures):
        self.passed += 1
        print(f"ok {name}" + (f" ({figures})" if figures else ""), flush=True)

    def not_ok(self, name, reason, excerpts=()):
        self.failed += 1
        print(f"not ok {name}: {reason}", flush=True)
        for excerpt in excerpts:
            self.note(excerpt)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip {name}: {why}", flush=True)

    def close(self):
        """The last lines; returns the exit status."""
        print(f"{self.skipped} skipped, {time.monotonic() - self._started:.0f} s")
        print(f"{self.passed} passed, {self.failed} failed")
        sys.stdout.flush()
        return 1 if self.failed else 0
