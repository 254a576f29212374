/* Who the other side is, and whether it has come back: for each recipient, and at message for all
 * that get it together. */
#include <errno.h>

#include "fact/deferral.h"
#include "fact/other_side.h"
#include "fact/remembered.h"

const char *const identity_kind_words[] = {"none", "network", "host", "spf", "dkim", NULL};

enum { KIND_NONE, KIND_NETWORK, KIND_HOST, KIND_SPF, KIND_DKIM };

static int kind_word(enum record_kind kind)
{
    switch (kind) {
    case RECORD_NETWORK: return KIND_NETWORK;
    case RECORD_HOST: return KIND_HOST;
    case RECORD_SPF: return KIND_SPF;
    case RECORD_DKIM: return KIND_DKIM;
    default: return KIND_NONE;
    }
}

/* ---- the identity ---- */

static int of_identity(const struct evidence *e, enum value_type type,
                       struct value (*value)(const struct evidence *e, const struct other_side *i),
                       struct value *ret)
{
    const struct other_side *i;
    const int r = other_side_find(e, &i);

    if (r < 0) {
        return remembered_without(r, type, ret);
    }
    *ret = value_from(SOURCE_MEMORY, value(e, i));
    return 0;
}

static struct value name_of(const struct evidence *e, const struct other_side *i)
{
    (void)e;
    return value_text(i->name);
}

int fact_identity(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return of_identity(e, TYPE_TEXT, name_of, ret);
}

static struct value kind_of(const struct evidence *e, const struct other_side *i)
{
    (void)e;
    return value_number(TYPE_RESULT, kind_word(i->kind));
}

int fact_identity_kind(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return of_identity(e, TYPE_RESULT, kind_of, ret);
}

static struct value age_of(const struct evidence *e, const struct other_side *i)
{
    const bool seen = i->kind != 0 && e->wall > i->first;

    return remembered_age(seen ? e->wall - i->first : 0);
}

int fact_identity_age(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return of_identity(e, TYPE_DURATION, age_of, ret);
}

static struct value good_of(const struct evidence *e, const struct other_side *i)
{
    (void)e;
    return remembered_amount(TYPE_NUMBER, i->good);
}

int fact_identity_good(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return of_identity(e, TYPE_NUMBER, good_of, ret);
}

static struct value bad_of(const struct evidence *e, const struct other_side *i)
{
    (void)e;
    return remembered_amount(TYPE_NUMBER, i->bad);
}

int fact_identity_bad(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    return of_identity(e, TYPE_NUMBER, bad_of, ret);
}

static struct value proven_of(const struct evidence *e, const struct other_side *i)
{
    (void)e;
    return value_bool(i->proven);
}

int fact_identity_proven(const struct evidence *e, const struct slice *parameters,
                         struct value *ret)
{
    (void)parameters;
    return of_identity(e, TYPE_BOOL, proven_of, ret);
}

/* ---- deferrals ---- */

/* Of all that get the message what is least in the sender's favour. */
static int find_of_all(const struct evidence *e, const struct names *n, struct deferral *ret)
{
    struct deferral all = {.age = USEC_NEVER, .returned = true};

    for (size_t i = 0; i < e->recipient_count; i++) {
        struct deferral one;
        const int r = deferral_find(e, n, e->sender, e->recipients[i], &one);
        if (r < 0) {
            return r;
        }
        all.age = one.age < all.age ? one.age : all.age;
        all.wait = one.wait > all.wait ? one.wait : all.wait;
        all.returned = all.returned && one.returned;
    }
    *ret = e->recipient_count > 0 ? all : (struct deferral){0};
    return 0;
}

static int find_deferral(const struct evidence *e, struct deferral *ret)
{
    struct names n;

    if (e->memory == NULL) {
        return -ENODATA;
    }
    const int r = names_find(e, &n);
    if (r < 0) {
        return r;
    }
    return e->message != NULL ? find_of_all(e, &n, ret)
                              : deferral_find(e, &n, e->sender, e->rcpt, ret);
}

int fact_identity_returned(const struct evidence *e, const struct slice *parameters,
                           struct value *ret)
{
    const struct other_side *i;
    struct deferral d = {0};
    int r = other_side_find(e, &i);

    (void)parameters;
    if (r == 0 && !i->returned) {
        r = find_deferral(e, &d);
    }
    if (r < 0) {
        return remembered_without(r, TYPE_BOOL, ret);
    }
    *ret = value_from(SOURCE_MEMORY, value_bool(i->returned || d.returned));
    return 0;
}

int fact_deferral_age(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct deferral d;
    const int r = find_deferral(e, &d);

    (void)parameters;
    if (r < 0) {
        return remembered_without(r, TYPE_DURATION, ret);
    }
    *ret = value_from(SOURCE_MEMORY, remembered_age(d.age));
    return 0;
}

int fact_deferral_wait(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct deferral d;
    const int r = find_deferral(e, &d);

    (void)parameters;
    if (r < 0) {
        return remembered_without(r, TYPE_DURATION, ret);
    }
    *ret = value_from(SOURCE_MEMORY, remembered_wait(d.wait));
    return 0;
}
