/* STARTTLS (RFC 3207).
 *
 *   starttls = "STARTTLS" CRLF
 *
 * Whatever the client had pipelined behind the command came in the clear and may be somebody
 * else's: it is dropped. After the handshake nothing said before counts. */
#include <errno.h>

#include "smtp/session.h"

/* RFC 3207 gives none; a client that begins TLS has its hello ready. */
#define HANDSHAKE_TIME (60 * USEC_SEC)

/* More than a socket holds: what still comes then breaks the handshake. */
#define AHEAD_MOST ((uint64_t)1048576)

/* Octets that came in front of our 220 cannot belong to the handshake. */
static void drop_ahead(struct session *s)
{
    uint64_t most = s->input.total + AHEAD_MOST;
    session_look_ahead(s);
    input_drop(s);
    input_look(s);
    while (s->input.start < s->input.end && s->input.total < most) {
        input_drop(s);
        input_look(s);
    }
    input_drop(s);
}

static int handshake(struct session *s)
{
    struct stream *secure;
    drop_ahead(s);
    int r = reply_flush(s);
    if (r < 0) {
        return r;
    }
    r = tls_accept(s->server->tls, s->stream, rt_now() + HANDSHAKE_TIME, &secure);
    if (r < 0) {
        return r;
    }
    s->stream = secure;
    s->tls = true;
    s->tls_text = arena_printf(&s->arena, "%s %s", tls_version(secure), tls_cipher(secure));
    return 0;
}

void cmd_starttls(struct session *s, struct slice argument)
{
    (void)argument;
    if (s->tls) {
        reply_error(s, REPLY_TLS_ALREADY);
        return;
    }
    if (s->server->tls == NULL) {
        reply_error(s, REPLY_NOT_OFFERED);
        return;
    }
    reply(s, REPLY_STARTTLS);
    int r = s->ended ? -ECONNRESET : handshake(s);
    if (r < 0) {
        s->server->counts->tls_failures++;
        /* A 421 would be read as part of a handshake that has failed: just close. */
        s->ended = true;
        return;
    }
    s->server->counts->tls_sessions++;
    s->state = STATE_NEW;
    s->esmtp = false;
    s->dsn = false;
    judge_forget_helo(s);
}
