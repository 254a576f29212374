/* Reading tables' files again when they change, in a worker. */
#pragma once

#include "policy/policy.h"
#include "rt/rt.h"

struct table_watch;

/* How often files are looked at. What is new is taken when two looks in a row have found the same,
 * so that a file being written is let be; one that never rests, at every fifth look. */
#define TABLE_LOOK_EVERY (2 * USEC_SEC)

/* Begins, when the policy has tables with files; else NULL. `tell` is called on the loop with one
 * line for the operator: when a table was read anew, and when it could not be and the last good one
 * stays (once for each cause), and when that is over. Files are looked at and read in a thread. */
struct table_watch *table_watch_new(struct rt *rt, const struct policy *policy,
                                    void (*tell)(void *arg, bool trouble, const char *line),
                                    void *arg);
/* NULL allowed; returns NULL. The policy may be freed then. A reading under way is waited for by
 * the runtime, not here. */
struct table_watch *table_watch_free(struct table_watch *w);

/* Reads at once, in the caller, what has changed since the policy was compiled or refreshed; what
 * is not good leaves the table as it is, without a word. For a process that is about to fork one
 * that will serve. */
void tables_refresh(const struct policy *policy);
