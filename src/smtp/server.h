/* The SMTP server of one worker: what all its sessions share, and how they begin and end.
 *
 * The process around it (src/proc) or the simulated world hands it connections. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/decision_id.h"
#include "base/list.h"
#include "conf/conf.h"
#include "journal/decision.h"
#include "message/spool.h"
#include "route/delivery.h"
#include "rt/rt.h"
#include "rt/stream.h"
#include "rt/tls.h"

/* May this client have a session? Asked at accept; `leave` is called when the session has ended. */
enum smtp_admission { SMTP_ADMITTED, SMTP_CLIENT_FULL, SMTP_FULL };

struct smtp_gate {
    enum smtp_admission (*enter)(void *arg, const struct addr *client);
    void (*leave)(void *arg, const struct addr *client);
    void *arg;
};

struct smtp_server {
    struct rt *rt;
    const struct conf *conf;
    struct delivery_host *deliveries;
    struct decision_sink *decisions;
    struct tls_context *tls; /* NULL: STARTTLS is not offered */
    struct smtp_gate gate;
    struct decision_ids ids;
    struct budget budget;
    struct spool_config spool;
    struct digest_stream *digest_spare; /* private */
    struct list sessions;
    struct list input_blocks; /* private: spare input buffers */
    unsigned input_block_count;
    unsigned session_count;
    bool draining;
    struct rt_timer drain_timer;
};

/* Fills in what the server makes itself; rt, conf, deliveries, decisions, tls and gate are set by
 * the caller before. `slot` is the worker's, for decision ids. */
void smtp_server_init(struct smtp_server *srv, unsigned slot);

/* All sessions must have ended. */
void smtp_server_fini(struct smtp_server *srv);

/* A connection: the server owns the stream from now on. Its form is that of real_accept_fn and
 * sim_accept_fn, with the server as `arg`. */
void smtp_server_accept(void *arg, struct stream *s, const struct addr *client,
                        const struct addr *local);

/* Begins to end: idle sessions are told 421 4.3.2 now, others when their transaction has ended or
 * after conf limits drain_time. Open commits, and late answers, are always waited for. The worker
 * may exit when session_count and deliveries->late_running are both 0. Idempotent. */
void smtp_server_drain(struct smtp_server *srv);
