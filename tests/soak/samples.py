"""What the processes take up, again and again, and whether that stays as it is."""

import os
import statistics
import time

from kit.process import children_of

KIB_SETTLING = 1536   # a process's memory may differ by so much between the two quarters in a short run,
KIB_SETTLED = 256     # by so much where what is measured lasts longer than
SETTLED = 600.0       # s,
SHARE_ALLOWED = 0.03  # or by so much of itself
DESCRIPTORS_ALLOWED = 12
HOUR = 3600.0


def memory(pid):
    """(private and shared memory of its own, pages of files) in KiB, each its proportional share."""
    own = files = 0
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
                own += int(line.split()[1])
            elif line.startswith("Pss_File:"):
                files += int(line.split()[1])
    return own, files


def threads(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Threads:"))


class Sample:
    """One look at one group of processes."""

    def __init__(self, at, pids):
        self.at = at
        looks = [memory(pid) for pid in pids]
        self.own = sum(own for own, _ in looks)
        self.files = sum(files for _, files in looks)
        self.descriptors = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)
        self.threads = sum(map(threads, pids))
        self.processes = len(pids)


def slope(samples, value):
    """Least squares, in units of the value an hour."""
    times = [s.at / HOUR for s in samples]
    values = [value(s) for s in samples]
    return statistics.linear_regression(times, values).slope if len(set(times)) > 1 else 0.0


class Series:
    """The samples of one group; `since`: those from then on are to be flat."""

    def __init__(self, name):
        self.name = name
        self.since = 0.0
        self._samples = []

    def add(self, sample):
        self._samples.append(sample)

    def lines(self):
        """One line for each figure: first and last quarter's median, slope; and the complaints."""
        samples = [s for s in self._samples if s.at >= self.since]
        if len(samples) < 4:
            return [], [f"{self.name}: only {len(samples)} samples"]
        quarter = max(1, len(samples) // 4)
        later = samples[len(samples) // 2:]  # what only settles rises less there
        lines, complaints = [], []
        for what, unit, value in (("memory", "KiB", lambda s: s.own),
                                  ("pages of files", "KiB", lambda s: s.files),
                                  ("descriptors", "", lambda s: s.descriptors),
                                  ("threads", "", lambda s: s.threads)):
            first = statistics.median(map(value, samples[:quarter]))
            last = statistics.median(map(value, samples[-quarter:]))
            text = (f"{self.name:<8} {what:<15} {first:>9.0f} {last:>9.0f} {unit:<3} "
                    f"{slope(samples, value):>+10.1f} {slope(later, value):>+10.1f} an hour")
            # What processes share is counted a part for each, and moves from one to the other.
            kib = KIB_SETTLED if samples[-1].at - samples[0].at > SETTLED else KIB_SETTLING
            allowed = {"memory": max(kib * samples[-1].processes, SHARE_ALLOWED * first)
                       if self.name == "all" else None,
                       "descriptors": max(DESCRIPTORS_ALLOWED, SHARE_ALLOWED * first),
                       "threads": DESCRIPTORS_ALLOWED}.get(what)
            if allowed is not None and last - first > allowed:
                complaints.append(f"{self.name}: {what} grew from {first:.0f} to {last:.0f} {unit}".strip())
            lines.append(text)
        return lines, complaints


class Watch:
    """The master and its children, looked at every few seconds."""

    def __init__(self, master):
        self._master = master
        self._began = time.monotonic()
        self.master = Series("master")
        self.children = Series("children")
        self.all = Series("all")

    def now(self):
        return time.monotonic() - self._began

    def look(self):
        at = self.now()
        children = children_of(self._master)
        for series, pids in ((self.master, [self._master]), (self.children, children),
                             (self.all, [self._master] + children)):
            try:
                series.add(Sample(at, pids))
            except (FileNotFoundError, ProcessLookupError):
                pass  # one of them has just ended, as after a reload
