"""A next hop that speaks LMTP (RFC 2033): after the message one answer for each recipient."""

from kit.hop import Hop, _Conversation

import traffic


class _LmtpConversation(_Conversation):
    def command(self, verb, rest):
        if verb == b"LHLO":
            super().command(b"EHLO", rest)
        elif verb in (b"EHLO", b"HELO"):
            self.answer(b"500 5.5.1 this is LMTP")
        else:
            super().command(verb, rest)

    def finish(self, octets):
        recipients = self.recipients
        self.reset()
        for recipient in recipients:
            self.answer(self.hop.take(recipient, octets))


class LmtpHop(Hop):
    """Takes everything but what is for `full`, which it refuses behind the message, and, the first
    time, for `busy`."""

    def __init__(self, books):
        self._books = books
        self._put_off = set()
        super().__init__()

    def take(self, recipient, octets):
        number = traffic.number_in(octets)
        if recipient.startswith(b"full"):
            return b"552 5.2.2 mailbox full"
        with self.lock:
            if recipient.startswith(b"busy") and (number, recipient) not in self._put_off:
                self._put_off.add((number, recipient))
                return b"451 4.3.0 not now"
        self._books.arrive(number, recipient.decode())
        return b"250 2.0.0 taken"

    def _serve(self, connection):
        try:
            _LmtpConversation(self, connection, lambda address: None, None, self._extensions).run()
        except (OSError, EOFError):
            pass
        finally:
            with self.lock:
                self._open.discard(connection)
            connection.close()
