/* What facts that rest on the memory have in common. For the files of src/fact alone. */
#pragma once

#include "fact/fact.h"
#include "store/memory.h"

/* A fact that the memory does not tell: unknown, and why; or -ECANCELED. */
int remembered_without(int error, enum value_type type, struct value *ret);

/* What is remembered of that name: as memory_find, and -ENODATA without a memory. */
int remembered_find(const struct evidence *e, enum record_kind kind, struct slice name,
                    struct record *ret);
int remembered_client(const struct evidence *e, struct record *ret);

/* A time for people to read: of hours to the minute, of days to the hour; no longer than it is, or,
 * of one that has still to pass, no shorter. */
struct value remembered_age(usec_t age);
struct value remembered_wait(usec_t wait);

/* A count that decays, to the nearest number. */
struct value remembered_amount(enum value_type type, double amount);
