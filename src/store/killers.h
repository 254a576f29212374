/* Messages of which an inspector died, by their digests: for an hour they are not given to another
 * one, by no worker of this host. In shared memory (store/timed.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/time.h"

struct killers;

#define KILLERS_TIME (3600 * USEC_SEC)

/* Octets to map for `capacity` messages at a time, and the same memory made ready (once, by the
 * master). */
size_t killers_memory(size_t capacity);
struct killers *killers_init(void *memory, size_t capacity);
void killers_fini(struct killers *k);

/* An inspector has died of that message at rt_now's `now`. */
void killers_add(struct killers *k, const struct digest *message, usec_t now);

/* Has one within the last hour? */
bool killers_has(struct killers *k, const struct digest *message, usec_t now);
