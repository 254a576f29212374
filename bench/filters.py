"""rspamd and SpamAssassin as Debian configures them, asked about one message after the other: only their ports
and folders are other ones, and the DNS that they ask is the bench's."""

import http.client
import json
import os
import pathlib
import re
import shutil
import socket

from kit.nsd import NsdServer
from kit.process import Process, descendants_of, free_port, wait_until

ACTIONS = {"reject": "refused", "add header": "marked", "rewrite subject": "marked", "soft reject": "put off",
           "greylist": "put off"}


def make(folder, name):
    path = pathlib.Path(folder) / name
    path.mkdir()
    path.chmod(0o755)
    return str(path)


class Dns:
    def __init__(self, folder, text):
        self.port = free_port()
        self._nsd = NsdServer(make(folder, "nsd"), "127.0.0.1", self.port, {".": text}, measured=True)
        self._nsd.start()

    def close(self):
        self._nsd.process.stop()


class Filter:
    """`cpu`: seconds of processor time that its processes have used since they could answer."""

    def _began(self):
        self._before = self._used()

    def _used(self):
        ticks = 0
        for pid in [self._process.pid, *descendants_of(self._process.pid)]:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                ticks += sum(int(x) for x in f.read().rpartition(")")[2].split()[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def cpu(self):
        return self._used() - self._before

    def close(self):
        self._process.stop()


class Rspamd(Filter):
    name = "rspamd"

    def __init__(self, folder, dns):
        self.port = free_port()
        folder = make(folder, "rspamd")
        conf = f"{folder}/conf"
        shutil.copytree("/etc/rspamd", conf)
        local = pathlib.Path(conf) / "local.d"
        local.mkdir(exist_ok=True)
        (local / "options.inc").write_text(
            f'dns {{ nameserver = ["127.0.0.1:{dns.port}"]; }}\npidfile = "{folder}/pid";\ntemp_dir = "{folder}";\n'
            f'hs_cache_dir = "{folder}";\ncontrol_socket = "{folder}/control mode=0600";\n')
        (local / "worker-normal.inc").write_text(f'bind_socket = "127.0.0.1:{self.port}";\ncount = 1;\n')
        (local / "worker-controller.inc").write_text("enabled = false;\ncount = 0;\n")
        (local / "worker-proxy.inc").write_text("enabled = false;\ncount = 0;\n")
        (local / "logging.inc").write_text(f'type = "file";\nfilename = "{folder}/log";\n')
        self._process = Process("rspamd", ["rspamd", "-i", "-f", "-u", "root", "-g", "root", "-c", f"{conf}/rspamd.conf",
                                           f"--var=CONFDIR={conf}", f"--var=LOCAL_CONFDIR={conf}",
                                           f"--var=DBDIR={folder}", f"--var=RUNDIR={folder}", f"--var=LOGDIR={folder}"],
                                f"{folder}/start.log")
        wait_until(self._answers, 120, "rspamd answers")
        self._began()

    def _answers(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", "/ping")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def kind(self, mail):
        """refused, marked, put off or passed."""
        headers = {"IP": mail.ip, "Helo": mail.helo, "From": f"<{mail.sender}>", "Rcpt": f"<{mail.recipient}>"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("POST", "/checkv2", body=mail.octets, headers=headers)
        reply = json.loads(connection.getresponse().read())
        connection.close()
        return ACTIONS.get(reply.get("action"), "passed")


class Spamassassin(Filter):
    name = "SpamAssassin"

    def __init__(self, folder, dns):
        self.port = free_port()
        folder = make(folder, "spamd")
        self._process = Process("spamd", ["spamd", f"--cf=dns_server 127.0.0.1:{dns.port}", "--nouser-config", "--max-children=1",
                                          f"--listen=127.0.0.1:{self.port}", f"--helper-home-dir={folder}",
                                          f"--syslog={folder}/log"], f"{folder}/start.log")
        wait_until(lambda: self._ask("PING", b"") != "", 120, "spamd answers")
        self._began()

    def _ask(self, verb, octets):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 180) as s:
                s.sendall(f"{verb} SPAMC/1.5\r\nContent-length: {len(octets)}\r\n\r\n".encode() + octets)
                s.shutdown(socket.SHUT_WR)
                return s.makefile("rb").read().decode("latin-1")
        except OSError:
            return ""

    def kind(self, mail):
        """It only marks, from 5 on."""
        received = (f"Received: from {mail.helo} ({mail.rdns or 'unknown'} [{mail.ip}])\r\n\tby mx.example.org with ESMTP id 1\r\n"
                    f"\tfor <{mail.recipient}>; Thu, 26 Nov 2026 09:00:00 +0000 (envelope-sender <{mail.sender}>)\r\n")
        found = re.search(r"Spam: (True|False)", self._ask("CHECK", received.encode() + mail.octets))
        return {"True": "marked", "False": "passed"}[found[1]] if found else "no answer"
