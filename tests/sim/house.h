/* A whole Gatepost host in the simulated world: workers with their servers, one store and one
 * shared memory for all, a folder for its files, and an "outside" runtime in which scripted clients
 * and next hops live. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "certificate.h"
#include "client/zone.h"
#include "policy/reload.h"
#include "proc/gate.h"
#include "route/hop_tls.h"
#include "rt/sim.h"
#include "smtp/server.h"
#include "store/marks.h"
#include "store/memory.h"
#include "store/store.h"

#define HOUSE_WORKERS_MAX 64

struct house;

/* One pretended worker process. A killed one stays in the list until house_free. */
struct worker {
    struct house *house;
    struct rt *rt;
    struct counters counts;
    struct delivery_host deliveries;
    struct smtp_server server;
    struct gate gate;
    struct memory *memory;
    struct scanners *scanners;
    struct decision_sink *decisions;
    struct sim_listener *listener;
    struct file_watch *tables;
    bool killed;
};

struct house {
    struct sim *sim;
    struct rt *outside;
    struct conf *conf;
    struct policy *policy;
    struct store_shared *shared;
    struct memory_shared *memory;
    void *marks_memory;
    struct marks *marks;
    void *disarmed_memory;
    struct marks *disarmed;
    void *presence_memory;
    void *rates_memory;
    struct shared shared_memory; /* presence and rates; marks stand for themselves */
    struct tls_context *tls;
    struct tls_context *tls_client;
    struct hop_trust *hop_trust;
    struct certificate_authority *ca; /* whose certificate is @DIR@/ca.pem, where one is named */
    struct worker *workers[HOUSE_WORKERS_MAX];
    unsigned worker_count;
    struct buf decisions; /* decision lines of all workers */
    struct buf told;      /* what the operator was told of tables and hops */
    struct buf hosts;     /* what the resolvers of next hops know */
    struct buf zones; /* struct zone *, all that there were; the last one is the DNS for facts */
    char folder[64];  /* holds "spool" and "mail" */
};

/* Where the configuration's routes find the outside's hop. */
#define HOUSE_HOP "192.0.2.25:25"

/* A house with `workers` running on the configuration `text`, in which every "@DIR@" stands for the
 * house's folder, and which has an empty policy where it names none; with `tls`, STARTTLS is
 * offered. */
struct house *house_new(uint64_t seed, const char *text, unsigned workers, bool tls);
struct house *house_free(struct house *h);

/* The address at which the i-th slot's worker listens. */
struct addr house_address(unsigned slot);

/* The living worker of a slot. */
struct worker *house_worker(struct house *h, unsigned slot);

/* kill -9, what the master does then, and a new worker in its place. */
void house_kill(struct house *h, unsigned slot);

/* SIGTERM: it takes no more connections and ends when it is done; a new one takes its place (as
 * after a reload), so that clients find somebody. */
void house_drain(struct house *h, unsigned slot);

/* Has every drained worker come to its end? */
bool house_drained(const struct house *h);

/* Names of hosts with their addresses, in the form of hosts(5); "fails NAME" and "silent NAME" for
 * those that the DNS does not answer for. At first there is none. */
void house_set_hosts(struct house *h, const char *text);

/* What the DNS says to facts, from now on; takes `zone`. At first there is no DNS: facts that need
 * it are unknown. */
void house_set_dns(struct house *h, struct zone *zone);

/* Sum of one counter over all workers that ever lived: offset within struct counters. */
uint64_t house_stat(const struct house *h, size_t offset);
