/* The URLs of a message: how many different ones, to whose hosts, and what is remarkable about
 * them. */
#pragma once

#include "inspect/inspect_impl.h"

/* Different URLs that are looked at; of more it is only known that there are. */
#define URLS_MOST 20000

struct urls {
    uint64_t *seen; /* hashes, 0 is none; in the run's scratch memory */
    size_t room;    /* a power of two, or 0 */
    size_t count;
    uint64_t traits; /* as in struct url */
};

/* Takes a URL as url_parse does. The organisation it leads to is copied into the run's scratch
 * memory, or "" when it leads nowhere, or was not looked at. */
struct slice urls_add(struct inspect_run *run, struct urls *u, struct slice text, bool bare);

/* All that url_find finds in the text. */
void urls_add_from_text(struct inspect_run *run, struct urls *u, struct slice text);

/* Enters what was found. */
void urls_finish(struct inspect_run *run, const struct urls *u);
