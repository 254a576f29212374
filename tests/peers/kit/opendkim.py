"""A real OpenDKIM that signs, as a milter for Postfix."""

import os

from .process import Process, free_port

CONFIG = """\
Mode s
Socket inet:{port}@127.0.0.1
Domain {domain}
Selector {selector}
KeyFile {key}
Canonicalization {form}
SignatureAlgorithm {algorithm}
OversignHeaders From
RequireSafeKeys no
Syslog no
AlwaysAddARHeader no
TemporaryDirectory {folder}
"""


class OpenDKIM:
    """form: as c= has it; key: a file with a private key; algorithm: as a= has it."""

    def __init__(self, folder, domain, selector, key, form, algorithm):
        self.port = free_port()
        config = os.path.join(folder, f"{selector}.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(port=self.port, domain=domain, selector=selector, key=key,
                                  form=form, algorithm=algorithm, folder=folder))
        self._process = Process("opendkim", ["opendkim", "-f", "-x", config],
                                os.path.join(folder, f"{selector}.log"))
        self._process.wait_port(self.port)

    def close(self):
        self._process.stop(10)
