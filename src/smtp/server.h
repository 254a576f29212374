/* The SMTP server of one worker: what all its sessions share, and how they begin and end.
 *
 * The process around it (src/proc) or the simulated world hands it connections. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/block_pool.h"
#include "base/counters.h"
#include "base/decision_id.h"
#include "base/list.h"
#include "conf/conf.h"
#include "fact/inspected.h"
#include "journal/decision.h"
#include "message/spool.h"
#include "policy/policy.h"
#include "route/delivery.h"
#include "rt/rt.h"
#include "rt/stream.h"
#include "rt/tls.h"

/* Who is here, and how often they come: kept by the process around, for all workers
 * together. Any function may be NULL. `enter` is asked at accept, `may_wait` when the client has to
 * wait for its greeting, `greet` when it is to be greeted, `leave` is called when it has gone. For
 * who is trusted by a connect rule the limits of a client and a network do not hold. */
enum smtp_admission {
    SMTP_ADMITTED,
    SMTP_FULL,
    SMTP_CLIENT_FULL,
    SMTP_NETWORK_FULL,
    SMTP_CLIENT_RATE,
    SMTP_NETWORK_RATE,
};

struct smtp_gate {
    /* *ret_network: what its network has beside it, waiting or greeted. */
    enum smtp_admission (*enter)(void *arg, const struct addr *client, bool trusted,
                                 unsigned *ret_network);
    bool (*may_wait)(void *arg);
    /* `rank`: its standing, see crowd.h. */
    enum smtp_admission (*greet)(void *arg, const struct addr *client, bool trusted, uint8_t rank);
    void (*leave)(void *arg, const struct addr *client, bool greeted);
    /* Of this client, and of its network, in all workers. */
    unsigned (*sessions)(void *arg, const struct addr *client);
    unsigned (*network_sessions)(void *arg, const struct addr *client);
    void *arg;
};

/* Of standings among those that wait. */
#define CROWD_RANKS 32

/* Where a session stands, for figures. Clients that wait for their greeting are guest_count. */
enum session_phase {
    SESSION_GREETED, /* no transaction */
    SESSION_MAIL,
    SESSION_RCPT,
    SESSION_DATA,    /* the message comes in */
    SESSION_MESSAGE, /* it is judged */
    SESSION_COMMIT,  /* it is handed over */
    SESSION_PHASES
};

struct dns_lists;
struct scanners;
struct memory;
struct resolver;

/* A line for the operator; `trouble`: a warning. */
typedef void smtp_tell(void *arg, bool trouble, const char *line);

struct smtp_server {
    struct rt *rt;
    const struct conf *conf;
    struct delivery_host *deliveries;
    struct decision_sink *decisions;
    const struct policy *policy;
    struct tls_context *tls;          /* NULL: STARTTLS is not offered */
    struct resolver *resolver;        /* for facts; NULL: there is no DNS */
    struct scanners *scanners;        /* NULL: no scanner can be asked */
    struct memory *memory;            /* NULL: nothing is remembered */
    struct inspected_by inspected_by; /* but for what smtp_server_init sets */
    smtp_tell *tell;                  /* NULL: nobody is told */
    void *tell_arg;
    struct counters *counts;
    struct smtp_gate gate;
    struct decision_ids ids;
    struct budget budget;
    struct spool_config spool;
    uint64_t patterns_generation; /* private: of the policy's patterns that inspectors have, + 1 */
    struct dns_lists *lists;      /* private; NULL where `resolver` is */
    struct digest_stream *digest_spare; /* private */
    struct list sessions;
    struct list lobby;                /* struct guest: those that neither wait nor queue */
    struct list waiting[CROWD_RANKS]; /* those that wait for their greeting, by standing; crowd.h */
    struct list queue[CROWD_RANKS];   /* those that wait for a place */
    struct list foresights;           /* private; foresight.h */
    unsigned foresight_count;
    bool asks_ahead; /* the policy has facts for it */
    unsigned guest_count;
    unsigned queued;             /* of them */
    struct rt_timer queue_timer; /* private, like the next two */
    struct rt_later queue_later;
    usec_t room_made_at;
    struct fact_counters counters;
    struct arena arena;                    /* private */
    struct fact_memo *guest_memo;          /* private: for one look at a guest's policy */
    char (*listener_names)[ADDR_TEXT_MAX]; /* private: of conf->listen */
    struct block_pool input_blocks;        /* private */
    unsigned session_count;
    unsigned in_phase[SESSION_PHASES]; /* sessions */
    bool draining;
    struct rt_timer drain_timer;
};

/* Fills in what the server makes itself; rt, conf, deliveries, decisions, policy, tls,
 * resolver, scanners, tell, counts and gate are set by the caller before. `slot` is the worker's,
 * for decision ids. */
void smtp_server_init(struct smtp_server *srv, unsigned slot);

/* Another DNS for facts from now on, or none; returns the one before. What was found out about DNS
 * lists is forgotten. For simulated worlds, while smtp_server_rests. */
struct resolver *smtp_server_resolve(struct smtp_server *srv, struct resolver *r);

/* No client is here, and nothing is being asked that was begun for one. */
bool smtp_server_rests(const struct smtp_server *srv);

/* Clients here, in sessions or waiting for one. */
unsigned smtp_server_clients(const struct smtp_server *srv);

/* All sessions must have ended; clients in the lobby are dropped. */
void smtp_server_fini(struct smtp_server *srv);

/* A connection: the server owns the stream from now on. Its form is that of real_accept_fn and
 * sim_accept_fn, with the server as `arg`. */
void smtp_server_accept(void *arg, struct stream *s, const struct addr *client,
                        const struct addr *local);

/* The same for a connection that cannot be kept, for want of descriptors: told 421 4.3.2, recorded
 * and closed before this returns. */
void smtp_server_turn_away(void *arg, struct stream *s, const struct addr *client,
                           const struct addr *local);

/* Frees what was kept for reuse and has not been needed since the last call. */
void smtp_server_trim(struct smtp_server *srv);

/* Begins to end: idle sessions are told 421 4.3.2 now, others when their transaction has ended or
 * after conf limits drain_time. Open commits, and late answers, are always waited for. The worker
 * may exit when smtp_server_clients and deliveries->late_running are both 0. Idempotent. */
void smtp_server_drain(struct smtp_server *srv);
