/* The budget of memory that all messages of a worker share: who must wait for it and in what
 * order. */
#include <errno.h>

#include "message/spool.h"

struct taker {
    struct list in_line;
    size_t n;
    bool granted;
    struct cond changed;
};

void budget_init(struct budget *b, size_t limit)
{
    *b = (struct budget){.limit = limit};
    list_init(&b->line);
    block_pool_init(&b->blocks, SPOOL_BLOCK);
}

void budget_trim(struct budget *b)
{
    block_pool_trim(&b->blocks);
}

void budget_fini(struct budget *b)
{
    block_pool_free(&b->blocks);
}

static bool fits_below(const struct budget *b, size_t n, size_t limit)
{
    return b->used <= limit && n <= limit - b->used;
}

/* For those who wait in line. Nobody is told to wait for what can never be. */
static bool fits_in_line(const struct budget *b, size_t n)
{
    return fits_below(b, n, b->limit - b->limit / 8) || b->used == 0;
}

/* Gives those in front what fits now. They hold it from here on, so that nobody who comes between
 * this and their turn can take it. */
static void grant(struct budget *b)
{
    while (!list_empty(&b->line)) {
        struct taker *first = list_entry(b->line.next, struct taker, in_line);
        if (!fits_in_line(b, first->n)) {
            return;
        }
        b->used += first->n;
        first->granted = true;
        list_remove(&first->in_line);
        cond_wake_all(&first->changed);
    }
}

int budget_take(struct budget *b, size_t n, usec_t deadline)
{
    if (list_empty(&b->line) && fits_in_line(b, n)) {
        b->used += n;
        return 0;
    }
    struct taker t = {.n = n};
    cond_init(&t.changed);
    list_push_back(&b->line, &t.in_line);
    int rc = 0;
    while (!t.granted && rc == 0) {
        rc = cond_wait(&t.changed, deadline);
    }
    if (t.granted) {
        return 0;
    }
    list_remove(&t.in_line);
    grant(b); /* those behind may ask for less */
    return rc;
}

bool budget_try(struct budget *b, size_t n)
{
    if (!fits_below(b, n, b->limit)) {
        return false;
    }
    b->used += n;
    return true;
}

void budget_give(struct budget *b, size_t n)
{
    b->used -= n;
    grant(b);
}
