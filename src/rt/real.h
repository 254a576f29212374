/* The real world: libevent's loop, sockets, threads, the system's clocks. */
#pragma once

#include "base/addr.h"
#include "rt/rt.h"
#include "rt/stream.h"

/* A runtime on the real world. One for each process, made after the fork. */
struct rt *real_new(void);
/* All tasks must have ended; waits for its threads. */
struct rt *real_free(struct rt *rt);

/* Runs until `*stop` is true and no task lives any more. Signal handlers may set *stop through
 * real_wake; it is looked at once a turn. */
void real_run(struct rt *rt, const volatile bool *stop);

/* How long one turn of the loop kept all others waiting: from its waking up to its going back to
 * sleep. A part of that may be no fault of this process: the loop would go on, but other processes
 * have all processors. Its own is the rest (rt/real_blocks.c says how it is told). */
struct real_blocks {
    usec_t longest;    /* ever */
    usec_t longest_at; /* when that ended, on rt_now's clock */
    usec_t recent;     /* the longest of the last one to two minutes */
    usec_t own;        /* the longest own part, ever */
    usec_t own_recent;
    uint64_t own_long; /* turns whose own part was longer than REAL_BLOCK_LONG */
};
#define REAL_BLOCK_LONG (5 * USEC_MSEC)
struct real_blocks real_blocks(const struct rt *rt);

/* Makes real_run's turn end soon. Safe in a signal handler. */
void real_wake(struct rt *rt);

/* Accepts from a listening socket (non-blocking, shared with other processes) and calls `fn` on
 * the loop for each connection; fn owns the stream. -errno when it cannot be watched. */
struct real_listener;
typedef void real_accept_fn(void *arg, struct stream *s, const struct addr *client,
                            const struct addr *local);
int real_listen(struct rt *rt, int fd, real_accept_fn *fn, void *arg, struct real_listener **ret);

/* What is done with a connection for which there is no descriptor left: it is accepted by a spare
 * one, and fn(arg, …), with the listener's arg, must have closed it when it returns. Without such a
 * function, and where even that fails, accepting pauses for a moment and clients wait in the
 * kernel's queue. */
void real_listener_when_full(struct real_listener *l, real_accept_fn *fn);

/* Leaves connections to other processes that accept from the same socket, or takes them again. */
void real_listener_hold(struct real_listener *l, bool hold);

/* Accepts now all that wait in the kernel's queue: for a listener that is about to be closed, which
 * would reset them. */
void real_listener_empty(struct real_listener *l);

/* A stream on a connected, non-blocking socket that was made elsewhere and is the stream's from now
 * on; NULL when it cannot be watched (it is closed then). */
struct stream *real_socket_of(struct rt *rt, int fd);

/* The user at the other end of a Unix socket, as it was when the connection was made: 0 or a
 * negative errno. Of plain sockets' streams only. */
int real_peer_user(struct stream *s, uid_t *ret);

/* Calls fn(arg) on the loop once after each real_watch_once, when `fd` can be read or is at its
 * end. Until the next one the loop does not wake for it, whatever comes. The descriptor stays the
 * caller's, who must not suspend in `fn`. real_watch_once: 0, or -EIO when it cannot be watched.
 * real_watch_free: NULL allowed, returns NULL. */
struct real_watch;
struct real_watch *real_watch_new(struct rt *rt, int fd, void (*fn)(void *arg), void *arg);
int real_watch_once(struct real_watch *w);
struct real_watch *real_watch_free(struct real_watch *w);

/* Stops accepting; the descriptor stays the caller's. NULL allowed. Returns NULL. */
struct real_listener *real_listener_free(struct real_listener *l);

/* Calls fn(arg) at the end of each turn of the loop, when all ready tasks have run: for output that
 * is gathered during a turn. One for each runtime. */
void real_on_turn(struct rt *rt, void (*fn)(void *arg), void *arg);

/* Libevent's loop of this runtime, for a library that brings its own events (libunbound). What it
 * calls back may wake tasks, and must not suspend. */
struct event_base;
struct event_base *real_event_base(struct rt *rt);
