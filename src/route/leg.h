/* A leg: one route's share of a delivery, with a transaction of its own at the next hop. Private to
 * src/route.
 *
 * A transaction whose recipients have one route has one leg, and is spared all that several need.
 * Legs live in the delivery's arena, in the order in which RCPT first named their routes. */
#pragma once

#include "route/delivery.h"

struct leg {
    struct leg *next;
    struct delivery *delivery;
    const struct conf_route *route;
    struct hop *hop;                   /* NULL once it has ended */
    const struct hop_story *story;     /* the hop's */
    struct hop_recipient **recipients; /* the transaction's that have this route, in order */
    size_t count;
    size_t cap;
    struct digest *keys;     /* theirs, a part of the delivery's */
    struct ledger_ref *refs; /* likewise */
    size_t wanted;           /* of them are to get the message now */
    bool todo;               /* has its part in what is done next */
    bool ready;              /* the hop is prepared for all of these */
    bool at_envelope;        /* only some were refused while it was prepared: at RCPT, then */
    bool unrecorded;         /* the ledger could not be written: those marks stay for the present */
    bool late;               /* committed, and the hop has not answered for all in time */
};

/* Was this one refused at RCPT when the envelope was said anew, whatever message it is for? */
static inline bool leg_refused_at_rcpt(const struct leg *leg, const struct hop_recipient *r)
{
    return leg->at_envelope && r->wanted && answer_is_no(&r->answer) &&
           !answer_is_of_size(&r->answer);
}

/* Has the hop's transaction and connection at hand, for what leg_prepare does then: leg->ready, or
 * their answers say why not and the hop has ended. 0, or -ECANCELED. */
int leg_hold(struct leg *leg, struct message *m);

/* Makes the hop ready for the wanted recipients: leg->ready, or their answers say why not and the
 * hop has ended. 0, or -ECANCELED. */
int leg_prepare(struct leg *leg, struct message *m);

/* Sends the final dot, waits for the answers, and settles what was answered. Runs in a shield. What
 * was not answered is put off; leg->late says that its answer may still come. */
void leg_commit(struct leg *leg);

/* The client is told a final answer: takes off the marks of those, too, that the ledger could not
 * be told of. */
void leg_clear_marks(struct leg *leg);

/* Leaves a late leg to a task that waits on for its answers. The delivery stays until that ends. */
void leg_wait_on(struct leg *leg);

/* It will not be prepared or committed: its wanted recipients get `name` as their answer. */
void leg_give_up(struct leg *leg, enum reply_name name);

/* Ends it with nothing committed: the hop, and the marks. Harmless when it has ended. */
void leg_end(struct leg *leg);

/* Adds one to its recipients. */
void leg_add(struct leg *leg, struct hop_recipient *r);
