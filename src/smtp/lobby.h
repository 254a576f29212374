/* Clients that have not been greeted yet: a small record and a timer each, no coroutine.
 *
 *   PROXY    a configured proxy's connection, until its PROXY header is there (5 s)
 *   WAITING  the policy's connect rules have it wait for the greeting
 *   QUEUED   it waits for a place among the sessions, of which there are too many (crowd.h)
 *   LEAVING  it was told to go; what it still sends is read and dropped for a moment
 *
 * What a waiting client sends stays in the kernel: one look tells that it spoke too early, and its
 * octets are run as commands after the greeting. */
#pragma once

#include "policy/evaluate.h"
#include "route/answer.h"
#include "smtp/server.h"

/* Which connection facts were asked for before the greeting: those of the first so many uses. Their
 * values are computed again, which is free, but for bools that could be others by then. */
#define GUEST_ASKED_MOST 64

struct guest_memo {
    uint64_t asked; /* bit by use */
    uint64_t held;  /* of these: was true */
    uint64_t open;  /* of these: was not known */
};

enum guest_state { GUEST_PROXY, GUEST_WAITING, GUEST_QUEUED, GUEST_LEAVING };

struct guest {
    struct list link; /* in server->lobby, waiting or queue */
    struct smtp_server *server;
    struct stream *stream;
    struct rt_timer timer;
    usec_t began;    /* accept */
    usec_t early_at; /* when it was seen to have spoken: `began` before it had to wait */
    struct addr client;
    struct addr local;
    uint16_t listener; /* index in conf->listen */
    uint8_t state;
    uint8_t rank;      /* its standing among others; crowd.h */
    bool early : 1;    /* it has spoken */
    bool counted : 1;  /* in the gate */
    bool greeted : 1;  /* and there as a session */
    bool judged : 1;   /* queued: the connect rules are through */
    bool foreseen : 1; /* what will be asked about it was, or that time is over */
    bool checked : 1;  /* a proxy's own connection (LOCAL): no wait, no limits, no record */
    struct guest_memo memo;
    struct policy_run run;
    struct ruling ruling;
    struct arena arena; /* begins with `first` */
    _Alignas(max_align_t) char first[64];
};

/* ---- for crowd.c ---- */

/* Waits in that state until then. */
void guest_wait(struct guest *g, enum guest_state state, usec_t until);

/* Makes a session of one that the gate counts as greeted; frees it. */
void guest_begin(struct guest *g, bool judged);

/* Says a 421, which ends the connection, and records it; the second one does not wait for what the
 * client may still be sending. */
void guest_farewell(struct guest *g, enum reply_name name);
void guest_turn_away(struct guest *g, enum reply_name name);

/* ---- for the server ---- */

/* Tells all that wait to come back later (421 4.3.2). */
void lobby_drain(struct smtp_server *srv);

/* Closes all connections without a word. */
void lobby_fini(struct smtp_server *srv);

/* What the facts may know of a guest. *ret is valid as long as the guest; its memo is the server's,
 * and empty. */
void guest_evidence(const struct guest *g, struct evidence *ret);

/* Fills the server's memo with what was asked of this guest. */
void guest_recall(const struct guest *g);
