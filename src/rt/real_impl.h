/* What the files of the real world share. */
#pragma once

#include <event2/event.h>

#include "rt/real.h"
#include "rt/rt_impl.h"

struct thread_pool;

/* How long turns take; see rt/real_blocks.c. */
struct block_meter {
    struct real_blocks blocks;
    usec_t minute_began;
    struct block_minute {
        usec_t longest;
        usec_t own;
    } now, last; /* the minute that is measured, and the one before it */
    struct loop_use {
        usec_t at; /* of the monotonic clock */
        usec_t processor;
        long slept;
    } use; /* of this thread, when it was last looked at */
};

struct real {
    struct rt rt; /* first */
    struct event_base *base;
    struct event *timer;
    usec_t timer_at; /* what `timer` is armed for */
    struct event *wake;
    int wake_fd;
    int sockets; /* the epoll set of all streams' sockets, itself watched by `base` */
    struct event *socket_event;
    struct epoll_event *batch; /* events under way, of which one that closes a socket is told */
    int batch_left;
    int spare; /* a socket whose place a connection gets that is to be turned away; -1: none */
    struct thread_pool *files;
    struct thread_pool *store;
    uint64_t turns; /* of the loop */
    void (*on_turn)(void *arg);
    void *on_turn_arg;
    usec_t awake_since; /* this turn's waking up, 0 before it */
    struct block_meter meter;
};

/* Reads the clock. Whatever the loop calls between two turns does so first: the loop may have slept
 * for a long time. */
void real_tick(struct real *w);

/* ---- real_blocks.c ---- */
/* By real_tick, when a turn has woken up, and at its end. */
void real_blocks_awake(struct block_meter *m, usec_t now);
void real_blocks_turned(struct block_meter *m, usec_t awake_since, usec_t now);

/* ---- real_socket.c ---- */
void real_sockets_init(struct real *w);
void real_sockets_fini(struct real *w);
/* A stream that owns the non-blocking socket `fd`; NULL when it cannot be watched (fd is closed).
 */
struct stream *real_socket_stream(struct real *w, int fd);
/* Replies and commands are written whole: waiting to fill a segment would only delay them. */
void real_socket_no_delay(int fd);
int real_socket_connect(struct rt *rt, const struct addr *to, usec_t deadline, struct stream **ret);
int real_socket_connect_path(struct rt *rt, const char *path, usec_t deadline, struct stream **ret);

/* ---- real_threads.c ---- */
/* `threads` are started when there is work for them, and show as `name` (static, at most 15
 * characters) in the system's lists. Completions come back over the loop. */
struct thread_pool *thread_pool_new(struct real *w, const char *name, unsigned threads);
/* Waits for queued work; completions are delivered. */
struct thread_pool *thread_pool_free(struct thread_pool *p);
void thread_pool_post(struct thread_pool *p, int (*fn)(void *), void (*done)(void *, int),
                      void *arg);
