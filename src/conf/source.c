/* See source.h. */
#include "conf/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* A larger file is not a configuration but a mistake such as /dev/zero. */
#define FILE_MAX ((size_t)16 << 20)

static int read_all(int fd, struct buf *ret)
{
    ssize_t n = 1;

    while (n > 0 && ret->n <= FILE_MAX) {
        n = read(fd, buf_reserve(ret, 65536), 65536);
        if (n > 0) {
            ret->n += (size_t)n;
        }
    }
    if (n < 0) {
        return -errno;
    }
    return ret->n > FILE_MAX ? -EFBIG : 0;
}

static int check_regular(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    if (S_ISDIR(st.st_mode)) {
        return -EISDIR;
    }
    return S_ISREG(st.st_mode) ? 0 : -ENODEV;
}

int source_read(const char *path, bool special, struct buf *ret)
{
    /* Opening a pipe without O_NONBLOCK would wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (special ? 0 : O_NONBLOCK));

    if (fd < 0) {
        return -errno;
    }
    int r = special ? 0 : check_regular(fd);
    if (r == 0) {
        r = read_all(fd, ret);
    }
    (void)close(fd);
    return r;
}

struct slice source_text(struct slice whole)
{
    static const struct slice mark = SLICE_LIT("\xef\xbb\xbf");

    if (whole.n < mark.n || memcmp(whole.p, mark.p, mark.n) != 0) {
        return whole;
    }
    return (struct slice){whole.p + mark.n, whole.n - mark.n};
}

static int read_disk(void *arg, const char *path, struct buf *ret)
{
    (void)arg;
    return source_read(path, false, ret);
}

const struct conf_reader source_disk = {read_disk, NULL};

/* Takes "//" and "/./" out of a path, so that one file has one name. What ".." means depends on
 * links, and it stays. */
static void tidy(struct buf *path)
{
    size_t n = 0;

    for (size_t i = 0; i < path->n; i++) {
        bool at_slash = n > 0 && path->p[n - 1] == '/';
        if (at_slash && path->p[i] == '/') {
            continue;
        }
        if (at_slash && path->p[i] == '.' && i + 1 < path->n && path->p[i + 1] == '/') {
            i++;
            continue;
        }
        path->p[n++] = path->p[i];
    }
    path->n = n;
}

/* `path` as written in the file `from` (NULL: by the one who started us), made absolute. */
static int resolve(const char *from, struct slice path, struct buf *ret)
{
    char folder[PATH_MAX];
    const char *slash = from != NULL ? strrchr(from, '/') : NULL;

    if (path.n == 0) {
        return -EINVAL;
    }
    if (path.p[0] != '/' && slash == NULL) {
        if (getcwd(folder, sizeof(folder)) == NULL) {
            return -errno;
        }
        buf_printf(ret, "%s/", folder);
    } else if (path.p[0] != '/') {
        buf_append(ret, from, (size_t)(slash - from) + 1);
    }
    buf_append_slice(ret, path);
    tidy(ret);
    if (ret->n >= PATH_MAX) {
        return -ENAMETOOLONG;
    }
    return value_is_path(buf_slice(ret)) ? 0 : -EINVAL;
}

void source_begin(struct conf_whole *w, const char *name)
{
    struct buf path = {0};
    bool known = resolve(NULL, slice_of(name), &path) == 0;

    w->path = arena_copy(&w->arena, known ? buf_slice(&path) : slice_of(name)).p;
    buf_free(&path);
}

/* The path that `s` was read from; of the first file its name may be another. */
static const char *path_of(const struct conf_whole *w, const struct source *s)
{
    return s != NULL && s->from != NULL ? s->name : w->path;
}

/* May the file `path` be read for `from`? */
static int check_way(const struct conf_whole *w, const struct source *from, const char *path)
{
    unsigned deep = 0;

    for (const struct source *s = from; s != NULL; s = s->from) {
        if (strcmp(path_of(w, s), path) == 0) {
            return -EDEADLK;
        }
        deep++;
    }
    if (deep > CONF_SOURCES_DEEP) {
        return -EMLINK;
    }
    return w->source_count >= CONF_SOURCES_MAX ? -E2BIG : 0;
}

static int read_source(struct conf_whole *w, const struct source *from, const char *path,
                       const struct source **ret)
{
    struct buf text = {0};
    int r = w->conf.reader.read(w->conf.reader.arg, path, &text);

    if (r == 0) {
        struct source *source = arena_alloc(&w->arena, sizeof(*source));
        source->name = arena_copy(&w->arena, slice_of(path)).p;
        source->text = arena_copy(&w->arena, source_text(buf_slice(&text)));
        source->from = from;
        w->source_count++;
        *ret = source;
    }
    buf_free(&text);
    return r;
}

int conf_read_source(const struct conf *c, struct place place, struct slice path,
                     const struct source **ret)
{
    struct conf_whole *w = (struct conf_whole *)(void *)(uintptr_t)c;
    struct buf absolute = {0};
    int r = resolve(path_of(w, place.source), path, &absolute);

    if (r == 0) {
        buf_append(&absolute, "", 1);
        r = check_way(w, place.source, absolute.p);
    }
    if (r == 0) {
        r = read_source(w, place.source, absolute.p, ret);
    }
    buf_free(&absolute);
    return r;
}

const char *conf_source_error(int error)
{
    switch (error) {
    case -EDEADLK: return "it would be read while it is being read";
    case -EMLINK: return "it is named more than 16 files deep";
    case -E2BIG: return "there are more than 1000 files";
    case -EFBIG: return "more than 16 MiB";
    case -ENODEV: return "not a regular file";
    case -EINVAL: return "not a path";
    default: return strerror(-error);
    }
}

int source_fail(struct parser *p, const struct token *path, int error)
{
    struct buf absolute = {0};

    if (resolve(path_of(p->whole, path->place.source), path->text, &absolute) < 0) {
        absolute.n = 0;
        buf_append_slice(&absolute, path->text);
    }
    (void)parser_fail(p, path->place, "expected a readable file, found: %s (" SLICE_FMT ")",
                      conf_source_error(error), SLICE_ARG(buf_slice(&absolute)));
    buf_free(&absolute);
    return -EINVAL;
}
