/* See journal/record_json.h. */
#include "journal/record_json.h"

#include "base/time.h"
#include "journal/data.h"

static void put_number(json_t *object, const char *key, uint64_t n)
{
    data_put(object, key, json_integer((json_int_t)n));
}

/* The members that have no column of their own. */
static void put_more(json_t *object, struct slice more)
{
    json_t *members = data_load(more);

    if (members != NULL) {
        (void)json_object_update_missing(object, members);
        json_decref(members);
    }
}

static void put_reply(json_t *object, uint16_t code, struct slice enhanced, struct slice text)
{
    if (code != 0) {
        put_number(object, "code", code);
        data_put_some(object, "enhanced", enhanced);
        data_put_some(object, "text", text);
    }
}

static void put_labels(json_t *object, const char *key, const struct slice *labels, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(array, data_text(labels[i]));
    }
    if (count > 0) {
        data_put(object, key, array);
    } else {
        json_decref(array);
    }
}

static void put_judgement(json_t *object, const struct journal_judgement *j)
{
    data_put_some(object, "rule", j->rule);
    put_labels(object, "fired", j->fired, j->fired_count);
    put_labels(object, "observed", j->observed, j->observed_count);
    if (j->doubt != 0) {
        data_put(object, "doubt", json_integer(j->doubt));
    }
    data_put_some(object, "why", j->why);
    json_t *facts = data_load(j->facts);
    if (facts != NULL) {
        data_put(object, "facts", facts);
    }
}

static json_t *recipient_json(const struct journal_recipient *r)
{
    json_t *object = json_object();

    data_put_text(object, "recipient", r->mailbox);
    data_put_some(object, "phase", r->phase);
    data_put_some(object, "verdict", r->verdict);
    put_reply(object, r->code, r->enhanced, r->text);
    data_put_some(object, "hop", r->hop.hop);
    if (r->hop_reply) {
        data_put(object, "hop_reply", json_true());
    }
    if (r->at >= 0) {
        put_number(object, "at_us", (uint64_t)r->at);
    }
    put_judgement(object, &r->judgement);
    put_more(object, r->more);
    return object;
}

static void put_origin(json_t *object, const struct journal_record *r)
{
    char time[TIME_RFC3339_MAX];

    if (r->n > 0) {
        data_put(object, "n", json_integer(r->n));
    }
    data_put_text(object, "id", r->id);
    time_format_rfc3339(r->time, time);
    data_put(object, "time", json_string(time));
    put_number(object, "run", r->run);
    put_number(object, "worker", r->worker);
    put_number(object, "epoch", r->epoch);
    put_number(object, "sequence", r->sequence);
    data_put_some(object, "policy", r->policy);
}

static void put_client(json_t *object, const struct journal_record *r)
{
    data_put_some(object, "client", r->client);
    put_number(object, "port", r->port);
    data_put_some(object, "local", r->local);
    data_put_some(object, "listener", r->listener);
    data_put_some(object, "helo", r->helo);
    data_put_some(object, "protocol", r->protocol);
    data_put_some(object, "tls", r->tls);
}

static void put_transaction(json_t *object, const struct journal_record *r)
{
    json_t *recipients = json_array();

    data_put_text(object, "sender", r->sender);
    for (size_t i = 0; i < r->recipient_count; i++) {
        (void)json_array_append_new(recipients, recipient_json(&r->recipients[i]));
    }
    data_put(object, "recipients", recipients);
    put_number(object, "size", r->size);
}

json_t *journal_record_json(const struct journal_record *r)
{
    json_t *object = json_object();

    put_origin(object, r);
    put_client(object, r);
    if (r->has_transaction) {
        put_transaction(object, r);
    }
    data_put_some(object, "phase", r->phase);
    data_put_some(object, "verdict", r->verdict);
    put_reply(object, r->code, r->enhanced, r->text);
    data_put_some(object, "hop", r->hop.hop);
    if (r->hop_reply) {
        data_put(object, "hop_reply", json_true());
    }
    data_put_some(object, "note", r->note);
    put_judgement(object, &r->judgement);
    put_number(object, "duration_us", r->duration > 0 ? (uint64_t)r->duration : 0);
    put_more(object, r->more);
    return object;
}
