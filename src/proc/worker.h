/* A worker: a process that talks to clients. It holds no privileges, and when it dies it takes only
 * its own conversations along. */
#pragma once

#include <signal.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "policy/policy.h"
#include "proc/identity.h"
#include "proc/sandbox.h"
#include "proc/shared.h"
#include "rt/tls.h"

struct worker_setup {
    const struct conf *conf;
    const struct policy *policy;
    const struct shared *shared;
    const struct identity *who;
    struct tls_context *tls; /* NULL: STARTTLS is not offered */
    struct owner owner;      /* slot and epoch */
    const int *listeners;    /* conf->listen_count listening sockets, which the worker closes */
    unsigned generation;     /* of the configuration */
    uint64_t run;            /* of its records */
    int records;             /* where they go to the clerk; the worker's */
    int door;                /* to inspectors, the worker's; -1: there are none */
    int ready; /* where to write the slot, as a uint16_t, once clients are served; closed */
    pid_t master;
};

/* The whole life of a worker, in a freshly forked process that has signals blocked, up to the exit
 * status: 0 after SIGTERM, or when it was told to retire and its last session has ended;
 * WORKER_CANNOT_START when it never came to serve a client (the cause is logged). */
int worker_run(const struct worker_setup *setup);

/* Leaves this process, which has one thread, no more than a worker on this configuration needs;
 * part of worker_run. 0 and what the kernel gave for it; or a negative errno, of which the log
 * tells. */
int worker_confine(const struct conf *conf, const struct policy *policy, struct sandbox_level *ret);

/* This signal tells it to retire: to accept no more, while those that are here already, waiting or
 * in a session, stay as long as they like and may begin further transactions. */
#define WORKER_RETIRE       SIGUSR1

#define WORKER_CANNOT_START 2
