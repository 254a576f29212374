/* What the fuzzers share: the entry point's prototype, a check that stays in every build, copies
 * with exact bounds, and input cut into pieces as a network would. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(holds)                                                                          \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A copy in memory of exactly that length, so that ASan sees any octet touched beyond it. The
 * caller frees it. */
static inline char *fuzz_copy(const void *p, size_t n)
{
    char *copy = malloc(n);

    FUZZ_CHECK(copy || n == 0);
    if (n > 0)
        memcpy(copy, p, n);
    return copy;
}

static inline bool fuzz_within(struct slice part, struct slice whole)
{
    return part.p >= whole.p && part.n <= whole.n && (size_t)(part.p - whole.p) <= whole.n - part.n;
}

/* The sizes of pieces, taken off the front of a fuzzer's input: their number (0…7), then one octet
 * each. They are used again and again; with none the rest is one piece. */
struct fuzz_pieces {
    const uint8_t *sizes;
    size_t count;
    size_t next;
};

static inline void fuzz_pieces_take(const uint8_t **data, size_t *size, struct fuzz_pieces *ret)
{
    *ret = (struct fuzz_pieces){.count = 0};
    if (*size == 0)
        return;
    ret->sizes = *data + 1;
    ret->count = **data & 7;
    if (ret->count > *size - 1)
        ret->count = *size - 1;
    *data += 1 + ret->count;
    *size -= 1 + ret->count;
}

/* The size of the next piece, 1 … `left`. */
static inline size_t fuzz_pieces_next(struct fuzz_pieces *pieces, size_t left)
{
    size_t n;

    if (pieces->count == 0)
        return left;
    n = (size_t)pieces->sizes[pieces->next++ % pieces->count] + 1;
    return n < left ? n : left;
}
