"""What a Postfix is to answer for certain recipients, changeable while it runs: a table that its
smtpd asks at every RCPT (socketmap_table(5))."""

import socketserver
import threading


class Answers:
    """answers: {address: reply, or a list of replies of which each is given once and the last for
    ever}. A reply of None is no answer: the rest of the restrictions decide."""

    def __init__(self, answers):
        self._answers = {k: list(v) if isinstance(v, list) else [v] for k, v in answers.items()}
        self._lock = threading.Lock()
        self.asked = {}  # address: how often
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while True:
                    length = _read_length(self.rfile)
                    if length is None:
                        return
                    key = self.rfile.read(length + 1)[:-1].decode().partition(" ")[2]
                    reply = outer._reply(key)
                    text = ("OK " + reply if reply else "NOTFOUND ").encode()
                    self.wfile.write(b"%d:%s," % (len(text), text))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def map(self):
        return f"socketmap:inet:127.0.0.1:{self.port}:answers"

    def _reply(self, address):
        with self._lock:
            replies = self._answers.get(address)
            if not replies:
                return None
            self.asked[address] = self.asked.get(address, 0) + 1
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def set(self, address, reply):
        with self._lock:
            self._answers[address] = [reply]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def _read_length(file):
    """The length in front of a netstring; None at the end."""
    digits = b""
    while True:
        octet = file.read(1)
        if not octet:
            return None
        if octet == b":":
            return int(digits)
        digits += octet
