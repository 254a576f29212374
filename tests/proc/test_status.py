#!/usr/bin/env python3
"""What a running Gatepost says on its control socket. Usage: test_status.py GATEPOST [NAME…]"""
import json
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
from test_processes import PATIENCE, Gatepost, check, main, until  # noqa: E402


def command(g, *words):
    return subprocess.run([g.binary, words[0], '-c', g.file, *words[1:]], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=PATIENCE, check=False, encoding='utf-8')


def status(g):
    done = command(g, 'status', '--json')
    check(done.returncode == 0, done.stderr)
    return json.loads(done.stdout)


def figures(binary):
    """Which configuration is in force and how many workers there are to be, from the first one on."""
    with Gatepost(binary, workers=2) as g:
        g.start()
        s = status(g)
        check((s['generation'], s['reloads'], s['workers_wanted']) == (1, 0, 2), f'at the start: {s}')
        check(sorted(w['pid'] for w in s['workers']) == sorted(g.workers()), f'workers {s["workers"]}')
        check(s['pid'] == g.popen.pid, f'{s["pid"]}')
        people = command(g, 'status').stdout
        check(' at ,' not in people, people)
        check(', configuration 1\n' in people, people)
        g.write(workers=1)
        check(command(g, 'reload').stdout == 'reloaded\n', 'a reload')
        s = status(g)
        check((s['generation'], s['reloads'], s['workers_wanted']) == (2, 1, 1), f'after a reload: {s}')


def garbage(binary):
    """What is no request gets an answer that says so, or none, and the next client is served."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        for octets, said in ((b'hello\n', 'not JSON'), (b'\xff\x00\n', 'not JSON'), (b'\n', 'not JSON'),
                             (b'{"do":"explode"}\n', '"do" is none of'), (b'[' * 4000 + b'\n', 'nested too deeply'),
                             (b'x' * 5000, 'more than 4096 octets'), (b'{"do":"status"}', 'does not end')):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(PATIENCE)
                s.connect(f'{g.folder}/control')
                s.sendall(octets)
                s.shutdown(socket.SHUT_WR)
                reply = json.loads(s.makefile('rb').readline())
                check(reply['ok'] is False and said in reply['error'], f'{octets[:20]!r}: {reply}')
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f'{g.folder}/control')
            s.shutdown(socket.SHUT_WR)
            check(s.recv(1) == b'', 'an answer to nothing')
        status(g)


def refused(binary):
    """`gatepost reload` tells what is wrong and where, and exits 2; without a Gatepost it exits 1."""
    with Gatepost(binary, workers=1) as g:
        g.start()
        right = g.statements['workers']
        g.write(limit=['erors 3'])
        done = command(g, 'reload')
        check(done.returncode == 2 and 'unknown limit "erors"' in done.stderr, f'{done}')
        g.write(limit=[], state=f'lmdb:{g.folder}/other')
        done = command(g, 'reload')
        check(done.returncode == 2 and '`state` cannot change' in done.stderr, f'{done}')
        g.write(state=f'lmdb:{g.folder}/var/state', workers=right)
        g.signal(signal.SIGTERM)
        g.wait()
        until(lambda: command(g, 'status').returncode == 1, 'nobody to ask')
        check('no Gatepost runs there' in command(g, 'reload').stderr, 'why')


CASES = [figures, garbage, refused]

if __name__ == '__main__':
    sys.exit(main(CASES))
