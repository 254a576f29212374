#!/usr/bin/env python3
"""The suite program itself: what it cannot read, and what does not come out, is never passed over.

usage: test_suite.py PROGRAM
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SPF = """\
description: two names
tests:
  good:
    {helo: mail.example.net, host: 192.0.2.1, mailfrom: a@example.net, result: pass}
  one of several:
    {helo: mail.example.net, host: 192.0.2.2, mailfrom: a@example.net, result: [softfail, fail],
     explanation: You are 192.0.2.2.}
  no explanation:
    {helo: mail.example.net, host: 192.0.2.2, mailfrom: a@other.example, result: fail,
     explanation: DEFAULT}
  silent:
    {helo: mail.example.net, host: 192.0.2.2, mailfrom: a@silent.example, result: temperror}
  answered before the silence:
    {helo: mail.example.net, host: 192.0.2.2, mailfrom: a@half.example, result: fail}
  SPF is no TXT here:
    {helo: mail.example.net, host: 192.0.2.2, mailfrom: a@none.example, result: none}
zonedata:
  example.net:
    - SPF: [v=spf1 ip4:192.0.2.1, " -all exp=why.example.net"]
  why.example.net:
    - TXT: 'You are %{i}.'
  other.example:
    - TXT: v=spf1 -all
  silent.example:
    - TIMEOUT
  half.example:
    - SPF: v=spf1 -all
    - TIMEOUT
  none.example:
    - SPF: v=spf1 -all
    - TXT: NONE
"""

ARC = """\
description: no chain
tests:
  none:  {message: "From: a@example.org\\n\\nx\\n", cv: None}
  any:   {message: "From: a@example.org\\n\\nx\\n", cv: ''}
  broken: {message: "ARC-Seal: i=1\\nFrom: a@example.org\\n\\nx\\n", cv: Fail}
txt-records: {k._domainkey.example.org: v=DKIM1}
"""

# suite, file, passed, failed
CASES = [
    ("spf", SPF, 6, 0),
    ("spf", SPF.replace("result: pass", "result: fail"), 5, 1),
    ("spf", SPF.replace("You are 192.0.2.2.", "You are 192.0.2.3."), 5, 1),
    ("spf", SPF.replace("explanation: DEFAULT", "explanation: why"), 5, 1),
    ("spf", SPF.replace("[softfail, fail]", "[softfail, pass]"), 5, 1),
    ("spf", SPF.replace("host: 192.0.2.1", "host: 192.0.2"), 5, 1),
    ("spf", SPF.replace("- TXT: NONE", "- TXT: NONE\n    - NAPTR: x"), 6, 1),
    ("spf", SPF.replace("- TXT: NONE", "- TXT: NONE\n    - A: x"), 6, 1),
    ("spf", SPF.replace("- TXT: NONE", "- TXT: NONE\n    - PTR: a..b"), 6, 0),
    ("spf", SPF.replace("- TXT: NONE", "- TXT: NONE\n    - MX: mail.example.net"), 6, 1),
    ("spf", SPF.replace("zonedata", "zones"), 0, 1),
    ("spf", "---\n" + SPF + "---\n" + SPF, 12, 0),
    ("spf", "", 0, 1),
    ("spf", "---\n", 0, 1),
    ("spf", "just a text\n", 0, 1),
    ("spf", "tests: [unclosed\n", 0, 1),
    ("spf", SPF + "---\n\tbroken: [\n", 0, 1),
    ("spf", "tests: {a: {}}\n", 0, 1),
    ("spf", ARC, 0, 1),
    ("arc", ARC, 3, 0),
    ("arc", ARC.replace("cv: None", "cv: Pass"), 2, 1),
    ("arc", ARC.replace("cv: Fail", "cv: None"), 2, 1),
    ("arc", ARC.replace(", cv: Fail", ""), 2, 1),
    ("arc", ARC.replace("tests", "cases"), 0, 1),
    ("arc", ARC.replace("k._domainkey", "k.." + "_domainkey"), 3, 1),
    ("arc", SPF, 0, 6),
]


def run(*arguments):
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout.decode()


def play(program, suite, text, passed, failed):
    """What is wrong, or None."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(text)
        file.flush()
        status, said = run(program, suite, file.name)
    lines = said.splitlines()
    complaints = [line for line in lines if line.startswith("FAILED ")]
    if not lines or lines[-1] != f"{passed} passed, {failed} failed":
        return f"expected {passed} passed, {failed} failed:\n{said}"
    if len(complaints) != failed or status != (1 if failed else 0):
        return f"{len(complaints)} complaints, exit status {status}:\n{said}"
    if re.search(r"[^\x20-\x7e\n]", said):
        return f"octets that do not belong on a terminal: {said!r}"
    return None


def main():
    program = sys.argv[1]
    wrong = [(suite, complaint) for suite, *case in CASES
             if (complaint := play(program, suite, *case)) is not None]
    checks = [
        (run(program)[0] == 2, "no arguments"),
        (run(program, "spf")[0] == 2, "no file"),
        (run(program, "nonesuch", "file")[0] == 2, "no such suite"),
        (run(program, "spf", "/nonexistent")[0] == 1, "no such file"),
        (run(program, "spf", "/")[0] == 1, "a folder"),
    ]
    wrong += [("usage", why) for good, why in checks if not good]
    for suite, complaint in wrong:
        print(f"FAILED {suite}: {complaint}")
    print(f"{len(CASES) + len(checks) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
