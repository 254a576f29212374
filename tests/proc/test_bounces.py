#!/usr/bin/env python3
"""Real bounces of many mail systems, in which the refusal is one of ours: explain finds out which.
Usage: test_bounces.py GATEPOST

The bounces are those of ../shared/data (or $GATEPOST_DATA); where they are not there the test is skipped.
Each is decoded, has our refusal put behind the first reply that it cites, and is encoded as it was."""
import base64
import email
import email.generator
import io
import os
import quopri
import re
import sys
import tarfile
from pathlib import Path

sys.dont_write_bytecode = True
from kit import check  # noqa: E402
from test_explain import Explained  # noqa: E402

SKIPPED = 77
REPLY = re.compile(rb'\b[45]\d\d[ -][^\r\n]*')
ENCODE = {'base64': base64.encodebytes, 'quoted-printable': quopri.encodestring}
UNCHANGED_EACH = 4


def bounces():
    here = os.environ.get('GATEPOST_DATA')
    folder = Path(here) if here else Path(__file__).resolve().parents[2].parent / 'shared/data'
    archive = folder / 'logs/bounces.tar.xz'
    if not archive.exists():
        return {}
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}


def leaves(message):
    """The parts with a text of their own and what that is, those that cite a reply first."""
    texts = [(part, part.get_payload(decode=True)) for part in message.walk()
             if not part.is_multipart() and part.get_content_maintype() == 'text']
    return sorted(((part, text) for part, text in texts if text), key=lambda leaf: not REPLY.search(leaf[1]))


def planted(octets, refusal):
    """The bounce with our refusal in it, or None where no text is; and how that is encoded."""
    message = email.message_from_bytes(octets)
    for part, text in leaves(message)[:1]:
        reply = REPLY.search(text)
        at = reply.end() if reply else len(text)
        encoding = part.get('Content-Transfer-Encoding', '').strip().lower()
        text = ENCODE.get(encoding, bytes)(text[:at] + b' ' + refusal + text[at:])
        part.set_payload(text.decode('ascii', 'surrogateescape'))
        to = io.BytesIO()
        email.generator.BytesGenerator(to, mangle_from_=False, maxheaderlen=0).flatten(message)
        return to.getvalue(), encoding
    return None, ''


class Counted:
    def __init__(self):
        self.passed = self.failed = 0
        self.encodings = {}

    def add(self, name, good, done):
        self.passed += good
        self.failed += not good
        if not good:
            print(f'{name}: {done}')


def explain(g, octets):
    done = g.run('explain', '-c', g.file, '-', input=octets.decode('latin-1'), encoding='latin-1')
    return done.returncode, done.stdout, done.stderr


def main():
    known = bounces()
    counted = Counted()
    if not known:
        print('there are no bounces here: skipped')
        return SKIPPED
    with Explained(os.path.abspath(sys.argv[1])) as g:
        g.start()
        name = g.refused_id()
        check(g.log_has('--verdict', 'refused'), 'the refusal is on record')
        told = g.run('explain', '-c', g.file, name).stdout
        for number, (file, octets) in enumerate(sorted(known.items())):
            if number % UNCHANGED_EACH == 0:
                status, out, err = explain(g, octets)
                counted.add(file, status == 1 and out == '' and 'no decision' in err, err)
            changed, encoding = planted(octets, f'550 5.7.1 no mail from here [{name}]'.encode())
            if changed is not None:
                counted.encodings[encoding] = counted.encodings.get(encoding, 0) + 1
                done = explain(g, changed)
                counted.add(f'{file}, {encoding}', done == (0, told, ''), done)
    print(f'encodings: {counted.encodings}')
    check(counted.encodings.get('base64', 0) > 0, 'some are in base64')
    print(f'{counted.passed} passed, {counted.failed} failed')
    return 1 if counted.failed else 0


if __name__ == '__main__':
    sys.exit(main())
