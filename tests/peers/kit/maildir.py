"""Reading what arrived: Maildir folders and the trace fields on top of a message."""

import hashlib
import os
import pwd
import re

from .process import wait_until

NOBODY = pwd.getpwnam("nobody").pw_uid
FIELD = re.compile(rb"([!-9;-~]+):(?:[^\n]*)\n(?:[ \t][^\n]*\n)*")


def files_in(folder):
    """Paths of the messages in a Maildir, new and cur; none when it does not exist."""
    found = []
    for part in ("new", "cur"):
        try:
            found += [os.path.join(folder, part, name) for name in os.listdir(f"{folder}/{part}")]
        except FileNotFoundError:
            pass
    return sorted(found)


def messages_in(folder):
    """Contents of the messages in a Maildir."""
    contents = []
    for path in files_in(folder):
        with open(path, "rb") as f:
            contents.append(f.read())
    return contents


def make_maildir(folder, uid=None):
    for part in ("", "tmp", "new", "cur"):
        path = os.path.join(folder, part)
        os.makedirs(path, exist_ok=True)
        if uid is not None:
            os.chown(path, uid, uid)


def empty_maildir(folder):
    for path in files_in(folder):
        os.unlink(path)


def wait_for(folder, count, seconds=30):
    """The messages of a Maildir once there are `count` of them."""
    wait_until(lambda: len(files_in(folder)) >= count, seconds, f"{count} message(s) in {folder}")
    return messages_in(folder)


def sha256_lf(octets):
    """SHA-256 after CRLF became LF: the form in which mail is stored."""
    return hashlib.sha256(octets.replace(b"\r\n", b"\n")).hexdigest()


def trace_fields(octets, names=(b"return-path", b"x-original-to", b"delivered-to", b"received")):
    """Splits stored mail into its leading trace fields [(name, field)…] and the rest."""
    fields, at = [], 0
    while True:
        match = FIELD.match(octets, at)
        if not match or match.group(1).lower() not in names:
            return fields, octets[at:]
        fields.append((match.group(1).lower(), match.group(0)))
        at = match.end()


def added_above(stored, sent):
    """Names of the fields that were put on top of `sent` (both with LF), or None when what is
    stored is not exactly fields followed by what was sent."""
    if sha256_lf(stored[len(stored) - len(sent):]) != sha256_lf(sent):
        return None
    fields, rest = trace_fields(stored[:len(stored) - len(sent)])
    return None if rest else [name for name, _ in fields]
