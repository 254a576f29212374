/* One decision as one line of JSON. Where lines go is journal/sink.c's business. */
#include "journal/decision.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/emit.h"
#include "base/fatal.h"
#include "base/journald.h"
#include "journal/courier.h"
#include "journal/judgement.h"
#include "journal/sink.h"

struct decision_sink {
    struct sink *sink; /* NULL: lines go to fn */
    void (*fn)(void *arg, struct slice line);
    void *arg;
    struct courier *courier; /* to the clerk; NULL: no journal is kept */
    struct buf line;
    struct decision_origin origin;
    _Atomic uint64_t own_sequence;                      /* where the origin has none */
    void (*shown)(void *arg, const struct decision *x); /* NULL: nobody */
    void *shown_arg;
};

/* ---- the line ---- */

static void put_words(struct emit *e, const char *key, const char *words)
{
    if (words != NULL && words[0] != '\0') {
        emit_text(e, key, slice_of(words));
    }
}

static void put_optional(struct emit *e, const char *key, struct slice text)
{
    if (text.n > 0) {
        emit_text(e, key, text);
    }
}

/* What does not fit into the number of most readers is the most that does, as in facts. */
static void put_some(struct emit *e, const char *key, uint64_t n)
{
    if (n > 0) {
        emit_unsigned(e, key, n < INT64_MAX ? n : INT64_MAX);
    }
}

static void put_true(struct emit *e, const char *key, bool value)
{
    if (value) {
        emit_bool(e, key, true);
    }
}

static void put_reply(struct emit *e, uint16_t code, struct slice enhanced, struct slice text)
{
    if (code != 0) {
        emit_unsigned(e, "code", code);
        put_optional(e, "enhanced", enhanced);
        put_optional(e, "text", text);
    }
}

static void put_client(struct emit *e, const struct decision *x)
{
    char text[ADDR_TEXT_MAX];

    put_words(e, "client", addr_format(&x->client, text));
    emit_unsigned(e, "port", x->client.port);
    if (x->local.family != ADDR_NONE) {
        put_words(e, "local", addr_format(&x->local, text));
    }
    put_words(e, "listener", x->listener);
    put_optional(e, "helo", x->helo);
    put_words(e, "protocol", x->protocol);
    put_optional(e, "tls", x->tls);
    put_true(e, "early", x->early);
    put_words(e, "unpipelined", x->unpipelined);
}

static void put_names(struct emit *e, const struct decision *x)
{
    if (x->name_count > 0) {
        emit_array(e, "names");
        for (size_t i = 0; i < x->name_count; i++) {
            emit_text(e, NULL, x->names[i]);
        }
        emit_array_end(e);
    }
}

static void put_hop(struct emit *e, const struct hop_story *hop)
{
    put_optional(e, "hop", hop->hop.n > 0 ? hop->hop : hop->route);
    put_optional(e, "hop_failed", hop->failed);
    put_optional(e, "hop_tls", hop->tls);
    put_optional(e, "hop_tls_unused", hop->tls_unused);
    put_optional(e, "hop_xclient_unused", hop->xclient_unused);
}

static void put_recipient(struct emit *e, const struct decision_recipient *r)
{
    emit_object(e, NULL);
    emit_text(e, "recipient", r->mailbox);
    put_words(e, "phase", r->phase);
    put_words(e, "verdict", r->verdict);
    put_reply(e, r->code, r->enhanced, r->text);
    put_hop(e, &r->hop);
    put_true(e, "hop_reply", r->hop_reply);
    put_true(e, "delivered_before", r->delivered_before);
    put_true(e, "unpipelined", r->unpipelined);
    emit_unsigned(e, "at_us", r->at > 0 ? (uint64_t)r->at : 0);
    decision_put_judgement(e, &r->judgement);
    emit_object_end(e);
}

/* Of the message, what facts can be asked about without reading it. */
static void put_message(struct emit *e, const struct message *m)
{
    emit_object(e, "message");
    emit_unsigned(e, "received", m->received_count);
    emit_unsigned(e, "longest_line", m->longest_line);
    put_true(e, "binary", m->by_bdat && m->bare_cr_or_lf);
    put_some(e, "removed", m->removed);
    emit_object_end(e);
}

static void put_transaction(struct emit *e, const struct decision *x)
{
    emit_text(e, "sender", x->sender);
    put_some(e, "size_declared", x->size_declared);
    put_some(e, "failures_before", x->failures_before);
    emit_array(e, "recipients");
    for (size_t i = 0; i < x->recipient_count; i++) {
        put_recipient(e, &x->recipients[i]);
    }
    emit_array_end(e);
    emit_unsigned(e, "size", x->size);
    if (x->message != NULL) {
        put_message(e, x->message);
    }
}

