"""A name server that nobody should have: what it answers depends on the name that is asked for.

It is authoritative for servfail.example, silent.example, hostile.example and what is delegated to it
below in-addr.arpa; see ANSWERS. How often each name was asked for is counted.
"""

import collections
import os
import socket
import struct
import threading

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA = 1, 2, 5, 6, 12, 15, 16, 28
MAIL_HOST = "127.0.0.1"
FORGED = "127.0.0.66"
MANY = 500


def wire(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".") if x) + b"\0"


def record(name, kind, data, ttl=60):
    return wire(name) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def address(text):
    return socket.inet_aton(text)


def strings(octets):
    """A TXT record's data."""
    return b"".join(bytes([len(octets[i:i + 255])]) + octets[i:i + 255]
                    for i in range(0, len(octets), 255))


def read_question(packet):
    """(name in lower case, type, where the question ends)"""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += 1 + packet[at]
    return ".".join(labels), int.from_bytes(packet[at + 1:at + 3], "big"), at + 5


def reply(packet, end, answers, rcode=0, authority=(), flags=0x8480):
    """To the question in `packet`, which ends there: without the additional section."""
    return (packet[:2] + struct.pack("!HHHHH", flags | rcode, 1, len(answers), len(authority), 0)
            + packet[12:end] + b"".join(answers) + b"".join(authority))


class Liar:
    def __init__(self, host):
        self.host = host
        self.asked = collections.Counter()  # (name, type)
        self.over_tcp = collections.Counter()
        self.silent = False  # to everybody
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((host, 53))
        self._tcp = socket.create_server((host, 53))
        self._closed = False
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    # ---- what is said ----

    @staticmethod
    def _nothing(packet, end, zone, rcode=0):
        soa = wire("ns." + zone) + wire("root." + zone) + struct.pack("!IIIII", 1, 60, 60, 60, 5)
        return reply(packet, end, [], rcode, [record(zone, SOA, soa)])

    def _answers(self, packet, tcp):
        """The packets to send back."""
        name, kind, end = read_question(packet)
        self.asked[name, kind] += 1
        if tcp:
            self.over_tcp[name, kind] += 1
        if self.silent or name.endswith("silent.example"):
            return []
        if name.endswith("servfail.example"):
            return [reply(packet, end, [], 2)]
        if name.endswith("in-addr.arpa"):
            return self._reverse(packet, end, name, kind, tcp)
        first = name.removesuffix("hostile.example").rstrip(".").rpartition(".")[2]
        say = getattr(self, "_say_" + first.rstrip("0123456789"), None)
        if say is None:
            return [self._nothing(packet, end, "hostile.example", 0 if not first else 3)]
        return say(packet, end, name, kind, tcp)

    def _if(self, wanted, packet, end, kind, answers):
        return [reply(packet, end, answers) if kind == wanted else
                self._nothing(packet, end, "hostile.example")]

    def _reverse(self, packet, end, name, kind, tcp):
        """Five hundred names, none of which leads back."""
        if kind != PTR or name.count(".") < 5:
            return [self._nothing(packet, end, "77.127.in-addr.arpa")]
        if not tcp:
            return [reply(packet, end, [], flags=0x8680)]
        return [reply(packet, end, [record(name, PTR, wire(f"p{i}.hostile.example"))
                                    for i in range(MANY)])]

    def _say_p(self, packet, end, name, kind, _tcp):
        """A name that one of the five hundred leads to."""
        return self._if(A, packet, end, kind, [record(name, A, address(FORGED))])

    def _say_wrongid(self, packet, end, name, kind, tcp):
        """A hundred answers to questions that nobody asked, then the right one."""
        right = self._if(A, packet, end, kind, [record(name, A, address(MAIL_HOST))])
        if tcp or kind != A:
            return right
        number = int.from_bytes(packet[:2], "big")
        forged = reply(packet, end, [record(name, A, address(FORGED))])
        return [struct.pack("!H", (number + i) & 0xFFFF) + forged[2:] for i in range(1, 101)] + right

    @staticmethod
    def _say_other(packet, _end, _name, _kind, _tcp):
        """The answer to another question."""
        question = wire("elsewhere.hostile.example") + struct.pack("!HH", A, 1)
        return [packet[:2] + struct.pack("!HHHHH", 0x8480, 1, 1, 0, 0) + question
                + record("elsewhere.hostile.example", A, address(FORGED))]

    @staticmethod
    def _say_loop(packet, end, _name, kind, _tcp):
        """The record's name is a pointer to itself."""
        at = end
        return [packet[:2] + struct.pack("!HHHHH", 0x8480, 1, 1, 0, 0) + packet[12:end]
                + struct.pack("!HHHIH", 0xC000 | at, kind, 1, 60, 4) + address(FORGED)]

    def _say_c(self, packet, end, name, _kind, _tcp):
        """c0 leads to c1, c1 to c2 and so on; c30 to c0."""
        number = int(name.partition(".")[0][1:] or 0)
        to = f"c{(number + 1) % 31}.hostile.example"
        return [reply(packet, end, [record(name, CNAME, wire(to))])]

    def _say_truncated(self, packet, end, name, kind, tcp):
        """By TCP only."""
        if not tcp:
            return [reply(packet, end, [], flags=0x8680)]
        return self._if(A, packet, end, kind, [record(name, A, address(MAIL_HOST))])

    def _say_big(self, packet, end, name, kind, tcp):
        """A TXT record as large as a message can hold."""
        if not tcp:
            return [reply(packet, end, [], flags=0x8680)]
        return self._if(TXT, packet, end, kind, [record(name, TXT, strings(b"x" * 65000))])

    @staticmethod
    def _say_garbage(packet, _end, _name, _kind, _tcp):
        return [packet[:2] + os.urandom(200)]

    # ---- how ----

    def _serve_udp(self):
        while not self._closed:
            try:
                packet, peer = self._udp.recvfrom(4096)
                for answer in self._answers(packet, False):
                    self._udp.sendto(answer, peer)
            except (OSError, IndexError, ValueError):
                pass  # closed, or nothing that can be read

    def _serve_tcp(self):
        while not self._closed:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,), daemon=True).start()

    def _serve_connection(self, connection):
        with connection:
            connection.settimeout(10)
            try:
                with connection.makefile("rb") as f:
                    packet = f.read(int.from_bytes(f.read(2), "big"))
                for answer in self._answers(packet, True):
                    connection.sendall(struct.pack("!H", len(answer)) + answer)
            except (OSError, IndexError, ValueError):
                pass

    def close(self):
        self._closed = True
        for s in (self._udp, self._tcp):
            s.close()
