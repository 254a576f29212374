/* How much of late: of the client, of a recipient, of the identity. */
#include "fact/other_side.h"
#include "fact/remembered.h"
#include "parse/ascii.h"

/* RFC 5321 4.5.3.1 has less. */
#define MAILBOX_MOST 512

/* A rate of one record; what was never seen does nothing. */
static int rate_of(int found, const struct record *r, enum record_rate rate, enum value_type type,
                   struct value *ret)
{
    if (found < 0) {
        return remembered_without(found, type, ret);
    }
    *ret = remembered_amount(type, found > 0 ? (double)r->rate[rate] : 0);
    return 0;
}

static int of_client(const struct evidence *e, enum record_rate rate, enum value_type type,
                     struct value *ret)
{
    struct record r;

    return rate_of(remembered_client(e, &r), &r, rate, type, ret);
}

/* A mailbox of ours, by its name in lower case. */
static int of_recipient(const struct evidence *e, enum record_rate rate, enum value_type type,
                        struct value *ret)
{
    char name[MAILBOX_MOST];
    const size_t n = e->rcpt.n < sizeof name ? e->rcpt.n : sizeof name;
    struct record r;

    ascii_lower_copy(name, e->rcpt.p, n);
    return rate_of(remembered_find(e, RECORD_RECIPIENT, (struct slice){name, n}, &r), &r, rate,
                   type, ret);
}

static int of_identity(const struct evidence *e, enum record_rate rate, enum value_type type,
                       struct value *ret)
{
    const struct other_side *i;
    const int r = other_side_find(e, &i);

    if (r < 0) {
        return remembered_without(r, type, ret);
    }
    *ret = value_from(SOURCE_MEMORY, remembered_amount(type, (double)i->rate[rate]));
    return 0;
}

/* ---- of the client ---- */

int fact_rate_client_connections(const struct evidence *e, const struct slice *parameters,
                                 struct value *ret)
{
    (void)parameters;
    return of_client(e, RATE_CONNECTIONS, TYPE_NUMBER, ret);
}

int fact_rate_client_messages(const struct evidence *e, const struct slice *parameters,
                              struct value *ret)
{
    (void)parameters;
    return of_client(e, RATE_MESSAGES, TYPE_NUMBER, ret);
}

int fact_rate_client_recipients(const struct evidence *e, const struct slice *parameters,
                                struct value *ret)
{
    (void)parameters;
    return of_client(e, RATE_RECIPIENTS, TYPE_NUMBER, ret);
}

int fact_rate_client_bytes(const struct evidence *e, const struct slice *parameters,
                           struct value *ret)
{
    (void)parameters;
    return of_client(e, RATE_OCTETS, TYPE_SIZE, ret);
}

int fact_rate_client_unknown_recipients(const struct evidence *e, const struct slice *parameters,
                                        struct value *ret)
{
    (void)parameters;
    return of_client(e, RATE_UNKNOWN_RECIPIENTS, TYPE_NUMBER, ret);
}

/* ---- of the recipient ---- */

int fact_rate_rcpt_messages(const struct evidence *e, const struct slice *parameters,
                            struct value *ret)
{
    (void)parameters;
    return of_recipient(e, RATE_MESSAGES, TYPE_NUMBER, ret);
}

int fact_rate_rcpt_bytes(const struct evidence *e, const struct slice *parameters,
                         struct value *ret)
{
    (void)parameters;
    return of_recipient(e, RATE_OCTETS, TYPE_SIZE, ret);
}

/* ---- of the identity ---- */

int fact_rate_identity_messages(const struct evidence *e, const struct slice *parameters,
                                struct value *ret)
{
    (void)parameters;
    return of_identity(e, RATE_MESSAGES, TYPE_NUMBER, ret);
}

int fact_rate_identity_recipients(const struct evidence *e, const struct slice *parameters,
                                  struct value *ret)
{
    (void)parameters;
    return of_identity(e, RATE_RECIPIENTS, TYPE_NUMBER, ret);
}

int fact_rate_identity_bytes(const struct evidence *e, const struct slice *parameters,
                             struct value *ret)
{
    (void)parameters;
    return of_identity(e, RATE_OCTETS, TYPE_SIZE, ret);
}

int fact_rate_identity_unknown_recipients(const struct evidence *e, const struct slice *parameters,
                                          struct value *ret)
{
    (void)parameters;
    return of_identity(e, RATE_UNKNOWN_RECIPIENTS, TYPE_NUMBER, ret);
}
