/* The clerk's part in the journal: takes decision records from the workers' socket and hands them
 * to the thread that writes (journal/writer.h), with what the journal is to know beside: how many
 * records there must be, the policy, and how next hops are.
 *
 * No worker waits for any of this. Whether a journal is kept, and where, says the configuration
 * that the clerk was started with. */
#pragma once

#include <jansson.h>

#include "proc/clerk.h"
#include "rt/rt.h"

struct clerk_journal;

/* Begins, in a process that is confined already and has its signals blocked still. NULL when the
 * clerk has no configuration: then records wait for a clerk that has one. */
struct clerk_journal *clerk_journal_begin(struct rt *rt, const struct clerk_setup *setup);

/* At the end of each turn of the loop: tells the operator what there is to tell. NULL allowed. */
void clerk_journal_turn(struct clerk_journal *j);

/* "journal" of `gatepost status`: an object, or JSON's null where none is kept. */
json_t *clerk_journal_status(const struct clerk_journal *j);

/* Writes what has been taken and ends, in a few seconds at most whatever the disk does; where no
 * other clerk will come, what the last workers have sent is taken before. Calls beat(arg) all the
 * while, often enough for its master to see that it moves. NULL allowed; returns NULL. */
struct clerk_journal *clerk_journal_end(struct clerk_journal *j, void (*beat)(void *arg),
                                        void *arg);
