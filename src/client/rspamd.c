/* rspamd(8): the message by POST /checkv2, with fields that say how it came in, so that its own
 * checks see the client and not us. */
#include <errno.h>
#include <inttypes.h>

#include "base/text.h"
#include "client/scanner_impl.h"
#include "parse/http_reply.h"
#include "parse/rspamd_reply.h"

#define REPLY_MOST (HTTP_HEADER_MOST + 2 * RSPAMD_REPLY_MOST)

/* The field, unless its value could end the line or is empty. */
static void put_field(struct buf *b, const char *name, struct slice value)
{
    if (value.n > 0 && text_clean_length(value.p, value.n) == value.n) {
        buf_printf(b, "%s: ", name);
        buf_append_slice(b, value);
        buf_append_slice(b, SLICE_LIT("\r\n"));
    }
}

/* RFC 9110 7.2: who is meant. */
static void put_host(struct buf *b, const struct conf_scanner *c)
{
    char text[ADDR_TEXT_MAX];

    if (c->host != NULL) {
        buf_printf(b, "Host: %s:%u\r\n", c->host, (unsigned)c->addr.port);
    } else if (c->path != NULL) {
        buf_append_slice(b, SLICE_LIT("Host: localhost\r\n"));
    } else {
        addr_format_port(&c->addr, text);
        buf_printf(b, "Host: %s\r\n", text);
    }
}

static void put_request(struct scan_job *j, struct buf *b)
{
    const struct scan_request *q = j->request;
    char text[ADDR_TEXT_MAX];

    buf_append_slice(b, SLICE_LIT("POST /checkv2 HTTP/1.1\r\n"));
    put_host(b, j->scanner);
    buf_printf(b, "Connection: close\r\nContent-Length: %" PRIu64 "\r\n", q->message->spool.size);
    put_field(b, "IP", slice_of(addr_format(&q->client, text)));
    put_field(b, "Helo", q->helo);
    put_field(b, "Hostname", q->client_name.n > 0 ? q->client_name : SLICE_LIT("unknown"));
    put_field(b, "From", q->sender.n > 0 ? q->sender : SLICE_LIT("<>"));
    for (size_t i = 0; i < q->recipient_count; i++) {
        put_field(b, "Rcpt", q->recipients[i]);
    }
    put_field(b, "Queue-Id", q->id);
    put_field(b, "MTA-Name", slice_of(j->conf->hostname));
    if (q->tls_version != NULL) {
        put_field(b, "TLS-Version", slice_of(q->tls_version));
    }
    buf_append_slice(b, SLICE_LIT("\r\n"));
}

/* 0 and the reply, which may point into `in`. */
static int read_reply(struct scan_job *j, struct buf *in, struct arena *scratch,
                      struct http_reply *ret)
{
    int r = 1, e = -EAGAIN;

    while (r > 0 && e == -EAGAIN) {
        r = scan_read(j, in, REPLY_MOST);
        e = r < 0 ? r : http_reply_parse(buf_slice(in), r == 0, scratch, ret);
    }
    return e;
}

static int conclude(struct scan_job *j, const struct http_reply *http, struct scan_result *ret)
{
    struct rspamd_reply reply;

    if (http->code == 413) {
        *ret = (struct scan_result){.state = SCAN_TOO_LARGE};
        return 0;
    }
    if (http->code != 200) {
        return scan_said(j, arena_printf(j->arena, "HTTP %u", http->code));
    }
    if (rspamd_reply_parse(http->body, j->arena, &reply) < 0) {
        return -EPROTO;
    }
    *ret = (struct scan_result){
        .state = SCAN_KNOWN,
        .score = reply.score,
        .text = reply.action,
        .names = reply.symbols,
        .name_count = reply.symbol_count,
    };
    return 0;
}

int rspamd_scan(struct scan_job *j, struct scan_result *ret)
{
    struct buf head = {0}, in = {0};
    struct http_reply http;
    struct arena scratch;

    arena_init(&scratch);
    put_request(j, &head);
    int r = scan_send_message(j, buf_slice(&head));
    buf_free(&head);
    r = r < 0 ? r : read_reply(j, &in, &scratch, &http);
    r = r < 0 ? r : conclude(j, &http, ret);
    buf_free(&in);
    arena_free(&scratch);
    return r;
}

int rspamd_ping(struct scan_job *j)
{
    struct buf head = {0};

    buf_append_slice(&head, SLICE_LIT("GET /ping HTTP/1.1\r\n"));
    put_host(&head, j->scanner);
    buf_append_slice(&head, SLICE_LIT("Connection: close\r\n\r\n"));
    int r = scan_send(j, buf_slice(&head));
    buf_free(&head);
    return r < 0 ? r : scan_expect(j, "pong");
}
