"""Certificates, made when they are needed: a self-signed one, and an authority that issues good ones,
expired ones and such for other names."""

import os

from .process import run_tool
from .report import Skip


def openssl(*arguments):
    try:
        status, output = run_tool(["openssl", *arguments])
    except FileNotFoundError as error:
        raise Skip("openssl is not installed") from error
    if status != 0:
        raise Skip(f"openssl {arguments[0]} failed: {output.splitlines()[-1:]}")


class Certificate:
    """Self-signed."""

    def __init__(self, folder, name="gatepost.test"):
        self.certificate = os.path.join(folder, "cert.pem")
        self.key = os.path.join(folder, "key.pem")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1",
                "-keyout", self.key, "-out", self.certificate)
        os.chmod(self.key, 0o600)

    def close(self):
        """Nothing to end; the files go with their folder."""


class Authority:
    """A certificate authority of its own; `file` is what those who trust it are to read."""

    def __init__(self, folder):
        self._folder = folder
        self._key = os.path.join(folder, "authority.key")
        self.file = os.path.join(folder, "authority.pem")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                "/CN=Authority of these tests", "-keyout", self._key, "-out", self.file)

    def issue(self, name, expired=False):
        """A certificate for the DNS name `name`; an expired one's time was over yesterday."""
        return Issued(self, name, expired)

    def close(self):
        """Nothing to end; the files go with their folder."""


class Issued:
    def __init__(self, authority, name, expired):
        self.authority = authority.file
        base = os.path.join(authority._folder, name + ("-expired" if expired else ""))
        self.certificate, self.key, request = f"{base}.pem", f"{base}.key", f"{base}.csr"
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName=DNS:{name}", "-keyout", self.key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", authority.file, "-CAkey", authority._key,
                "-CAcreateserial", "-days", "-1" if expired else "30", "-copy_extensions", "copy",
                "-out", self.certificate)
        os.chmod(self.key, 0o644)  # servers read it as users of their own
