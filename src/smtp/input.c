/* Octets from the client, and the lines in them.
 *
 * Only CRLF ends a line (RFC 5321 2.3.8). A line with a bare CR, bare LF or NUL in it is answered
 * with one 500, whatever it says. A client that ends its lines in a bare LF, or speaks TLS or
 * another binary protocol, waits for an answer before it sends more: so an unfinished line that
 * ends in a bare LF, or holds a NUL, is answered at once, and what came with it is dropped.
 *
 * Such a line, or one that is too long, may have been meant as BDAT. Then octets follow that are no
 * commands, and nobody knows how many: so it is told from the others. */
#include <errno.h>

#include "smtp/session.h"

static void take_block(struct session *s)
{
    s->input.block = block_pool_get(&s->server->input_blocks);
    s->input.start = s->input.end = 0;
}

static void give_block(struct session *s)
{
    block_pool_put(&s->server->input_blocks, s->input.block);
    s->input.block = NULL;
}

void input_drop(struct session *s)
{
    if (s->input.block != NULL) {
        give_block(s);
    }
    s->input.start = s->input.end = s->input.scanned = 0;
    s->input.bare = s->input.discarding = s->input.bdat = false;
}

void input_take(struct session *s, size_t n)
{
    s->input.start += n;
    s->input.scanned = 0;
    if (s->input.start == s->input.end) {
        s->input.start = s->input.end = 0;
    }
}

/* Reads more behind what is there. An idle session holds no block: one is taken only when the
 * client has said something. */
static int read_more(struct session *s, usec_t deadline)
{
    struct input *in = &s->input;
    int r = reply_flush(s);
    if (r < 0) {
        return r;
    }
    if (in->block != NULL && in->end == 0) {
        give_block(s);
    }
    if (in->block == NULL) {
        r = stream_wait_readable(s->stream, deadline);
        if (r < 0) {
            return r;
        }
        take_block(s);
    } else if (in->end == INPUT_BLOCK) {
        memmove(in->block, in->block + in->start, in->end - in->start);
        in->end -= in->start;
        in->start = 0;
    }
    ssize_t n = stream_read(s->stream, in->block + in->end, INPUT_BLOCK - in->end, deadline);
    if (n <= 0) {
        return n == 0 ? -ENODATA : (int)n;
    }
    in->end += (size_t)n;
    in->total += (uint64_t)n;
    return 0;
}

void input_look(struct session *s)
{
    struct input *in = &s->input;
    if (in->start < in->end || stream_pending(s->stream) == 0) {
        return;
    }
    if (in->block == NULL) {
        take_block(s);
    }
    ssize_t n = stream_try_read(s->stream, in->block, INPUT_BLOCK);
    if (n > 0) {
        in->end = (size_t)n;
        in->total += (uint64_t)n;
    } else {
        give_block(s);
    }
}

int input_fill(struct session *s, usec_t deadline)
{
    return s->input.start < s->input.end ? 0 : read_more(s, deadline);
}

enum { LINE_UNFINISHED = 100 };

bool input_names_bdat(struct slice text)
{
    static const struct slice bdat = SLICE_LIT("BDAT");
    for (size_t i = 0; i + bdat.n <= text.n; i++) {
        bool word = i == 0 || (unsigned char)text.p[i - 1] <= ' ';
        if (word && slice_eq_nocase((struct slice){text.p + i, bdat.n}, bdat) &&
            (i + bdat.n == text.n || (unsigned char)text.p[i + bdat.n] <= ' ')) {
            return true;
        }
    }
    return false;
}

/* What a line is called that is no command. */
static int no_command(const struct input *in, struct slice line, bool too_long)
{
    return in->bdat || input_names_bdat(line) ? LINE_BDAT : too_long ? LINE_LONG : LINE_BAD;
}

/* Looks for CRLF in what is buffered. */
static int scan_line(struct session *s, struct slice *ret)
{
    struct input *in = &s->input;
    if (in->block == NULL) {
        return LINE_UNFINISHED;
    }
    char *p = in->block + in->start;
    size_t n = in->end - in->start;
    const char *lf;
    while (in->scanned < n && (lf = memchr(p + in->scanned, '\n', n - in->scanned)) != NULL) {
        size_t at = (size_t)(lf - p);
        in->scanned = at + 1;
        if (at == 0 || p[at - 1] != '\r') {
            in->bare = true;
            continue;
        }
        size_t length = at - 1;
        bool bad = in->bare || memchr(p, '\r', length) != NULL || memchr(p, '\0', length) != NULL;
        bool too_long = in->discarding || at + 1 > (size_t)s->server->conf->limits.command_line;
        *ret = (struct slice){p, length};
        int kind = too_long || bad ? no_command(in, *ret, too_long) : LINE_COMMAND;
        in->bare = in->discarding = in->bdat = false;
        input_take(s, at + 1);
        return kind;
    }
    in->scanned = n;
    return LINE_UNFINISHED;
}

/* Can this unfinished line still become a command? See the head of this file. */
static bool hopeless(const struct session *s)
{
    const struct input *in = &s->input;
    size_t n = in->end - in->start;
    if (n == 0) {
        return false;
    }
    const char *p = in->block + in->start;
    return (p[n - 1] == '\n' || memchr(p, '\0', n) != NULL);
}

/* Keeps of a line that is too long only its last octet, which may be the CR of its end. */
static void discard_long(struct session *s)
{
    struct input *in = &s->input;
    size_t n = in->end - in->start;
    if (n >= (size_t)s->server->conf->limits.command_line) {
        in->discarding = true;
        in->bdat |= input_names_bdat((struct slice){in->block + in->start, n});
        in->block[0] = in->block[in->end - 1];
        in->start = 0;
        in->end = 1;
        in->scanned = 1;
    }
}

int input_line(struct session *s, usec_t deadline, struct slice *ret)
{
    struct input *in = &s->input;
    for (;;) {
        int kind = scan_line(s, ret);
        if (kind != LINE_UNFINISHED) {
            return kind;
        }
        if (hopeless(s)) {
            kind = no_command(in, (struct slice){in->block + in->start, in->end - in->start},
                              in->discarding);
            input_drop(s);
            return kind;
        }
        discard_long(s);
        int r = read_more(s, deadline);
        if (r < 0) {
            return r;
        }
    }
}
