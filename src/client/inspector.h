/* A worker's way to the inspectors: processes that take messages apart (src/inspect), and that may
 * die of it.
 *
 * All inspectors read one socket, the door. A request is one datagram, and carries three
 * descriptors: where to answer, the message, and the patterns. The inspector that takes it says
 * that it begins, and then answers; when it dies its end of the answer's socket is closed, and the
 * worker knows at once. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/time.h"
#include "parse/inspection.h"
#include "parse/inspection_request.h"
#include "rt/rt.h"

struct inspector;

/* Requests of one worker that are on their way at a time; others wait. */
#define INSPECTIONS_AT_ONCE 32

/* `door`, connected and of kind SOCK_SEQPACKET, becomes the inspector's. `pretended`: the world's
 * time is not the inspectors', who answer while it stands still. */
struct inspector *inspector_new(struct rt *rt, int door, bool pretended);
/* NULL allowed; returns NULL. Nothing may be asked any more. */
struct inspector *inspector_free(struct inspector *i);

/* From now on these are the patterns, as pattern_groups_write made them. 0; or a negative errno,
 * and there are none. */
int inspector_set_rules(struct inspector *i, struct slice octets, size_t group_count);

/* Has the message behind `fd` taken apart, whose offset nobody uses. The request's rules are filled
 * in here; without any its INSPECT_PATTERNS is taken out. Suspends. 0 and *ret, whose parts are in
 * `arena`; -ETIMEDOUT; -EIO: the one that had begun with it died, or answered what is no answer;
 * -EPIPE: there is nobody to ask; -EMFILE and the like; -ECANCELED. */
int inspector_ask(struct inspector *i, int fd, const struct inspection_request *r, usec_t deadline,
                  struct arena *arena, struct inspection *ret);

/* ---- the other end; blocking ---- */

/* In front of an answer: it begins. */
#define INSPECTION_BEGINS '\1'
/* Octets of the answer's length, behind that. */
#define INSPECTION_LENGTH ((size_t)4)

struct inspection_order {
    struct inspection_request request;
    int reply;
    int message;
    int rules; /* -1: no patterns */
};

/* The next order that makes sense. 1, with descriptors that are the caller's; 0 when nobody is left
 * to ask; or a negative errno. */
int inspection_take(int door, struct inspection_order *ret);
