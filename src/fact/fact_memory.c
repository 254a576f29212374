/* What is remembered of a client before it has said anything, which is asked for in the lobby too,
 * without a task; and of a sender. */
#include <errno.h>

#include "fact/remembered.h"
#include "parse/ascii.h"
#include "parse/sender_form.h"

/* client.harvester: as many clients of one network are like one. */
#define HARVESTERS_OF_NETWORK 4

int remembered_without(int error, enum value_type type, struct value *ret)
{
    if (error == -ECANCELED) {
        return error;
    }
    *ret = value_from(SOURCE_MEMORY, value_unknown(type, error == -ENODATA ? UNKNOWN_NOT_AVAILABLE
                                                                           : UNKNOWN_TEMPORARY));
    return 0;
}

int remembered_find(const struct evidence *e, enum record_kind kind, struct slice name,
                    struct record *ret)
{
    return e->memory != NULL ? memory_find(e->memory, kind, name, e->wall, ret) : -ENODATA;
}

int remembered_client(const struct evidence *e, struct record *ret)
{
    char text[MEMORY_ADDRESS_MAX];

    return remembered_find(e, RECORD_CLIENT, memory_client_name(&e->client, text), ret);
}

static int find_network(const struct evidence *e, struct record *ret)
{
    char text[MEMORY_ADDRESS_MAX];

    return remembered_find(e, RECORD_NETWORK, memory_network_name(&e->client, text), ret);
}

struct value remembered_amount(enum value_type type, double amount)
{
    const double most = 9e18;
    const double rounded = amount + 0.5;

    return value_number(type, rounded < most ? (int64_t)rounded : INT64_MAX);
}

/* What a time of that length is told in. */
static usec_t grain(usec_t t)
{
    const usec_t minute = 60 * USEC_SEC, hour = 60 * minute;

    return t < 2 * hour ? USEC_SEC : t < 48 * hour ? minute : hour;
}

struct value remembered_age(usec_t age)
{
    return value_number(TYPE_DURATION, age - age % grain(age));
}

struct value remembered_wait(usec_t wait)
{
    const usec_t over = wait % grain(wait);

    return value_number(TYPE_DURATION, over > 0 ? wait - over + grain(wait) : wait);
}

/* ---- client.known ---- */

static bool is_known(const struct evidence *e, const struct record *r)
{
    return record_is_proven(r) || record_has_returned(r, memory_rules(e->memory), e->wall);
}

/* 1, 0 or a negative errno. */
static int network_is_known(const struct evidence *e)
{
    struct record r;
    const int found = find_network(e, &r);

    return found > 0 ? is_known(e, &r) : found;
}

/* The organisation that the address had when mail was accepted from it. */
static int organisation_is_known(const struct evidence *e)
{
    struct record client, host;
    int found = remembered_client(e, &client);

    if (found <= 0 || client.note_n == 0) {
        return found < 0 ? found : 0;
    }
    found = remembered_find(e, RECORD_HOST, record_note(&client), &host);
    return found > 0 ? is_known(e, &host) : found;
}

int fact_client_known(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    int known = network_is_known(e);

    (void)parameters;
    known = known == 0 ? organisation_is_known(e) : known;
    if (known < 0) {
        return remembered_without(known, TYPE_BOOL, ret);
    }
    *ret = value_bool(known > 0);
    return 0;
}

/* ---- client.bad ---- */

int fact_client_bad(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct record r;
    const int found = remembered_client(e, &r);

    (void)parameters;
    if (found < 0) {
        return remembered_without(found, TYPE_NUMBER, ret);
    }
    *ret = remembered_amount(TYPE_NUMBER, found > 0 ? record_bad(&r) : 0);
    return 0;
}

/* ---- client.harvester ---- */

static bool has_guessed(const struct record *r, int64_t limit)
{
    return remembered_amount(TYPE_NUMBER, (double)r->rate[RATE_UNKNOWN_RECIPIENTS]).number >= limit;
}

int fact_client_harvester(const struct evidence *e, const struct slice *parameters,
                          struct value *ret)
{
    const int64_t limit = e->conf->limits.harvest_recipients;
    struct record r;
    int found = remembered_client(e, &r);
    bool guesses = found > 0 && has_guessed(&r, limit);

    (void)parameters;
    if (found >= 0 && !guesses) {
        found = find_network(e, &r);
        guesses = found > 0 && has_guessed(&r, HARVESTERS_OF_NETWORK * limit);
    }
    if (found < 0) {
        return remembered_without(found, TYPE_BOOL, ret);
    }
    *ret = value_bool(guesses);
    return 0;
}

/* ---- rcpt.impatient ---- */

int fact_rcpt_impatient(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const bool together = e->message != NULL;
    const size_t count = together ? e->recipient_count : 1;
    bool impatient = false;

    (void)parameters;
    if (e->ops == NULL || e->ops->table_has_text == NULL) {
        *ret = value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE);
        return 0;
    }
    for (size_t i = 0; i < count && !impatient; i++) {
        const struct slice mailbox = together ? e->recipients[i] : e->rcpt;
        impatient = e->ops->table_has_text(e, FACT_TABLE_IMPATIENT, mailbox);
    }
    *ret = value_bool(impatient);
    return 0;
}

/* ---- sender.correspondent ---- */

/* As he is written to, or in the form that his address has each time. */
static int is_correspondent(const struct evidence *e)
{
    char lowered[SENDER_FORM_MAX], form[SENDER_FORM_MAX];
    const size_t n = e->sender.n < sizeof lowered ? e->sender.n : sizeof lowered;
    struct record r;

    ascii_lower_copy(lowered, e->sender.p, n);
    const struct slice whole = {lowered, n}, same = sender_form(e->sender, form);
    const int found = remembered_find(e, RECORD_CORRESPONDENT, whole, &r);
    return found == 0 && !slice_eq(whole, same) ? remembered_find(e, RECORD_CORRESPONDENT, same, &r)
                                                : found;
}

int fact_sender_correspondent(const struct evidence *e, const struct slice *parameters,
                              struct value *ret)
{
    const int found = e->sender.n > 0 || e->memory == NULL ? is_correspondent(e) : 0;

    (void)parameters;
    if (found < 0) {
        return remembered_without(found, TYPE_BOOL, ret);
    }
    *ret = value_bool(found > 0);
    return 0;
}
