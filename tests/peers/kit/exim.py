"""Real Exim in folders of its own, as next hop and as sender.

Debian's Exim and Postfix packages exclude each other, so Exim's package is unpacked below build/
and run from there. It insists on a user of its own; that user exists only in a private mount
namespace, so the system's user list stays as it is.
"""

import glob
import os
import pwd
import shutil
import subprocess

from . import maildir
from .process import Process, free_port, run_tool
from .report import Failed, Skip

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
tls_advertise_hosts =
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
keep_environment =
timeout_frozen_after = 1s

begin acl
rcpt:
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
* * F,1h,2s
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


def unpacked(cache):
    """The path of Exim's program below `cache`, unpacked now when it is not there yet."""
    found = glob.glob(f"{cache}/exim/usr/sbin/exim4")
    if found:
        return found[0]
    os.makedirs(f"{cache}/exim", exist_ok=True)
    try:
        got = subprocess.run(["apt-get", "download", PACKAGE], cwd=cache, check=False, timeout=60,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skip(f"cannot download Exim: {error}") from error
    packages = sorted(glob.glob(f"{cache}/{PACKAGE}_*.deb"))
    if got.returncode != 0 or not packages:
        raise Skip("cannot download Exim (apt-get download)")
    subprocess.run(["dpkg-deb", "-x", packages[-1], f"{cache}/exim"], check=True)
    return f"{cache}/exim/usr/sbin/exim4"


class Exim:
    """domains, mailboxes: what it stores; transport: {domain: (port, with TLS?)}; options: further
    lines of these transports."""

    def __init__(self, name, folder, cache, domains=(), mailboxes=(), transport=None, options=""):
        self.name = name
        self.folder = folder
        self.port = free_port()
        self.process = None
        # The spool's user must be able to reach and to run the program.
        source = unpacked(cache)
        binary = os.path.join(folder, "exim4")
        shutil.copyfile(source, binary)
        os.chmod(binary, 0o755)
        for part in ("spool", "mail"):
            os.mkdir(os.path.join(folder, part), 0o755)
            os.chown(os.path.join(folder, part), UID, UID)
        os.chown(folder, UID, UID)
        routes = sorted((transport or {}).items())
        self._write("exim.conf", CONFIG.format(
            binary=binary, folder=folder, name=name, port=self.port, user=USER,
            domains=":".join(domains),
            routers="".join(ROUTER.format(label=f"r{i}", domain=domain)
                            for i, (domain, _) in enumerate(routes)),
            transports="".join(
                TRANSPORT.format(label=f"r{i}", port=port, options=options,
                                 tls="hosts_require_tls" if tls else "hosts_avoid_tls")
                for i, (_, (port, tls)) in enumerate(routes))))
        self._write("mailboxes", "".join(f"{box}: {box}\n" for box in mailboxes))
        for kind in ("passwd", "group"):
            with open(f"/etc/{kind}", encoding="utf-8") as f:
                lines = f.read()
            own = f"{USER}:x:{UID}:{UID}::/:/bin/false\n" if kind == "passwd" else f"{USER}:x:{UID}:\n"
            self._write(kind, lines + own)
        self._command = [
            "unshare", "--mount", "sh", "-c",
            f"mount --bind {folder}/passwd /etc/passwd && mount --bind {folder}/group /etc/group"
            ' && exec "$@"', "sh", binary, "-C", f"{folder}/exim.conf"]
        status, output = run_tool(self._command + ["-bV"])
        if status != 0:
            raise Skip(f"Exim does not run here: {' '.join(output.split())[-200:]}")

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def start(self):
        self.process = Process(self.name, self._command + ["-bdf", "-q10s"],
                               os.path.join(self.folder, "start.log"))
        self.process.wait_port(self.port)

    def close(self):
        if self.process:
            self.process.stop(10)
            self.process = None

    def submit(self, sender, recipients, octets):
        """Hands it a message as local programs do and waits for its delivery attempt."""
        status, output = run_tool(self._command + ["-i", "-odi", "-f", sender, "--", *recipients],
                                  stdin=octets)
        if status != 0:
            raise Failed(f"{self.name} took no message, status {status}: {output[-300:]}")

    def mailbox(self, local_part, domain):
        return f"{self.folder}/mail/{domain}/{local_part}"

    def arrived(self, local_part, domain, count=1, seconds=30):
        """The messages of a mailbox once there are `count`."""
        return maildir.wait_for(self.mailbox(local_part, domain), count, seconds)
