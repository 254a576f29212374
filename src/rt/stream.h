/* Streams of octets with deadlines: a socket, a simulated pipe, or TLS over one of these.
 *
 * A stream belongs to one task at a time. Reading and writing never block the loop; a peer whose
 * octets never run out is read from only so often before others have their turn. Errors are
 * negative errno values: -ECONNRESET and -EPIPE when the peer is gone, -EPROTO for TLS alerts and
 * nonsense, -ETIMEDOUT, -ECANCELED. After any of them but the last two the stream only serves to
 * be closed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/time.h"

struct scope;
struct stream;

enum stream_wait { STREAM_READABLE = 1, STREAM_WRITABLE = 2 };

/* What each kind of stream provides. None but `wait` suspends. */
struct stream_ops {
    /* Octets read, 0 at the end of the stream, -EAGAIN when there are none now. */
    ssize_t (*try_read)(struct stream *s, void *ret, size_t n);
    /* The next octets without taking them, otherwise like try_read. NULL: this kind cannot. */
    ssize_t (*try_peek)(struct stream *s, void *ret, size_t n);
    /* Octets written (perhaps fewer than given), -EAGAIN when none fit now. */
    ssize_t (*try_writev)(struct stream *s, const struct iovec *iov, int count);
    /* Sends an octet of zero with the descriptor `fd`, of which the peer gets a copy: 0 or -EAGAIN.
     * NULL: this kind cannot. */
    int (*try_send_fd)(struct stream *s, int fd);
    /* Waits until one of `events` may be possible: 0, -ETIMEDOUT, -ECANCELED. */
    int (*wait)(struct stream *s, unsigned events, usec_t deadline);
    /* Octets that have arrived and not been read: an upper bound, 0 only when there are none. */
    size_t (*pending)(struct stream *s);
    /* Has the peer's kernel acknowledged every octet written? */
    bool (*acknowledged)(struct stream *s);
    /* Tells the peer that nothing more will be written; reading goes on. */
    void (*end_writing)(struct stream *s);
    /* Ends the connection and frees the stream: orderly, or with a reset. */
    void (*close)(struct stream *s, bool reset);
};

struct stream {
    const struct stream_ops *ops;
    struct stream *above; /* the TLS stream on top of this one */
    struct scope *watch;  /* cancelled when the peer goes away */
    void (*arrived)(void *arg);
    void *arrived_arg;
    bool hung_up; /* the peer has ended its sending side, or reset */
    bool reset;   /* nothing that is written can arrive any more */
};

/* Called by a kind of stream, on the loop, when it notices that the peer hung up. */
void stream_hangup(struct stream *s);

/* Up to `n` octets as soon as there is one; 0 at the end of the stream. */
ssize_t stream_read(struct stream *s, void *ret, size_t n, usec_t deadline);

/* Waits until something can be read (data, end, or an error that stream_read will tell). */
int stream_wait_readable(struct stream *s, usec_t deadline);

/* Writes all of `iov`, whose elements it may change: 0 or an error. `ret_written`, where not
 * NULL, is set to the octets that went out, also on failure. */
int stream_write(struct stream *s, struct iovec *iov, int count, usec_t deadline,
                 size_t *ret_written);

/* Over a Unix socket: sends an octet of zero and with it a copy of the descriptor `fd`, which stays
 * the caller's. 0; -EOPNOTSUPP where the stream is of another kind; or an error. */
int stream_send_fd(struct stream *s, int fd, usec_t deadline);

/* The ops of the same name. */
size_t stream_pending(struct stream *s);
bool stream_acknowledged(struct stream *s);
void stream_end_writing(struct stream *s);

/* Cancels `scope`, reason -ECONNRESET, when the peer goes away with nothing left to read (a client
 * that half-closes behind pipelined commands still waits for its replies). NULL stops watching. */
void stream_watch(struct stream *s, struct scope *scope);

/* For a stream that no task reads yet: calls fn(arg) on the loop whenever something arrives or the
 * peer goes away, until it is set to NULL. fn may close the stream. What has arrived before is not
 * told of. The other functions of this kind neither suspend nor need a task. */
void stream_on_arrival(struct stream *s, void (*fn)(void *arg), void *arg);
ssize_t stream_try_read(struct stream *s, void *ret, size_t n);
ssize_t stream_try_peek(struct stream *s, void *ret, size_t n);
ssize_t stream_try_write(struct stream *s, const void *p, size_t n);

/* Called by a kind of stream, on the loop, as the last thing it does with it. */
void stream_arrived(struct stream *s);

/* Closes in order; NULL is allowed. Returns NULL. */
struct stream *stream_close(struct stream *s);

/* Connects to `to` over TCP: 0 and a stream the caller owns, or -ECONNREFUSED, -ETIMEDOUT,
 * -ECANCELED and the like. */
int stream_connect(const struct addr *to, usec_t deadline, struct stream **ret);

/* The same for a Unix socket; also -ENOENT and -EACCES, and -ENAMETOOLONG for more than 107 octets.
 * A server whose queue of connections is full is tried until the deadline. */
int stream_connect_path(const char *path, usec_t deadline, struct stream **ret);
