/* The optimal string alignment distance: how many octets must be added, left out, changed or
 * swapped with their neighbour. */
#include "conf/suggest.h"
#include "parse/ascii.h"

#include <stdint.h>

/* No name of the language is longer, so a longer one resembles none. */
#define NAME_MAX_COMPARED 32

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(struct slice a, struct slice b)
{
    /* rows[i % 3][k]: from the first i octets of `a` to the first k of `b`. */
    unsigned rows[3][NAME_MAX_COMPARED + 1];

    for (unsigned k = 0; k <= b.n; k++) {
        rows[0][k] = k;
    }
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned k = 1; k <= b.n; k++) {
            char x = ascii_lower(a.p[i - 1]), y = ascii_lower(b.p[k - 1]);
            row[k] = least(least(above[k], row[k - 1]) + 1, above[k - 1] + (x != y));
            if (i > 1 && k > 1 && x == ascii_lower(b.p[k - 2]) && y == ascii_lower(a.p[i - 2])) {
                row[k] = least(row[k], above2[k - 2] + 1);
            }
        }
    }
    return rows[a.n % 3][b.n];
}

const char *suggest(struct slice misspelt, const char *const *names, size_t count, size_t stride)
{
    const char *best = NULL;
    unsigned best_distance = 0;

    if (misspelt.n > NAME_MAX_COMPARED) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = *(const char *const *)(const void *)((const char *)names + i * stride);
        struct slice candidate = slice_of(name);
        if (candidate.n > NAME_MAX_COMPARED) {
            continue; /* an administrator's own */
        }
        unsigned d = distance(misspelt, candidate);
        /* A third of the octets may be wrong, in short names one. */
        unsigned allowed = candidate.n < 6 ? 1 : (unsigned)candidate.n / 3;
        if (d <= allowed && (best == NULL || d < best_distance)) {
            best = name;
            best_distance = d;
        }
    }
    return best;
}
