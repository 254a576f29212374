/* What all streams share: try, wait, try again. */
#include <errno.h>

#include "rt/rt_impl.h"

ssize_t stream_read(struct stream *s, void *ret, size_t n, usec_t deadline)
{
    ssize_t r = task_await();
    if (r == 0) {
        r = task_give_way(deadline);
    }
    if (r < 0) {
        return r;
    }
    while ((r = s->ops->try_read(s, ret, n)) == -EAGAIN) {
        r = s->ops->wait(s, STREAM_READABLE, deadline);
        if (r < 0) {
            return r;
        }
    }
    return r;
}

int stream_wait_readable(struct stream *s, usec_t deadline)
{
    int r = task_await();
    return r < 0 ? r : s->ops->wait(s, STREAM_READABLE, deadline);
}

/* Takes `n` written octets off the front of the vector. */
static void advance(struct iovec **iov, int *count, size_t n)
{
    while (*count > 0 && n >= (*iov)->iov_len) {
        n -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + n;
        (*iov)->iov_len -= n;
    }
}

int stream_write(struct stream *s, struct iovec *iov, int count, usec_t deadline,
                 size_t *ret_written)
{
    size_t ignored;
    size_t *written = ret_written != NULL ? ret_written : &ignored;
    *written = 0;
    int r = task_await();
    advance(&iov, &count, 0);
    while (r == 0 && count > 0) {
        ssize_t n = s->ops->try_writev(s, iov, count);
        if (n == -EAGAIN) {
            r = s->ops->wait(s, STREAM_WRITABLE, deadline);
        } else if (n < 0) {
            r = (int)n;
        } else {
            *written += (size_t)n;
            advance(&iov, &count, (size_t)n);
        }
    }
    return r;
}

int stream_send_fd(struct stream *s, int fd, usec_t deadline)
{
    int r = s->ops->try_send_fd != NULL ? task_await() : -EOPNOTSUPP;

    while (r == 0 && (r = s->ops->try_send_fd(s, fd)) == -EAGAIN) {
        r = s->ops->wait(s, STREAM_WRITABLE, deadline);
        if (r < 0) {
            return r;
        }
    }
    return r;
}

size_t stream_pending(struct stream *s)
{
    return s->ops->pending(s);
}

bool stream_acknowledged(struct stream *s)
{
    return s->ops->acknowledged(s);
}

void stream_end_writing(struct stream *s)
{
    s->ops->end_writing(s);
}

void stream_watch(struct stream *s, struct scope *scope)
{
    s->watch = scope;
    if (scope != NULL && s->hung_up) {
        stream_hangup(s);
    }
}

void stream_hangup(struct stream *s)
{
    s->hung_up = true;
    if (s->above != NULL) {
        stream_hangup(s->above);
    } else if (s->watch != NULL && s->ops->pending(s) == 0) {
        scope_cancel(s->watch, -ECONNRESET);
    }
}

void stream_on_arrival(struct stream *s, void (*fn)(void *arg), void *arg)
{
    s->arrived = fn;
    s->arrived_arg = arg;
}

void stream_arrived(struct stream *s)
{
    if (s->arrived != NULL) {
        s->arrived(s->arrived_arg);
    }
}

ssize_t stream_try_read(struct stream *s, void *ret, size_t n)
{
    return s->ops->try_read(s, ret, n);
}

ssize_t stream_try_peek(struct stream *s, void *ret, size_t n)
{
    return s->ops->try_peek(s, ret, n);
}

ssize_t stream_try_write(struct stream *s, const void *p, size_t n)
{
    struct iovec iov = {(void *)(uintptr_t)p, n};
    return s->ops->try_writev(s, &iov, 1);
}

struct stream *stream_close(struct stream *s)
{
    if (s != NULL) {
        s->ops->close(s, false);
    }
    return NULL;
}
