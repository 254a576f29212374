/* What each hop can do, by its last reply to EHLO: known before there is a connection, and while
 * there can be none. Kept in the store (a note for each hop, written only when it changes), so that
 * all workers know it, and the next ones.
 *
 * It decides what this server offers its clients (DSN), and what is refused at RCPT at once. A hop
 * that is down keeps what it was known to do; but it may come back as another, so that nothing is
 * refused for what was heard more than an hour ago. */
#pragma once

#include <stdbool.h>

#include "base/time.h"
#include "parse/ehlo_reply.h"

struct hop_pool;

/* One hop's, as one worker knows them. Zeroed: nothing is known. */
struct hop_abilities {
    bool known;
    struct hop_capabilities can; /* of these only what is kept: not pipelining, XFORWARD… */
    usec_t heard;                /* when this worker last had a reply to EHLO; 0: never */
    usec_t looked;               /* when it last looked into the store; 0: never */
    usec_t told;                 /* when the hop said so, to whichever worker, in wall time */
};

/* So long after an EHLO of this worker's own a hop is refused by what it said, without asking. */
#define HOP_ABILITIES_FRESH (600 * USEC_SEC)
/* So long after an EHLO of any worker's a hop that cannot be asked is refused by what it said. */
#define HOP_ABILITIES_GOOD (3600 * USEC_SEC)

/* A hop has just said what it can do. In a task, like the others. */
void hop_abilities_learn(struct hop_pool *p, const struct hop_capabilities *can);

/* What it said last, to whichever worker; NULL when nobody has heard it yet, or for a month. */
const struct hop_capabilities *hop_abilities_known(struct hop_pool *p);

/* The same, where it was heard so lately that a refusal may rest on it. */
const struct hop_capabilities *hop_abilities_good(struct hop_pool *p);

/* Are they so fresh that the hop need not be asked again? */
bool hop_abilities_fresh(const struct hop_pool *p);
