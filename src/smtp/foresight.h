/* What will be asked of the DNS about a client, asked in the last moments of its greeting wait
 * (DESIGN "Facts"), so that the look-ups cost it no further time.
 *
 * A task for each client, few at a time; it knows nothing of the guest, which may leave meanwhile.
 * What it finds is in the resolver's cache when the session asks; nothing else comes of it. */
#pragma once

#include "smtp/lobby.h"

/* So long before the greeting it begins, but only when at least a quarter of the wait is over: who
 * speaks early does so soon. */
#define FORESIGHT_TIME (1500 * USEC_MSEC)

/* At a time, in one worker; others' facts are asked for when they are needed. */
#define FORESIGHTS_MOST 128

/* When it is time for this guest, which is to be greeted at `until`: then, or `until` where there
 * is nothing to be asked. */
usec_t foresight_at(const struct guest *g, usec_t until);

/* Begins for a guest that has kept silent. Returns at once. */
void foresight_begin(const struct guest *g);

/* Ends them soon, and begins no more. */
void foresights_drain(struct smtp_server *srv);
