/* A growable run of octets that its owner appends to. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/slice.h"

struct buf {
    char *p;
    size_t n;
    size_t cap;
};

/* Appends; running out of memory is fatal. */
void buf_append(struct buf *b, const void *p, size_t n);
void buf_append_slice(struct buf *b, struct slice s);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Makes room for `n` further octets and returns where they go; the caller raises b->n. */
char *buf_reserve(struct buf *b, size_t n);

/* Drops the first `n` octets. */
void buf_consume(struct buf *b, size_t n);

/* Frees the memory; the buffer is empty and may be used again. */
void buf_free(struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->p, b->n};
}
