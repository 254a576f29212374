/* clamd(8): the message in chunks (INSTREAM), straight from where it is kept, each with its length
 * in front; a chunk of no length is the end. Commands and replies end with NUL (the `z` in front).
 */
#include <errno.h>

#include "client/scanner_impl.h"
#include "parse/clamd_reply.h"

/* The length of a chunk, in network order. */
#define LENGTH_OCTETS 4

static void put_length(size_t n, char ret[static LENGTH_OCTETS])
{
    for (unsigned i = 0; i < LENGTH_OCTETS; i++) {
        ret[i] = (char)(unsigned char)(n >> (8 * (LENGTH_OCTETS - 1 - i)));
    }
}

/* `head` in front of the length: the command, for the first chunk. */
static int send_chunk(struct scan_job *j, struct slice head, struct slice piece)
{
    char length[LENGTH_OCTETS];
    struct iovec iov[] = {
        {(void *)(uintptr_t)head.p, head.n},
        {length, sizeof(length)},
        {(void *)(uintptr_t)piece.p, piece.n},
    };

    put_length(piece.n, length);
    return stream_write(j->stream, iov, 3, j->deadline, NULL);
}

static int send_chunks(struct scan_job *j)
{
    const struct spool *spool = &j->request->message->spool;
    struct slice head = {"zINSTREAM", sizeof("zINSTREAM")}; /* with its NUL */
    struct spool_cursor cursor = {0};
    struct slice piece = {"", 0};
    int r;

    do {
        r = spool_next(spool, &cursor, &piece);
        r = r < 0 ? r : send_chunk(j, head, piece);
        head.n = 0;
    } while (r == 0 && piece.n > 0);
    spool_cursor_end(spool, &cursor);
    return r;
}

/* FILDES: the descriptor comes with an octet of its own. */
static int send_descriptor(struct scan_job *j)
{
    int fd;
    int r = spool_whole(&j->request->message->spool, &fd);

    if (r < 0) {
        return r == -ECANCELED ? r : -EIO;
    }
    r = scan_send(j, (struct slice){"zFILDES", sizeof("zFILDES")});
    return r < 0 ? r : stream_send_fd(j->stream, fd, j->deadline);
}

static bool has_end(const struct buf *b)
{
    return b->n > 0 && memchr(b->p, '\0', b->n) != NULL;
}

static int read_reply(struct scan_job *j, struct buf *in)
{
    int r = 1;

    while (r > 0 && !has_end(in)) {
        r = scan_read(j, in, CLAMD_REPLY_MOST);
    }
    return r;
}

static int conclude(struct scan_job *j, const struct buf *in, struct scan_result *ret)
{
    const char *end = in->n > 0 ? memchr(in->p, '\0', in->n) : NULL;
    struct clamd_reply reply;

    if (end == NULL ||
        clamd_reply_parse((struct slice){in->p, (size_t)(end - in->p)}, &reply) < 0) {
        return -EPROTO;
    }
    if (reply.verdict == CLAMD_FAILED) {
        return scan_said(j, reply.text);
    }
    *ret = (struct scan_result){
        .state = reply.verdict == CLAMD_TOO_LARGE ? SCAN_TOO_LARGE : SCAN_KNOWN,
        .text = arena_copy(j->arena, reply.verdict == CLAMD_FOUND ? reply.text : SLICE_LIT("")),
    };
    return 0;
}

/* A stream that is too long for clamd is cut off by it, behind a reply that says so. */
int clamd_scan(struct scan_job *j, struct scan_result *ret)
{
    struct buf in = {0};
    const int sent = j->scanner->descriptor ? send_descriptor(j) : send_chunks(j);
    const bool cut = sent == -EPIPE || sent == -ECONNRESET;
    int r = sent == 0 || cut ? read_reply(j, &in) : sent;

    if (r >= 0 || (cut && has_end(&in))) {
        r = in.n == 0 && cut ? sent : conclude(j, &in, ret);
    }
    buf_free(&in);
    return r;
}

int clamd_ping(struct scan_job *j)
{
    int r = scan_send(j, (struct slice){"zPING", sizeof("zPING")});

    return r < 0 ? r : scan_expect(j, "PONG");
}
