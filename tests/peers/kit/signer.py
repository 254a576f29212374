"""Signing messages with dkimpy, of Debian's own Python: another may be first in the path."""

import base64
import json
import subprocess

PYTHON = "/usr/bin/python3"

PROGRAM = r"""
import base64, json, sys
import dkim
job = json.load(sys.stdin)
message, key = base64.b64decode(job["message"]), job["key"].encode()
if job["what"] == "dkim":
    fields = dkim.sign(message, job["selector"].encode(), job["domain"].encode(), key,
                       **{k: v.encode() for k, v in job["options"].items()})
else:
    fields = b"".join(dkim.arc_sign(message, job["selector"].encode(), job["domain"].encode(), key,
                                    job["authority"].encode()))
sys.stdout.buffer.write(fields + message)
"""


def available():
    return subprocess.run([PYTHON, "-c", "import dkim"], capture_output=True, check=False).returncode == 0


def new_key():
    """An RSA key of 2,048 bits: (private in PEM, TXT record)."""
    private = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=private,
                            capture_output=True, check=True).stdout
    return private.decode(), "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()


def txt(text):
    """As a zone file has it: strings of at most 255 octets."""
    return " ".join(f'"{text[i:i + 250]}"' for i in range(0, len(text), 250))


def _run(**job):
    job["message"] = base64.b64encode(job["message"]).decode()
    return subprocess.run([PYTHON, "-c", PROGRAM], input=json.dumps(job).encode(), capture_output=True,
                          check=True).stdout


def sign(message, key, domain, selector, **options):
    """The message with a DKIM-Signature in front."""
    return _run(what="dkim", message=message, key=key, domain=domain, selector=selector, options=options)


def seal(message, key, domain, selector, authority):
    """The message with another ARC set, of the Authentication-Results field by `authority`."""
    return _run(what="arc", message=message, key=key, domain=domain, selector=selector, authority=authority)
