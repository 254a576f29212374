/* The simulated world: virtual time, a network in memory, and faults where a test wants them.
 *
 * One struct sim holds several runtimes: pretended workers, and a pretended rest of the internet in
 * which scripted clients and next hops run as tasks. All run in one thread, in an order that
 * depends on nothing but the seed. Time stands still while any task is ready and jumps to the next
 * event when none is. Files are real ones; sys_fault makes them fail.
 *
 * Tests live in it, and so does `gatepost judge`, where one real session has a message come in over
 * a pretended connection. A misuse of anything here is our own bug and panics, as in the real
 * world; no worker that serves anybody ever runs in it. */
#pragma once

#include <stdint.h>

#include "base/addr.h"
#include "rt/rt.h"
#include "rt/stream.h"

struct sim;

struct sim *sim_new(uint64_t seed);
struct sim *sim_free(struct sim *sim);

/* A further runtime of this world; freed by sim_rt_free once its tasks have ended. */
struct rt *sim_rt(struct sim *sim);
struct rt *sim_rt_free(struct rt *rt);

/* Runs until nothing is ready and no timer of any runtime is due before `until`; the clock then
 * stands at `until` (or, with USEC_NEVER, where the last event left it). */
void sim_run(struct sim *sim, usec_t until);

/* Runs until `*flag`, or until nothing can happen any more; returns *flag. */
bool sim_run_until(struct sim *sim, const bool *flag);

usec_t sim_now(const struct sim *sim);
uint64_t sim_random(struct sim *sim, uint64_t below);

/* From now on the wall clock of all runtimes says `wall` (microseconds since 1970 UTC) and goes on
 * from there; it may step back. */
void sim_set_wall(struct sim *sim, usec_t wall);

/* From now on what is random comes from this seed, as it would in a new world. */
void sim_set_seed(struct sim *sim, uint64_t seed);

/* ---- network ---- */

typedef void sim_accept_fn(void *arg, struct stream *s, const struct addr *client,
                           const struct addr *local);

/* Listens at `at` in `rt`; connections from any runtime of this world arrive there. */
struct sim_listener;
struct sim_listener *sim_listen(struct rt *rt, const struct addr *at, sim_accept_fn *fn, void *arg);
/* The same at a Unix socket's path; the addresses of its connections are all zero. */
struct sim_listener *sim_listen_path(struct rt *rt, const char *path, sim_accept_fn *fn, void *arg);
struct sim_listener *sim_listener_free(struct sim_listener *l);

/* stream_connect from a runtime uses this address as the client's, and its port, or with port 0 one
 * after the other; default 192.0.2.1. */
void sim_set_address(struct rt *rt, const struct addr *from);

/* What one end sends arrives at the other in pieces of at most `octets` (0: as it was written),
 * each piece a moment later. */
void sim_set_piece(struct stream *end, size_t octets);

/* The connection of this end is cut now: both ends are reset. What this end has sent is lost, or
 * with `deliver_to_peer` still arrives there before the reset. */
void sim_cut(struct stream *end, bool deliver_to_peer);

/* Nothing that the peer of this end sends arrives any more; nothing tells this end so. */
void sim_stall(struct stream *end);

/* shutdown(SHUT_WR): the peer reads to the end of what was sent and then meets the end; this end
 * can still read. Nothing may be written to it any more. */
void sim_half_close(struct stream *end);

/* The last descriptor that the peer sent with octets that have arrived here: the caller's from now
 * on; -1 when there is none. */
int sim_take_fd(struct stream *end);

/* The other end of the connection; NULL when it is closed. */
struct stream *sim_peer(struct stream *end);

/* All open ends of a runtime, for faults: calls fn for each. */
void sim_each_end(struct rt *rt, void (*fn)(void *arg, struct stream *end, bool accepted),
                  void *arg);

/* ---- faults ---- */

/* Calls fn(arg, n) at the entry of the n-th wait (from 1) of this runtime. */
void sim_on_await(struct rt *rt, void (*fn)(void *arg, uint64_t n), void *arg);

/* The next rt_call or rt_post of the kind is not run and gives `error`; or, with error 0, takes
 * `delay` longer. */
void sim_next_call(struct rt *rt, enum rt_call_kind kind, int error, usec_t delay);

/* stream_connect from this runtime fails with `error` from now on, at once; with 0 no longer. */
void sim_fail_connects(struct rt *rt, int error);

/* kill -9 of a pretended process: its connections end as a kernel would end them (what was written
 * still arrives), waits of its tasks return -ECANCELED also behind shields, and nothing they do on
 * their way out has an effect. Calls under way run or not, as the seed has it. */
void sim_kill(struct rt *rt);
