/* One decision as one line of JSON. Where lines go is journal/sink.c's business. */
#include "journal/decision.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/journald.h"
#include "base/text.h"
#include "journal/decision_json.h"
#include "journal/sink.h"

/* ASCII: characters that turn text around or command a terminal are of no use in a log. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12))

struct decision_sink {
    struct sink *sink; /* NULL: lines go to fn */
    void (*fn)(void *arg, struct slice line);
    void *arg;
    struct buf line;
    struct decision_origin origin;
    _Atomic uint64_t own_sequence; /* where the origin has none */
};

/* ---- the line ---- */

void decision_put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new_nocheck(object, key, value) != 0) {
        fatal("out of memory for a decision line");
    }
}

/* Length of the UTF-8 character at `p`, harmless or a control character; 0 when there is none. */
static size_t character(const char *p, size_t n)
{
    const unsigned char *c = (const unsigned char *)p;
    size_t clean = text_clean_length(p, n < 4 ? n : 4);

    if (clean > 0) {
        return clean;
    }
    if (c[0] < 0x80) {
        return 1;
    }
    /* C1, U+0080 to U+009F. */
    return c[0] == 0xc2 && n > 1 && c[1] >= 0x80 && c[1] <= 0x9f ? 2 : 0;
}

/* The text with each octet that is not UTF-8 made the character of the same number. */
static json_t *repaired(struct slice text)
{
    struct buf b = {0};
    size_t i = 0;

    while (i < text.n) {
        size_t length = character(text.p + i, text.n - i);
        if (length > 0) {
            buf_append(&b, text.p + i, length);
            i += length;
        } else {
            unsigned char octet = (unsigned char)text.p[i++];
            char two[] = {(char)(0xc0 | octet >> 6), (char)(0x80 | (octet & 0x3f))};
            buf_append(&b, two, sizeof(two));
        }
    }
    json_t *value = json_stringn_nocheck(b.p, b.n);
    buf_free(&b);
    return value;
}

json_t *decision_text(struct slice text)
{
    json_t *value = json_stringn(text.n > 0 ? text.p : "", text.n);

    /* NULL: not UTF-8, or no memory, which the second try will find too. */
    return value != NULL ? value : repaired(text);
}

void decision_put_text(json_t *object, const char *key, struct slice text)
{
    decision_put(object, key, decision_text(text));
}

static void put_words(json_t *object, const char *key, const char *words)
{
    if (words != NULL && words[0] != '\0') {
        decision_put_text(object, key, slice_of(words));
    }
}

static void put_optional(json_t *object, const char *key, struct slice text)
{
    if (text.n > 0) {
        decision_put_text(object, key, text);
    }
}

static void put_number(json_t *object, const char *key, uint64_t n)
{
    decision_put(object, key, json_integer((json_int_t)n));
}

static void put_some(json_t *object, const char *key, uint64_t n)
{
    if (n > 0) {
        put_number(object, key, n);
    }
}

static void put_reply(json_t *object, uint16_t code, struct slice enhanced, struct slice text)
{
    if (code != 0) {
        put_number(object, "code", code);
        put_optional(object, "enhanced", enhanced);
        put_optional(object, "text", text);
    }
}

static void put_client(json_t *object, const struct decision *x)
{
    char client[ADDR_TEXT_MAX];

    put_words(object, "client", addr_format(&x->client, client));
    put_number(object, "port", x->client.port);
    if (x->local.family != ADDR_NONE) {
        put_words(object, "local", addr_format(&x->local, client));
    }
    put_words(object, "listener", x->listener);
    put_optional(object, "helo", x->helo);
    put_words(object, "protocol", x->protocol);
    put_optional(object, "tls", x->tls);
    if (x->early) {
        decision_put(object, "early", json_true());
    }
    put_words(object, "unpipelined", x->unpipelined);
}

static void put_hop(json_t *object, const struct hop_story *hop)
{
    put_optional(object, "hop", hop->hop.n > 0 ? hop->hop : hop->route);
    put_optional(object, "hop_failed", hop->failed);
    put_optional(object, "hop_tls", hop->tls);
    put_optional(object, "hop_tls_unused", hop->tls_unused);
    put_optional(object, "hop_xclient_unused", hop->xclient_unused);
}

static json_t *recipient_object(const struct decision_recipient *r)
{
    json_t *object = json_object();

    decision_put_text(object, "recipient", r->mailbox);
    put_words(object, "phase", r->phase);
    put_words(object, "verdict", r->verdict);
    put_reply(object, r->code, r->enhanced, r->text);
    put_hop(object, &r->hop);
    if (r->delivered_before) {
        decision_put(object, "delivered_before", json_true());
    }
    if (r->unpipelined) {
        decision_put(object, "unpipelined", json_true());
    }
    put_number(object, "at_us", r->at > 0 ? (uint64_t)r->at : 0);
    decision_put_judgement(object, &r->judgement);
    return object;
}

/* Of the message, what facts can be asked about without reading it. */
static void put_message(json_t *object, const struct message *m)
{
    json_t *message = json_object();

    decision_put(object, "message", message);
    put_number(message, "received", m->received_count);
    put_number(message, "longest_line", m->longest_line);
    if (m->by_bdat && m->bare_cr_or_lf) {
        decision_put(message, "binary", json_true());
    }
}

