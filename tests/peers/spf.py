"""SPF beside pyspf (Debian's python3-spf): the same random records, the same DNS, the same answers.

Where they differ, what pyspf does otherwise than RFC 7208 is mended in it, by name and paragraph
(kit/spf_mended.py, docs/decisions/019-spf.md), until it gives our answer. A case in which it never does
fails.
"""

import json
import os
import subprocess

from kit.report import Failed, Skip, check

PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's modules
SEED = "gatepost"
CASES = 1000
CASES_LONG = 10000
RESULTS = ("pass", "fail", "softfail", "neutral", "none", "temperror", "permerror")


def pyspf(lab):
    """Random cases of every mechanism, macro and error. With --all: 10,000."""
    program = os.path.join(os.path.dirname(lab.binary), "tests/peers/spf_answers")
    if subprocess.run([PYTHON, "-c", "import spf"], capture_output=True, check=False).returncode:
        raise Skip("python3-spf is not installed")
    count = CASES_LONG if lab.everything else CASES
    done = subprocess.run([PYTHON, os.path.join(lab.root, "tests/peers/kit/spf_compare.py"), program,
                           str(count), SEED], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"spf_compare.py: {done.stderr.strip()[-2000:]}")
    said = json.loads(done.stdout)
    for case in said["shown"]:
        lab.report.note(case)
    if said["unexplained"]:
        raise Failed(f"{said['unexplained']} of {count} answers differ from pyspf's, and nothing explains it")
    for result in RESULTS:
        check(said["results"].get(result, 0) >= count // 1000, f"hardly any case comes to {result}")
    differ = said["differ"]
    check(sum(differ.values()) < count // 10, f"too many differ: {differ}")
    with open(os.path.join(lab.root, "docs/decisions/019-spf.md"), encoding="utf-8") as f:
        decision = f.read()
    for name in said["why"]:
        check(f"| {name} |" in decision, f"decision 019 does not explain \"{name}\"")
    single = ", ".join(f"{name} {number}" for name, number in sorted(differ.items(), key=lambda d: -d[1])
                       if "+" not in name)
    several = sum(number for name, number in differ.items() if "+" in name)
    return f"{count - sum(differ.values()):,} of {count:,} agree; by reason: {single}, several {several}"


TESTS = [("spf.pyspf", pyspf)]
