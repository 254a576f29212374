/* Which of several names a header field has, octet by octet. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Names at most. */
#define FIELD_NAMES_MOST 32

/* Begins zeroed, with the names set: their letters in lower case, none of them empty. */
struct field_names {
    const struct slice *names;
    size_t count;
    uint32_t alive;  /* bits of those that agree with what has come */
    uint8_t matched; /* octets that have */
};

/* A line begins. */
static inline void field_names_begin(struct field_names *f)
{
    f->alive = f->count < FIELD_NAMES_MOST ? (1u << f->count) - 1 : UINT32_MAX;
    f->matched = 0;
}

/* Is the octet, a letter in lower case, the next of a name? If so it is taken. */
static inline bool field_names_take(struct field_names *f, char lower)
{
    uint32_t agree = 0;

    for (size_t i = 0; i < f->count; i++) {
        if ((f->alive >> i & 1) != 0 && f->matched < f->names[i].n &&
            f->names[i].p[f->matched] == lower) {
            agree |= 1u << i;
        }
    }
    if (agree != 0) {
        f->alive = agree;
        f->matched++;
    }
    return agree != 0;
}

/* The name that is whole now; -1: none. */
static inline int field_names_whole(const struct field_names *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if ((f->alive >> i & 1) != 0 && f->matched == f->names[i].n) {
            return (int)i;
        }
    }
    return -1;
}
