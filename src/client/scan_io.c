/* Octets to a scanner and back; see scanner_impl.h. */
#include <errno.h>
#include <stdio.h>

#include "base/text.h"
#include "client/scanner_impl.h"

#define READ_SIZE ((size_t)4096)

int scan_send(struct scan_job *j, struct slice text)
{
    struct iovec iov = {(void *)(uintptr_t)text.p, text.n};

    return stream_write(j->stream, &iov, 1, j->deadline, NULL);
}

int scan_send_message(struct scan_job *j, struct slice head)
{
    struct spool_cursor cursor = {0};
    struct slice piece = head;
    int r = 0;

    while (r == 0 && piece.n > 0) {
        r = scan_send(j, piece);
        if (r == 0) {
            r = spool_next(&j->request->message->spool, &cursor, &piece);
        }
    }
    spool_cursor_end(&j->request->message->spool, &cursor);
    return r;
}

int scan_read(struct scan_job *j, struct buf *to, size_t most)
{
    const ssize_t n = stream_read(j->stream, buf_reserve(to, READ_SIZE), READ_SIZE, j->deadline);

    if (n <= 0) {
        return (int)n;
    }
    to->n += (size_t)n;
    return to->n > most ? -EPROTO : 1;
}

int scan_expect(struct scan_job *j, const char *want)
{
    const size_t n = strlen(want);
    struct buf got = {0};
    int r = 1;

    while (r > 0 && (got.p == NULL || got.n < n || memmem(got.p, got.n, want, n) == NULL)) {
        r = scan_read(j, &got, READ_SIZE);
    }
    buf_free(&got);
    return r > 0 ? 0 : r == 0 ? -EPROTO : r;
}

int scan_said(struct scan_job *j, struct slice text)
{
    const size_t n = text.n < SCAN_WHY_MOST - 16 ? text.n : SCAN_WHY_MOST - 16;

    (void)snprintf(j->why, sizeof(j->why), "it says \"%.*s\"", (int)n, text.p);
    text_clean(j->why, strlen(j->why));
    return -EREMOTEIO;
}
