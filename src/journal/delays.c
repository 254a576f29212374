#include "journal/delays.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "journal/numbers.h"

/* Seconds up to an hour, minutes beyond. */
#define SECONDS 3600
#define MINUTES ((usec_t)60 * 24 * 366)

static size_t delay_place(usec_t delay)
{
    const usec_t s = delay / USEC_SEC;
    const usec_t minute = s / 60 < MINUTES ? s / 60 : MINUTES - 1;

    return s < SECONDS ? (size_t)s : (size_t)(SECONDS + minute - SECONDS / 60);
}

static usec_t delay_at(size_t place)
{
    return place < SECONDS ? (usec_t)place * USEC_SEC
                           : ((usec_t)place - SECONDS + SECONDS / 60) * 60 * USEC_SEC;
}

void delays_add(struct delays *d, usec_t delay)
{
    const size_t place = delay_place(delay);

    if (place >= d->size) {
        const size_t size = place + 256;
        d->counts = xrealloc(d->counts, size * sizeof(*d->counts));
        memset(d->counts + d->size, 0, (size - d->size) * sizeof(*d->counts));
        d->size = size;
    }
    numbers_count(&d->counts[place]);
}

usec_t delays_median(const struct delays *d)
{
    uint64_t count = 0, seen = 0;
    size_t i = 0;

    for (size_t k = 0; k < d->size; k++) {
        count += d->counts[k];
    }
    while (i < d->size && (seen += d->counts[i]) * 2 < count) {
        i++;
    }
    return delay_at(i);
}

void delays_free(struct delays *d)
{
    free(d->counts);
    *d = (struct delays){0};
}
