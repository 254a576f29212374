/* spamd(8p), which SpamAssassin listens by: SYMBOLS (SPAMC/1.5). Of how the message came in it
 * learns from the message alone, so that a Return-Path and a Received field stand in front, as a
 * next hop of ours would see them. */
#include <errno.h>
#include <inttypes.h>

#include "base/text.h"
#include "base/time.h"
#include "client/scanner_impl.h"
#include "parse/ascii.h"
#include "parse/spamd_reply.h"

/* As it is, or what stands for nothing that could be written. */
static struct slice shown(struct slice text, struct slice otherwise)
{
    return text.n > 0 && text_clean_length(text.p, text.n) == text.n ? text : otherwise;
}

/* A name or address literal; what could pass for a piece of the field around it is none. */
static struct slice shown_name(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (!ascii_is_let_dig(c) && c != '-' && c != '.' && c != '_' && c != ':' && c != '[' &&
            c != ']') {
            return SLICE_LIT("unknown");
        }
    }
    return shown(text, SLICE_LIT("unknown"));
}

/* The fields in front of the message. */
static void put_trace(struct scan_job *j, struct buf *b)
{
    const struct scan_request *q = j->request;
    char address[ADDR_TEXT_MAX], date[TIME_RFC5322_MAX];
    const struct slice name = shown_name(q->client_name);
    const struct slice helo = shown_name(q->helo);
    const struct slice sender = shown(q->sender, SLICE_LIT(""));

    buf_printf(b, "Return-Path: <" SLICE_FMT ">\r\n", SLICE_ARG(sender));
    buf_printf(b, "Received: from " SLICE_FMT " (" SLICE_FMT " [%s%s])\r\n", SLICE_ARG(helo),
               SLICE_ARG(name), q->client.family == ADDR_V6 ? "IPv6:" : "",
               addr_format(&q->client, address));
    buf_printf(b, "\tby %s with %s id " SLICE_FMT, j->conf->hostname,
               q->tls_version != NULL ? "ESMTPS" : "ESMTP",
               SLICE_ARG(shown(q->id, SLICE_LIT("0"))));
    if (q->recipient_count == 1 && shown(q->recipients[0], SLICE_LIT("")).n > 0) {
        buf_printf(b, "\r\n\tfor <" SLICE_FMT ">", SLICE_ARG(q->recipients[0]));
    }
    time_format_rfc5322(q->wall, date);
    buf_printf(b, ";\r\n\t%s\r\n", date);
}

static void put_request(struct scan_job *j, struct buf *b)
{
    struct buf trace = {0};

    put_trace(j, &trace);
    buf_printf(b, "SYMBOLS SPAMC/1.5\r\nContent-length: %" PRIu64 "\r\n",
               (uint64_t)trace.n + j->request->message->spool.size);
    if (j->scanner->user != NULL) {
        buf_printf(b, "User: %s\r\n", j->scanner->user);
    }
    buf_append_slice(b, SLICE_LIT("\r\n"));
    buf_append_slice(b, buf_slice(&trace));
    buf_free(&trace);
}

static int read_reply(struct scan_job *j, struct buf *in, struct spamd_reply *ret)
{
    int r = 1, e = -EAGAIN;

    while (r > 0 && e == -EAGAIN) {
        r = scan_read(j, in, SPAMD_REPLY_MOST);
        e = r < 0 ? r : spamd_reply_parse(buf_slice(in), r == 0, ret);
    }
    return e;
}

static int conclude(struct scan_job *j, const struct spamd_reply *reply, struct scan_result *ret)
{
    struct slice rest = reply->rules, name;

    if (reply->code != 0) {
        return scan_said(j, reply->said);
    }
    struct slice *names = arena_alloc(j->arena, SPAMD_RULES_MOST * sizeof(*names));
    *ret = (struct scan_result){.state = SCAN_KNOWN, .score = reply->score, .names = names};
    while (ret->name_count < SPAMD_RULES_MOST && spamd_rule_next(&rest, &name)) {
        names[ret->name_count++] = arena_copy(j->arena, name);
    }
    return 0;
}

int spamd_scan(struct scan_job *j, struct scan_result *ret)
{
    struct buf head = {0}, in = {0};
    struct spamd_reply reply;

    put_request(j, &head);
    int r = scan_send_message(j, buf_slice(&head));
    buf_free(&head);
    r = r < 0 ? r : read_reply(j, &in, &reply);
    r = r < 0 ? r : conclude(j, &reply, ret);
    buf_free(&in);
    return r;
}

int spamd_ping(struct scan_job *j)
{
    int r = scan_send(j, SLICE_LIT("PING SPAMC/1.5\r\n\r\n"));

    return r < 0 ? r : scan_expect(j, "PONG");
}
