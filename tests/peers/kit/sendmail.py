"""Real sendmail as next hop, in folders of its own. Never reads /etc/mail.

It trusts no folder below /tmp, so it sees its own at another place."""

import os
import shutil
import socket

from . import maildir
from .foreign import private, unpacked
from .process import Process, run_tool
from .report import Skip
from .server import Server

PROGRAMS, MACROS = "sendmail-bin", "sendmail-cf"
SEEN = "/srv"  # in its mount namespace
USERS = {"smmta": 64920, "smmsp": 64921}  # within the range that Debian keeps free

CONFIG = """\
divert(-1)
define(`_CF_DIR_', `{macros}/')
include(`{macros}/m4/cf.m4')
OSTYPE(`linux')
define(`MAIL_SETTINGS_DIR', `/srv/')
define(`QUEUE_DIR', `/srv/queue')
define(`STATUS_FILE', `/srv/statistics')
define(`HELP_FILE', `/srv/help')
define(`confPID_FILE', `/srv/pid')
define(`confCONTROL_SOCKET_NAME', `')
define(`confDOMAIN_NAME', `{name}.test')
define(`confSERVICE_SWITCH_FILE', `/srv/switch')
define(`confHOSTS_FILE', `/etc/hosts')
define(`confDONT_PROBE_INTERFACES', `True')
define(`confEIGHT_BIT_HANDLING', `pass8')
define(`confMIME_FORMAT_ERRORS', `False')
define(`confTO_IDENT', `0')
define(`confTO_CONNECT', `5s')
define(`confMAX_HEADERS_LENGTH', `1000000')
define(`confDEF_USER_ID', `nobody')
define(`confDELIVERY_MODE', `background')
define(`confREFUSE_LA', `1000')
define(`confQUEUE_LA', `1000')
define(`confBAD_RCPT_THROTTLE', `0')
define(`confDONT_BLAME_SENDMAIL', `GroupReadableKeyFile')
define(`confPRIVACY_FLAGS', `noexpn,novrfy')
define(`ALIAS_FILE', `')
undefine(`DECNET')
{tls}
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
FEATURE(`access_db', `hash -T<TMPF> /srv/access')
FEATURE(`blocklist_recipients')
FEATURE(`mailertable', `hash /srv/mailers')
FEATURE(`no_default_msa')
DAEMON_OPTIONS(`Name=MTA, Addr=127.0.0.1, Port={port}')
MAILER_DEFINITIONS
Mstore, P=/srv/store, F=nu89mS, U=nobody, L=0, S=EnvFromSMTP, R=EnvToSMTP, E=\\n,
	T=DNS/RFC822/X-Unix, A=store $h $u
MAILER(`smtp')
"""

# The file system's own mailer: one call for each message, with all its recipients.
STORE = """\
#!/bin/sh
set -eu
umask 022
message=$(mktemp /srv/incoming/XXXXXXXX)
cat >"$message"
shift
for address; do
    box=/srv/mail/${{address#*@}}/${{address%@*}}
    mkdir -p "$box/new" "$box/tmp" "$box/cur"
    cp "$message" "$box/tmp/${{message##*/}}"
    mv "$box/tmp/${{message##*/}}" "$box/new/"
done
rm "$message"
"""

TLS = """\
define(`confCACERT_PATH', `/srv')
define(`confCACERT', `/srv/authority')
define(`confSERVER_CERT', `/srv/certificate')
define(`confSERVER_KEY', `/srv/key')
"""


class Sendmail(Server):
    """domains, mailboxes: what it stores; answers: {local part: reply} for those that it refuses, for
    good or for a while; tls: Issued."""

    def __init__(self, name, folder, cache, domains=(), mailboxes=(), answers=None, tls=None):
        super().__init__(name, folder)
        shutil.copytree(f"{unpacked(cache, PROGRAMS)}/usr/libexec/sendmail",
                        f"{folder}/libexec")
        for part, uid in (("queue", 0), ("mail", maildir.NOBODY), ("incoming", maildir.NOBODY)):
            os.mkdir(f"{folder}/{part}", 0o755)
            os.chown(f"{folder}/{part}", uid, -1)
        os.chmod(f"{folder}/queue", 0o700)
        self.write("store", STORE.format())
        os.chmod(f"{folder}/store", 0o755)
        self.write("switch", "hosts files\n")
        self.write("help", "")
        macros = f"{unpacked(cache, MACROS)}/usr/share/sendmail/cf"
        self.write("sendmail.mc", CONFIG.format(name=name, macros=macros, port=self.port,
                                                tls=self._tls(tls)))
        self._tool(["m4", f"{folder}/sendmail.mc"], into="sendmail.cf")
        # It would wait a minute for a name of its host that has a dot.
        host = socket.gethostname().partition(".")[0]
        self.write("hosts", f"127.0.0.1 localhost\n127.0.0.1 {host}.test {host}\n")
        self._private = private(folder, USERS, [(f"{folder}/hosts", "/etc/hosts"), (folder, SEEN)])
        known = "".join(f"To:{box}@{domain}\tRELAY\n" for domain in domains for box in mailboxes)
        refused = "".join(f'To:{box}@{domain}\tERROR:{reply.split()[1]}:"{reply[:3]} {words}"\n'
                          for domain in domains for box, reply in (answers or {}).items()
                          for words in [reply.split(" ", 2)[2]])
        unknown = "".join(f'To:{domain}\tERROR:5.1.1:"550 User unknown"\n' for domain in domains)
        self._map("access", known + refused + unknown)
        self._map("mailers", "".join(f"{domain}\tstore:{domain}\n" for domain in domains))

    def _tls(self, tls):
        if not tls:
            return ""
        self.keep(tls, "certificate", "key", "authority")
        return TLS

    def _tool(self, argv, stdin=b"", into=None):
        status, output = run_tool(argv, stdin=stdin)
        if status != 0:
            raise Skip(f"{os.path.basename(argv[0])} for sendmail: {' '.join(output.split())[-200:]}")
        if into:
            self.write(into, output)

    def _map(self, name, text):
        self._tool(self._private + [f"{SEEN}/libexec/makemap", "-C", f"{SEEN}/sendmail.cf", "hash",
                                    f"{SEEN}/{name}"], text.encode())

    def start(self):
        command = [f"{SEEN}/libexec/sendmail", "-C", f"{SEEN}/sendmail.cf", "-bD", "-q5s"]
        self.process = Process(self.name, self._private + command,
                               os.path.join(self.folder, "sendmail.log"))
        self.process.wait_port(self.port)
