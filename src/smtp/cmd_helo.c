/* EHLO and HELO (RFC 5321 4.1.1.1).
 *
 *   ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
 *   helo = "HELO" SP Domain CRLF
 *
 * Either one also clears a transaction, exactly as RSET does. */
#include "parse/smtp_address.h"
#include "smtp/session.h"

/* Up to the reply: true when it is the usual one. */
static bool begin(struct session *s, struct slice name, bool esmtp)
{
    struct answer a;
    if (!smtp_helo_valid(name)) {
        reply_error(s, REPLY_BAD_HELO);
        return false;
    }
    transaction_end(s);
    judge_forget_helo(s);
    s->helo = arena_copy(&s->helo_arena, name);
    s->helo_at = rt_now();
    s->esmtp = esmtp;
    s->dsn = false;
    s->state = STATE_READY;
    enum judged j = judge_helo(s, &a);
    if (j == JUDGED_ANSWER) {
        s->state = STATE_NEW;
        s->refused_now = a;
        if (session_count_talk(s)) {
            reply_with(s, &a);
        }
    }
    return j == JUDGED_GO_ON;
}

void cmd_helo(struct session *s, struct slice argument)
{
    if (begin(s, argument, false)) {
        reply_lines(s, 250, slice_of(s->server->conf->hostname));
    }
}

void cmd_ehlo(struct session *s, struct slice argument)
{
    if (!begin(s, argument, true)) {
        return;
    }
    const struct conf *conf = s->server->conf;
    struct buf lines = {0};
    buf_printf(&lines,
               "%s\nPIPELINING\nSIZE %lld\n8BITMIME\nSMTPUTF8\nCHUNKING\nENHANCEDSTATUSCODES",
               conf->hostname, (long long)conf->limits.message_size);
    s->dsn = hop_pools_offer_dsn(s->server->deliveries->pools);
    if (s->dsn) {
        buf_append_slice(&lines, SLICE_LIT("\nDSN"));
    }
    if (s->server->tls != NULL && !s->tls) {
        buf_append_slice(&lines, SLICE_LIT("\nSTARTTLS"));
    }
    reply_lines(s, 250, buf_slice(&lines));
    buf_free(&lines);
}
