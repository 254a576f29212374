"""ARC chains that dkimpy seals: one to three hops, and what is left of them when somebody meddles."""

import os
import shutil
import subprocess

from kit.report import Failed, Skip, check

SEED = 20260101


def program(lab):
    """The suite program of the same build."""
    path = os.path.join(os.path.dirname(lab.binary), "suite")
    check(os.access(path, os.X_OK), f"there is no program {path}: run ./dev build")
    return path


def made(lab, chains):
    """A file of cases, in the form of arc_test_suite."""
    maker = lab.root / "tests" / "peers" / "kit" / "arc_made.py"
    python = "/usr/bin/python3"  # Debian's, whose modules dkimpy is among
    if not shutil.which("openssl") or subprocess.run([python, "-c", "import dkim, authres"],
                                                     capture_output=True).returncode:
        raise Skip("openssl, python3-dkim or python3-authres is not installed")
    folder = lab.new_folder("arc")
    path = os.path.join(folder, "made.yml")
    with open(path, "wb") as out:
        done = subprocess.run([python, str(maker), folder, str(SEED), str(chains)], stdout=out,
                              stderr=subprocess.PIPE)
    if done.returncode:
        raise Failed("nothing was made: " + done.stderr.decode(errors="replace")[-400:])
    return path


def dkimpy(lab):
    """Each of its chains has the status that it must have, and that dkimpy itself finds."""
    path = made(lab, 120 if lab.everything else 12)
    done = subprocess.run([program(lab), "arc", path], capture_output=True, text=True, timeout=600)
    lines = done.stdout.splitlines()
    check(done.returncode == 0, "; ".join(lines[:3] + lines[-1:]) or done.stderr[-400:])
    return lines[-1]


TESTS = [
    ("arc.dkimpy", dkimpy),
]
