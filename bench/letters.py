"""Mail as people send it, of any size: text in words of a language, HTML beside it, and files. No two letters are
the same, and each run makes the same ones."""

import io
import pathlib
import random
import re
import zipfile
import zlib
from email.message import EmailMessage
from email.policy import SMTP

from corpora import Mail

TOP = pathlib.Path(__file__).resolve().parent.parent
WORD = re.compile(r"[A-Za-z][A-Za-z'-]*[.,;:?!]?")
DOMAINS = 40
NAMES = ("Anna", "Bruno", "Carla", "Dmitri", "Erika", "Farid", "Greta", "Hiro", "Ines", "Jan")
HOSTS = ("www.example.com", "news.example.com", "shop.example.org", "www.example.net")
LINE = 78 / 57  # octets that base64 makes of each
TEXT_BESIDE = 3000

HEAD = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font-family: sans-serif; color: #222; }} td {{ padding: 8px; }} .small {{ font-size: 11px; }}</style>
</head><body><table width="600" cellpadding="0" cellspacing="0">
"""
ROW = """<tr><td style="border-bottom: 1px solid #ddd"><h2>{title}</h2>
<p>{text}</p><p><a href="{url}">{more}</a></p></td></tr>
"""


class Writer:
    """Writes by which words follow which in the texts that come with the program."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        random.seed(seed)  # of which email.generator makes boundaries
        texts = [path.read_text(encoding="utf-8") for path in sorted((TOP / "docs").glob("*.md"))]
        words = WORD.findall(" ".join(texts + [(TOP / "LICENSE").read_text(encoding="utf-8")]))
        self._next = {}
        for word, following in zip(words, words[1:]):
            self._next.setdefault(word, []).append(following)
        self._word = words[0]

    def words(self, count):
        some = []
        for _ in range(count):
            self._word = self.random.choice(self._next.get(self._word) or list(self._next))
            some.append(self._word)
        return " ".join(some)

    def title(self):
        return self.words(self.random.randint(3, 8)).strip(".,;:?!").capitalize()

    def url(self):
        return f"https://{self.random.choice(HOSTS)}/{self.random.randrange(1000)}/a?id={self.random.getrandbits(32):x}"

    def text(self, octets):
        """Paragraphs in lines, now and then with a link."""
        some, size = [], 0
        while size < octets:
            lines = [self.words(11) for _ in range(self.random.randint(2, 8))]
            if self.random.random() < 0.3:
                lines.append(self.url())
            some.append("\n".join(lines) + "\n\n")
            size += len(some[-1]) + len(lines) + 1
        return "".join(some)[:max(octets, 20)]

    def html(self, octets):
        some = [HEAD.format(title=self.title())]
        size = len(some[0])
        while size < octets:
            some.append(ROW.format(title=self.title(), text="\n".join(self.words(12) for _ in range(4)), url=self.url(),
                                   more=self.words(3)))
            size += len(some[-1])
        return "".join(some) + "</table></body></html>\n"

    def noise(self, octets):
        return self.random.randbytes(octets)

    def compressed(self, octets):
        """As a compressor leaves it, of text."""
        made = zlib.compress(self.text(100_000).encode())
        return (made * (octets // len(made) + 1))[:octets]


# ---- files ----

def make_zip(writer, octets):
    """Some texts, which are packed, and pictures, which are not."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("read me.txt", writer.text(20_000), zipfile.ZIP_DEFLATED)
        each = max(1, (octets - 8000) // 8)
        for i in range(8):
            z.writestr(f"pictures/{i + 1}.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01" + writer.noise(each), zipfile.ZIP_STORED)
    return out.getvalue()


def make_pdf(writer, octets):
    """The frame of a PDF, with pages that are packed."""
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    number = 1
    while out.tell() < octets - 1000:
        page = zlib.compress(b"BT /F1 12 Tf (" + writer.text(4000).encode() + b") Tj ET")
        picture = writer.noise(min(50_000, max(0, octets - out.tell() - len(page))))
        for kind, stream in ((b"/FlateDecode", page), (b"/DCTDecode", picture)):
            out.write(b"%d 0 obj\n<< /Length %d /Filter %s >>\nstream\n" % (number, len(stream), kind))
            out.write(stream + b"\nendstream\nendobj\n")
            number += 1
    out.write(b"trailer\n<< /Size %d >>\n%%%%EOF\n" % number)
    return out.getvalue()


def make_picture(writer, octets):
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + writer.noise(octets)


FILES = {"zip": (make_zip, "application", "zip", "minutes.zip"), "pdf": (make_pdf, "application", "pdf", "report.pdf"),
         "picture": (make_picture, "image", "jpeg", "IMG_2041.jpg")}


# ---- letters ----

def fill(message, writer, kind, octets):
    """Gives it what makes it about so large in all."""
    if kind == "text":
        message.set_content(writer.text(octets))
    elif kind == "html":
        message.set_content(writer.text(octets * 2 // 5))
        message.add_alternative(writer.html(octets * 3 // 5), subtype="html")
    else:
        message.set_content(writer.text(TEXT_BESIDE))
        message.add_alternative(writer.html(TEXT_BESIDE), subtype="html")
        make, main, sub, name = FILES[kind]
        message.add_attachment(make(writer, int((octets - 2 * TEXT_BESIDE) / LINE)), maintype=main, subtype=sub, filename=name)


def letter(writer, number, kind, octets, recipient):
    """As bench/corpora.py has mail."""
    domain = f"d{number % DOMAINS}.example"
    helo, sender = f"mail.{domain}", f"{writer.words(1).strip('.,;:?!-').lower() or 'a'}.{number}@{domain}"
    message = EmailMessage(policy=SMTP)
    message["Received"] = f"from desk.{domain} (desk.{domain} [192.0.2.9]) by {helo} with ESMTPSA id {number:x}; " \
                          "Thu, 26 Nov 2026 08:59:58 +0000"
    message["From"] = f"{writer.random.choice(NAMES)} {writer.random.choice(NAMES)}son <{sender}>"
    message["To"] = recipient
    message["Subject"] = writer.title()
    message["Date"] = "Thu, 26 Nov 2026 09:00:00 +0000"
    message["Message-ID"] = f"<{writer.random.getrandbits(64):x}.{number}@{domain}>"
    fill(message, writer, kind, max(200, octets - 600))
    return Mail(corpus="made", file=f"made/{number}", label="ham", ip=f"198.51.100.{1 + number % DOMAINS}", helo=helo,
                sender=sender, recipient=recipient, at="2026-11-26T09:00:00Z", rdns=helo, spf="pass",
                octets=message.as_bytes())


def letters(octets, kinds, count, recipient):
    """So many, which are of these kinds in turn."""
    writer = Writer(octets)
    return [letter(writer, number, kinds[number % len(kinds)], octets, recipient) for number in range(count)]
