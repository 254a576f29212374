/* Numbers and texts one behind the other, as processes of ours send them to each other: numbers of
 * a fixed length with their high octet first, texts with a length of four octets in front. */
#pragma once

#include "base/buf.h"
#include "base/octets.h"
#include "base/slice.h"

/* ---- writing ---- */

static inline void octets_add(struct buf *to, size_t n, uint64_t value)
{
    octets_put((uint8_t *)buf_reserve(to, n), n, value);
    to->n += n;
}

static inline void octets_add_text(struct buf *to, struct slice text)
{
    octets_add(to, 4, text.n);
    buf_append_slice(to, text);
}

/* ---- reading ---- */

/* What is still to be read; once something is not there all that follows is 0 or empty. */
struct octets_cursor {
    struct slice left;
    bool bad;
};

/* The next `n` octets; empty and bad when there are not so many. */
static inline struct slice octets_take_run(struct octets_cursor *c, size_t n)
{
    struct slice run = {c->left.p, n};

    if (c->bad || n > c->left.n) {
        c->bad = true;
        return (struct slice){"", 0};
    }
    c->left = (struct slice){c->left.p + n, c->left.n - n};
    return run;
}

static inline uint64_t octets_take(struct octets_cursor *c, size_t n)
{
    struct slice run = octets_take_run(c, n);

    return octets_get((const uint8_t *)run.p, run.n);
}

static inline struct slice octets_take_text(struct octets_cursor *c)
{
    return octets_take_run(c, (size_t)octets_take(c, 4));
}