static void put_timeline(struct emit *e, const struct decision_timeline *t)
{
    const struct {
        const char *name;
        usec_t at;
    } steps[] = {{"early", t->early},         {"greeted", t->greeted}, {"helo", t->helo},
                 {"mail", t->mail},           {"data", t->data},       {"received", t->received},
                 {"committed", t->committed}, {"decided", t->decided}};

    emit_object(e, "timeline_us");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (steps[i].at >= 0) {
            emit_number(e, steps[i].name, steps[i].at);
        }
    }
    emit_object_end(e);
}

static void put_origin(struct emit *e, const struct decision_sink *d, uint64_t sequence)
{
    emit_unsigned(e, "run", d->origin.run);
    emit_unsigned(e, "worker", d->origin.slot);
    emit_unsigned(e, "epoch", d->origin.epoch);
    emit_unsigned(e, "sequence", sequence);
    put_some(e, "lost", decision_lost(d));
}

static void put_decision(struct emit *e, const struct decision_sink *d, const struct decision *x,
                         uint64_t sequence)
{
    char time[TIME_RFC3339_MAX];

    emit_object(e, NULL);
    emit_text(e, "id", x->id);
    time_format_rfc3339(x->time_wall, time);
    put_words(e, "time", time);
    put_origin(e, d, sequence);
    if (x->policy != NULL) {
        put_words(e, "policy", x->policy->digest);
    }
    put_client(e, x);
    put_names(e, x);
    if (x->has_transaction) {
        put_transaction(e, x);
    }
    put_words(e, "phase", x->phase);
    put_words(e, "verdict", x->verdict);
    put_reply(e, x->code, x->enhanced, x->text);
    put_hop(e, &x->hop);
    put_true(e, "hop_reply", x->hop_reply);
    put_words(e, "note", x->note);
    decision_put_judgement(e, &x->judgement);
    emit_unsigned(e, "duration_us", x->duration > 0 ? (uint64_t)x->duration : 0);
    put_timeline(e, &x->timeline);
    emit_object_end(e);
}

void decision_write(struct decision_sink *d, const struct decision *x)
{
    _Atomic uint64_t *counter = d->origin.sequence != NULL ? d->origin.sequence : &d->own_sequence;
    uint64_t sequence = atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    struct emit e = {.b = &d->line};

    if (d->shown != NULL) {
        d->shown(d->shown_arg, x);
    }
    d->line.n = 0;
    put_decision(&e, d, x, sequence);
    buf_append(&d->line, "\n", 1);
    if (d->sink != NULL) {
        (void)sink_add(d->sink, buf_slice(&d->line));
    } else {
        d->fn(d->arg, buf_slice(&d->line));
    }
    if (d->courier != NULL) {
        courier_add(d->courier, buf_slice(&d->line), sequence);
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

void decision_sink_to_journal(struct decision_sink *d, int fd, _Atomic uint64_t *settled)
{
    d->courier = courier_new(fd, d->origin.slot, settled);
}

struct decision_sink *decision_sink_to(void (*fn)(void *arg, struct slice line), void *arg)
{
    struct decision_sink *d = xcalloc(1, sizeof(*d));

    d->fn = fn;
    d->arg = arg;
    return d;
}

void decision_sink_show(struct decision_sink *d, void (*fn)(void *arg, const struct decision *x),
                        void *arg)
{
    d->shown = fn;
    d->shown_arg = arg;
}

void decision_flush(struct decision_sink *d)
{
    if (d->sink != NULL && sink_waiting(d->sink) > 0) {
        sink_flush(d->sink);
    }
    if (d->courier != NULL) {
        courier_turn(d->courier);
    }
}

bool decision_waiting(const struct decision_sink *d)
{
    return (d->sink != NULL && sink_waiting(d->sink) > 0) ||
           (d->courier != NULL && courier_waiting(d->courier) > 0);
}

uint64_t decision_lost(const struct decision_sink *d)
{
    return d->sink != NULL ? sink_lost(d->sink) : 0;
}

struct decision_sink *decision_sink_free(struct decision_sink *d)
{
    if (d != NULL) {
        (void)sink_free(d->sink);
        (void)courier_free(d->courier);
        buf_free(&d->line);
        free(d);
    }
    return NULL;
}
