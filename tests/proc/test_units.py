#!/usr/bin/env python3
"""The systemd units: what systemd-analyze thinks of them, where it is there. Usage: test_units.py GATEPOST"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from kit import check, main  # noqa: E402

UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'systemd')
EXPOSURE_MOST = 1.5


def analyze(*arguments):
    """What it says, or None where it is not there."""
    if not shutil.which('systemd-analyze'):
        return None
    done = subprocess.run(['systemd-analyze', *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, SYSTEMD_COLORS='0', LC_ALL='C.UTF-8'))
    return done.stdout.decode()


def verify(binary):
    """No unknown setting, no contradiction; with the program in the place of the installed one."""
    folder = tempfile.mkdtemp(prefix='gatepost-units-')
    try:
        for name in ('gatepost.service', 'gatepost.socket'):
            with open(f'{UNITS}/{name}', encoding='utf-8') as f:
                text = f.read()
            with open(f'{folder}/{name}', 'w', encoding='utf-8') as f:
                f.write(text.replace('/usr/sbin/gatepost', binary))
        said = analyze('verify', '--man=no', f'{folder}/gatepost.service', f'{folder}/gatepost.socket')
        check(said is None or said == '', said)
    finally:
        shutil.rmtree(folder)


def exposure(_binary):
    said = analyze('security', '--offline=true', f'{UNITS}/gatepost.service')
    if said is None or 'Unknown command verb' in said or 'offline' in said:
        return
    found = re.search(r'Overall exposure level for gatepost.service: ([0-9.]+)', said)
    check(found and float(found[1]) <= EXPOSURE_MOST, said)


def folders(_binary):
    """Whoever can open the state folder could lock it."""
    with open(f'{UNITS}/gatepost.service', encoding='utf-8') as f:
        check('StateDirectoryMode=0700\n' in f.read(), 'the state folder is open to others')


CASES = [verify, exposure, folders]

if __name__ == '__main__':
    sys.exit(main(CASES))
