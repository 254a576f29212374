/* Keeps the inspectors of one generation of workers alive, behind the one door that all its workers
 * have. Those that die are replaced; one that is too long at a message is killed. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/time.h"
#include "conf/conf.h"
#include "proc/identity.h"

struct inspector_keeper;

/* Ends of a door. */
enum door_end { DOOR_WORKERS, DOOR_INSPECTORS, DOOR_ENDS };

/* `count` inspectors, of whom none is there yet; `conf` and `who` must outlive it. 0 or a negative
 * errno. */
int inspector_keeper_new(const struct conf *conf, const struct identity *who, unsigned count,
                         struct inspector_keeper **ret);
/* Ends them all at once, whatever they are doing, and waits for that. NULL allowed; returns NULL.
 */
struct inspector_keeper *inspector_keeper_free(struct inspector_keeper *k);

/* The workers' end of the door, which stays the keeper's; -1 for NULL. */
int inspector_keeper_door(const struct inspector_keeper *k);

/* Starts those that are due. When the next will be, or USEC_NEVER. NULL allowed, here and below. */
usec_t inspector_keeper_start_due(struct inspector_keeper *k, usec_t now);

/* Was that child, which has ended, one of them? */
bool inspector_keeper_buried(struct inspector_keeper *k, pid_t pid, int status, usec_t now);

/* Kills those that are at a message for too long. The host, or all of us, stood still until
 * `awake_since`. */
void inspector_keeper_check(struct inspector_keeper *k, usec_t now, usec_t awake_since);

/* In a child of the master: closes both ends of the door, or all but the workers'. */
void inspector_keeper_close(struct inspector_keeper *k, bool keep_workers_end);
