"""What the real mail servers of the tests have in common: a folder of their own, a port, a process,
and mailboxes as Maildirs."""

import os
import shutil

from . import maildir
from .process import free_port


class Server:
    def __init__(self, name, folder):
        self.name = name
        self.folder = folder
        self.port = free_port()
        self.process = None

    def write(self, name, text):
        """A file in its folder."""
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def keep(self, issued, *what):
        """Copies of a certificate's files, `what` of them, for this server alone."""
        for name in what:
            shutil.copyfile(getattr(issued, name), f"{self.folder}/{name}")
            os.chmod(f"{self.folder}/{name}", 0o600)

    def close(self):
        if self.process:
            self.process.stop(10)
            self.process = None

    def mailbox(self, local_part, domain):
        """The folder of a mailbox."""
        return f"{self.folder}/mail/{domain}/{local_part}"

    def messages(self, local_part, domain):
        """What is in it."""
        return maildir.messages_in(self.mailbox(local_part, domain))

    def arrived(self, local_part, domain, count=1, seconds=30):
        """The messages of a mailbox once there are `count`."""
        return maildir.wait_for(self.mailbox(local_part, domain), count, seconds)
