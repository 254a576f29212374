"""Random messages signed by dkimpy, and altered, with what dkimpy says of them: a folder for `suite dkim`.

Usage: dkim_messages.py FOLDER COUNT SEED (with Debian's python3, which has Debian's modules). Prints
as JSON how often each alteration was made, and after how many of them each canonical form still held.
"""

import json
import os
import random
import re
import subprocess
import sys
import time

import dkim
import nacl.encoding
import nacl.signing

NOW = int(time.time())
WORDS = ["one", "two", "three,", "FOUR", "f\u00fcnf", "six  seven", "eight\tnine", "ten ", " eleven", "=20", "",
         "\u00a0", "x" * 70, ".", "..", "--", "From here"]
NAMES = ["Subject", "To", "Cc", "Date", "Message-ID", "MIME-Version", "Content-Type", "X-Odd", "List-Id"]


def rsa(bits):
    """(private key as PEM, key record)"""
    private = subprocess.run(["openssl", "genrsa", "-traditional", str(bits)], capture_output=True,
                             check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout"], input=private, capture_output=True,
                            check=True).stdout.decode()
    return private, "v=DKIM1; k=rsa; p=" + "".join(public.splitlines()[1:-1])


def ed25519():
    key = nacl.signing.SigningKey.generate()
    return (key.encode(nacl.encoding.Base64Encoder),
            "v=DKIM1; k=ed25519; p=" + key.verify_key.encode(nacl.encoding.Base64Encoder).decode())


