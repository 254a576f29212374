"""Real OpenSMTPD as next hop, in folders of its own."""

import os
import shutil

from . import maildir
from .foreign import private, unpacked
from .process import Process, run_tool
from .report import Skip
from .server import Server

PACKAGE = "opensmtpd"
USERS = {"opensmtpd": 64910, "opensmtpq": 64911}  # within the range that Debian keeps free

CONFIG = """\
table domains {{ {domains} }}
table boxes {{ {boxes} }}
table base {{ mail={nobody}:{nobody}:{folder}/mail }}
{pki}
{filters}
smtp max-message-size 1G
listen on 127.0.0.1 port {port} hostname {name}.test {tls} {chain}
action store maildir "{folder}/mail/%{{rcpt.domain}}/%{{rcpt.user}}" virtual <boxes> userbase <base>
match from any for domain <domains> action store
"""

FILTER = """\
table t{index} {{ {addresses} }}
filter f{index} phase rcpt-to match rcpt-to <t{index}> reject "{answer}"
"""


def listed(words):
    return ", ".join(f'"{word}"' for word in words)


class OpenSMTPD(Server):
    """domains, mailboxes: what it stores; answers: {local part: reply} for those that it knows and
    refuses all the same; tls: Issued."""

    def __init__(self, name, folder, cache, domains=(), mailboxes=(), answers=None, tls=None):
        super().__init__(name, folder)
        source = unpacked(cache, PACKAGE)
        for part, where in (("usr/sbin", "sbin"), ("usr/libexec", "libexec")):
            shutil.copytree(f"{source}/{part}", f"{folder}/{where}")
        for part, mode in (("spool", 0o711), ("lib/opensmtpd/empty", 0o755), ("run", 0o755),
                           ("mail", 0o755)):
            os.makedirs(os.path.join(folder, part), mode)
        os.chown(f"{folder}/mail", maildir.NOBODY, -1)
        answers = sorted((answers or {}).items())
        with open(f"{folder}/smtpd.conf", "w", encoding="utf-8") as f:
            f.write(CONFIG.format(
                folder=folder, name=name, port=self.port, nobody=maildir.NOBODY,
                domains=listed(domains), pki=self._pki(tls), tls="tls pki hop" if tls else "",
                boxes=", ".join(f'"{box}@{domain}"=mail' for domain in domains
                                for box in [*mailboxes, *(box for box, _ in answers)]),
                filters="".join(
                    FILTER.format(index=i, answer=answer,
                                  addresses=listed(f"{box}@{domain}" for domain in domains))
                    for i, (box, answer) in enumerate(answers)) + self._chain(answers),
                chain="filter all" if answers else ""))
        os.chmod(f"{folder}/smtpd.conf", 0o600)
        self._command = private(folder, USERS, [
            (f"{folder}/spool", "/var/spool"), (f"{folder}/lib", "/var/lib"),
            (f"{folder}/run", "/run"), (f"{folder}/libexec", "/usr/libexec"),
        ]) + [f"{folder}/sbin/smtpd", "-f", f"{folder}/smtpd.conf"]
        status, output = run_tool(self._command + ["-n"])
        if status != 0:
            raise Skip(f"OpenSMTPD does not run here: {' '.join(output.split())[-200:]}")

    def _pki(self, tls):
        if not tls:
            return ""
        self.keep(tls, "certificate", "key")
        return f'pki hop cert "{self.folder}/certificate"\npki hop key "{self.folder}/key"\n'

    def _chain(self, answers):
        names = ", ".join(f"f{i}" for i in range(len(answers)))
        return f"filter all chain {{ {names} }}\n" if answers else ""

    def start(self):
        self.process = Process(self.name, self._command + ["-d"],
                               os.path.join(self.folder, "opensmtpd.log"))
        self.process.wait_port(self.port)
