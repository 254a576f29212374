"""A self-signed certificate, made when it is needed."""

import os

from .process import run_tool
from .report import Skip


class Certificate:
    def __init__(self, folder, name="gatepost.test"):
        self.certificate = os.path.join(folder, "cert.pem")
        self.key = os.path.join(folder, "key.pem")
        try:
            status, output = run_tool(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                 "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1",
                 "-keyout", self.key, "-out", self.certificate])
        except FileNotFoundError as error:
            raise Skip("openssl is not installed") from error
        if status != 0:
            raise Skip(f"openssl made no certificate: {output.splitlines()[-1:]}")
        os.chmod(self.key, 0o600)

    def close(self):
        """Nothing to end; the files go with their folder."""
