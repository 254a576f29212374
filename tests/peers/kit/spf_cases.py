"""Random SPF cases: a client, a HELO name and a sender, and a small DNS in which the sender's domain,
what it includes and all hosts are. The same seed and number give the same case.

The names that macros lead to are worked out here, so that many of them exist: whoever expands a macro
otherwise does not find what is there.
"""

import ipaddress
import random

HOSTS = [f"h{n}.example" for n in range(1, 7)] + ["m1.d.example", "m2.d.example", "m.e1.example"]
DOMAINS = ["d.example"] + [f"e{n}.example" for n in range(1, 6)]
LOCAL_PARTS = ["a", "strong-bad", "a.b-c+d", "x_y=z", "o'neil~1", "Postmaster", "", "a,b/c"]
HELOS = ["mail.d.example", "h1.example", "OEMCOMPUTER", "[192.0.2.1]", "H2.Example", "e1.example"]
SPECS = ["%{ir}.%{v}._spf.%{d2}", "%{l}.%{d}", "%{d}", "%{o}", "%{h}", "%{p}.p.example", "%{p}",
         "%{lr-}.l.example", "%{i}.w.example", "%{s}.s.example", "%{L}.u.example", "%{d1r}.example",
         "%{l1r-}.%{o2}", "%{S}._s.%{d}", ".".join(["%{s}"] * 16) + ".long.example", "x%%y%_z%-.m.example", "%{o}.%{ir}.%{l1}.e.example."]
FAULTS = ["moo", "a:", "a:foo", "a:x.123", "a:x.-e", "a:x.e-", "ip4:1.2.3", "ip4:1.2.3.4/33", "ip4",
          "ip4:01.2.3.4", "ip6:1.2.3.4", "ip6:::1/129", "ip6:::1//32", "a/33", "a/024", "mx//129",
          "ptr/24", "include", "include:", "include:x.example/24", "exists", "exists:", "all:x", "all/8",
          "redirect:d.example", "redirect=", "exp=", "-exp=h1.example", "=x", "1=x", "-", "a,", "mx,mx",
          "exists:%{x}.m.example", "exists:%(i).m.example", "exists:m.example%", "exists:%{d0}.m.example",
          "exists:%{d.m.example", "exists:%{d!}.m.example", "a:%{c}.m.example", "x=%{", "x=%a",
          "a:%{d}com", "a:h1.example:25", "-+all", "a:h1.example\\009", "a:h\u00fc.example", "exp.=%{d",
          "all.", "-all=x", "a=", "a:h1.example//", "a:h1.example/"]
EXPLANATIONS = ["%{c} may not send as %{o}", "See http://x.example/?s=%{S}&i=%{I}", "%{d}:%_%%%-%{h} %{t} %{r}",
                "%{l}|%{lr}|%{l1}|%{l-+}|%{lr-+_=}|%{l2r.-}", "%{ir}.%{v}.arpa %{p}", "100%", "plain",
                "%{o1} %{or} %{d2r} %{i2}", " ".join(["%{s} %{ir} is long"] * 9), "%{H} %{L} %{O}", "%{", "%{z}", "%{p1} %{pr}"]


def expand(text, values):
    """Macros in a text that the grammar allows (RFC 7208 7)."""
    out, at = "", 0
    while at < len(text):
        if text[at] != "%":
            out, at = out + text[at], at + 1
            continue
        if text[at + 1] != "{":
            out, at = out + {"%": "%", "_": " ", "-": "%20"}[text[at + 1]], at + 2
            continue
        end = text.index("}", at)
        out += expand_one(text[at + 2], text[at + 3:end], values)
        at = end + 1
    return out


def expand_one(letter, rest, values):
    digits = rest[:len(rest) - len(rest.lstrip("0123456789"))]
    rest = rest[len(digits):]
    reverse = rest[:1] in ("r", "R")
    delimiters = rest[reverse:] or "."
    parts, part = [], ""
    for c in values[letter.lower()]:
        if c in delimiters:
            parts.append(part)
            part = ""
        else:
            part += c
    parts.append(part)
    parts = parts[::-1] if reverse else parts
    text = ".".join(parts[-int(digits):] if digits else parts)
    if letter.islower():
        return text
    plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
    return "".join(c if c in plain else f"%{ord(c):02X}" for c in text)


