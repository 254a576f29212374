"""Real clients: what each delivers through Gatepost equals what it delivers to the same hop directly.

The hop is a Postfix that stores mail for two domains: direct.test is sent to it straight,
via.test through Gatepost.
"""

import os
import shutil
import smtplib
import ssl

from kit import maildir
from kit.certificate import Certificate
from kit.process import run_tool
from kit.report import Failed, Skip, check

BOXES = ["one", "two", "three"]
SENDER = "author@sender.test"

HEADER = (b"From: Author <author@sender.test>\nTo: Readers <readers@lists.test>\n"
          b"Date: Sun, 01 Feb 2026 12:00:00 +0000\nMessage-ID: <fixed@sender.test>\n"
          b"Subject: %s\nMIME-Version: 1.0\n"
          b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n")

# name: (body with LF ends, recipients)
MESSAGES = {
    "plain": (b"\nA plain message.\n\nTwo paragraphs.\n", ["one"]),
    "utf-8": ("\nGrüße, Žluťoučký kůň, 日本語, €\n".encode(), ["one"]),
    "dots": (b"\n.\n..\n.a dot first\nnot first .\n...\n.\n\n.\n", ["one"]),
    "long lines": (b"\n" + b"x" * 990 + b"\n" + b"y" * 70 + b"\n" + b"z " * 400 + b"\n", ["one"]),
    "no final newline": (b"\nThe last line just stops", ["one"]),
    "several recipients": (b"\nFor three.\n", ["one", "two", "three"]),
    "empty body": (b"", ["one"]),
    "large": (b"\n" + b"A line of a larger message, to be seen in pieces.\n" * 12000, ["one"]),
}


def message(name):
    return HEADER % name.encode() + MESSAGES[name][0]


def hop(lab):
    return lab.postfix("postfix-hop", domains=["direct.test", "via.test"], mailboxes=BOXES)


def certificate(lab):
    return lab.keep("certificate", lambda: Certificate(lab.new_folder("certificate")))


def collect(lab, domain, boxes):
    """The messages that arrived for one set of recipients, taken out of their mailboxes."""
    found = {}
    for box in boxes:
        messages = hop(lab).arrived(box, domain)
        check(len(messages) == 1, f"{len(messages)} copies for {box}@{domain}")
        found[box] = messages[0]
        maildir.empty_maildir(hop(lab).mailbox(box, domain))
    return found


def compare(name, direct, via, with_tls):
    """Trace fields apart, both are the same; via has one Received more, which is Gatepost's."""
    for box in direct:
        above_direct, direct_rest = maildir.trace_fields(direct[box])
        above_via, via_rest = maildir.trace_fields(via[box])
        check(direct_rest == via_rest, f"{name!r} for {box}: differs from what arrives directly")
        check(len(above_via) == len(above_direct) + 1,
              f"{name!r} for {box}: {len(above_via) - len(above_direct)} trace fields more")
        check(above_direct[0][1] == above_via[0][1], f"{name!r}: Return-Path differs")
        ours = above_via[4][1]
        check(b"by gatepost.test" in ours, f"{name!r}: no Received of Gatepost below the hop's")
        protocol = b"ESMTPS" if with_tls else b"ESMTP"
        words = ours.replace(b";", b" ").split()
        check(protocol in words, f"{name!r}: Received does not say {protocol.decode()}: {ours!r}")
        single = len(direct) == 1
        check((b"for <" in ours) == single, f"{name!r}: `for` with {len(direct)} recipients: {ours!r}")


def run_client(lab, send, with_tls=False, names=tuple(MESSAGES)):
    """`send(port, sender, recipients, octets, tls)` once directly and once through Gatepost."""
    h = hop(lab)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{h.port}"},
                     tls=certificate(lab) if with_tls else None)
    for name in names:
        boxes = MESSAGES[name][1]
        send(h.port, SENDER, [f"{box}@direct.test" for box in boxes], message(name), False)
        send(g.port, SENDER, [f"{box}@via.test" for box in boxes], message(name), with_tls)
        compare(name, collect(lab, "direct.test", boxes), collect(lab, "via.test", boxes), with_tls)
    return f"{len(names)} messages" + (" over STARTTLS" if with_tls else "")


def tool(name):
    path = shutil.which(name)
    if not path:
        raise Skip(f"{name} is not installed")
    return path


def run_or_fail(argv, octets=b"", env=None):
    status, output = run_tool(argv, stdin=octets, env=env)
    if status != 0:
        raise Failed(f"{os.path.basename(argv[0])} ended with {status}: {output[-600:]}")


