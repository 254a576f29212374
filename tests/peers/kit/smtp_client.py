"""A client that sends exactly the octets it is told to, and reads replies by the book.

It must never repair anything: what a test hands over goes on the wire as it is.
"""

import socket
import ssl

from .report import Failed


class Gone(Exception):
    """The server closed or reset the connection where a reply was due."""


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[0][:3])
        self.text = " / ".join(line.decode("utf-8", "replace") for line in lines)

    def __str__(self):
        return self.text

    @property
    def enhanced(self):
        """The enhanced status code, or an empty text."""
        words = self.lines[0][4:].split()
        word = words[0].decode("latin-1") if words else ""
        return word if word.count(".") == 2 and word.replace(".", "").isdigit() else ""

    @property
    def words(self):
        """The first line's text, without the codes."""
        return self.lines[0][4:].decode("utf-8", "replace").removeprefix(self.enhanced).strip()


def dot_stuffed(octets):
    """The wire form of a message for DATA, with the final CRLF.CRLF (RFC 5321 4.5.2)."""
    if octets.startswith(b"."):
        octets = b"." + octets
    octets = octets.replace(b"\r\n.", b"\r\n..")
    if octets and not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    return octets + b".\r\n"


class Session:
    """One SMTP session. All waiting ends after `timeout` seconds."""

    def __init__(self, port, host="127.0.0.1", source=None, timeout=60, helo=b"client.test",
                 greet=True):
        self.socket = socket.create_connection(
            (host, port), timeout, source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self.greeting = None
        self.extensions = {}
        if greet:
            self.greeting = self.reply()
            if self.greeting.code != 220:
                raise Failed(f"greeting was {self.greeting}")
            self.ehlo(helo)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, octets):
        try:
            self.socket.sendall(octets)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Gone(str(error)) from error

    def line(self):
        while b"\r\n" not in self._buffer:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError as error:
                raise Gone(str(error)) from error
            if not more:
                raise Gone("closed" + (f" after {self._buffer!r}" if self._buffer else ""))
            self._buffer += more
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        if b"\n" in line or b"\r" in line or b"\0" in line:
            raise Failed(f"reply line with a control character: {line!r}")
        return line

    def reply(self):
        lines = []
        while True:
            line = self.line()
            if len(line) < 3 or not line[:3].isdigit() or line[3:4] not in (b" ", b"-", b""):
                raise Failed(f"not a reply: {line[:80]!r}")
            lines.append(line)
            if line[3:4] != b"-":
                return Reply(lines)

    def say(self, line):
        """One command (without CRLF) and its reply."""
        self.send(line + b"\r\n")
        return self.reply()

    def expect(self, line, code):
        reply = self.say(line)
        if reply.code != code:
            raise Failed(f"{line[:60]!r} was answered {reply}")
        return reply

    def ehlo(self, name=b"client.test"):
        reply = self.say(b"EHLO " + name)
        if reply.code == 250:
            words = [line[4:].decode("latin-1").split() for line in reply.lines[1:]]
            self.extensions = {w[0].upper(): w[1:] for w in words if w}
        return reply

    def starttls(self, name=b"client.test"):
        self.expect(b"STARTTLS", 220)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)
        self.ehlo(name)

    def envelope(self, sender, recipients, parameters=b""):
        """MAIL and RCPTs in one piece. Returns the replies: [MAIL, RCPT, …]."""
        lines = [b"MAIL FROM:<" + sender + b">" + (b" " + parameters if parameters else b"")]
        lines += [b"RCPT TO:<" + each + b">" for each in recipients]
        self.send(b"".join(line + b"\r\n" for line in lines))
        return [self.reply() for _ in lines]

    def data(self, octets):
        """DATA and the message, dot-stuffed here. The reply to the final dot, or DATA's refusal."""
        reply = self.say(b"DATA")
        if reply.code != 354:
            return reply
        self.send(dot_stuffed(octets))
        return self.reply()

    def bdat(self, octets, chunk=30000):
        """The message by BDAT, pipelined. The last chunk's reply, or the first refusal."""
        pieces = [octets[i:i + chunk] for i in range(0, len(octets), chunk)] or [b""]
        wire = b""
        for i, piece in enumerate(pieces):
            last = b" LAST" if i == len(pieces) - 1 else b""
            wire += b"BDAT %d%s\r\n" % (len(piece), last) + piece
        self.send(wire)
        replies = [self.reply() for _ in pieces]
        return next((r for r in replies if r.code != 250), replies[-1])

    def deliver(self, sender, recipients, octets, by_bdat=False, parameters=b""):
        """A whole transaction. The reply that decided it; after a refusal the session is reset."""
        for reply in self.envelope(sender, recipients, parameters):
            if reply.code >= 300:
                self.say(b"RSET")
                return reply
        return self.bdat(octets) if by_bdat else self.data(octets)

    def quit(self):
        try:
            return self.say(b"QUIT")
        finally:
            self.close()
