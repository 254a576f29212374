/* See proc/snapshot.h.
 *
 * Written as "gatepost snapshot N\n", N being the number of files, and for each "PATH-OCTETS
 * TEXT-OCTETS\n", the path and the text. */
#include "proc/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/fatal.h"
#include "rt/sys.h"

#define HEAD "gatepost snapshot "
/* conf.h lets no configuration have more, the first file not counted. */
#define FILES_MOST (CONF_SOURCES_MAX + 1)

struct kept {
    struct slice path;
    struct slice text;
};

struct snapshot {
    struct arena arena;
    struct buf files; /* struct kept */
};

static size_t count_of(const struct snapshot *s)
{
    return s->files.n / sizeof(struct kept);
}

static const struct kept *find(const struct snapshot *s, struct slice path)
{
    const struct kept *files = (const void *)s->files.p;

    for (size_t i = 0; i < count_of(s); i++) {
        if (slice_eq(files[i].path, path)) {
            return &files[i];
        }
    }
    return NULL;
}

static void keep(struct snapshot *s, struct slice path, struct slice text)
{
    struct kept kept = {arena_copy(&s->arena, path), arena_copy(&s->arena, text)};

    buf_append(&s->files, &kept, sizeof(kept));
}

struct snapshot *snapshot_new(void)
{
    struct snapshot *s = xcalloc(1, sizeof(*s));

    arena_init(&s->arena);
    return s;
}

struct snapshot *snapshot_free(struct snapshot *s)
{
    if (s != NULL) {
        buf_free(&s->files);
        arena_free(&s->arena);
        free(s);
    }
    return NULL;
}

/* A file that is named twice is read once, so that both places see the same. */
static int record(void *arg, const char *path, struct buf *ret)
{
    struct snapshot *s = arg;
    const struct kept *kept = find(s, slice_of(path));

    if (kept == NULL) {
        int r = conf_read_disk(path, count_of(s) == 0, ret);
        if (r == 0) {
            keep(s, slice_of(path), buf_slice(ret));
        }
        return r;
    }
    buf_append_slice(ret, kept->text);
    return 0;
}

struct conf_reader snapshot_recorder(struct snapshot *s)
{
    return (struct conf_reader){record, s};
}

static int recall(void *arg, const char *path, struct buf *ret)
{
    const struct kept *kept = find(arg, slice_of(path));

    if (kept == NULL) {
        return -ENOENT;
    }
    buf_append_slice(ret, kept->text);
    return 0;
}

struct conf_reader snapshot_reader(struct snapshot *s)
{
    return (struct conf_reader){recall, s};
}

int snapshot_write(const struct snapshot *s, int fd)
{
    const struct kept *files = (const void *)s->files.p;
    struct buf octets = {0};

    buf_printf(&octets, HEAD "%zu\n", count_of(s));
    for (size_t i = 0; i < count_of(s); i++) {
        buf_printf(&octets, "%zu %zu\n", files[i].path.n, files[i].text.n);
        buf_append_slice(&octets, files[i].path);
        buf_append_slice(&octets, files[i].text);
    }
    int r = sys_pwrite_all(fd, octets.p, octets.n, 0);
    buf_free(&octets);
    return r;
}

/* Takes a number of at most `most` and the octet `end` behind it. */
static int take_number(struct slice *from, size_t most, char end, size_t *ret)
{
    size_t number = 0, i = 0;

    while (i < from->n && from->p[i] >= '0' && from->p[i] <= '9') {
        number = number * 10 + (size_t)(from->p[i] - '0');
        if (number > most) {
            return -EBADMSG;
        }
        i++;
    }
    if (i == 0 || i == from->n || from->p[i] != end) {
        return -EBADMSG;
    }
    *from = (struct slice){from->p + i + 1, from->n - i - 1};
    *ret = number;
    return 0;
}

static int take_octets(struct slice *from, size_t n, struct slice *ret)
{
    if (n > from->n) {
        return -EBADMSG;
    }
    *ret = (struct slice){from->p, n};
    *from = (struct slice){from->p + n, from->n - n};
    return 0;
}

static int take_file(struct slice *from, struct snapshot *s)
{
    struct slice path, text;
    size_t path_n, text_n;
    int r = take_number(from, from->n, ' ', &path_n);

    r = r < 0 ? r : take_number(from, from->n, '\n', &text_n);
    r = r < 0 ? r : take_octets(from, path_n, &path);
    r = r < 0 ? r : take_octets(from, text_n, &text);
    if (r == 0) {
        keep(s, path, text);
    }
    return r;
}

int snapshot_parse(struct slice octets, struct snapshot **ret)
{
    static const struct slice head = SLICE_LIT(HEAD);
    size_t count;

    if (octets.n < head.n || memcmp(octets.p, head.p, head.n) != 0) {
        return -EBADMSG;
    }
    octets = (struct slice){octets.p + head.n, octets.n - head.n};
    int r = take_number(&octets, FILES_MOST, '\n', &count);
    if (r < 0) {
        return r;
    }
    struct snapshot *s = snapshot_new();
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = take_file(&octets, s);
    }
    if (r < 0 || octets.n > 0) {
        (void)snapshot_free(s);
        return -EBADMSG;
    }
    *ret = s;
    return 0;
}

int snapshot_read(int fd, struct snapshot **ret)
{
    struct buf octets = {0};
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    size_t n = (size_t)st.st_size;
    int r = sys_pread_all(fd, buf_reserve(&octets, n + 1), n, 0);
    if (r == 0) {
        octets.n = n;
        r = snapshot_parse(buf_slice(&octets), ret);
    }
    buf_free(&octets);
    return r;
}
