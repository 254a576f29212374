"""A DNS of our own on loopback addresses: a root, a domain below it and zones below that, on real NSDs
at port 53, signed by ldns-signzone rightly and wrongly; and a server that lies (dns_liar.py).

    .                    127.a.b.1  signed; its key is the trust anchor
    example              127.a.b.2  signed
    *.example            127.a.b.3  signed, unsigned, bogus, expired, stripped: see LEAVES
    six.example          ::1        unsigned, to be reached by IPv6 alone
    servfail, silent, hostile.example; 77.127.in-addr.arpa
                         127.a.b.4  the liar
    127.in-addr.arpa     127.a.b.3  unsigned: the clients' names
"""

import os
import random
import re
import shutil
import socket
import subprocess

from .dns_liar import Liar
from .nsd import NsdServer
from .report import Skip

HEAD = """\
$ORIGIN {zone}
@ 60 IN SOA {server} hostmaster.example. 1 3600 600 86400 5
@ 60 IN NS {server}
"""

# What each of them has, `mail` being where the next hop is.
RECORDS = """\
@ 60 IN MX 10 mail
@ 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"
mail 60 IN A 127.0.0.1
www 60 IN CNAME mail
text 60 IN TXT "nothing else"
"""

MORE = {
    "signed": "far 60 IN CNAME mail.unsigned.example.\nlost 60 IN CNAME mail.bogus.example.\n"
              "null 60 IN MX 0 .\nclient 60 IN A 127.0.0.1\n"
              + "".join(f"wide 60 IN A 127.0.{i}.2\n" for i in range(1, 120)) + "wide 60 IN A 127.0.0.1\n",
    "unsigned": "alias 60 IN CNAME mail.signed.example.\n",
}
SIGNED = ["signed", "bogus", "expired"]     # with keys of their own, which `example` knows
DELEGATED = ["unsigned", "servfail", "silent", "hostile"]  # which have none
STRIPPED = "stripped"                        # of which `example` says that it is signed

CLIENTS = "1.0.0 60 IN PTR client.signed.example.\n2.0.0 60 IN PTR mail.bogus.example.\n"