class Zone:
    """Records by name and type; names that fail."""

    def __init__(self):
        self.records = {}  # lower-case name: {type: [data]}
        self.failing = {}  # lower-case name: "TIMEOUT" or "SERVFAIL"

    def add(self, name, kind, data):
        """Adds a record, unless the name cannot be one of the DNS."""
        name = name.lower().rstrip(".")
        if not name or len(name) > 253 or any(not 0 < len(x) < 64 for x in name.split(".")):
            return
        self.records.setdefault(name, {}).setdefault(kind, []).append(data)

    def exists(self, name):
        """Is there such a name, or one below it?"""
        names = list(self.records) + list(self.failing)
        return any(n == name or n.endswith("." + name) for n in names)

    def text(self):
        """In the master format."""
        lines = ["$TTL 60"]
        for name, kinds in self.records.items():
            lines += [f"{owner(name)} {kind} {master(kind, data)}" for kind, all_data in kinds.items()
                      for data in all_data]
        lines += [f"{owner(name)} {how}" for name, how in self.failing.items()]
        return "\n".join(lines) + "\n"


def escaped(text, plain):
    return "".join(chr(c) if chr(c).isalnum() or chr(c) in plain else f"\\{c:03d}"
                   for c in text.encode("latin-1"))


def owner(name):
    return escaped(name, "-_.*") + "."


def master(kind, data):
    if kind == "TXT":
        return " ".join(f'"{escaped(data[i:i + 250], " -_.:/=%{}+~?")}"' for i in range(0, len(data), 250)) or '""'
    if kind == "MX":
        return f"{data[0]} {owner(data[1])}" if data[1] else f"{data[0]} ."
    return owner(data) if kind in ("PTR", "CNAME") else str(data)


