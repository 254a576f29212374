"""Gatepost under test: its configuration, start, decision lines and orderly end."""

import json
import os
import re

from .process import Process, alive, children_of, free_port, name_of, run_tool, wait_until
from .report import Failed

CLERK = "gatepost-clerk"
INSPECTOR = "gatepost-insp"

COMPLAINT = re.compile(r"Sanitizer|runtime error:|panic|assertion|Assertion")


def journal_of(folder):
    """Where a Gatepost of this folder keeps its journal."""
    return os.path.join(folder, "journal", "journal.db")


def config_text(port, folder, routes, limits=None, workers=2, tls=None, hostname="gatepost.test",
                user="nobody", decisions="stdout", policy=""):
    """A configuration as DESIGN section 7 describes it. routes: {"domain, …": "smtp://…"}; policy:
    statements of the policy language, without which the standard policy trusts this host."""
    lines = [f"hostname {hostname}", f"listen 127.0.0.1:{port}"]
    lines += [f"route {domains} to {target}" for domains, target in routes.items()]
    lines += [f"state lmdb:{folder}/state", f"spool {folder}/spool", f"workers {workers}",
              f"control {folder}/control", f"journal {journal_of(folder)}", f"decisions {decisions}"]
    if not any(line.startswith("resolver ") for line in policy.splitlines()):
        lines.append("resolver none")  # which machines for tests have
    if user and os.geteuid() == 0:
        lines.append(f"user {user}")
    if tls:
        lines.append(f"tls cert {tls.certificate} key {tls.key}")
    lines += [f"limit {name} {value}" for name, value in (limits or {}).items()]
    return "\n".join(lines) + "\n" + policy


class Gatepost:
    def __init__(self, binary, folder, routes, port=None, descriptors=None, **settings):
        """`descriptors`: that each of its processes may have."""
        self.binary = binary
        self.folder = folder
        self.port = port or free_port()
        self.file = os.path.join(folder, "gatepost.conf")
        self.journal = journal_of(folder)
        owner = os.stat(folder)
        for name in ("state", "spool"):
            path = os.path.join(folder, name)
            os.mkdir(path, 0o750)
            os.chown(path, owner.st_uid, owner.st_gid)
        with open(self.file, "w", encoding="utf-8") as f:
            f.write(config_text(self.port, folder, routes, **settings))
        self._workers = settings.get("workers", 2)
        self._descriptors = descriptors
        self.process = None

    def start(self):
        limit = ["prlimit", f"--nofile={self._descriptors}"] if self._descriptors else []
        self.process = Process("gatepost", limit + [self.binary, "run", "-c", self.file],
                               os.path.join(self.folder, "decisions.log"),
                               os.path.join(self.folder, "stderr.log"))
        self.process.wait_port(self.port)

    def workers(self):
        """Process ids of the workers living now."""
        return [pid for pid in children_of(self.process.pid) if name_of(pid) not in (CLERK, INSPECTOR)]

    def clerk(self):
        """The clerk's process id, or None."""
        return next((pid for pid in children_of(self.process.pid) if name_of(pid) == CLERK), None)

    def all_workers(self):
        """The same, once there are as many as configured."""
        return wait_until(lambda: (len(self.workers()) >= self._workers and self.workers()), 10,
                          f"{self._workers} workers")

    def decisions(self):
        """The decision lines printed until now, as objects."""
        with open(self.process.stdout, encoding="utf-8", errors="replace") as f:
            return [json.loads(line) for line in f if line.startswith("{") and line.endswith("}\n")]

    def status(self):
        """What `gatepost status --json` tells."""
        code, output = run_tool([self.binary, "status", "-c", self.file, "--json"])
        if code != 0:
            raise Failed(f"gatepost status ended with {code}: {output}")
        return json.loads(output)

    def log(self):
        """The operator's log until now."""
        with open(self.process.stderr, encoding="utf-8", errors="replace") as f:
            return f.read()

    def complaints(self):
        """What the standard error output says that it never should."""
        with open(self.process.stderr, encoding="utf-8", errors="replace") as f:
            return [f"on stderr: {line.strip()}" for line in f if COMPLAINT.search(line)][:10]

    def stop(self, seconds=30):
        """SIGTERM. Returns a list of complaints: status, sanitizers, what it left running."""
        if not self.process:
            return []
        below = self.workers()
        status = self.process.stop(seconds)
        found = self.complaints()
        if status is None:
            found.append(f"gatepost did not end within {seconds} s of SIGTERM")
        elif status != 0:
            found.append(f"gatepost ended with status {status}")
        found += [f"worker {pid} outlived the master" for pid in below
                  if status is not None and alive(pid)]
        self.process = None
        return found
