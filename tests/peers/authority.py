"""What the sender's domain authorises, from end to end: a real name server, messages signed by dkimpy,
the standard policy, and what the next hop gets to see.
"""

import re
import shutil

from kit import signer
from kit.nsd import Nsd
from kit.process import free_port
from kit.report import Skip, check
from kit.smtp_client import Session

RECIPIENT = b"one@via.test"
ZONE = "sender.test"

POLICY = """\
resolver 127.0.0.1:{port}
table trusted {{ 192.0.2.1 }}
table forwarders {{ {forwarders} }}
table sealers {{ {sealers} }}
set greeting_wait = 1ms
set defer_strangers = false
policy standard
"""


def message(author, subject="a question", extra=b""):
    return (extra + b"From: Somebody <" + author.encode() + b">\r\nTo: one@via.test\r\nDate: Thu, 26 Nov 2026 "
            b"12:00:00 +0000\r\nSubject: " + subject.encode() + b"\r\nMessage-ID: <1@sender.test>\r\n\r\n"
            b"Hello,\r\n\r\nis this genuine?\r\n")


class World:
    """A name server with the domains of the tests, a hop, and keys."""

    def __init__(self, lab):
        if not shutil.which("nsd") or not signer.available():
            raise Skip("nsd or python3-dkim is not installed")
        self.lab = lab
        self.hop = lab.hop()
        self.key, record = signer.new_key()
        host = "127.0.0.1"
        self.server = Nsd(lab.new_folder("nsd"), ZONE, [
            f"client A {host}",
            f"good MX 10 client\ngood TXT \"v=spf1 ip4:{host} -all\"",
            "_dmarc.good TXT \"v=DMARC1; p=reject\"", f"k._domainkey.good TXT {signer.txt(record)}",
            "strict MX 10 client\nstrict TXT \"v=spf1 ip4:192.0.2.9 -all exp=why.strict." + ZONE + "\"",
            "why.strict TXT \"%{i} is no host of %{d}\"",
            "_dmarc.strict TXT \"v=DMARC1; p=reject\"", f"k._domainkey.strict TXT {signer.txt(record)}",
            "plain MX 10 client\nplain TXT \"v=spf1 -all exp=why.strict." + ZONE + "\"",
            "none MX 0 .", "list MX 10 client", f"k._domainkey.list TXT {signer.txt(record)}",
        ])
        lab.keep(("nsd", self.server.port), lambda: self.server)
        self.server.start()

    def gatepost(self, forwarders="", sealers="", port=None):
        return self.lab.gatepost({"via.test": f"smtp://127.0.0.1:{self.hop.port}"}, workers=1,
                                 policy=POLICY.format(port=port or self.server.port, forwarders=forwarders,
                                                      sealers=sealers))

    def sign(self, octets, domain):
        return signer.sign(octets, self.key, f"{domain}.{ZONE}", "k")

    def send(self, g, domain, octets):
        """(the reply that decided, what the hop got or None)"""
        before = len(self.hop.delivered())
        sender = f"somebody@{domain}.{ZONE}" if "." not in domain else f"somebody@{domain}"
        with Session(g.port, helo=b"client." + ZONE.encode()) as session:
            reply = session.deliver(sender.encode(), [RECIPIENT], octets)
            session.quit()
        got = self.hop.delivered()[before:]
        return reply, got[0].octets if got else None


def results(octets):
    """Our own Authentication-Results in one line."""
    header = octets.partition(b"\r\n\r\n")[0].decode()
    fields = re.sub(r"\r\n(?=[ \t])", "", header).split("\r\n")
    found = [f for f in fields if f.startswith("Authentication-Results: gatepost.test;")]
    check(len(found) == 1, f"{len(found)} fields of ours: {fields}")
    return re.sub(r"\s+", " ", found[0])


def accepted(world, g, domain, octets, *wanted):
    reply, got = world.send(g, domain, octets)
    check(reply.code == 250 and got is not None, f"{domain}: {reply}")
    line = results(got)
    for what in wanted:
        check(what in line, f"{domain}: no {what} in {line}")
    return line, got


