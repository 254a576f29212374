/* See fact/deferral.h. A deferral that was not kept to, or whose time has not come yet by a clock
 * that was set back, is none: what begins then begins anew. */
#include "fact/deferral.h"

#include <errno.h>

#include "base/buf.h"
#include "parse/ascii.h"
#include "parse/sender_form.h"

/* ---- names of deferrals ---- */

/* What is the same under each name of the other side: "anna@example.net bert@example.org". */
static void errand_of(struct slice sender, struct slice rcpt, struct buf *ret)
{
    char form[SENDER_FORM_MAX];

    buf_append_slice(ret, sender.n > 0 ? sender_form(sender, form) : SLICE_LIT("<>"));
    buf_append(ret, " ", 1);
    ascii_lower_copy(buf_reserve(ret, rcpt.n), rcpt.p, rcpt.n);
    ret->n += rcpt.n;
}

/* "spf example.net anna@example.net bert@example.org", in `room`. */
static struct slice name_of(const struct names *n, size_t i, const struct buf *errand,
                            struct buf *room)
{
    room->n = 0;
    buf_printf(room, "%s " SLICE_FMT " ", record_kind_name(n->item[i].kind),
               SLICE_ARG(n->item[i].name));
    buf_append_slice(room, buf_slice(errand));
    return buf_slice(room);
}

/* Calls `fn` with the name of the deferral under each name until it returns less than 0, which is
 * returned. */
static int each(const struct names *n, struct slice sender, struct slice rcpt,
                int (*fn)(void *arg, struct slice name), void *arg)
{
    struct buf errand = {0}, room = {0};
    int r = 0;

    errand_of(sender, rcpt, &errand);
    for (size_t i = 0; i < n->count && r >= 0; i++) {
        r = fn(arg, name_of(n, i, &errand, &room));
    }
    buf_free(&errand);
    buf_free(&room);
    return r < 0 ? r : 0;
}

/* ---- what one of them says ---- */

enum standing {
    STANDING_NONE, /* as if there was none */
    STANDING_WAITS,
    STANDING_RETURNS, /* it is time */
    STANDING_RETURNED,
};

struct errand {
    const struct evidence *e;
    struct deferral found;
    bool arrived; /* under a name for which it had not before */
};

static usec_t age_of(const struct errand *q, const struct record *r)
{
    return q->e->wall > r->first ? q->e->wall - r->first : 0;
}

static enum standing standing(const struct errand *q, const struct record *r)
{
    const struct record_rules *rules = memory_rules(q->e->memory);
    const usec_t age = age_of(q, r);

    if (record_has_returned(r, rules, q->e->wall)) {
        return STANDING_RETURNED;
    }
    if (age == 0) {
        return STANDING_NONE;
    }
    return age < q->e->conf->limits.deferral_time ? STANDING_WAITS : STANDING_RETURNS;
}

/* ---- looking ---- */

static int look(void *arg, struct slice name)
{
    struct errand *q = arg;
    struct record r;
    const int found = memory_find(q->e->memory, RECORD_DEFERRAL, name, q->e->wall, &r);

    if (found <= 0) {
        return found;
    }
    const enum standing s = standing(q, &r);
    if (s != STANDING_NONE) {
        const usec_t age = age_of(q, &r);
        q->found.age = age > q->found.age ? age : q->found.age;
        q->found.returned = q->found.returned || s != STANDING_WAITS;
    }
    return 0;
}

int deferral_find(const struct evidence *e, const struct names *n, struct slice sender,
                  struct slice rcpt, struct deferral *ret)
{
    struct errand q = {.e = e};
    const usec_t needed = e->conf->limits.deferral_time;
    const int r = e->memory != NULL ? each(n, sender, rcpt, look, &q) : -ENODATA;

    if (r < 0) {
        return r;
    }
    q.found.wait = q.found.returned || q.found.age >= needed ? 0 : needed - q.found.age;
    *ret = q.found;
    return 0;
}

/* ---- remembering ---- */

static int begin(void *arg, struct slice name)
{
    struct errand *q = arg;
    struct memory *m = q->e->memory;
    struct record now, r;
    const int found = memory_find(m, RECORD_DEFERRAL, name, q->e->wall, &r);

    record_init(&now, RECORD_DEFERRAL, name, q->e->wall);
    now.tally[TALLY_DEFERRED] = 1;
    if (found > 0 && standing(q, &r) != STANDING_NONE) {
        memory_add(m, &now);
    } else if (found >= 0) {
        memory_put(m, &now);
    }
    return found;
}

void deferral_begin(const struct evidence *e, const struct names *n, struct slice sender,
                    struct slice rcpt)
{
    struct errand q = {.e = e};

    if (e->memory != NULL) {
        (void)each(n, sender, rcpt, begin, &q);
    }
}

static int end(void *arg, struct slice name)
{
    struct errand *q = arg;
    struct record now, r;
    const int found = memory_find(q->e->memory, RECORD_DEFERRAL, name, q->e->wall, &r);
    const enum standing s = found > 0 ? standing(q, &r) : STANDING_NONE;

    if (s == STANDING_RETURNS || s == STANDING_RETURNED) {
        record_init(&now, RECORD_DEFERRAL, name, q->e->wall);
        now.returned = q->e->wall;
        now.tally[TALLY_RETURNED] = s == STANDING_RETURNS ? 1 : 0;
        now.tally[TALLY_ACCEPTED] = 1;
        memory_add(q->e->memory, &now);
        q->arrived = q->arrived || s == STANDING_RETURNS;
        q->found.returned = q->found.returned || s == STANDING_RETURNED;
    }
    return found;
}

bool deferral_end(const struct evidence *e, const struct names *n, struct slice sender,
                  struct slice rcpt)
{
    struct errand q = {.e = e};

    if (e->memory != NULL) {
        (void)each(n, sender, rcpt, end, &q);
    }
    return q.arrived && !q.found.returned;
}
