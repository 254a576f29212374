"""A real NSD on a free loopback port, authoritative for one zone whose records can be changed."""

import os
import signal
import socket

from .process import Process, free_port, wait_until

CONFIG = """\
server:
  ip-address: 127.0.0.1@{port}
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
remote-control:
  control-enable: no
zone:
  name: {zone}
  zonefile: {zone}.zone
zone:
  name: broken.test
  zonefile: broken.zone
"""

HEAD = """\
$ORIGIN {zone}.
@ {ttl} IN SOA ns.{zone}. hostmaster.{zone}. {serial} 3600 600 86400 1
@ {ttl} IN NS ns.{zone}.
ns {ttl} IN A 127.0.0.1
"""


class Nsd:
    """records: lines of the zone, `NAME [TTL] TYPE DATA`. "broken.test" is answered SERVFAIL: its file
    is no zone."""

    def __init__(self, folder, zone, records, ttl=60):
        self.folder, self.zone, self.ttl = folder, zone, ttl
        self.port = free_port()
        self.process = None
        self._serial = 0
        with open(f"{folder}/nsd.conf", "w", encoding="utf-8") as f:
            f.write(CONFIG.format(folder=folder, port=self.port, zone=zone))
        with open(f"{folder}/broken.zone", "w", encoding="utf-8") as f:
            f.write("this is no zone\n")
        self._write(records)

    def _write(self, records):
        self._serial += 1
        with open(f"{self.folder}/{self.zone}.zone", "w", encoding="utf-8") as f:
            f.write(HEAD.format(zone=self.zone, ttl=self.ttl, serial=self._serial))
            f.write("".join(line + "\n" for line in records))
        # A second's resolution is all that NSD looks at.
        os.utime(f"{self.folder}/{self.zone}.zone", (self._serial, self._serial))

    def start(self):
        self.process = Process("nsd", ["nsd", "-d", "-c", f"{self.folder}/nsd.conf"],
                               f"{self.folder}/start.log")
        wait_until(lambda: self._rcode("ns." + self.zone, 1) is not None, 15, "nsd answers")

    def change(self, records):
        """Other records from now on; returns once they are served."""
        self._write(records)
        os.kill(self.process.pid, signal.SIGHUP)
        wait_until(lambda: self.serial() == self._serial, 15, "nsd serves the new zone")

    def _query(self, name, kind):
        labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"
        question = b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + labels + bytes([0, kind, 0, 1])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.3)
            s.connect(("127.0.0.1", self.port))
            try:
                s.send(question)
                return s.recv(4096), len(question)
            except OSError:
                return b"", 0

    def _rcode(self, name, kind):
        packet, _ = self._query(name, kind)
        return packet[3] & 15 if len(packet) > 12 else None

    def serial(self):
        """That of the zone as it is served."""
        packet, at = self._query(self.zone, 6)
        if len(packet) < at + 20 or packet[7] != 1:
            return None
        # The last five numbers of the answer, which is followed by the authority section's NS.
        data = packet[at + 12:at + 12 + int.from_bytes(packet[at + 10:at + 12], "big")]
        return int.from_bytes(data[-20:-16], "big")

    def close(self):
        if self.process:
            self.process.stop()
            self.process = None