class Tree:
    """close() ends all of it; `liar` and the NSDs by name in `servers` may be ended before."""

    def __init__(self, lab):
        if os.geteuid() != 0:
            raise Skip("only root may have port 53")
        for program in ("nsd", "ldns-signzone"):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed")
        self._lab = lab
        self.keys = lab.new_folder("keys")
        self.net = self._free_net()
        self.servers = {}
        self.liar = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _free_net():
        """127.a.b, whose port 53 nobody has."""
        for _ in range(50):
            net = f"127.{random.SystemRandom().randint(64, 190)}.{random.SystemRandom().randint(1, 254)}"
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.bind((f"{net}.1", 53))
                return net
            except OSError:
                continue
        raise Skip("somebody has port 53 of all addresses")

    # ---- keys and signatures ----

    def _key(self, zone):
        """(name of the key's files, its DS record)"""
        done = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone], cwd=self.keys,
                              stdout=subprocess.PIPE, check=True, text=True)
        key = done.stdout.strip()
        with open(f"{self.keys}/{key}.ds", encoding="ascii") as f:
            return key, f.read()

    def _sign(self, zone, text, key, *options):
        path = f"{self.keys}/{zone}zone"
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        subprocess.run(["ldns-signzone", "-o", zone, "-f", path + ".signed", *options, path, key],
                       cwd=self.keys, check=True)
        with open(path + ".signed", encoding="ascii") as f:
            return f.read()

    # ---- zones ----

    def _leaf(self, name):
        zone = f"{name}.example."
        return HEAD.format(zone=zone, server="ns.example.") + RECORDS + MORE.get(name, "")

    def _leaves(self):
        """({zone: text}, DS records)"""
        zones, ds = {}, ""
        for name in SIGNED:
            zone = f"{name}.example."
            key, record = self._key(zone)
            expired = ["-i", "20200101000000", "-e", "20200201000000"] if name == "expired" else []
            zones[zone] = self._sign(zone, self._leaf(name), key, *expired)
            ds += record
        zones["bogus.example."] = re.sub(r"(MX\t)10|(v=spf1 ip4:127.0.0.)1|(A\t127.0.0.)1",
                                         lambda m: (m[1] or m[2] or m[3]) + "9", zones["bogus.example."])
        zones["stripped.example."] = self._leaf(STRIPPED)
        ds += self._key("stripped.example.")[1]
        zones["unsigned.example."] = self._leaf("unsigned")
        zones["127.in-addr.arpa."] = (HEAD.format(zone="127.in-addr.arpa.", server="ns.example.") + CLIENTS
                                      + f"77 60 IN NS liar.example.\n")
        return zones, ds

    def _domain(self, ds):
        text = HEAD.format(zone="example.", server="ns0.example.")
        text += f"ns0 60 IN A {self.net}.2\nns 60 IN A {self.net}.3\nliar 60 IN A {self.net}.4\n"
        text += "six 60 IN NS ns.six\nns.six 60 IN AAAA ::1\n"
        for name in SIGNED + [STRIPPED, "unsigned"]:
            text += f"{name} 60 IN NS ns\n"
        for name in ("servfail", "silent", "hostile"):
            text += f"{name} 60 IN NS liar\n"
        return text + ds

    def _root(self, ds):
        return (HEAD.format(zone=".", server="a.root-servers.test.")
                + f"a.root-servers.test. 60 IN A {self.net}.1\n"
                + f"example. 60 IN NS ns0.example.\nns0.example. 60 IN A {self.net}.2\n"
                + "127.in-addr.arpa. 60 IN NS ns.example.\n" + ds)

    def _start(self):
        leaves, ds = self._leaves()
        domain_key, domain_ds = self._key("example.")
        domain = self._sign("example.", self._domain(ds), domain_key)
        root_key, root_ds = self._key(".")
        root = self._sign(".", self._root(domain_ds), root_key)
        self.anchor, self.hints = f"{self.keys}/anchor", f"{self.keys}/hints"
        self.other_anchor = f"{self.keys}/other"
        for path, text in ((self.anchor, root_ds), (self.other_anchor, self._key(".")[1]),
                           (self.hints, f". 60 NS a.root-servers.test.\na.root-servers.test. 60 A {self.net}.1\n")):
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
        self._all = {".": root, "example.": domain, **leaves}
        self._serve("root", f"{self.net}.1", {".": root})
        self._serve("example", f"{self.net}.2", {"example.": domain})
        self._serve("leaves", f"{self.net}.3", leaves)
        self.liar = Liar(f"{self.net}.4")

    def _serve(self, name, address, zones):
        server = NsdServer(self._lab.new_folder("nsd-" + name), address, 53, zones)
        self.servers[name] = server
        server.start()

    def serve_six(self):
        """six.example, which is behind IPv6; another program may have that one address."""
        if "six" not in self.servers:
            try:
                with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
                    s.bind(("::1", 53))
            except OSError as e:
                raise Skip(f"[::1]:53: {e.strerror}") from e
            text = HEAD.format(zone="six.example.", server="ns.six.example.") + RECORDS
            self._serve("six", "::1", {"six.example.": text})

    def all_knowing(self):
        """The address of a server that has all zones, and so can stand for one that finds out."""
        if "all" not in self.servers:
            self._serve("all", f"{self.net}.9", self._all)
        return f"{self.net}.9"

    # ---- for Gatepost ----

    def statements(self, more=""):
        """To recurse from this root."""
        return self.plain_statements(f"trust_anchor {self.anchor}\n{more}")

    def plain_statements(self, more=""):
        """The same without the root's key."""
        return f"resolver recursive\nroot_hints {self.hints}\n{more}"

    def close(self):
        for server in self.servers.values():
            server.close()
        if self.liar:
            self.liar.close()
