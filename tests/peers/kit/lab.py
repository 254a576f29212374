"""The surroundings of a group of tests: a temporary folder, the servers in it, and their end."""

import os
import shutil
import tempfile

from .certificate import Authority
from .dovecot import Dovecot
from .exim import Exim
from .gatepost import Gatepost
from .hop import Hop
from .maildir import NOBODY
from .opensmtpd import OpenSMTPD
from .postfix import Postfix
from .report import Skip
from .sendmail import Sendmail

LOG_LINES = 12
LOG_COLUMNS = 600


class Lab:
    """One for each group of tests. Servers started by `gatepost` and `hop` end with their test,
    the others with the group."""

    def __init__(self, report, root, binary, everything):
        self.report = report
        self.root = root
        self.binary = binary
        self.everything = everything  # the long version was asked for
        self.folder = tempfile.mkdtemp(prefix="gatepost-peers-")
        os.chmod(self.folder, 0o755)
        self._gateposts = []
        self._hops = []
        self._kept = {}
        self._count = 0

    def new_folder(self, name, uid=None):
        """A fresh folder, given to `uid` when named (and when that is possible)."""
        self._count += 1
        path = os.path.join(self.folder, f"{self._count}-{name}")
        os.makedirs(path)
        if uid is not None and os.geteuid() == 0:
            os.chown(path, uid, uid)
        return path

    def sanitized(self):
        """Was the program built with AddressSanitizer?"""
        with open(self.binary, "rb") as f:
            return b"__asan_init" in f.read()

    def gatepost(self, routes, before=None, **settings):
        """A started Gatepost; see kit/gatepost.py for the arguments. before(it): called first."""
        g = Gatepost(self.binary, self.new_folder("gatepost", NOBODY), routes, **settings)
        if before:
            before(g)
        self._gateposts.append(g)
        g.start()
        return g

    def hop(self, **behaviour):
        """A started scripted next hop; see kit/hop.py."""
        h = Hop(**behaviour)
        self._hops.append(h)
        return h

    def postfix(self, name, **settings):
        """The Postfix of that name, started at the first call in this group."""
        return self._server(name, "postfix", lambda folder: Postfix(name, folder, **settings))

    def dovecot(self, name, **settings):
        return self._server(name, "dovecot", lambda folder: Dovecot(name, folder, **settings))

    def exim(self, name, **settings):
        cache = self.root / "build" / "peers-cache"
        return self._server(name, "unshare", lambda folder: Exim(name, folder, cache, **settings))

    def opensmtpd(self, name, **settings):
        cache = self.root / "build" / "peers-cache"
        return self._server(name, "unshare",
                            lambda folder: OpenSMTPD(name, folder, cache, **settings))

    def sendmail(self, name, **settings):
        cache = self.root / "build" / "peers-cache"
        return self._server(name, "unshare",
                            lambda folder: Sendmail(name, folder, cache, **settings))

    def _server(self, name, program, make):
        """A mail server, started at the first call in this group."""
        if os.geteuid() != 0:
            raise Skip(f"{name} can only be started by root")
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
        if name not in self._kept:
            server = make(self.new_folder(name))
            self._kept[name] = server
            server.start()
        return self._kept[name]

    def authority(self):
        """The certificate authority of this group."""
        return self.keep("authority", self.new_authority)

    def new_authority(self):
        return Authority(self.new_folder("authority"))

    def keep(self, name, make):
        """Whatever make() returns, made once a group; its close() is called at the end."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def end_test(self):
        """Stops what belongs to one test. Returns complaints about how Gatepost ended."""
        complaints = []
        for g in self._gateposts:
            complaints += g.stop()
        for h in self._hops:
            h.close()
        self._gateposts, self._hops = [], []
        return complaints

    def excerpts(self, since):
        """The last lines of every log that has grown since then."""
        texts = []
        for base, _, names in os.walk(self.folder):
            for name in sorted(names):
                path = os.path.join(base, name)
                if name.endswith(".log") and os.stat(path).st_mtime >= since:
                    with open(path, "rb") as f:
                        lines = f.read().decode("utf-8", "replace").splitlines()
                    if lines:
                        head = f"{os.path.relpath(path, self.folder)} (last lines)"
                        texts.append("\n".join([head] + [line[:LOG_COLUMNS] for line in lines[-LOG_LINES:]]))
        return texts

    def close(self):
        self.end_test()
        for kept in self._kept.values():
            kept.close()
        shutil.rmtree(self.folder, ignore_errors=True)
