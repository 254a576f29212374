/* Who the other side is, by what is remembered of its names (DESIGN "Identity"). For the files of
 * src/fact alone. */
#pragma once

#include "fact/names.h"

struct other_side {
    enum record_kind kind; /* 0: none of its names was ever seen, and the rest is nothing */
    struct slice name;     /* that with the best history, as long as the transaction */
    usec_t first;          /* seen */
    double good;
    double bad;
    bool proven;
    bool returned; /* one of the names has, after a deferral */
    float rate[RATE_COUNT];
};

/* Looked up once for the transaction, and once more when the message is there, which has more
 * names. Suspends. 0; -ENODATA where there is no memory; another negative errno where it cannot
 * tell; -ECANCELED. */
int other_side_find(const struct evidence *e, const struct other_side **ret);
