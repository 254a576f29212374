"""rspamd (Debian's package) that checks SPF, DKIM and DMARC and nothing else, asked over HTTP as an MTA's
milter would ask it: its processes are what is measured, nobody else's."""

import http.client
import json
import os
import pwd
import shutil
from concurrent.futures import ThreadPoolExecutor

from kit.process import Process, free_port
from kit.report import Failed

PARALLEL = 8
PASSED = ["R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"]
SHARE = "/usr/share/rspamd"

CONFIG = """\
options {{
    pidfile = "{folder}/rspamd.pid";
    filters = "dkim";
    cache_file = "{folder}/symbols.cache";
    dns {{ timeout = 1s; sockets = 16; retransmits = 5; nameserver = ["127.0.0.1:{dns}"]; }}
    tempdir = "{folder}";
    url_tld = "{folder}/suffixes";  # of the whole list it would make a database, for half a minute
    control_socket = "{folder}/rspamd.sock mode=0600";
    local_addrs = ["192.0.2.1"];  # the loopback is a stranger here
    hs_cache_dir = "{folder}";
    stats_file = "{folder}/stats.ucl";
}}
logging {{ type = "file"; filename = "{folder}/rspamd.log"; level = "notice"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = {workers}; }}
dkim {{ enabled = true; dkim_cache_size = 2k; }}
spf {{ enabled = true; spf_cache_size = 2k; }}
dmarc {{ enabled = true; }}
modules {{ path = "{share}/plugins"; }}
lua = "{folder}/none.lua";
actions {{ reject = 15; add_header = 6; greylist = 4; }}
"""


class RspamdServer:
    name = "rspamd"
    what = ("Debian's rspamd, modules spf, dkim and dmarc alone, message by HTTP: no SMTP, no next hop; a line "
            "in its log for each")

    def __init__(self, folder, workers, dns, headers, octets):
        self.port = free_port()
        self._octets = octets
        self._headers = headers
        file = os.path.join(folder, "rspamd.conf")
        with open(file, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(folder=folder, share=SHARE, port=self.port, dns=dns, workers=workers))
        for name, text in (("none.lua", ""), ("suffixes", "com\nnet\norg\ntest\n")):
            with open(os.path.join(folder, name), "w", encoding="ascii") as f:
                f.write(text)
        user = pwd.getpwnam("_rspamd")
        shutil.chown(folder, user.pw_uid, user.pw_gid)
        self._process = Process("rspamd", ["rspamd", "-f", "-c", file, "-u", "_rspamd", "-g", "_rspamd"],
                                os.path.join(folder, "start.log"))
        self._process.wait_port(self.port, seconds=60)
        self.pids = [self._process.pid]

    def clerk(self):
        return None

    def ask(self):
        """The names of what it found in the message."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/checkv2", body=self._octets, headers=self._headers)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        if reply.status != 200:
            raise Failed(f"rspamd: {reply.status} {text[:300]}")
        return set(json.loads(text)["symbols"])

    def send(self, count):
        with ThreadPoolExecutor(PARALLEL) as pool:
            for found in pool.map(lambda _: self.ask(), range(count)):
                if not found.issuperset(PASSED):
                    raise Failed(f"rspamd found {sorted(found)}")

    def close(self):
        self._process.stop()
        return []
