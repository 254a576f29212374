#include "route/hop_forward.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "parse/xtext.h"

/* ---- command lines ---- */

struct writer {
    const char *verb;
    struct arena *arena;
    struct hop_forward *forward;
    char line[HOP_FORWARD_LINE_MAX];
    size_t n; /* 0: no line is begun */
};

static void end_line(struct writer *w)
{
    if (w->n > 0 && w->forward->count < HOP_FORWARD_LINES) {
        struct slice line = {w->line, w->n};
        w->forward->lines[w->forward->count++] = arena_copy(w->arena, line);
    }
    w->n = 0;
}

/* " NAME=value" on this line, or on one more. `value` is at most half a line, and harmless. */
static void put(struct writer *w, const char *name, struct slice value)
{
    size_t need = 2 + strlen(name) + value.n;
    if (w->n > 0 && w->n + need + 2 > HOP_FORWARD_LINE_MAX) {
        end_line(w);
    }
    if (w->n == 0) {
        w->n = (size_t)snprintf(w->line, sizeof w->line, "%s", w->verb);
    }
    w->n += (size_t)snprintf(w->line + w->n, sizeof w->line - w->n, " %s=" SLICE_FMT, name,
                             SLICE_ARG(value));
}

static void put_word(struct writer *w, const char *name, const char *value)
{
    put(w, name, slice_of(value));
}

/* A value that the client, or anybody, has chosen. */
static void put_text(struct writer *w, const char *name, struct slice value)
{
    char text[HOP_FORWARD_LINE_MAX / 2];
    size_t n = xtext_encode(value, text, sizeof text);
    put(w, name, n > 0 ? (struct slice){text, n} : SLICE_LIT("[UNAVAILABLE]"));
}

static void put_address(struct writer *w, const struct addr *a)
{
    char address[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX + 5];
    snprintf(text, sizeof text, "%s%s", a->family == ADDR_V6 ? "IPV6:" : "",
             addr_format(a, address));
    put_word(w, "ADDR", text);
}

/* What both commands can tell. Host names of clients are not looked up: `name_unknown`. */
static void put_common(struct writer *w, unsigned wanted, const struct origin *o,
                       const char *name_unknown)
{
    char port[8];
    if ((wanted & CLIENT_NAME) != 0) {
        put_word(w, "NAME", name_unknown);
    }
    if ((wanted & CLIENT_ADDR) != 0) {
        put_address(w, &o->client);
    }
    if ((wanted & CLIENT_PORT) != 0) {
        snprintf(port, sizeof port, "%u", o->client.port);
        put_word(w, "PORT", port);
    }
    if ((wanted & CLIENT_PROTO) != 0) {
        put_word(w, "PROTO", o->esmtp ? "ESMTP" : "SMTP");
    }
    if ((wanted & CLIENT_HELO) != 0) {
        put_text(w, "HELO", o->helo);
    }
}

/* ---- XFORWARD ---- */

void hop_forward_prepare(const struct hop_conn *c, const struct origin *origin, struct arena *arena,
                         struct hop_forward *ret)
{
    struct writer w = {.verb = "XFORWARD", .arena = arena, .forward = ret};
    unsigned wanted = c->can.xforward;
    ret->count = 0;
    if (c->forward_refused || origin->client.family == ADDR_NONE) {
        return;
    }
    put_common(&w, wanted, origin, "[UNAVAILABLE]");
    if ((wanted & CLIENT_IDENT) != 0) {
        put_text(&w, "IDENT", origin->id);
    }
    if ((wanted & CLIENT_SOURCE) != 0) {
        put_word(&w, "SOURCE", "REMOTE");
    }
    end_line(&w);
}

/* ---- XCLIENT ---- */

static bool said_already(const struct hop_conn *c, const struct hop_forward *f)
{
    size_t at = 0;
    for (unsigned i = 0; i < f->count; i++) {
        struct slice line = f->lines[i];
        if (c->client.n - at < line.n || memcmp(c->client.p + at, line.p, line.n) != 0) {
            return false;
        }
        at += line.n;
    }
    return at == c->client.n;
}

/* One command, and its reply: 0, 1 and *ret_why when it was refused, or an error. */
static int say(struct hop_conn *c, struct slice line, struct arena *arena, usec_t deadline,
               struct slice *ret_why)
{
    struct reply reply = {0};
    buf_append_slice(&c->out, line);
    buf_append(&c->out, "\r\n", 2);
    int rc = hop_conn_send(c, deadline);
    if (rc == 0) {
        rc = hop_conn_reply(c, deadline, &reply);
    }
    if (rc < 0 || reply.code == 220) {
        return rc;
    }
    if (reply.code == 421) {
        return -ECONNRESET;
    }
    *ret_why = arena_printf(arena, "refused: %u " SLICE_FMT, reply.code, SLICE_ARG(reply.text));
    return 1;
}

static void prepare_client(const struct hop_conn *c, const struct origin *origin,
                           struct arena *arena, struct hop_forward *ret)
{
    struct writer w = {.verb = "XCLIENT", .arena = arena, .forward = ret};
    ret->count = 0;
    put_common(&w, c->can.xclient, origin, "[TEMPUNAVAIL]");
    end_line(&w);
}

int hop_forward_impersonate(struct hop_conn *c, const struct conf_hop *hop, const char *hostname,
                            const struct origin *origin, struct arena *arena, usec_t deadline,
                            struct slice *ret_unused)
{
    struct hop_forward f;
    *ret_unused = (struct slice){0};
    if (!hop->xclient || origin->client.family == ADDR_NONE) {
        return c->client.n > 0 ? -ECONNRESET : 0; /* nobody's question is not the last client's */
    }
    if (c->client_refused) {
        *ret_unused = SLICE_LIT("refused before");
        return 0;
    }
    if ((c->can.xclient & CLIENT_ADDR) == 0) {
        *ret_unused = SLICE_LIT("not offered");
        return c->client.n > 0 ? -ECONNRESET : 0;
    }
    prepare_client(c, origin, arena, &f);
    if (said_already(c, &f)) {
        return 0;
    }
    bool before = c->client.n > 0;
    c->client.n = 0;
    for (unsigned i = 0; i < f.count; i++) {
        int rc = say(c, f.lines[i], arena, deadline, ret_unused);
        if (rc > 0 && (before || i > 0)) {
            return -ECONNRESET; /* it must not go on as somebody else */
        }
        if (rc != 0) {
            c->client_refused = rc > 0;
            return rc > 0 ? 0 : rc;
        }
        buf_append_slice(&c->client, f.lines[i]);
    }
    c->forward_refused = false;
    return hop_conn_hello(c, hop->kind == CONF_HOP_LMTP, hostname, deadline);
}
