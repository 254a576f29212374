#include "message/outgoing.h"

/* Passes over what is cut out at the front of what is at hand. */
static void skip_cuts(const struct message *m, struct message_cursor *c)
{
    while (c->left.n > 0 && c->cut < m->cut_count && m->cuts[c->cut].at <= c->at) {
        uint64_t n = m->cuts[c->cut].at + m->cuts[c->cut].n - c->at;
        size_t skipped = n < c->left.n ? (size_t)n : c->left.n;
        c->left = (struct slice){c->left.p + skipped, c->left.n - skipped};
        c->at += skipped;
        c->cut += skipped == n;
    }
}

/* What is at hand, up to the next cut. */
static struct slice give(const struct message *m, struct message_cursor *c)
{
    struct slice given = c->left;
    if (c->cut < m->cut_count && m->cuts[c->cut].at - c->at < given.n) {
        given.n = (size_t)(m->cuts[c->cut].at - c->at);
    }
    c->left = (struct slice){c->left.p + given.n, c->left.n - given.n};
    c->at += given.n;
    skip_cuts(m, c);
    return given;
}

int message_next(struct message *m, struct message_cursor *c, struct slice *ret)
{
    if (m->cut_count == 0) {
        return spool_next(&m->spool, &c->spool, ret);
    }
    while (c->left.n == 0) {
        int rc = spool_next(&m->spool, &c->spool, &c->left);
        if (rc < 0) {
            return rc;
        }
        if (c->left.n == 0) {
            *ret = c->left;
            return 0;
        }
        skip_cuts(m, c);
    }
    *ret = give(m, c);
    return 0;
}

bool message_more_at_hand(const struct message_cursor *c)
{
    return c->left.n > 0;
}

bool message_rest_at_hand(const struct message *m, const struct message_cursor *c)
{
    return c->spool.at == m->spool.size;
}

void message_cursor_end(struct message *m, struct message_cursor *c)
{
    spool_cursor_end(&m->spool, &c->spool);
}

uint64_t message_size(const struct message *m)
{
    uint64_t size = m->spool.size;
    for (size_t i = 0; i < m->cut_count; i++) {
        size -= m->cuts[i].n;
    }
    return size;
}

bool message_ends_in_line(const struct message *m)
{
    const struct message_cut *last = m->cut_count > 0 ? &m->cuts[m->cut_count - 1] : NULL;
    return m->spool.size == 0 || m->ends_in_crlf ||
           (last != NULL && last->at + last->n == m->spool.size);
}
