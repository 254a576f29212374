/* Reading tables' files again when they change, in a worker. */
#pragma once

#include "policy/policy.h"
#include "rt/file_watch.h"

/* Begins, when the policy has tables with files; else NULL. For file_watch_free; the policy may be
 * freed after that. */
struct file_watch *table_watch_new(struct rt *rt, const struct policy *policy,
                                   file_watch_tell *tell, void *arg);

/* Reads at once, in the caller, what has changed since the policy was compiled or refreshed; what
 * is not good leaves the table as it is, without a word. For a process that is about to serve. */
void tables_refresh(const struct policy *policy);