def refused(world, g, domain, octets, code, text=""):
    reply, got = world.send(g, domain, octets)
    check(str(reply).startswith(code) and text in str(reply), f"{domain}: {reply}, not {code} {text}")
    check(got is None, f"{domain}: refused and delivered")
    return str(reply)


def address(domain):
    return f"somebody@{domain}.{ZONE}"


def genuine(lab):
    """SPF, DKIM and DMARC pass; and the field that says so replaces a forged one."""
    world = World(lab)
    g = world.gatepost()
    forged = b"Authentication-Results: gatepost.test; dkim=pass header.d=evil.test\r\n"
    kept = b"Authentication-Results: other.test; dkim=pass header.d=other.test\r\n"
    octets = world.sign(message(address("good"), extra=forged + kept), "good")
    line, got = accepted(world, g, "good", octets, "spf=pass", f"smtp.mailfrom={address('good')}",
                         "dkim=pass", f"header.d=good.{ZONE}", "dmarc=pass", f"header.from=good.{ZONE}")
    check(b"evil.test" not in got and kept in got, "the forged field, or another's")
    return line


def forged(lab):
    """Another host sends for a domain that has p=reject, or only SPF -all."""
    world = World(lab)
    g = world.gatepost()
    octets = message(address("strict"))
    one = refused(world, g, "strict", octets, "550 5.7.26", f"strict.{ZONE}")
    changed = world.sign(octets, "strict").replace(b"genuine", b"Genuine")
    refused(world, g, "strict", changed, "550 5.7.26")
    two = refused(world, g, "plain", message(address("plain")), "550 5.7.23", "127.0.0.1 is no host of plain.")
    accepted(world, g, "strict", world.sign(octets, "strict"), "spf=fail", "dkim=pass", "dmarc=pass")
    return f"{one} | {two}"


def nobodies(lab):
    """Sender domains that take no mail, or do not exist."""
    world = World(lab)
    g = world.gatepost()
    refused(world, g, "none", message(address("none")), "550 5.7.27")
    return refused(world, g, "nobody", message(address("nobody")), "550 5.1.8", f"nobody.{ZONE}")


def dead_dns(lab):
    """What the DNS cannot say refuses nobody: a zone that cannot be served, and a server that is gone."""
    world = World(lab)
    line, _ = accepted(world, world.gatepost(), "mail.broken.test", message("somebody@mail.broken.test"),
                       "spf=temperror")
    g = world.gatepost(port=free_port())
    accepted(world, g, "strict", message(address("strict")), "spf=temperror", "dmarc=temperror")
    return line


def forwarder(lab):
    """A forwarder's mail is judged by the host before it."""
    world = World(lab)
    g = world.gatepost(forwarders="127.0.0.1")
    genuine_one = message(address("strict"), extra=b"Received: from mail.strict.sender.test (x [192.0.2.9])\r\n"
                          b"\tby client.sender.test with ESMTP id 1; Thu, 26 Nov 2026 12:00:00 +0000\r\n")
    line, _ = accepted(world, g, "strict", genuine_one, "spf=pass", "dmarc=pass")
    accepted(world, g, "strict", genuine_one.replace(b"192.0.2.9", b"192.0.2.10"), "spf=fail", "dmarc=fail")
    decision = g.decisions()[-1]
    check(decision["verdict"] == "accepted", f"{decision}")
    return line


def sealed(lab):
    """A mailing list changes a message and says by ARC that it was genuine."""
    world = World(lab)
    octets = b"Authentication-Results: list.test; dmarc=pass header.from=strict." + ZONE.encode() + \
        b"\r\n" + message(address("strict"), subject="[list] a question")
    octets = signer.seal(octets, world.key, f"list.{ZONE}", "k", "list.test")
    refused(world, world.gatepost(), "list", octets, "550 5.7.26")
    g = world.gatepost(sealers=f"list.{ZONE}")
    line, _ = accepted(world, g, "list", octets, "arc=pass", "dmarc=fail")
    refused(world, g, "list", octets.replace(b"genuine", b"Genuine"), "550 5.7.26")
    return line


TESTS = [
    ("authority.genuine", genuine),
    ("authority.forged", forged),
    ("authority.nobodies", nobodies),
    ("authority.dead-dns", dead_dns),
    ("authority.forwarder", forwarder),
    ("authority.sealed", sealed),
]
