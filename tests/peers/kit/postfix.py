"""Real Postfix in folders of its own, as next hop and as sender. Never reads or writes /etc/postfix.

As next hop it must change nothing: what is stored is what was sent, below its own trace fields.
"""

import os
import pwd
import re
import signal
import stat
import sys

from .answers import Answers
from .process import Process, alive, descendants_of, run_tool, wait_until
from .report import Failed
from .server import Server

NOBODY = pwd.getpwnam("nobody").pw_uid

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {folder}
maillog_file = {folder}/mail.log
myhostname = {name}.test
myorigin = {name}.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_address_preference = ipv4
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = {size}
transport_maps = texthash:{folder}/transport
# Nothing is to be changed on the way.
always_add_missing_headers = no
local_header_rewrite_clients =
message_drop_headers =
disable_mime_input_processing = yes
disable_mime_output_conversion = yes
header_size_limit = 1000000
line_length_limit = 4096
# The tests come from one address, quickly, and often.
smtpd_client_event_limit_exceptions = static:all
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 1000
smtpd_soft_error_limit = 1000
smtpd_recipient_limit = 1000
in_flow_delay = 0
smtpd_recipient_restrictions = {answers} permit_auth_destination, reject
smtpd_relay_restrictions =
smtputf8_enable = yes
enable_long_queue_ids = no
minimal_backoff_time = 5s
maximal_backoff_time = 5s
queue_run_delay = 5s
"""

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

TLS = """\
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
"""


def defaults(*names):
    """{name: value} of these settings as Postfix has them where main.cf says nothing."""
    status, output = run_tool(["postconf", "-d", *names])
    found = dict(line.split(" = ", 1) for line in output.splitlines() if " = " in line)
    if status != 0 or set(found) != set(names):
        raise Failed(f"postconf -d {' '.join(names)}: {output}")
    return found


class Postfix(Server):
    """domains: for which it has mailboxes; mailboxes: local parts known in each of them (None: it
    knows everybody, and finds out after its 250); transport: {domain: port} for what it hands on by
    SMTP; answers: replies to RCPT, see kit/answers.py; tls: Issued; extra: further main.cf
    settings; clock: the kit/clock.py that it goes by."""

    def __init__(self, name, folder, domains=(), mailboxes=(), transport=None, extra=None,
                 size=1 << 30, answers=None, tls=None, clock=None):
        super().__init__(name, folder)
        self._environment = clock.environment if clock else {}
        self.config = os.path.join(folder, "etc")
        for part, owner in (("etc", None), ("queue", None), ("data", "postfix"), ("mail", NOBODY)):
            path = os.path.join(folder, part)
            os.mkdir(path, 0o755)
            if owner is not None:
                uid = pwd.getpwnam(owner).pw_uid if isinstance(owner, str) else owner
                os.chown(path, uid, -1)
        # What a kill has left in the queue postsuper tells of as this user, at the next start.
        self.write("mail.log", "")
        os.chown(f"{folder}/mail.log", pwd.getpwnam("postfix").pw_uid, -1)
        self.write("mailboxes", "".join(f"{box}@{domain} {domain}/{box}/\n"
                                        for domain in domains for box in mailboxes or ()))
        for domain in domains:
            os.mkdir(f"{folder}/mail/{domain}", 0o755)
            os.chown(f"{folder}/mail/{domain}", NOBODY, -1)
        self.write("transport", "".join(f"{domain} smtp:[127.0.0.1]:{port}\n"
                                        for domain, port in (transport or {}).items()))
        self.answers = Answers(answers) if answers else None
        main = MAIN.format(folder=folder, name=name, domains=" ".join(domains), uid=NOBODY,
                           size=size, answers=f"check_recipient_access {self.answers.map},"
                           if answers else "")
        if mailboxes is None:
            main += "smtpd_reject_unlisted_recipient = no\n"
        if tls:
            main += TLS.format(certificate=tls.certificate, key=tls.key)
        extra = dict(extra or {})
        if clock:
            extra["import_environment"] = " ".join([defaults("import_environment")["import_environment"],
                                                    *clock.environment])
        main = "".join(line for line in main.splitlines(True)
                       if line.partition("=")[0].strip() not in extra)
        main += "".join(f"{key} = {value}\n" for key, value in extra.items())
        self.write("etc/main.cf", main)
        self.write("etc/master.cf", MASTER.format(port=self.port))

    def start(self):
        self.process = Process(self.name, ["postfix", "-c", self.config, "start-fg"],
                               os.path.join(self.folder, "start.log"), env=self._environment)
        self.process.wait_port(self.port)

    def close(self):
        """Ends the master, as `postfix stop` does, then whatever is left of its group."""
        if self.process:
            master = self.master()
            if self.process.status() is not None:
                print(f"{self.name} had ended by itself, status {self.process.status()}: {self.log()[-2000:]}",
                      file=sys.stderr)
            if master and alive(master):
                os.kill(master, signal.SIGTERM)
                wait_until(lambda: not alive(master), 10, f"{self.name} ends")
            self.process.kill()
            self.process = None
        if self.answers:
            self.answers.close()

    def kill(self):
        """Everything of it ends at once, whatever it is doing."""
        for pid in descendants_of(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.kill()
        self.process = None

    def master(self):
        """Process id of its master, from the lock file that it keeps."""
        try:
            with open(f"{self.folder}/queue/pid/master.pid", encoding="ascii") as f:
                return int(f.read().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def submit(self, sender, recipients, octets):
        """Hands it a message through sendmail(1), as local programs do."""
        status, output = run_tool(["sendmail", "-C", self.config, "-i", "-f", sender, "--",
                                   *recipients], stdin=octets, env={"MAIL_CONFIG": self.config})
        if status != 0:
            raise Failed(f"sendmail of {self.name} ended with {status}: {output[-300:]}")

    def change(self, **settings):
        """Other settings of main.cf for what it does from now on."""
        for argv in [["postconf", "-c", self.config, "-e", *(f"{k} = {v}" for k, v in settings.items())],
                     ["postfix", "-c", self.config, "reload"]]:
            status, output = run_tool(argv, env=self._environment)
            if status != 0:
                raise Failed(f"{argv[0]} of {self.name} ended with {status}: {output[-300:]}")

    def queued(self):
        """The files of the messages in its queues. A file is one when its writer has set the owner's
        execute bit; who is killed before leaves a file that Postfix removes days later."""
        return [os.path.join(folder, name)
                for queue in ("maildrop", "incoming", "active", "deferred")
                for folder, _, names in os.walk(f"{self.folder}/queue/{queue}")
                for name in names if self.is_whole(os.path.join(folder, name))]

    @staticmethod
    def is_whole(path):
        try:
            return bool(os.stat(path).st_mode & stat.S_IXUSR)
        except FileNotFoundError:  # it has just been delivered, or moved to another queue
            return True

    def queue_empty(self):
        """Is no message left in its queues?"""
        return not self.queued()

    def wait_idle(self, seconds=60):
        try:
            wait_until(self.queue_empty, seconds, f"the queue of {self.name} is empty")
        except Failed as failed:
            raise Failed(f"{failed}: {self.queued()}") from None

    def log(self):
        """Its log until now."""
        try:
            with open(f"{self.folder}/mail.log", encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def finished(self):
        """The recipients that it is done with, whether they have it or not."""
        return set(re.findall(r"to=<([^>]*)>.*\bstatus=(?:sent|bounced)", self.log()))

    def attempts(self, recipient):
        """The log lines that tell how each delivery attempt for `recipient` ended."""
        pattern = re.compile(rf"to=<{re.escape(recipient)}>.*\bstatus=")
        return [line for line in self.log().splitlines() if pattern.search(line)]
