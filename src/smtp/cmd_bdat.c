/* BDAT (RFC 3030 2).
 *
 *   bdat = "BDAT" SP chunk-size [ SP "LAST" ] CRLF, then chunk-size octets
 *
 * The octets of a chunk follow whatever we think of the command, so they are always read. Each
 * chunk gets one reply; what is wrong with the octets themselves is said at LAST, while a message
 * that has become too large is refused at once, which ends the transaction. Where the size cannot
 * be read, or the whole line (input.c), nobody knows where the next command begins, and what looks
 * like one may be a part of the message: the session ends, as Postfix ends it. */
#include <errno.h>

#include "parse/smtp_command.h"
#include "smtp/session.h"

static void refuse_now(struct session *s, const struct answer *a)
{
    decide_transaction(s, "data", answer_is_no(a) ? "refused" : "deferred", a, "");
    reply_with(s, a);
    transaction_end(s);
}

static void chunk_done(struct session *s, uint64_t size)
{
    struct answer a;
    char text[40];
    if (s->txn.failure != RECEIVE_OK && message_receive_refusal(s, &a)) {
        refuse_now(s, &a);
        return;
    }
    if (size == 0 && !session_count_talk(s)) {
        return; /* empty chunks advance nothing */
    }
    int n = snprintf(text, sizeof text, "%llu octets taken", (unsigned long long)size);
    a = reply_answer(REPLY_OK);
    a.text = (struct slice){text, (size_t)n};
    reply_with(s, &a);
}

/* Behind a message's end only QUIT may follow at once; the reply to anything else could be lost
 * between two transactions. Of a QUIT perhaps only the beginning has come. */
static void look_behind_last(struct session *s)
{
    static const struct slice quit = SLICE_LIT("QUIT\r\n");
    const struct input *in = &s->input;
    input_look(s);
    size_t n = in->end - in->start;
    if (in->block == NULL || (n <= quit.n && strncasecmp(in->block + in->start, quit.p, n) == 0)) {
        return;
    }
    s->must_be_last = true;
    session_look_ahead(s);
    s->must_be_last = false; /* a QUIT may still come while the message is judged */
}

void cmd_bdat(struct session *s, struct slice argument)
{
    uint64_t size = 0;
    bool last = false;
    if (smtp_bdat_parse(argument, &size, &last) < 0) {
        session_goodbye(s, REPLY_BAD_BDAT);
        return;
    }
    bool wanted = s->state == STATE_RCPT || s->state == STATE_CHUNK;
    if (wanted && s->state == STATE_RCPT) {
        receive_begin(s, true);
        s->state = STATE_CHUNK;
    }
    int r = receive_chunk(s, size, wanted);
    if (r < 0) {
        session_end_by(s, r);
    } else if (!wanted && session_count_talk(s)) {
        reply(s,
              session_missing_step(s)); /* no error: what follows a refused chunk was on its way */
    } else if (wanted && last) {
        look_behind_last(s);
        message_phase(s);
    } else if (wanted) {
        chunk_done(s, size);
    }
}
