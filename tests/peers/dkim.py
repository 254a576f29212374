"""DKIM beside others: what OpenDKIM and dkimpy sign holds, and what was altered behind their backs
holds no more, or still does, as the canonical form has it.
"""

import json
import os
import re
import shutil
import subprocess

from authority import POLICY, results
from kit import signer
from kit.nsd import Nsd
from kit.opendkim import OpenDKIM
from kit.process import free_port, run_tool, wait_until
from kit.report import Skip, check
from kit.smtp_client import Session

PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's modules
SEED = "gatepost"
MESSAGES = 150
MESSAGES_LONG = 2000
TOTALS = re.compile(r"^(\d+) passed, (\d+) failed$")
DOMAIN = "signed.test"
# Selector, kind of key, c=, a=. None by ed25519-sha256 with a simple header: OpenDKIM 2.11.0~beta2 signs
# that wrongly, and dkimpy refuses it, too.
SIGNERS = [
    ("rr", "rsa:2048", "relaxed/relaxed", "rsa-sha256"),
    ("ss", "rsa:1024", "simple/simple", "rsa-sha256"),
    ("rs", "ed25519", "relaxed/simple", "ed25519-sha256"),
    ("sr", "rsa:1024", "simple/relaxed", "rsa-sha256"),
]


def judge(lab, folder):
    """What `suite dkim` says of a folder: how many signatures came out as expected. All must."""
    program = os.path.join(os.path.dirname(lab.binary), "suite")
    done = subprocess.run([program, "dkim", folder], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines() or [done.stderr]
    totals = TOTALS.match(lines[-1])
    check(totals and totals[2] == "0", "\n".join(lines[-12:]))
    return int(totals[1])


def dkimpy(lab):
    """Random messages with up to three signatures of every kind, one alteration each; what dkimpy says
    of each signature afterwards is what must come out."""
    if subprocess.run([PYTHON, "-c", "import dkim, nacl.signing"], capture_output=True,
                      check=False).returncode:
        raise Skip("python3-dkim or python3-nacl is not installed")
    folder = lab.new_folder("dkimpy")
    count = MESSAGES_LONG if lab.everything else MESSAGES
    done = subprocess.run([PYTHON, os.path.join(lab.root, "tests/peers/kit/dkim_messages.py"), folder,
                           str(count), SEED], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"dkim_messages.py: {done.stderr.strip()[-2000:]}")
    said = json.loads(done.stdout)
    agreed = judge(lab, folder)
    check(agreed == sum(said["made"].values()), f"{agreed} of {said['made']} signatures were looked at")
    for name, made in said["made"].items():
        held = said["held"].get(name, 0)
        check(made > 0 and held < made, f"after {name}, {held} of {made} hold")
    check(all(said["held"].get(name) for name in ("as_it_is", "body_end", "field_more", "another_from")),
          f"hardly anything holds: {said['held']}")
    return f"{agreed} signatures on {count} messages, {sum(said['held'].values())} of which hold"


def make_key(folder, selector, kind):
    """The file of a private key, and the record of its public one."""
    file = os.path.join(folder, f"{selector}.key")
    name, _, bits = kind.partition(":")
    options = ["-pkeyopt", f"rsa_keygen_bits:{bits}"] if bits else []
    status, said = run_tool(["openssl", "genpkey", "-algorithm", name, *options, "-out", file])
    check(status == 0, said)
    os.chmod(file, 0o644)
    status, public = run_tool(["openssl", "pkey", "-in", file, "-pubout"])
    check(status == 0, public)
    text = "".join(public.splitlines()[1:-1])
    if name == "ed25519":  # the 32 octets alone (RFC 8463 4.2), behind 12 of DER
        text = text[16:]
    return file, f"v=DKIM1; k={name}; p={text}"


BODY = (b"Hello,\r\n\r\n  this is\ta \xc3\xa4 test  with blanks \r\n.leading dot\r\n"
        b"\t \r\nlong " + b"line " * 150 + b"\r\n\r\n\r\n")
HEAD = (b"Date: Thu, 26 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@signed.test>\r\n"
        b"From: Author  <author@signed.test>\r\nTo: one@via.test\r\n"
        b"Subject:   a   folded\r\n\t subject\r\n  of three lines\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n")
# What is done to a message, and which signers' signatures hold afterwards.
ALTERED = {
    "as it is": (lambda m: m, {"rr", "ss", "rs", "sr"}),
    "blanks in the body": (lambda m: m.replace(b"test  with", b"test \t with"), {"rr", "sr"}),
    "lines at the end": (lambda m: m + b"\r\n\r\n", {"rr", "ss", "rs", "sr"}),
    "a folded subject": (lambda m: m.replace(b"a   folded\r\n\t subject", b"a folded\r\n subject"),
                         {"rr", "rs"}),
    "another word": (lambda m: m.replace(b"Hello", b"Hallo"), set()),
    "another From below": (lambda m: m.replace(b"\r\n\r\n", b"\r\nFrom: x@y.test\r\n\r\n", 1), set()),
    "another From on top": (lambda m: b"From: x@y.test\r\n" + m, set()),  # From is oversigned
    "another field": (lambda m: b"X-Y: z\r\n" + m, {"rr", "ss", "rs", "sr"}),
}


def postfix_with_opendkims(lab, folder, port):
    """The keys' records by selector, and a Postfix that has every message signed by all SIGNERS."""
    records, milters = {}, []
    for selector, kind, form, algorithm in SIGNERS:
        file, records[selector] = make_key(folder, selector, kind)
        milters.append(lab.keep(f"opendkim {selector}", lambda s=selector, f=file, c=form, a=algorithm:
                                OpenDKIM(folder, DOMAIN, s, f, c, a)))
    return records, lambda: lab.postfix("signer", transport={"via.test": port}, extra={
        "smtpd_milters": ", ".join(f"inet:127.0.0.1:{m.port}" for m in milters),
        "smtpd_recipient_restrictions": "permit_mynetworks, reject",
        "milter_default_action": "tempfail"})


def alter_and_judge(lab, message, records):
    """Every alteration of the message, as `suite dkim` sees it."""
    folder = lab.new_folder("altered")
    found = re.findall(rb"^DKIM-Signature:(?:.*\r\n[ \t])*.*?s=(\w+);", message, re.M)
    check(sorted(s.decode() for s in found) == sorted(records), f"signed by {found}")
    rows = []
    for i, (name, (alter, holding)) in enumerate(ALTERED.items()):
        altered = alter(message)
        check((altered == message) == (name == "as it is"), f"{name}: nothing was altered")
        with open(f"{folder}/{i}.eml", "wb") as f:
            f.write(altered)
        rows += [(f"{i}.eml", "dkim", str(k), f"{s.decode()}._domainkey.{DOMAIN}", "True")
                 for k, s in enumerate(found) if s.decode() in holding]
    with open(f"{folder}/keys.json", "w", encoding="ascii") as f:
        json.dump({f"{s}._domainkey.{DOMAIN}": record for s, record in records.items()}, f)
    with open(f"{folder}/signatures.tsv", "w", encoding="ascii") as f:
        f.writelines("\t".join(row) + "\n" for row in rows)
    return f"{judge(lab, folder)} signatures on {len(ALTERED)} messages, {len(rows)} of which hold"


def opendkim(lab):
    """Postfix with four OpenDKIMs sends through Gatepost, which says that all four hold. What arrives
    behind it is verified once more, altered, and verified again."""
    if not shutil.which("opendkim") or not shutil.which("nsd"):
        raise Skip("opendkim or nsd is not installed")
    folder = lab.new_folder("opendkim")
    port = free_port()
    records, start_postfix = postfix_with_opendkims(lab, folder, port)
    server = Nsd(lab.new_folder("nsd"), DOMAIN, [
        "@ MX 10 client", "client A 127.0.0.1", "@ TXT \"v=spf1 ip4:127.0.0.1 -all\"",
        "_dmarc TXT \"v=DMARC1; p=reject\"",
        *(f"{s}._domainkey TXT {signer.txt(record)}" for s, record in records.items())])
    lab.keep(("nsd", server.port), lambda: server)
    server.start()
    hop = lab.hop()
    lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, port=port, workers=1,
                 policy=POLICY.format(port=server.port, forwarders="", sealers=""))
    with Session(start_postfix().port) as session:
        reply = session.deliver(b"author@signed.test", [b"one@via.test"], HEAD + b"\r\n" + BODY)
        check(reply.code == 250, f"{reply}")
    wait_until(hop.delivered, 30, "the message comes through")
    message = hop.delivered()[0].octets
    said = results(message)
    check(said.count("dkim=pass") == len(SIGNERS) and "dmarc=pass" in said, said)
    return alter_and_judge(lab, message, records)


TESTS = [("dkim.dkimpy", dkimpy), ("dkim.opendkim", opendkim)]
