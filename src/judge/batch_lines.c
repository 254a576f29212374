/* See judge/batch_lines.h. */
#include "judge/batch_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"

/* A chunk has at least one of them. */
#define CHUNK_LINES  16
#define CHUNK_OCTETS ((uint64_t)65536)

#define PIECE        ((size_t)262144)

struct scan {
    struct batch_lines *lines;
    uint64_t offset; /* of the next octet */
    uint64_t line;   /* number of the line it is in */
    uint64_t begins; /* that line */
    size_t most;
};

static void add_chunk(struct batch_lines *l, uint64_t offset, uint64_t line)
{
    if (l->count + 1 >= l->cap) {
        l->cap = l->cap == 0 ? 64 : 2 * l->cap;
        l->chunks = xrealloc(l->chunks, l->cap * sizeof(*l->chunks));
    }
    l->chunks[l->count++] = (struct batch_chunk){.offset = offset, .line = line};
}

/* A line has ended, or the file: is what follows a chunk of its own? */
static void line_ended(struct scan *s)
{
    struct batch_lines *l = s->lines;
    const struct batch_chunk *last = &l->chunks[l->count - 1];
    bool large = s->offset - s->begins > s->most;
    if (large && s->begins > last->offset) {
        add_chunk(l, s->begins, s->line); /* a line too long is alone */
        last = &l->chunks[l->count - 1];
    }
    s->line++;
    s->begins = s->offset;
    if (large || s->line - last->line >= CHUNK_LINES || s->offset - last->offset >= CHUNK_OCTETS) {
        add_chunk(l, s->offset, s->line);
    }
}

static void scan_piece(struct scan *s, const char *p, size_t n)
{
    const char *end = p + n;
    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        const char *next = lf != NULL ? lf + 1 : end;
        s->offset += (uint64_t)(next - p);
        p = next;
        if (lf != NULL) {
            line_ended(s);
        }
    }
}

static int scan_file(struct batch_lines *l, size_t line_most)
{
    struct scan s = {.lines = l, .line = 1, .most = line_most};
    char *piece = xmalloc(PIECE);
    ssize_t n = 1;
    add_chunk(l, 0, 1);
    while (n > 0) {
        n = read(l->fd, piece, PIECE);
        if (n > 0) {
            scan_piece(&s, piece, (size_t)n);
        } else if (n < 0 && errno == EINTR) {
            n = 1;
        }
    }
    int error = n < 0 ? errno : 0;
    free(piece);
    if (s.offset > s.begins) {
        line_ended(&s);
    }
    /* The last one is the end's. */
    if (l->chunks[l->count - 1].offset < s.offset) {
        add_chunk(l, s.offset, s.line);
    }
    l->count--;
    return -error;
}

int batch_lines_open(const char *file, size_t line_most, struct batch_lines *ret)
{
    struct batch_lines l = {.fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    struct stat st;
    if (l.fd < 0) {
        return -errno;
    }
    int r = fstat(l.fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
    r = r == 0 && !S_ISREG(st.st_mode) ? -ENOTSUP : r;
    r = r == 0 ? scan_file(&l, line_most) : r;
    if (r < 0) {
        batch_lines_close(&l);
        return r;
    }
    *ret = l;
    return 0;
}

void batch_lines_close(struct batch_lines *l)
{
    close(l->fd);
    free(l->chunks);
    l->chunks = NULL;
}

int batch_lines_read(const struct batch_lines *l, size_t i, size_t most, struct buf *to)
{
    uint64_t size = l->chunks[i + 1].offset - l->chunks[i].offset;
    size_t wanted = size < most ? (size_t)size : most;
    to->n = 0;
    while (to->n < wanted) {
        off_t at = (off_t)(l->chunks[i].offset + to->n);
        ssize_t n = pread(l->fd, buf_reserve(to, wanted - to->n), wanted - to->n, at);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return n == 0 ? -EIO : -errno;
        }
        to->n += n > 0 ? (size_t)n : 0;
    }
    return 0;
}
