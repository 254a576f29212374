#!/usr/bin/python3
"""Chains that dkimpy seals, and what is left of them when somebody meddles.

usage: arc_made.py FOLDER SEED CHAINS

Prints a document in the form of arc_test_suite (tests/suite/suite_arc.c) as JSON, which is YAML. Needs
Debian's python3-dkim and python3-authres, and so Debian's Python; openssl makes the keys. A chain
goes through one to three lists, each of which may change the message before it seals it. What a
case expects comes from how it was made; dkimpy's own verdict must be the same.
"""

import base64
import json
import os
import random
import re
import subprocess
import sys

import dkim

BITS = (1024, 2048)
SIGNED = [b"from", b"to", b"subject", b"date", b"message-id"]


def make_key(folder, number):
    """A private key as PEM, and its record."""
    path = os.path.join(folder, f"{number}.pem")
    bits = BITS[number % len(BITS)]
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, str(bits)], check=True,
                   capture_output=True)
    public = subprocess.run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True,
                            capture_output=True).stdout
    with open(path, "rb") as f:
        return f.read(), "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()


class Sealer:
    def __init__(self, folder, number):
        self.domain = f"list{number}.example"
        self.selector = f"s{number}"
        self.key, self.record = make_key(folder, number)

    def name(self):
        return f"{self.selector}._domainkey.{self.domain}"

    def seal(self, message, chain):
        """The message with a further set; `chain` is what was found of those before."""
        host = f"mx.{self.domain}"
        seen = (f"Authentication-Results: {host}; arc={chain};\r\n spf=pass smtp.mfrom=a@{self.domain};\r\n"
                f"\tdkim=none\r\n").encode()
        fields = dkim.arc_sign(seen + message, self.selector.encode(), self.domain.encode(), self.key,
                               host.encode(), include_headers=SIGNED)
        assert fields, "dkimpy did not seal"
        return b"".join(fields) + seen + message


def original(rng):
    words = ["ham", "a  b", "x\ty", "", "  indented", "trailing  ", "Grüße", "." * 70, "=20", "end"]
    lines = [rng.choice(words) for _ in range(rng.randrange(30))]
    subject = rng.choice(["short", "a fold\r\n of two", "  blanks  within  ", "tab\tin it"])
    return ("Received: from a.example by b.example; Thu, 1 Jan 2026 00:00:00 +0000\r\n"
            "From: Anna <anna@example.org>\r\nTo: list@example.net\r\n"
            f"Subject: {subject}\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
            f"Message-ID: <{rng.randrange(10**9)}@example.org>\r\n\r\n"
            + "".join(line + "\r\n" for line in lines)).encode()


def alter(rng, message):
    """As lists do: a footer, a prefix of the subject, a field of its own, or nothing at all."""
    how = rng.randrange(4)
    if how == 0:
        return message + b"-- \r\nthe list\r\n"
    if how == 1:
        return message.replace(b"Subject: ", b"Subject: [list] ", 1)
    if how == 2:
        return b"List-Id: <list.example>\r\n" + message
    return message


def edit_field(message, name, instance, change):
    """The message with one ARC field changed; change(bytes) gives what takes its place."""
    header, _, body = message.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", header)
    out, done = [], 0
    for field in fields:
        if field.startswith(name + b":") and re.search(rb"[:;\s]i=%d\s*;" % instance, field + b";"):
            field, done = change(field), done + 1
        if field:
            out.append(field)
    assert done == 1, (name, instance, done)
    return b"\r\n".join(out) + b"\r\n\r\n" + body


def flip(field):
    """Another value of b=, still base64."""
    at = re.search(rb"[\s;]b=\s*", field).end()
    other = b"A" if field[at:at + 1] != b"A" else b"B"
    return field[:at] + other + field[at + 1:]


SEAL, SIGNATURE, RESULTS = b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"


def meddled(rng, message, n):
    """(name, message, expected) for everything that may happen to a chain of n sets."""
    one = rng.randrange(1, n + 1)
    yield "whole", message, "pass"
    yield "a field on top", b"X-Seen: yes\r\n" + message, "pass"
    yield "body changed", message + b"one line more\r\n", "fail"
    yield "subject changed", message.replace(b"Subject: ", b"Subject: !", 1), "fail"
    yield "From added below", message.replace(b"Date: Thu", b"From: eve@example.com\r\nDate: Thu", 1), "fail"
    yield f"results {one} changed", edit_field(
        message, RESULTS, one, lambda f: f.replace(b"spf=pass", b"spf=fail")), "fail"
    yield f"seal {one} flipped", edit_field(message, SEAL, one, flip), "fail"
    yield f"signature {one} flipped", edit_field(message, SIGNATURE, one, flip), "fail"
    for name in (SEAL, SIGNATURE, RESULTS):
        yield f"{name.decode()} {one} missing", edit_field(message, name, one, lambda f: b""), "fail"
        yield f"{name.decode()} {one} twice", edit_field(message, name, one, lambda f: f + b"\r\n" + f), "fail"
    yield f"seal {one} refolded", edit_field(
        message, SEAL, one, lambda f: f.replace(b"; ", b";\r\n \t", 1)), "pass"
    yield "cv changed", edit_field(
        message, SEAL, n, lambda f: re.sub(rb"cv=\w+", b"cv=fail", f)), "fail"
    bare = message
    for name in (SEAL, SIGNATURE, RESULTS):
        bare = edit_field(bare, name, n, lambda f: b"")
    if n == 1:
        yield "set taken away", bare, "none"


def verdict(message, records):
    found = dkim.arc_verify(message, dnsfunc=lambda name, timeout=5: records.get(name.decode().rstrip(".")))
    return found[0].decode() if found[0] is not None else "fail"


def main():
    folder, seed, chains = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    sealers = [Sealer(folder, number) for number in range(4)]
    records = {sealer.name(): sealer.record for sealer in sealers}
    tests = {}

    def add(name, message, expected):
        assert verdict(message, records) == expected, f"dkimpy disagrees: {name}"
        tests[f"{len(tests)} {name}"] = {"message": message.decode(), "cv": expected}

    for chain in range(chains):
        n = 1 + chain % 3
        message = original(rng)
        for hop, sealer in enumerate(rng.sample(sealers, n)):
            message = sealer.seal(alter(rng, message), "pass" if hop else "none")
        for name, changed, expected in meddled(rng, message, n):
            add(f"{n} hops: {name}", changed, expected)
    print(json.dumps({"description": f"dkimpy, seed {seed}", "tests": tests, "txt-records": records}))


if __name__ == "__main__":
    main()
