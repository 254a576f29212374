/* Whether a next hop is well, as one worker has come to know it. Private to src/route.
 *
 * A hop that could not be reached is *down*: nobody waits for it any more while another hop of the
 * route is well. It is tried again in the background, by a task that connects and says EHLO (a
 * trial), one at a time and only when somebody wants the hop: after a second at first, then after
 * twice as long each time it fails, up to `limit hop_retry_time`. The connection of a trial that
 * succeeds is kept for the next message.
 *
 * Where no hop of a route is well, one that fails at once (a refused connection) is tried for every
 * message, which costs its client nothing and finds the hop as soon as it is back. One that is a
 * black hole is not: its clients are told at once, or after a second when a trial is due.
 *
 * A hop whose connection can be made but whose transactions come to nothing is in doubt, and down
 * after three in succession. An answer, be it a refusal, is never a failure. */
#pragma once

#include <stdbool.h>

#include "base/time.h"
#include "route/hop_conn.h"
#include "rt/rt.h"

struct hop_pool;

struct hop_health {
    bool down;
    bool quick;                     /* the last failure came at once */
    bool trying;                    /* a trial is under way */
    unsigned doubts;                /* transactions in succession that came to nothing */
    usec_t since;                   /* down: from when on */
    usec_t retry_at;                /* down: when a trial is due */
    usec_t backoff;                 /* the time until then; 0 once a transaction has succeeded */
    struct scope *trial;            /* around what the trial does now */
    struct cond tried;              /* the end of a trial */
    char error[HOP_FAULT_TEXT_MAX]; /* the last one */
};

void hop_health_init(struct hop_health *s);

/* A connection was made. */
void hop_health_well(struct hop_pool *p);

/* A transaction got its answers. */
void hop_health_served(struct hop_pool *p);

/* The hop could not be reached: `error` in words, after `took`. */
void hop_health_failed(struct hop_pool *p, const char *error, usec_t took);

/* A transaction came to nothing on a connection that had been good. */
void hop_health_doubt(struct hop_pool *p, const char *error);

/* Begins a trial of a hop that is down, if one is due and none is under way. Never waits. */
void hop_health_look(struct hop_pool *p);

/* For somebody who has no other hop: 0 when this one is well (again); -EHOSTDOWN when it is not,
 * within a second; -ECANCELED. */
int hop_health_await(struct hop_pool *p, usec_t deadline);

/* Ends the trial under way soon. */
void hop_health_stop(struct hop_pool *p);