def send_by_smtplib(port, sender, recipients, octets, tls):
    with smtplib.SMTP("127.0.0.1", port, "client.test", timeout=30) as client:
        if tls:
            client.starttls(context=ssl._create_unverified_context())
        wire = octets.replace(b"\n", b"\r\n")  # for bytes smtplib leaves that to its caller
        refused = client.sendmail(sender, recipients, wire, mail_options=["BODY=8BITMIME"])
    check(not refused, f"smtplib was refused {refused}")


def send_by_swaks(lab):
    path, folder = tool("swaks"), lab.new_folder("swaks")

    def send(port, sender, recipients, octets, tls):
        file = os.path.join(folder, "message")
        with open(file, "wb") as f:
            f.write(octets)
        run_or_fail([path, "--server", "127.0.0.1", "--port", str(port), "--helo", "client.test",
                     "--from", sender, "--to", ",".join(recipients), "--data", "@" + file]
                    + (["-tls"] if tls else []))
    return send


def send_by_msmtp(lab):
    path, folder = tool("msmtp"), lab.new_folder("msmtp")

    def send(port, sender, recipients, octets, tls):
        file = os.path.join(folder, "msmtprc")
        with open(file, "w", encoding="utf-8") as f:
            f.write(f"account default\nhost 127.0.0.1\nport {port}\ndomain client.test\n"
                    "auto_from off\nset_from_header off\nset_date_header off\n"
                    + ("tls on\ntls_starttls on\ntls_certcheck off\n" if tls else "tls off\n"))
        os.chmod(file, 0o600)
        run_or_fail([path, f"--file={file}", f"--from={sender}", "--", *recipients], octets)
    return send


def send_by_curl(lab):
    path, folder = tool("curl"), lab.new_folder("curl")

    def send(port, sender, recipients, octets, tls):
        file = os.path.join(folder, "message")
        with open(file, "wb") as f:
            f.write(octets)
        argv = [path, "--silent", "--show-error", "--crlf", "--mail-from", sender,
                "--upload-file", file, f"smtp://127.0.0.1:{port}/client.test"]
        for recipient in recipients:
            argv += ["--mail-rcpt", recipient]
        run_or_fail(argv + (["--ssl-reqd", "--insecure"] if tls else []))
    return send


def by_server(lab, make, names=tuple(MESSAGES)):
    """A mail server as client. It gets its two ways at start: `make(hop_port, gatepost_port, tls)`
    returns it. Once plain, once over STARTTLS."""
    count = 0
    for with_tls in (False, True):
        h = hop(lab)
        g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{h.port}"}, tls=certificate(lab))
        sender = make(h.port, g.port, with_tls)
        for name in names:
            boxes = MESSAGES[name][1]
            for domain in ("direct.test", "via.test"):
                sender.submit(SENDER, [f"{box}@{domain}" for box in boxes], message(name))
            compare(name, collect(lab, "direct.test", boxes), collect(lab, "via.test", boxes),
                    with_tls)
            count += 1
    return f"{count} messages, half of them over STARTTLS"


def postfix_sends(lab):
    def make(hop_port, gatepost_port, with_tls):
        extra = {"smtp_tls_policy_maps": f"inline:{{[127.0.0.1]:{gatepost_port}=encrypt}}"
                 if with_tls else ""}
        return lab.postfix(f"postfix-sender{'-tls' if with_tls else ''}",
                           transport={"direct.test": hop_port, "via.test": gatepost_port},
                           extra=extra)
    return by_server(lab, make)


def exim_sends(lab):
    def make(hop_port, gatepost_port, with_tls):
        return lab.exim(f"exim-sender{'-tls' if with_tls else ''}",
                        transport={"direct.test": (hop_port, False),
                                   "via.test": (gatepost_port, with_tls)})
    return by_server(lab, make)


TESTS = [
    ("clients.smtplib", lambda lab: run_client(lab, send_by_smtplib)),
    ("clients.smtplib-tls", lambda lab: run_client(lab, send_by_smtplib, True)),
    ("clients.swaks", lambda lab: run_client(lab, send_by_swaks(lab))),
    ("clients.swaks-tls", lambda lab: run_client(lab, send_by_swaks(lab), True)),
    ("clients.msmtp", lambda lab: run_client(lab, send_by_msmtp(lab))),
    ("clients.msmtp-tls", lambda lab: run_client(lab, send_by_msmtp(lab), True)),
    ("clients.curl", lambda lab: run_client(lab, send_by_curl(lab))),
    ("clients.curl-tls", lambda lab: run_client(lab, send_by_curl(lab), True)),
    ("clients.postfix", postfix_sends),
    ("clients.exim", exim_sends),
]
