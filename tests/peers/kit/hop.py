"""A scripted next hop: a small SMTP server in threads that records what it was given and when.

It must never answer anything that its behaviour did not say, and never lose a record: the moment
the final dot is read the message counts as delivered, whatever becomes of the connection.
"""

import socket
import threading
import time

from .process import free_port


class Delivery:
    """One message that reached its final dot (or last BDAT chunk)."""

    def __init__(self, sender, recipients, octets):
        self.sender = sender
        self.recipients = recipients
        self.octets = octets
        self.committed = time.monotonic()  # when the final dot had been read
        self.answered = None               # when the answer had been written
        self.reply = None


class Hop:
    """Behaviour: `rcpt(address) -> reply or None`, `dot(delivery) -> reply or None`, both bytes
    without CRLF, None for yes; they may take their time. `size`: what EHLO announces."""

    def __init__(self, rcpt=None, dot=None, size=0, chunking=True):
        self._rcpt = rcpt or (lambda address: None)
        self._dot = dot or (lambda delivery: None)
        self._extensions = [b"PIPELINING", b"8BITMIME", b"SMTPUTF8", b"ENHANCEDSTATUSCODES",
                            b"SIZE %d" % size] + ([b"CHUNKING"] if chunking else [])
        self.deliveries = []
        self.lock = threading.Lock()
        self._open = set()
        self.port = free_port()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        threading.Thread(target=self._accept, daemon=True).start()

    def delivered(self):
        """The deliveries that were answered yes or not answered at all."""
        with self.lock:
            return [d for d in self.deliveries if d.reply is None or d.reply.startswith(b"2")]

    def close(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self.lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Conversation(self, connection, self._rcpt, self._dot, self._extensions).run()
        except (OSError, EOFError):
            pass
        finally:
            with self.lock:
                self._open.discard(connection)
            connection.close()


class _Conversation:
    def __init__(self, hop, connection, rcpt, dot, extensions):
        self.hop = hop
        self.connection = connection
        self.file = connection.makefile("rb", 65536)
        self.rcpt = rcpt
        self.dot = dot
        self.extensions = extensions
        self.reset()

    def reset(self):
        self.sender = None
        self.recipients = []
        self.chunks = []

    def answer(self, text):
        self.connection.sendall(text + b"\r\n")

    def run(self):
        self.answer(b"220 hop.test ESMTP")
        while True:
            line = self.file.readline(4096)
            if not line.endswith(b"\r\n"):
                return
            verb, _, rest = line[:-2].partition(b" ")
            if verb.upper() == b"QUIT":
                self.answer(b"221 2.0.0 bye")
                return
            self.command(verb.upper(), rest)

    def command(self, verb, rest):
        if verb == b"EHLO":
            self.reset()
            for extension in [b"hop.test", *self.extensions[:-1]]:
                self.answer(b"250-" + extension)
            self.answer(b"250 " + self.extensions[-1])
        elif verb in (b"HELO", b"RSET", b"NOOP", b"XFORWARD"):
            self.reset()
            self.answer(b"250 2.0.0 ok")
        elif verb == b"MAIL":
            self.reset()
            self.sender = _path(rest)
            self.answer(b"250 2.1.0 ok")
        elif verb == b"RCPT" and self.sender is not None:
            refusal = self.rcpt(_path(rest))
            if not refusal:
                self.recipients.append(_path(rest))
            self.answer(refusal or b"250 2.1.5 ok")
        elif verb == b"DATA" and self.recipients:
            self.answer(b"354 go on")
            self.finish(self.read_to_dot())
        elif verb == b"BDAT":
            self.chunk(rest.upper().split())
        else:
            self.answer(b"503 5.5.1 not now")

    def read_to_dot(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError
            if line == b".\r\n" and (not lines or lines[-1].endswith(b"\r\n")):
                return b"".join(lines)
            first = not lines or lines[-1].endswith(b"\r\n")
            lines.append(line[1:] if first and line.startswith(b".") else line)

    def chunk(self, words):
        octets = self.file.read(int(words[0]))
        if len(octets) < int(words[0]):
            raise EOFError
        if not self.recipients:
            self.answer(b"503 5.5.1 not now")
            return
        self.chunks.append(octets)
        if len(words) > 1:
            self.finish(b"".join(self.chunks))
        else:
            self.answer(b"250 2.0.0 ok")

    def finish(self, octets):
        delivery = Delivery(self.sender, self.recipients, octets)
        with self.hop.lock:
            self.hop.deliveries.append(delivery)
        self.reset()
        reply = self.dot(delivery) or b"250 2.0.0 taken"
        delivery.reply = reply
        self.answer(reply)
        delivery.answered = time.monotonic()


def _path(rest):
    """The address between < and > of MAIL or RCPT."""
    return rest[rest.find(b"<") + 1:rest.rfind(b">")]
