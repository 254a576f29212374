"""A message of 4 KB with a signature, and a DNS that says who may send it: what SPF, DKIM and DMARC
look at when all is well."""

import base64
import hashlib
import subprocess

from kit.nsd import NsdServer
from kit.process import free_port, run_tool
from kit.report import Failed

OCTETS = 4096
HELO = "source.sender.test"
SENDER = "sender@sender.test"
SELECTOR = "bench2026"
SIGNED = ["from", "to", "subject", "date", "message-id", "mime-version", "content-type"]

FIELDS = [
    ("from", f"A Sender <{SENDER}>"), ("to", "rcpt@bench.test"), ("subject", "The figures of the week"),
    ("date", "Thu, 26 Nov 2026 09:00:00 +0000"), ("message-id", "<20261126.1@sender.test>"),
    ("mime-version", "1.0"), ("content-type", "text/plain; charset=us-ascii"),
]

ZONE = """\
$ORIGIN .
$TTL 3600
@ IN SOA ns.test. hostmaster.test. 1 3600 600 86400 3600
@ IN NS ns.test.
ns.test. IN A 127.0.0.1
sender.test. IN MX 10 mail.sender.test.
sender.test. IN TXT "v=spf1 mx include:_spf.sender.test -all"
_spf.sender.test. IN TXT "v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.0/24 ip4:127.0.0.0/8 -all"
mail.sender.test. IN A 198.51.100.25
{helo}. IN A 127.0.0.1
{helo}. IN TXT "v=spf1 a -all"
_dmarc.sender.test. IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@sender.test"
{selector}._domainkey.sender.test. IN TXT {key}
1.0.0.127.in-addr.arpa. IN PTR {helo}.
"""


def openssl(*words, octets=b""):
    done = subprocess.run(["openssl", *words], input=octets, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Failed(f"openssl {words[0]} ended with {done.returncode}")
    return done.stdout


def make_body(octets):
    """Text in lines, so that the whole has about so many octets with its fields and the signature."""
    line = "The quick brown fox jumps over the lazy dog, and nobody in the office minds it.\r\n"
    return (line * (octets // len(line))).encode()


def sign(key, body):
    """RFC 6376, relaxed/relaxed. The fields above are in canonical form as they are, but for the blank
    behind the colon."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    value = (f"v=1; a=rsa-sha256; c=relaxed/relaxed; d=sender.test; s={SELECTOR}; "
             f"h={':'.join(SIGNED)}; bh={digest}; b=")
    text = "".join(f"{name}:{field}\r\n" for name, field in FIELDS) + "dkim-signature:" + value
    signature = base64.b64encode(openssl("dgst", "-sha256", "-sign", key, octets=text.encode())).decode()
    return f"dkim-signature: {value}{signature}\r\n"


class Signed:
    """The message in a file, with LF line ends as smtp-source wants it, and the server of its DNS."""

    def __init__(self, folder):
        key = f"{folder}/key.pem"
        openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
        public = base64.b64encode(openssl("pkey", "-in", key, "-pubout", "-outform", "DER")).decode()
        fields = "".join(f"{name}: {field}\r\n" for name, field in FIELDS)
        body = make_body(OCTETS - len(fields) - 540)
        self.octets = (sign(key, body) + fields + "\r\n").encode() + body
        self.file = f"{folder}/message"
        with open(self.file, "wb") as f:
            f.write(self.octets.replace(b"\r\n", b"\n"))
        record = f"v=DKIM1; k=rsa; p={public}"
        strings = " ".join(f'"{record[i:i + 250]}"' for i in range(0, len(record), 250))
        zone = ZONE.format(helo=HELO, selector=SELECTOR, key=strings)
        self.dns = NsdServer(folder, "127.0.0.1", free_port(), {".": zone}, measured=True)
        self.dns.start()

    def queries(self):
        """What the DNS was asked until now."""
        status, output = run_tool(["nsd-control", "-c", f"{self.dns.folder}/nsd.conf", "stats_noreset"], seconds=30)
        found = [line for line in output.splitlines() if line.startswith("num.queries=")]
        if status != 0 or not found:
            raise Failed(f"nsd-control: {output[-300:]}")
        return int(found[0].partition("=")[2])

    def close(self):
        self.dns.close()
