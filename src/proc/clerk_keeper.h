/* The master's side of the clerk: keeps one alive, hears what control clients want of the master,
 * and answers them. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/slice.h"
#include "base/time.h"
#include "proc/clerk_link.h"
#include "proc/configuration.h"
#include "proc/identity.h"
#include "proc/shared.h"

/* What the next clerk is given. All of it is the caller's. */
struct clerk_parts {
    int control; /* the listening control socket, or -1 */
    int records; /* the clerk's end of the records' sockets */
    usec_t hang_time;
    const struct configuration *configuration; /* NULL: of a program before this one */
    unsigned generation;                       /* its number */
    uint64_t run;                              /* of its records */
};

/* Times are of the monotonic clock. */
struct clerk_keeper {
    const struct shared *shared;
    const struct identity *who;
    pid_t pid;           /* 0: none lives */
    int link;            /* to it, or -1 */
    bool tried;          /* one has been ready, or has died, or could not be started */
    usec_t hang_time;    /* one that has not said for so long that it moves is killed */
    usec_t ready_at;     /* of this one; 0: not yet */
    usec_t moved_at;     /* when it last said so, or was started */
    usec_t told_at;      /* when it was told to end; 0: it was not */
    bool given_up;       /* killed */
    bool outdated;       /* another one is to take its place, when it has answered */
    unsigned generation; /* of the configuration that it has */
    unsigned orders;     /* without an answer */
    usec_t start_at;     /* when the next one is due, while none lives */
    usec_t delay;        /* the last wait before a start */
    char half[sizeof(struct clerk_head)]; /* of an order that has not come whole */
    size_t half_n;
};

/* Fills it in; begins nothing. */
void clerk_keeper_init(struct clerk_keeper *k, const struct shared *shared,
                       const struct identity *who);

/* A clerk of the program before this one, which is told to end; 0: there was none. Called before
 * the others, and also before clerk_keeper_init. */
void clerk_keeper_adopt(struct clerk_keeper *k, pid_t pid, usec_t now);

/* Starts a clerk when one is due: never before the one before has ended, so that there are no two
 * who read records. When the next one will be, or USEC_NEVER while one lives. The child keeps no
 * descriptor but its own. */
usec_t clerk_keeper_start_due(struct clerk_keeper *k, const struct clerk_parts *parts, usec_t now);

/* What the clerk says next, to be asked for when k->link can be read: true, and the order in *ret
 * is to be answered if it is CLERK_RELOAD or CLERK_UPGRADE; false when it has said nothing more.
 * Never waits. */
bool clerk_keeper_next(struct clerk_keeper *k, usec_t now, struct clerk_head *ret);

/* Answers an order: the control client's exit status (enum cmd_status) and what it prints. An
 * answer that the clerk does not take is dropped, and so is that clerk. */
void clerk_keeper_answer(struct clerk_keeper *k, uint32_t id, int status, struct slice text);

/* Was that child, which has ended, the clerk? */
bool clerk_keeper_buried(struct clerk_keeper *k, pid_t pid, int status, usec_t now);

/* Kills one that does not move, or does not end. The host, or all of us, stood still until
 * `awake_since`. */
void clerk_keeper_check(struct clerk_keeper *k, usec_t now, usec_t awake_since);

/* Has another clerk take this one's place as soon as it has no order without an answer. What `who`
 * points to may have changed. */
void clerk_keeper_replace(struct clerk_keeper *k, usec_t now);

/* In another child of the master: closes what is the keeper's. */
void clerk_keeper_close(struct clerk_keeper *k);

/* Ends it; no other is started. */
void clerk_keeper_end(struct clerk_keeper *k, usec_t now);
