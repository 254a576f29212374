/* Growable buffers. The capacity doubles, so that appending costs the same per octet however long
 * the buffer becomes. */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

#define CAPACITY_FIRST ((size_t)256)

static void grow(struct buf *b, size_t n)
{
    size_t cap = b->cap > 0 ? b->cap : CAPACITY_FIRST;

    if (n > SIZE_MAX / 2 - b->n) {
        fatal("out of memory: %zu more octets asked for", n);
    }
    while (cap < b->n + n) {
        cap *= 2;
    }
    b->p = xrealloc(b->p, cap);
    b->cap = cap;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->cap - b->n < n || b->p == NULL) {
        grow(b, n);
    }
    return b->p + b->n;
}

void buf_append(struct buf *b, const void *p, size_t n)
{
    if (n > 0) {
        memcpy(buf_reserve(b, n), p, n);
        b->n += n;
    }
}

void buf_append_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.p, s.n);
}

void buf_vprintf(struct buf *b, const char *format, va_list ap)
{
    va_list again;

    va_copy(again, ap);
    size_t room = b->cap - b->n;
    int n = vsnprintf(b->p != NULL ? b->p + b->n : NULL, room, format, ap);
    if (n < 0) {
        panic("buf_vprintf: bad format");
    }
    if ((size_t)n >= room) {
        char *p = buf_reserve(b, (size_t)n + 1);
        (void)vsnprintf(p, (size_t)n + 1, format, again);
    }
    va_end(again);
    b->n += (size_t)n;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    buf_vprintf(b, format, ap);
    va_end(ap);
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->n) {
        panic("buf_consume: %zu of %zu octets", n, b->n);
    }
    b->n -= n;
    if (b->n > 0 && n > 0) {
        memmove(b->p, b->p + n, b->n);
    }
}

void buf_free(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}
