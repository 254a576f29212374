"""Ports for the servers that tests and measurements start, whichever of them run at the same time."""

import random
import socket

RANDOM = random.SystemRandom()
PORTS = range(10240, 32768)  # below those that the system takes for connections (ip_local_port_range)
HELD = {}  # port: the claim to it, until this process ends


def _claim(port):
    """A name that one process of this machine can have at a time, whatever became of the others; None
    when another has it."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0gatepost-test-port-{port}")
    except OSError:
        claim.close()
        return None
    return claim


def free_port():
    """A loopback TCP port that nobody listens on, that was given out neither here nor to another
    program of the tests still running, and that no connection can take before its server does."""
    while True:
        port = RANDOM.choice(PORTS)
        claim = _claim(port)
        if claim is None:
            continue
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
                continue
        HELD[port] = claim
        return port
