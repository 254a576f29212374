/* See journal/reception.h. */
#include "journal/reception.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "journal/courier.h"
#include "store/shm.h"

struct part {
    struct buf text; /* from the beginning of a line */
    bool begun;
};

struct reception {
    reception_fn *fn;
    void *arg;
    struct slice rest;  /* lines to be handed on */
    struct part *whole; /* whose text these are; NULL: the datagram's */
    size_t held;        /* octets in all parts */
    struct part parts[OWNER_SLOTS];
};

struct reception *reception_new(reception_fn *fn, void *arg)
{
    struct reception *r = xcalloc(1, sizeof(*r));

    r->fn = fn;
    r->arg = arg;
    return r;
}

static void drop_part(struct reception *r, struct part *part)
{
    r->held -= part->text.n;
    buf_free(&part->text);
    part->begun = false;
}

static void add_piece(struct reception *r, struct part *part, struct slice piece)
{
    if (!part->begun) {
        return;
    }
    if (part->text.n + piece.n > RECEPTION_LINE_MOST || r->held + piece.n > RECEPTION_HELD_MOST) {
        drop_part(r, part);
        return;
    }
    buf_append_slice(&part->text, piece);
    r->held += piece.n;
}

bool reception_go(struct reception *r)
{
    while (r->rest.n > 0) {
        const char *end = memchr(r->rest.p, '\n', r->rest.n);
        if (end == NULL) {
            break; /* no line */
        }
        struct slice line = {r->rest.p, (size_t)(end - r->rest.p)};
        if (line.n > 0 && !r->fn(r->arg, line)) {
            return false;
        }
        r->rest.p = end + 1;
        r->rest.n -= line.n + 1;
    }
    r->rest = (struct slice){0};
    if (r->whole != NULL) {
        drop_part(r, r->whole);
        r->whole = NULL;
    }
    return true;
}

bool reception_take(struct reception *r, struct slice datagram)
{
    const unsigned char *head = (const unsigned char *)datagram.p;

    if (datagram.n < COURIER_HEAD || head[0] != COURIER_VERSION) {
        return true;
    }
    unsigned flags = head[1];
    unsigned slot = (unsigned)head[2] << 8 | head[3];
    if (slot >= OWNER_SLOTS) {
        return true;
    }
    struct part *part = &r->parts[slot];
    struct slice body = {datagram.p + COURIER_HEAD, datagram.n - COURIER_HEAD};
    if ((flags & COURIER_FIRST) != 0) {
        drop_part(r, part); /* its worker has died half-way */
        part->begun = (flags & COURIER_LAST) == 0;
    }
    if ((flags & COURIER_FIRST) != 0 && (flags & COURIER_LAST) != 0) {
        r->rest = body;
        return reception_go(r);
    }
    add_piece(r, part, body);
    if ((flags & COURIER_LAST) != 0 && part->begun) {
        r->rest = buf_slice(&part->text);
        r->whole = part;
        return reception_go(r);
    }
    return true;
}

size_t reception_held(const struct reception *r)
{
    return r->held;
}

struct reception *reception_free(struct reception *r)
{
    if (r != NULL) {
        for (size_t i = 0; i < OWNER_SLOTS; i++) {
            buf_free(&r->parts[i].text);
        }
        free(r);
    }
    return NULL;
}
