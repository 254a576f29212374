/* What scanners said of messages, for a short while, and who is being asked just now: so that the
 * same message is scanned once. Internal to src/client.
 *
 * Never asks a scanner; whoever finds nothing here is the one who does. */
#pragma once

#include "base/digest.h"
#include "client/scanners.h"

struct scan_memory;
struct scan_slot;

/* Results are good for `time`; 0: only those who ask at the same time share one. */
struct scan_memory *scan_memory_new(struct rt *rt, usec_t time);
struct scan_memory *scan_memory_free(struct scan_memory *m);

/* What a scan depends on: the message, and of spam scanners who sent it how to whom. */
struct digest scan_key(enum conf_scanner_kind kind, const struct scan_request *q);

/* 1: here is the result, in `arena`. 0: the caller has to scan, and then calls scan_memory_put with
 * *ret_slot. -ETIMEDOUT, -ECANCELED: so long somebody else was at it. Suspends. */
int scan_memory_get(struct scan_memory *m, const struct digest *key, usec_t deadline,
                    struct arena *arena, struct scan_result *ret, struct scan_slot **ret_slot);

/* The caller's scan is over. Those that wait get the result; it is kept where it is KNOWN. NULL:
 * there is none, and the next of them has to scan. */
void scan_memory_put(struct scan_memory *m, struct scan_slot *slot,
                     const struct scan_result *result);
