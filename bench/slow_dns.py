"""A name server whose answers take their time: a name for each address, mail domains, a DNS list on which
every address is. One thread, UDP alone; for benches.

    any address a.b.c.d: d.c.b.a.in-addr.arpa. PTR host-a-b-c-d.client.bench., and back
    *.sender.bench. MX 10 mx.sender.bench.
    list.bench.  a list of addresses (RFC 5782): 127.0.0.3 for all but 127.0.0.1, with a reason
"""

import re
import socket
import struct
import threading
import time
from queue import SimpleQueue

A, SOA, PTR, MX, TXT = 1, 6, 12, 15, 16
NOERROR, NXDOMAIN = 0, 3
TTL = 300


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def decode(packet, at):
    """The name at that place, and what is behind it; a question has no pointers."""
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += 1 + packet[at]
    return ".".join(labels), at + 1


def records(name, kind):
    """(rcode, [data]) of what this server knows."""
    reverse = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)\.(\d+)\.(in-addr\.arpa|list\.bench)", name)
    host = re.fullmatch(r"host-(\d+)-(\d+)-(\d+)-(\d+)\.client\.bench", name)
    if reverse and reverse[5] == "in-addr.arpa":
        address = "-".join(reversed(reverse.groups()[:4]))
        return NOERROR, [encode(f"host-{address}.client.bench")] if kind == PTR else []
    if reverse:
        if name.startswith("1.0.0.127."):
            return NXDOMAIN, []
        reason = b"listed, as everybody is"
        return NOERROR, {A: [bytes([127, 0, 0, 3])], TXT: [bytes([len(reason)]) + reason]}.get(kind, [])
    if host:
        return NOERROR, [bytes(map(int, host.groups()))] if kind == A else []
    if name == "mx.sender.bench":
        return NOERROR, [bytes([192, 0, 2, 25])] if kind == A else []
    if name.endswith(".sender.bench"):
        return NOERROR, [struct.pack(">H", 10) + encode("mx.sender.bench")] if kind == MX else []
    return NXDOMAIN, []


def answer(packet):
    name, behind = decode(packet, 12)
    kind = struct.unpack_from(">H", packet, behind)[0]
    rcode, found = records(name, kind)
    header = struct.pack(">HHHHHH", struct.unpack_from(">H", packet)[0], 0x8580 | rcode, 1, len(found),
                         0 if found else 1, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, TTL, len(data)) + data for data in found)
    if not found:
        soa = encode("ns.bench") + encode("root.bench") + struct.pack(">IIIII", 1, 60, 60, 60, TTL)
        body = b"\0" + struct.pack(">HHIH", SOA, 1, TTL, len(soa)) + soa
    return header + packet[12:behind + 4] + body


class SlowDns:
    """Answers each question `latency` seconds after it came."""

    def __init__(self, latency):
        self.latency = latency
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._due = SimpleQueue()
        for loop in (self._take, self._give):
            threading.Thread(target=loop, daemon=True).start()

    def _take(self):
        while True:
            packet, client = self._socket.recvfrom(4096)
            self.asked += 1
            self._due.put((time.monotonic() + self.latency, answer(packet), client))

    def _give(self):
        while True:
            due, packet, client = self._due.get()  # all take the same time: they are due in order
            time.sleep(max(0, due - time.monotonic()))
            self._socket.sendto(packet, client)
