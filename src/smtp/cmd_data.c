/* DATA (RFC 5321 4.1.1.4).
 *
 *   data = "DATA" CRLF
 *
 * The message is read to CRLF.CRLF whatever becomes of it; then exactly one reply follows. */
#include "smtp/session.h"

void cmd_data(struct session *s, struct slice argument)
{
    (void)argument;
    if (s->state == STATE_MAIL) {
        reply_error(s, session_missing_step(s));
        return;
    }
    reply(s, REPLY_DATA);
    if (s->ended) {
        return;
    }
    s->must_be_last = false; /* behind the message's end others may follow */
    receive_begin(s, false);
    int r = receive_data(s);
    if (r < 0) {
        session_end_by(s, r);
        return;
    }
    message_phase(s);
}