class Expiring(dkim.DKIM):
    """Signs with x=, too, which dkimpy leaves out."""

    expires = None

    def gen_header(self, fields, *args, **named):
        if self.expires is not None:
            fields.insert(-2, (b"x", str(self.expires).encode()))
        return super().gen_header(fields, *args, **named)


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.keys = {f"rsa{bits}": (b"rsa-sha256", *rsa(bits)) for bits in (1024, 2048, 3072)}
        self.keys["ed"] = (b"ed25519-sha256", *ed25519())
        self.records = {f"{name}._domainkey.{name}.example": key[2] for name, key in self.keys.items()}
        self.made, self.held = {}, {}

    # ---- messages ----

    def text(self, count):
        return " ".join(self.random.choice(WORDS) for _ in range(self.random.randrange(count)))

    def field(self, name):
        body = self.text(6) or "x"
        for _ in range(self.random.randrange(3)):
            at = body.find(" ", self.random.randrange(len(body)))
            if 0 < at < len(body) - 1 and body[at - 1].strip() and body[at + 1:].strip():
                body = body[:at] + "\r\n" + self.random.choice(" \t") + body[at + 1:]
        return f"{name}:{self.random.choice(['', ' ', '  '])}{body}\r\n"

    def message(self):
        r = self.random
        fields = [self.field("Received") for _ in range(r.randrange(4))]
        fields += [self.field(name) for name in r.sample(NAMES, r.randrange(1, len(NAMES)))]
        fields.insert(r.randrange(len(fields) + 1), "From: Author <author@example.org>\r\n")
        body = "".join(self.text(12) + "\r\n" for _ in range(r.choice([0, 1, 2, 5, 40])))
        body += r.choice(["", "", "\r\n", "\r\n\r\n\r\n"])
        return ("".join(fields) + "\r\n" + body).encode()

    # ---- signatures ----

    def sign(self, message, name, when, expires=None):
        algorithm, private, _ = self.keys[name]
        signer = Expiring(message)
        signer.expires = expires
        forms = (self.random.choice([b"simple", b"relaxed"]), self.random.choice([b"simple", b"relaxed"]))
        present = [x for x, _ in signer.headers if x.lower() not in (b"received", b"dkim-signature")]
        names = [b"from"] + self.random.sample(present, self.random.randrange(len(present) + 1))
        if self.random.randrange(2):
            names += [b"from", b"reply-to"]  # more than there are
        dkim.time.time = lambda: when
        try:
            field = signer.sign(name.encode(), name.encode() + b".example", private, algorithm,
                                identity=self.random.choice([None, b"@sub." + name.encode() + b".example"]),
                                canonicalize=forms, include_headers=names,
                                length=self.random.randrange(4) == 0)
        finally:
            dkim.time.time = time.time
        return field + message

    def signed(self):
        """With one to three signatures. The topmost is of now, for the clock of the suite."""
        message = self.message()
        for _ in range(self.random.randrange(3)):
            when = NOW - self.random.randrange(60000, 100000)
            expires = self.random.choice([None, None, when + 1000, NOW + 100000])  # dkimpy allows for 10 h
            message = self.sign(message, self.random.choice(list(self.keys)), when, expires)
        return self.sign(message, self.random.choice(list(self.keys)), NOW)

    # ---- alterations; what is altered to itself is left so ----

    def as_it_is(self, head, body):
        return head, body

    def body_octet(self, head, body):
        at = self.random.randrange(len(body) + 1)
        return head, body[:at] + b"!" + body[at + 1:]

    def body_blanks(self, head, body):
        return head, body.replace(b" ", b" \t ", 1)

    def body_blank_at_end(self, head, body):
        return head, body.replace(b"\r\n", b" \r\n", 1)

    def body_end(self, head, body):
        return head, body + b"\r\n\r\n"

    def body_more(self, head, body):
        return head, body + b"Sent from my list\r\n"

    def body_less(self, head, body):
        return head, body[:body.rfind(b"\r\n", 0, -2) + 2]

    def refolded(self, head, body):
        return head.replace(b": ", b":\r\n\t", 1 + self.random.randrange(4)), body

    def named_otherwise(self, head, body):
        return head.replace(b"\r\nFrom:", b"\r\nfrom:"), body

    def unfolded(self, head, body):
        return head.replace(b"\r\n\t", b" "), body

    def another_from(self, head, body):
        return b"From: other@example.net\r\n" + head, body

    def another_from_below(self, head, body):
        return head + b"From: other@example.net\r\n", body

    def field_more(self, head, body):
        return b"X-Other: field\r\n" + head + b"X-Other: field\r\n", body

    def field_less(self, head, body):
        fields = [f for f in head.split(b"\r\n") if f]
        plain = [i for i, f in enumerate(fields) if i + 1 < len(fields) and f[:1] not in b" \t"
                 and fields[i + 1][:1] not in b" \t" and not f.startswith(b"From:")]
        if plain:
            del fields[self.random.choice(plain)]
        return b"".join(f + b"\r\n" for f in fields), body

    def signature(self, head, body):
        at = head.find(b"b=", head.find(b"bh=") + 3) + 10
        return head[:at] + (b"A" if head[at:at + 1] != b"A" else b"B") + head[at + 1:], body

    ALTERATIONS = [as_it_is, as_it_is, as_it_is, body_octet, body_blanks, body_blank_at_end, body_end,
                   body_more, body_less, refolded, named_otherwise, unfolded, another_from,
                   another_from_below, field_more, field_less, signature]

    # ---- what dkimpy says ----

    def holds(self, message, index):
        try:
            return dkim.DKIM(message).verify(
                idx=index, dnsfunc=lambda name, timeout=5: self.records.get(name.decode().rstrip(".")))
        except dkim.DKIMException:
            return False

    def still_holds(self, before, after, kind, index, value):
        """dkimpy takes every From as signed, however often h= says it. RFC 6376 5.4.2 counts from the
        bottom up: another From on top breaks only what signs more of them than there were."""
        if kind != "another_from":
            return self.holds(after, index)
        names = re.search(rb"[; \n]h=([^;]*);", value)[1]
        return self.holds(before, index) and names.split().count(b"from") == 1

    def case(self, name):
        """The octets of a message, and its rows of signatures.tsv."""
        alter = self.random.choice(self.ALTERATIONS)
        before = self.signed()
        head, _, body = before.partition(b"\r\n\r\n")
        head, body = alter(self, head + b"\r\n", body)
        after = head + b"\r\n" + body
        signatures = [value for field, value in dkim.rfc822_parse(after)[0]
                      if field.lower() == b"dkim-signature"]
        rows = []
        kind = alter.__name__
        for index, value in enumerate(signatures):
            self.made[kind] = self.made.get(kind, 0) + 1
            if self.still_holds(before, after, kind, index, value):
                self.held[kind] = self.held.get(kind, 0) + 1
                selector = re.search(rb"[; \n]s=(\w+);", value)[1].decode()
                rows.append((name, "dkim", str(index), f"{selector}._domainkey.{selector}.example",
                             "True"))
        return after, rows


def main():
    folder, count, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    maker = Maker(seed)
    rows = []
    for i in range(count):
        name = f"{i:05}.eml"
        message, said = maker.case(name)
        with open(os.path.join(folder, name), "wb") as f:
            f.write(message)
        rows += said
    with open(os.path.join(folder, "keys.json"), "w", encoding="ascii") as f:
        json.dump(maker.records, f)
    with open(os.path.join(folder, "signatures.tsv"), "w", encoding="ascii") as f:
        f.writelines("\t".join(row) + "\n" for row in rows)
    json.dump({"made": maker.made, "held": maker.held}, sys.stdout)


main()
