"""A real NSD, authoritative for some zones: on any address and port, or on a free loopback port for one
zone whose records can be changed."""

import os
import signal
import socket

from .process import Process, free_port, wait_until

CONFIG = """\
server:
  ip-address: {address}@{port}
  port: {port}
  server-count: 1
  username: ""
  chroot: ""
  pidfile: "{folder}/nsd.pid"
  database: ""
  zonesdir: "{folder}"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  logfile: "{folder}/nsd.log"
  hide-version: yes
  round-robin: no
  minimal-responses: no
  rrl-ratelimit: {rate}
remote-control:
  control-enable: {control}
  control-interface: "{folder}/control"
"""

ZONE = """\
zone:
  name: {name}
  zonefile: {file}
"""

HEAD = """\
$ORIGIN {zone}.
@ {ttl} IN SOA ns.{zone}. hostmaster.{zone}. {serial} 3600 600 86400 1
@ {ttl} IN NS ns.{zone}.
ns {ttl} IN A 127.0.0.1
"""


class NsdServer:
    """zones: name → text of its file. A text that is none has the zone answered SERVFAIL. `measured`: for
    a bench, that has nsd-control with {folder}/nsd.conf, and no limit on how often the same is asked."""

    def __init__(self, folder, address, port, zones, measured=False):
        self.folder, self.address, self.port = folder, address, port
        self.process = None
        self._first = next(iter(zones))
        with open(f"{folder}/nsd.conf", "w", encoding="utf-8") as f:
            f.write(CONFIG.format(folder=folder, address=address, port=port,
                                  control="yes" if measured else "no",
                                  rate=0 if measured else 200))
            for name in zones:
                f.write(ZONE.format(name=name, file=self._file(name)))
        for name, text in zones.items():
            self.write(name, text)

    @staticmethod
    def _file(zone):
        return f"{zone.strip('.') or 'root'}.zone"

    def write(self, zone, text, time=None):
        path = f"{self.folder}/{self._file(zone)}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        if time is not None:
            os.utime(path, (time, time))

    def start(self):
        self.process = Process("nsd", ["nsd", "-d", "-c", f"{self.folder}/nsd.conf"],
                               f"{self.folder}/start.log")
        wait_until(lambda: self.query(self._first, 6), 15, "nsd answers")

    def query(self, name, kind):
        """The answer, or b""; and the length of the question within it."""
        labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".") if x) + b"\0"
        question = b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + labels + bytes([0, kind, 0, 1])
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(0.3)
            s.connect((self.address, self.port))
            try:
                s.send(question)
                return s.recv(4096)
            except OSError:
                return b""

    def close(self):
        if self.process:
            self.process.stop()
            self.process = None


class Nsd(NsdServer):
    """records: lines of the zone, `NAME [TTL] TYPE DATA`. "broken.test" is answered SERVFAIL: its file
    is no zone."""

    def __init__(self, folder, zone, records, ttl=60):
        self.zone, self.ttl = zone, ttl
        self._serial = 1
        super().__init__(folder, "127.0.0.1", free_port(),
                         {zone: self._text(records), "broken.test": "this is no zone\n"})

    def _text(self, records):
        return (HEAD.format(zone=self.zone, ttl=self.ttl, serial=self._serial)
                + "".join(line + "\n" for line in records))

    def change(self, records):
        """Other records from now on; returns once they are served."""
        self._serial += 1
        # A second's resolution is all that NSD looks at.
        self.write(self.zone, self._text(records), time=self._serial)
        os.kill(self.process.pid, signal.SIGHUP)
        wait_until(lambda: self.serial() == self._serial, 15, "nsd serves the new zone")

    def serial(self):
        """That of the zone as it is served."""
        packet = self.query(self.zone, 6)
        at = 12 + len(self.zone) + 2 + 4
        if len(packet) < at + 20 or packet[7] != 1:
            return None
        # The last five numbers of the answer, which is followed by the authority section's NS.
        data = packet[at + 12:at + 12 + int.from_bytes(packet[at + 10:at + 12], "big")]
        return int.from_bytes(data[-20:-16], "big")
