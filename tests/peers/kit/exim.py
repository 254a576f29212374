"""Real Exim in folders of its own, as next hop and as sender. It insists on a user of its own, which
exists only in its mount namespace.
"""

import os
import pwd
import re
import shutil

from .foreign import private, unpacked
from .process import Process, run_tool
from .report import Failed, Skip
from .server import Server

PACKAGE = "exim4-daemon-light"
USER = "Debian-exim"
UID = 64900  # within the range that Debian keeps free for such uses
NOBODY = pwd.getpwnam("nobody").pw_uid

CONFIG = """\
exim_path = {binary}
spool_directory = {folder}/spool
log_file_path = {folder}/exim-%s.log
pid_file_path = {folder}/exim.pid
primary_hostname = {name}.test
domainlist local_domains = {domains}
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
{tls}
never_users =
deliver_drop_privilege = true
trusted_users = root
untrusted_set_sender = *
message_size_limit = 1G
smtp_accept_max = 200
smtp_accept_max_per_host = 200
smtp_accept_queue_per_connection = 0
accept_8bitmime = true
qualify_domain = {name}.test
host_lookup =
rfc1413_hosts =
recipient_unqualified_hosts =
return_path_remove = false
envelope_to_remove = false
delivery_date_remove = false
acl_smtp_rcpt = rcpt
keep_environment = {environment}
timeout_frozen_after = 1s

begin acl
rcpt:
{acl}
  deny   condition = ${{lookup{{$local_part}}lsearch{{{folder}/refused}}{{yes}}{{no}}}}
         message = ${{lookup{{$local_part}}lsearch{{{folder}/refused}}}}
  defer  condition = ${{lookup{{$local_part}}lsearch{{{folder}/deferred}}{{yes}}{{no}}}}
         message = ${{lookup{{$local_part}}lsearch{{{folder}/deferred}}}}
  accept domains = +local_domains
         verify = recipient
  deny   message = not for me

begin routers
mailboxes:
  driver = accept
  domains = +local_domains
  local_parts = lsearch;{folder}/mailboxes
  transport = maildir
{routers}
begin transports
maildir:
  driver = appendfile
  directory = {folder}/mail/$domain_data/$local_part_data
  maildir_format
  user = {user}
  return_path_add
  delivery_date_add = false
  envelope_to_add = false
{transports}
begin retry
* * {retry}
"""

TLS = """\
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
"""

ROUTER = """\
to_{label}:
  driver = manualroute
  domains = {domain}
  route_list = * 127.0.0.1
  self = send
  transport = to_{label}
"""

TRANSPORT = """\
to_{label}:
  driver = smtp
  port = {port}
  allow_localhost
  hosts_try_fastopen =
  tls_verify_certificates =
  {tls} = *
  {options}
"""


class Exim(Server):
    """domains, mailboxes: what it stores; answers: {local part: reply} for those that it refuses, for
    good or for a while; transport: {domain: (port, with TLS?)}; options: further lines of these
    transports; tls: Issued, which it has as a server; acl: statements in front of those for RCPT;
    retry, queue_run: when it tries again; clock: the kit/clock.py that it goes by."""

    def __init__(self, name, folder, cache, domains=(), mailboxes=(), answers=None, transport=None,
                 options="", tls=None, acl="", retry="F,1h,2s", queue_run="10s", clock=None):
        super().__init__(name, folder)
        self._environment = clock.environment if clock else {}
        # The spool's user must be able to reach and to run the program.
        source = f"{unpacked(cache, PACKAGE)}/usr/sbin/exim4"
        binary = os.path.join(folder, "exim4")
        shutil.copyfile(source, binary)
        os.chmod(binary, 0o755)
        for part in ("spool", "mail"):
            os.mkdir(os.path.join(folder, part), 0o755)
            os.chown(os.path.join(folder, part), UID, UID)
        os.chown(folder, UID, UID)
        routes = sorted((transport or {}).items())
        self.write("exim.conf", CONFIG.format(
            binary=binary, folder=folder, name=name, port=self.port, user=USER, retry=retry, acl=acl,
            environment=":".join(self._environment),
            domains=":".join(domains),
            tls=TLS.format(certificate=tls.certificate, key=tls.key) if tls
            else "tls_advertise_hosts =",
            routers="".join(ROUTER.format(label=f"r{i}", domain=domain)
                            for i, (domain, _) in enumerate(routes)),
            transports="".join(
                TRANSPORT.format(label=f"r{i}", port=port, options=options,
                                 tls="hosts_require_tls" if tls else "hosts_avoid_tls")
                for i, (_, (port, tls)) in enumerate(routes))))
        self.write("mailboxes", "".join(f"{box}: {box}\n" for box in mailboxes))
        for file, first in (("refused", "5"), ("deferred", "4")):
            self.write(file, "".join(f'{box}: {reply}\n' for box, reply in (answers or {}).items()
                                     if reply.startswith(first)))
        self._command = private(folder, {USER: UID}) + [binary, "-C", f"{folder}/exim.conf"]
        self._queue_run = queue_run
        status, output = run_tool(self._command + ["-bV"])
        if status != 0:
            raise Skip(f"Exim does not run here: {' '.join(output.split())[-200:]}")

    def start(self):
        self.process = Process(self.name, self._command + ["-bdf", f"-q{self._queue_run}"],
                               os.path.join(self.folder, "start.log"), env=self._environment)
        self.process.wait_port(self.port)

    def submit(self, sender, recipients, octets):
        """Hands it a message as local programs do and waits for its delivery attempt."""
        status, output = run_tool(self._command + ["-i", "-odi", "-f", sender, "--", *recipients],
                                  stdin=octets, env=self._environment)
        if status != 0:
            raise Failed(f"{self.name} took no message, status {status}: {output[-300:]}")

    def log(self):
        """Its main log until now."""
        try:
            with open(f"{self.folder}/exim-main.log", encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def finished(self):
        """The recipients that it is done with, whether they have it or not."""
        return set(re.findall(r"^\S+ \S+ \S+ (?:=>|->|\*\*) (?:\S+ <)?([^ >]*@[^ >:]*)", self.log(),
                              re.MULTILINE))

    def attempts(self, recipient):
        """The log lines that tell how each delivery attempt for `recipient` ended; a queue run that
        leaves it alone, because its time has not come, is none."""
        pattern = re.compile(rf" (?:==|=>|->|\*\*) {re.escape(recipient)} ")
        return [line for line in self.log().splitlines()
                if pattern.search(line) and "retry time not reached" not in line]

    def queue_empty(self):
        """Is nothing left in its queue?"""
        return not os.listdir(f"{self.folder}/spool/input")