static void put_transaction(json_t *object, const struct decision *x)
{
    json_t *recipients = json_array();

    decision_put_text(object, "sender", x->sender);
    put_some(object, "size_declared", x->size_declared);
    put_some(object, "failures_before", x->failures_before);
    decision_put(object, "recipients", recipients);
    for (size_t i = 0; i < x->recipient_count; i++) {
        if (json_array_append_new(recipients, recipient_object(&x->recipients[i])) != 0) {
            fatal("out of memory for a decision line");
        }
    }
    put_number(object, "size", x->size);
    if (x->message != NULL) {
        put_message(object, x->message);
    }
}

static void put_timeline(json_t *object, const struct decision_timeline *t)
{
    const struct {
        const char *name;
        usec_t at;
    } steps[] = {{"greeted", t->greeted}, {"helo", t->helo},         {"mail", t->mail},
                 {"data", t->data},       {"received", t->received}, {"committed", t->committed},
                 {"decided", t->decided}};
    json_t *timeline = json_object();

    decision_put(object, "timeline_us", timeline);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (steps[i].at >= 0) {
            put_number(timeline, steps[i].name, (uint64_t)steps[i].at);
        }
    }
}

static void put_origin(json_t *object, const struct decision_sink *d, uint64_t sequence)
{
    put_number(object, "run", d->origin.run);
    put_number(object, "worker", d->origin.slot);
    put_number(object, "epoch", d->origin.epoch);
    put_number(object, "sequence", sequence);
    put_some(object, "lost", decision_lost(d));
}

static json_t *decision_object(const struct decision_sink *d, const struct decision *x,
                               uint64_t sequence)
{
    json_t *object = json_object();
    char time[TIME_RFC3339_MAX];

    decision_put_text(object, "id", x->id);
    time_format_rfc3339(x->time_wall, time);
    put_words(object, "time", time);
    put_origin(object, d, sequence);
    if (x->policy != NULL) {
        put_words(object, "policy", x->policy->digest);
    }
    put_client(object, x);
    if (x->has_transaction) {
        put_transaction(object, x);
    }
    put_words(object, "phase", x->phase);
    put_words(object, "verdict", x->verdict);
    put_reply(object, x->code, x->enhanced, x->text);
    put_hop(object, &x->hop);
    if (x->hop_reply) {
        decision_put(object, "hop_reply", json_true());
    }
    put_words(object, "note", x->note);
    decision_put_judgement(object, &x->judgement);
    put_number(object, "duration_us", x->duration > 0 ? (uint64_t)x->duration : 0);
    put_timeline(object, &x->timeline);
    return object;
}

/* Writes the object and a line feed into d->line. */
static void dump(struct decision_sink *d, const json_t *object)
{
    size_t room = 2048;
    size_t n;

    d->line.n = 0;
    for (;;) {
        n = json_dumpb(object, buf_reserve(&d->line, room + 1), room, DUMP_FLAGS);
        if (n == 0) {
            panic("a decision line cannot be written as JSON");
        }
        if (n <= room) {
            break;
        }
        room = n;
    }
    d->line.p[n] = '\n';
    d->line.n = n + 1;
}

void decision_write(struct decision_sink *d, const struct decision *x)
{
    _Atomic uint64_t *sequence = d->origin.sequence != NULL ? d->origin.sequence : &d->own_sequence;
    json_t *object =
        decision_object(d, x, atomic_fetch_add_explicit(sequence, 1, memory_order_relaxed));

    dump(d, object);
    json_decref(object);
    if (d->sink != NULL) {
        (void)sink_add(d->sink, buf_slice(&d->line));
    } else {
        d->fn(d->arg, buf_slice(&d->line));
    }
}

/* ---- the sink ---- */

int decision_sink_open(const struct conf *conf, const struct decision_origin *origin,
                       struct decision_sink **ret)
{
    struct sink *sink = NULL;
    int r = -EINVAL;

    switch (conf->decisions) {
    case CONF_DECISIONS_STDOUT: r = sink_open_fd(STDOUT_FILENO, &sink); break;
    case CONF_DECISIONS_JOURNALD: r = sink_open_journald(journald_path(), &sink); break;
    case CONF_DECISIONS_FILE: r = sink_open_file(conf->decisions_file, &sink); break;
    }
    if (r < 0) {
        return r;
    }
    struct decision_sink *d = xcalloc(1, sizeof(*d));
    d->sink = sink;
    d->origin = *origin;
    *ret = d;
    return 0;
}

struct decision_sink *decision_sink_to(void (*fn)(void *arg, struct slice line), void *arg)
{
    struct decision_sink *d = xcalloc(1, sizeof(*d));

    d->fn = fn;
    d->arg = arg;
    return d;
}

void decision_flush(struct decision_sink *d)
{
    if (d->sink != NULL && sink_waiting(d->sink) > 0) {
        sink_flush(d->sink);
    }
}

bool decision_waiting(const struct decision_sink *d)
{
    return d->sink != NULL && sink_waiting(d->sink) > 0;
}

uint64_t decision_lost(const struct decision_sink *d)
{
    return d->sink != NULL ? sink_lost(d->sink) : 0;
}

struct decision_sink *decision_sink_free(struct decision_sink *d)
{
    if (d != NULL) {
        (void)sink_free(d->sink);
        buf_free(&d->line);
        free(d);
    }
    return NULL;
}
