"""Real Dovecot as LMTP hop, in folders of its own, over TCP and over a Unix socket. Never reads
/etc/dovecot.

Whom it knows stands in a file of users that it reads at each question. A mailbox may be full; it
then says so at RCPT or only after the data, for a while or for good, as the test wants.
"""

import os
import pwd

from . import maildir
from .process import Process, run_tool, wait_until
from .report import Failed, Skip
from .server import Server

NOBODY = pwd.getpwnam("nobody")

CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
auth_verbose = yes
protocols = lmtp
listen = 127.0.0.1
instance_name = {name}
hostname = {name}.test
submission_host = 127.0.0.1:9
mail_location = maildir:~/
mail_plugins = quota
first_valid_uid = {uid}
first_valid_gid = {gid}
recipient_delimiter =
lmtp_save_to_detail_mailbox = no
lmtp_rcpt_check_quota = {at_rcpt}
mailbox_list_index = no
{tls}
service anvil {{
  client_limit = 1000
}}
service stats {{
  client_limit = 1000
}}
service lmtp {{
  process_limit = 20
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
  unix_listener {socket} {{
    mode = 0666
  }}
}}
plugin {{
  quota = maildir:Mailbox
  quota_grace = 0
  quota_exceeded_message = {words}
}}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
"""

TLS = """\
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
"""

FULL = b"Subject: fills the mailbox\n\n" + b"0123456789 0123456789 0123456789\n" * 200
FULL_WORDS = "The mailbox of this reader is full"


class Dovecot(Server):
    """domains, mailboxes: what it stores; full: local parts whose mailboxes are full for good;
    full_for_a_while: those that are full until `empty`; at_rcpt: say so at RCPT; tls: Issued."""

    def __init__(self, name, folder, domains=(), mailboxes=(), full=(), full_for_a_while=(),
                 at_rcpt=False, tls=None):
        super().__init__(name, folder)
        self.socket = os.path.join(folder, "lmtp")
        self._config = os.path.join(folder, "dovecot.conf")
        for part, uid in (("run", 0), ("state", 0), ("mail", NOBODY.pw_uid)):
            path = os.path.join(folder, part)
            os.mkdir(path, 0o755)
            os.chown(path, uid, -1)
        self.write("dovecot.conf", CONFIG.format(
            folder=folder, name=name, port=self.port, socket=self.socket, uid=NOBODY.pw_uid,
            gid=NOBODY.pw_gid, at_rcpt="yes" if at_rcpt else "no", words=FULL_WORDS,
            tls=TLS.format(certificate=tls.certificate, key=tls.key) if tls else "ssl = no"))
        self.write("users", "".join(
            self._user(box, domain, box in full or box in full_for_a_while,
                       box in full_for_a_while)
            for domain in domains for box in [*mailboxes, *full, *full_for_a_while]))
        for domain in domains:
            os.mkdir(f"{folder}/mail/{domain}", 0o755)
            os.chown(f"{folder}/mail/{domain}", NOBODY.pw_uid, -1)
            for box in [*full, *full_for_a_while]:
                self.fill(box, domain)
        status, output = run_tool(["doveconf", "-c", self._config, "-n"])
        if status != 0:
            raise Skip(f"Dovecot does not run here: {' '.join(output.split())[-200:]}")

    def _user(self, box, domain, limited, for_a_while):
        extra = f" userdb_quota_rule=*:bytes={len(FULL) - 1}" if limited else ""
        extra += " userdb_quota_full_tempfail=yes" if for_a_while else ""
        return (f"{box}@{domain}:{{PLAIN}}x:{NOBODY.pw_uid}:{NOBODY.pw_gid}::"
                f"{self.mailbox(box, domain)}::{extra.strip()}\n")

    def fill(self, local_part, domain):
        """Puts a message in that leaves no room for another."""
        folder = self.mailbox(local_part, domain)
        maildir.make_maildir(folder, NOBODY.pw_uid)
        path = f"{folder}/new/1000000000.M1P1.full,S={len(FULL)}"
        with open(path, "wb") as f:
            f.write(FULL)
        os.chown(path, NOBODY.pw_uid, -1)
        try:
            os.unlink(f"{folder}/maildirsize")  # so that it counts anew
        except FileNotFoundError:
            pass

    def start(self):
        self.process = Process(self.name, ["dovecot", "-F", "-c", self._config],
                               os.path.join(self.folder, "start.log"))
        self.process.wait_port(self.port)
        wait_until(lambda: os.path.exists(self.socket), 5, f"{self.name} has its socket")

    def empty(self, local_part, domain):
        """Takes everything out of a mailbox, as its reader would."""
        status, output = run_tool(["doveadm", "-c", self._config, "expunge", "-u",
                                   f"{local_part}@{domain}", "mailbox", "INBOX", "all"])
        if status != 0:
            raise Failed(f"doveadm expunge ended with {status}: {output[-300:]}")

    def messages(self, local_part, domain):
        """What is in it, but for the message that filled it."""
        return [m for m in maildir.messages_in(self.mailbox(local_part, domain)) if m != FULL]