class Case:
    """One case; `zone`, `client`, `helo`, `sender`."""

    def __init__(self, seed, number):
        self.random = random.Random(f"{seed}.{number}")
        self.zone = Zone()
        self.fault_rate = self.random.choice([0, 0, 0.1])
        self.make_envelope()
        self.make_hosts()
        self.make_names()
        for domain in DOMAINS:
            self.make_domain(domain)
        self.break_some()

    def chance(self, of_one):
        return self.random.random() < of_one

    def pick(self, choices):
        return self.random.choice(choices)

    # ---- who sends ----

    def make_envelope(self):
        number = self.random.randrange(1, 9)
        self.v6 = self.chance(0.3)
        self.client = f"2001:db8::{number}" if self.v6 else f"192.0.2.{number}"
        self.address = ipaddress.ip_address(self.client)
        if not self.v6 and self.chance(0.05):
            self.client = "::ffff:" + self.client
        self.helo = self.pick(HELOS)
        domain = "d.example" if self.chance(0.95) else self.pick(["D.Example", "x..example", "none.example",
                                                                  "single", "[192.0.2.1]"])
        local_part = self.pick(LOCAL_PARTS)
        self.sender = "" if self.chance(0.03) else f"{local_part}@{domain}"
        who = self.sender or f"postmaster@{self.helo}"
        local_part, _, domain = who.partition("@")
        local_part = local_part or "postmaster"
        dotted = ".".join(self.address.exploded.replace(":", "").upper()) if self.v6 else self.client.split(":")[-1]
        self.values = {"s": f"{local_part}@{domain}", "l": local_part, "o": domain, "d": domain, "i": dotted,
                       "p": "unknown", "v": "ip6" if self.v6 else "in-addr", "h": self.helo,
                       "c": str(self.address), "r": "mx.receiver.example", "t": "1795729000"}

    # ---- hosts and their names ----

    def add_address(self, name):
        """An address of that name, often the client's or one near it."""
        near = self.random.randrange(1, 9)
        v6 = self.v6 if self.chance(0.85) else not self.v6
        if v6:
            self.zone.add(name, "AAAA", f"2001:db8::{near}" if self.chance(0.8) else f"2001:db8:{near}::1")
        else:
            self.zone.add(name, "A", f"192.0.2.{near}" if self.chance(0.8) else f"198.51.100.{near}")

    def make_hosts(self):
        for host in HOSTS:
            if self.chance(0.1):
                continue
            for _ in range(self.pick([0, 1, 1, 1, 2, 3])):
                self.add_address(host)
            if self.chance(0.1):
                self.zone.add(host, "TXT", "nothing")
        if self.chance(0.5):
            self.zone.add("*.w.example", "A", "127.0.0.2")
        if self.chance(0.2):
            self.zone.add("alias.example", "CNAME", self.pick(HOSTS + ["alias.example"]))

    def make_names(self):
        pointer = self.address.reverse_pointer
        for _ in range(self.pick([0, 0, 1, 1, 2, 3, 12])):
            self.zone.add(pointer, "PTR", self.pick(HOSTS + ["D.example", "x.d.example"]))

    # ---- records ----

    def spec(self, domain):
        """A domain-spec in a record of that domain, whose name often exists."""
        if self.chance(0.55):
            return self.pick(HOSTS + ["alias.example", "n1.example", "n2.example", domain])
        spec = self.pick(SPECS) if self.chance(0.7) else self.random_spec()
        if self.chance(0.7):
            name = expand(spec, dict(self.values, d=domain))
            self.add_address(name)
            if self.chance(0.5):
                self.zone.add(name, "A", "127.0.0.2")
        return spec

    def random_spec(self):
        macros = "".join(self.random_macro("sldoivhpSLDOIVHP") + self.pick([".", "", "-"])
                         for _ in range(self.random.randrange(1, 4)))
        return macros + self.pick([".m.example", ".example.", ".x.y.m-1.example", ".%{d2}"])

    def random_macro(self, letters):
        digits = self.pick(["", "", "", "1", "2", "3", "128"])
        delimiters = "".join(self.pick(".-+,/_=") for _ in range(self.pick([0, 0, 1, 2])))
        return "%{" + self.pick(letters) + digits + self.pick(["", "", "r", "R"]) + delimiters + "}"

    def cidr(self):
        four = f"/{self.pick([0, 8, 24, 28, 29, 30, 31, 32])}" if self.chance(0.4) else ""
        six = f"//{self.pick([0, 32, 64, 124, 125, 126, 127, 128])}" if self.chance(0.3) else ""
        return four + six

    def term(self, domain):
        kind = self.pick(["a"] * 4 + ["mx"] * 3 + ["ptr"] + ["ip4"] * 4 + ["ip6"] * 2 + ["exists"] * 3 +
                         ["include"] * 3 + ["other"])
        near = self.random.randrange(0, 10)
        if kind in ("a", "mx"):
            return kind + (":" + self.spec(domain) if self.chance(0.7) else "") + self.cidr()
        if kind == "ptr":
            return "ptr" + (":" + self.spec(domain) if self.chance(0.5) else "")
        if kind == "ip4":
            return f"ip4:{self.pick(['192.0.2', '192.0.3', '10.0.0'])}.{near}" + self.pick(["", "", "/24", "/29", "/31", "/0", "/6"])
        if kind == "ip6":
            return self.pick([f"ip6:2001:db8::{near}", "ip6:2001:DB8:0:0::192.0.2.1", "ip6:::"]) + self.pick(["", "/125", "/64", "/0"])
        if kind == "exists":
            return "exists:" + self.spec(domain)
        if kind == "include":
            return "include:" + (self.pick(DOMAINS[1:]) if self.chance(0.9) else self.spec(domain))
        return self.pick(["x", "y.z-1", "Foo"]) + "=" + self.pick(["", "bar", "%{d}", "a:b/c"])

    def record(self, domain):
        terms = []
        for _ in range(self.pick([0, 1, 2, 2, 3, 3, 4, 5, 6, 8])):
            qualifier = self.pick(["", "", "", "+", "-", "~", "?"])
            term = self.term(domain)
            terms.append(term if "=" in term.split(":")[0] else qualifier + term)
        if self.chance(0.6):
            terms.append(self.pick(["-all", "-all", "~all", "?all", "all", "-ALL"]))
        if self.chance(0.15):
            terms.insert(self.random.randrange(len(terms) + 1), "redirect=" + self.pick(DOMAINS + ["none.example"]))
        if self.chance(0.3):
            terms.insert(self.random.randrange(len(terms) + 1), "exp=" + self.explanation(domain))
        if self.chance(self.fault_rate):
            terms.insert(self.random.randrange(len(terms) + 1), self.pick(FAULTS))
        return self.pick(["v=spf1 ", "v=spf1 ", "v=spf1  ", "V=SPF1 "]) + self.pick([" ", " ", "  "]).join(terms)

    def explanation(self, domain):
        name = self.pick(["why.example", "%{d}.why.example", "%{l1r-}.why.example", "%{ir}.%{v}.why.example"])
        text = self.pick(EXPLANATIONS)
        if self.chance(0.4):
            text = " ".join(self.random_macro("slodivhcrtpSLODIVHCRTP") for _ in range(4))
        if self.chance(0.8):
            self.zone.add(expand(name, dict(self.values, d=domain)), "TXT", text)
        return name

    def make_domain(self, domain):
        for _ in range(self.pick([1] * 20 + [0, 2])):
            self.zone.add(domain, "TXT", self.record(domain))
        if self.chance(0.1):
            self.zone.add(domain, "TXT", self.pick(["v=spf10 -all", "v=spf2.0/pra -all", "hello \u00e4"]))
        if self.chance(0.6):
            self.add_address(domain)
        for n in range(self.pick([0, 1, 1, 2, 3, 3, 11]) if self.chance(0.7) else 0):
            self.zone.add(domain, "MX", (10 * self.random.randrange(3), self.pick(HOSTS + [f"n{n}.example"])))
        if self.chance(0.02):
            self.zone.add(domain, "MX", (0, ""))

    def break_some(self):
        for name in HOSTS + DOMAINS[1:] + [self.address.reverse_pointer]:
            if self.chance(0.01):
                self.zone.records.pop(name, None)
                self.zone.failing[name] = self.pick(["TIMEOUT", "SERVFAIL"])
