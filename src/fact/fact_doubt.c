/* The weighing: what the `doubt` rules that have fired come to. */
#include "fact/fact.h"

int64_t doubts_sum(const struct doubts *d)
{
    int64_t sum = 0;

    for (; d != NULL; d = d->outer) {
        /* Nobody means such numbers; they must not turn round. */
        if (__builtin_add_overflow(sum, d->sum, &sum)) {
            return d->sum < 0 ? INT64_MIN : INT64_MAX;
        }
    }
    return sum;
}

/* Writes the texts to `text`, or only counts their octets where that is NULL; returns how many.
 * There are never more than a few scopes. */
static size_t put_whys(const struct doubts *d, char *text)
{
    static const char between[] = {';', ' '};

    if (d == NULL) {
        return 0;
    }
    size_t n = put_whys(d->outer, text);
    for (const struct reason *r = d->first; r != NULL; r = r->next) {
        const size_t gap = n > 0 && r->why.n > 0 ? sizeof(between) : 0;
        if (text != NULL && r->why.n > 0) {
            memcpy(text + n, between, gap);
            memcpy(text + n + gap, r->why.p, r->why.n);
        }
        n += gap + r->why.n;
    }
    return n;
}

struct slice doubts_why(const struct doubts *d, struct arena *arena)
{
    const size_t n = put_whys(d, NULL);

    if (n == 0) {
        return SLICE_LIT("");
    }
    char *text = arena_alloc(arena, n);
    (void)put_whys(d, text);
    return (struct slice){text, n};
}

int fact_doubt(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_number(TYPE_NUMBER, doubts_sum(e->doubts));
    return 0;
}

int fact_why(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_text(doubts_why(e->doubts, e->arena));
    return 0;
}
