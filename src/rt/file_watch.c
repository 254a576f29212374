/* See rt/file_watch.h.
 *
 * One look at all files at a time: a job for the file thread works on a copy of what is known of
 * each (struct look), and what it brings is taken over on the loop. The watch is counted, by its
 * owner and by the job, so that it may be freed while a job is under way.
 *
 * A file is known by what stat says of it. What it holds is compared too, by its owner: at first
 * nobody knows what stat said when it was read, and a file that is only touched is not news. */
#include "rt/file_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "rt/sys.h"

/* Looks after which a file that keeps changing is taken as it is. */
#define UNSTEADY_MOST 5

/* What stat says, or that it fails. */
struct stamp {
    int error; /* 0, or a negative errno */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

/* A file, and what came of the last look at it. */
struct look {
    bool seen_any; /* has `seen` a meaning? */
    bool taken_any;
    struct stamp seen;  /* at the last look */
    struct stamp taken; /* when it was read last, whether or not it was good */
    unsigned unsteady;  /* looks in a row that found it changed */

    /* Of this look, when it was read: */
    void *content;     /* good; NULL: it was not, or not read */
    char trouble[400]; /* why it is not good; "" */
};

struct watched {
    struct watched_file file; /* with texts of its own */
    char *told;               /* the trouble that was told last and is not over; NULL */
    struct look look;
};

struct file_watch {
    struct rt *rt;
    struct rt_timer timer;
    file_watch_tell *tell;
    void *arg;
    struct watched *files;
    size_t count;
    unsigned references; /* the owner, and the job under way */
    bool closed;         /* the owner is gone, and perhaps what `arg` of the files is */
};

/* ---- in the thread ---- */

static struct stamp stamp_of(const struct stat *st)
{
    return (struct stamp){
        .device = st->st_dev, .inode = st->st_ino, .size = st->st_size, .changed = st->st_mtim};
}

static struct stamp stamp_file(const char *file)
{
    struct stat st;
    int error = sys_fault != NULL ? sys_fault(SYS_STAT) : 0;

    if (error == 0 && stat(file, &st) != 0) {
        error = -errno;
    }
    if (error < 0) {
        return (struct stamp){.error = error};
    }
    return stamp_of(&st);
}

static bool stamp_same(const struct stamp *a, const struct stamp *b)
{
    return a->error == b->error && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Reads what is open; 0 or a negative errno. */
static int read_all(int fd, size_t most, struct buf *ret, struct stamp *ret_stamp)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    }
    if ((uintmax_t)st.st_size > most) {
        return -EFBIG;
    }
    const size_t n = (size_t)st.st_size;
    int r = sys_pread_all(fd, buf_reserve(ret, n + 1), n, 0);
    if (r == 0) {
        ret->n = n;
        *ret_stamp = stamp_of(&st);
    }
    return r;
}

static int read_file(const struct watched_file *f, struct buf *ret, struct stamp *ret_stamp)
{
    /* Without O_NONBLOCK a pipe would be waited for. */
    int fd = sys_openat(AT_FDCWD, f->file, O_RDONLY | O_NONBLOCK, 0);

    if (fd < 0) {
        return fd;
    }
    int r = read_all(fd, f->most, ret, ret_stamp);
    (void)close(fd);
    return r;
}

static void word_error(const struct watched_file *f, int error, char *ret_why, size_t why_size)
{
    const char *cause = error == -EINVAL ? "not a regular file" : strerrordesc_np(-error);

    if (error == -EFBIG) {
        (void)snprintf(ret_why, why_size, "%s: more than %zu MiB", f->file, f->most >> 20);
        return;
    }
    (void)snprintf(ret_why, why_size, "%s: %s", f->file, cause != NULL ? cause : "cannot be read");
}

/* Reads and parses: what the file holds, or NULL and why. *ret_stamp is of what was read, when
 * *ret_read. */
static void *read_content(const struct watched_file *f, bool *ret_read, struct stamp *ret_stamp,
                          char *ret_why, size_t why_size)
{
    struct buf text = {0};
    char cause[256];
    void *content = NULL;
    int error = read_file(f, &text, ret_stamp);

    *ret_read = error == 0;
    if (error < 0) {
        word_error(f, error, ret_why, why_size);
    } else {
        content = f->kind->parse(buf_slice(&text), cause, sizeof(cause));
        if (content == NULL) {
            (void)snprintf(ret_why, why_size, "%s%s", f->file, cause);
        }
    }
    buf_free(&text);
    return content;
}

/* A file that cannot be read is tried at each look: its rights may change without a trace in its
 * stamp. */
static void take(const struct watched_file *f, struct look *l)
{
    l->taken_any = false;
    if (l->seen.error < 0) {
        word_error(f, l->seen.error, l->trouble, sizeof(l->trouble));
        return;
    }
    l->content = read_content(f, &l->taken_any, &l->taken, l->trouble, sizeof(l->trouble));
}

static void look_at(const struct watched_file *f, struct look *l)
{
    const struct stamp now = stamp_file(f->file);
    const bool steady = l->seen_any && stamp_same(&now, &l->seen);

    l->content = NULL;
    l->trouble[0] = '\0';
    l->unsteady = steady ? 0 : l->unsteady + 1;
    l->seen = now;
    l->seen_any = true;
    if (l->taken_any && stamp_same(&now, &l->taken)) {
        return;
    }
    if (steady || l->unsteady >= UNSTEADY_MOST) {
        l->unsteady = 0;
        take(f, l);
    }
}

/* The rest of the watch is the loop's. */
static int look_at_all(void *arg)
{
    struct file_watch *w = arg;

    for (size_t i = 0; i < w->count; i++) {
        look_at(&w->files[i].file, &w->files[i].look);
    }
    return 0;
}

/* ---- on the loop ---- */

static void __attribute__((format(printf, 4, 5)))
say(const struct file_watch *w, const struct watched *t, bool trouble, const char *format, ...)
{
    struct buf line = {0};
    va_list ap;

    buf_printf(&line, "%s: ", t->file.what);
    va_start(ap, format);
    buf_vprintf(&line, format, ap);
    va_end(ap);
    buf_append(&line, "", 1);
    if (w->tell != NULL) {
        w->tell(w->arg, trouble, line.p);
    }
    buf_free(&line);
}

static void tell_trouble(const struct file_watch *w, struct watched *t)
{
    if (t->told == NULL || strcmp(t->told, t->look.trouble) != 0) {
        free(t->told);
        t->told = xstrdup(t->look.trouble);
        say(w, t, true, "%s; the last good one stays", t->told);
    }
}

/* What was read replaces what there is, unless it is the same. */
static void take_over(const struct file_watch *w, struct watched *t)
{
    const struct watched_kind *kind = t->file.kind;
    const bool news = kind->take(t->file.arg, t->look.content);
    const bool trouble_over = t->told != NULL;

    t->look.content = NULL;
    free(t->told);
    t->told = NULL;
    if (news || trouble_over) {
        const size_t count = kind->count(t->file.arg);
        say(w, t, false, "%s: %s, %zu %s", t->file.file,
            news ? "read anew" : "good again and not changed", count,
            count == 1 ? "entry" : "entries");
    }
}

static void watch_unref(struct file_watch *w)
{
    if (--w->references > 0) {
        return;
    }
    for (size_t i = 0; i < w->count; i++) {
        struct watched *t = &w->files[i];
        if (t->look.content != NULL) {
            t->file.kind->drop(t->look.content);
        }
        free((char *)(uintptr_t)t->file.what);
        free((char *)(uintptr_t)t->file.file);
        free(t->told);
    }
    free(w->files);
    free(w);
}

static void take_what_was_read(struct file_watch *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct watched *t = &w->files[i];
        if (t->look.content != NULL) {
            take_over(w, t);
        } else if (t->look.trouble[0] != '\0') {
            tell_trouble(w, t);
        }
    }
}

/* `result` is only ever an error when nothing was looked at. */
static void on_looked(void *arg, int result)
{
    struct file_watch *w = arg;

    if (result == 0 && !w->closed) {
        take_what_was_read(w);
    }
    if (!w->closed) {
        rt_timer_set(w->rt, &w->timer, rt_now_of(w->rt) + FILE_LOOK_EVERY);
    }
    watch_unref(w);
}

static void on_timer(void *arg)
{
    struct file_watch *w = arg;

    w->references++;
    rt_post(w->rt, RT_CALL_FILE, look_at_all, on_looked, w);
}

/* ---- life ---- */

static struct file_watch *make_watch(const struct watched_file *files, size_t count)
{
    struct file_watch *w = xcalloc(1, sizeof(*w));

    w->references = 1;
    w->files = xcalloc(count, sizeof(*w->files));
    w->count = count;
    for (size_t i = 0; i < count; i++) {
        w->files[i].file = files[i];
        w->files[i].file.what = xstrdup(files[i].what);
        w->files[i].file.file = xstrdup(files[i].file);
    }
    return w;
}

struct file_watch *file_watch_new(struct rt *rt, const struct watched_file *files, size_t count,
                                  file_watch_tell *tell, void *arg)
{
    if (count == 0) {
        return NULL;
    }
    struct file_watch *w = make_watch(files, count);
    w->rt = rt;
    w->tell = tell;
    w->arg = arg;
    w->timer = (struct rt_timer){.fn = on_timer, .arg = w};
    rt_timer_set(rt, &w->timer, rt_now_of(rt) + FILE_LOOK_EVERY);
    return w;
}

void file_watch_refresh(const struct watched_file *files, size_t count)
{
    if (count == 0) {
        return;
    }
    struct file_watch *w = make_watch(files, count);
    for (int i = 0; i < 2; i++) { /* a file is taken at the second look that finds it the same */
        (void)look_at_all(w);
        take_what_was_read(w);
    }
    watch_unref(w);
}

void *file_watch_read(const struct watched_file *f, char *ret_why, size_t why_size)
{
    struct stamp stamp;
    bool was_read;

    return read_content(f, &was_read, &stamp, ret_why, why_size);
}

struct file_watch *file_watch_free(struct file_watch *w)
{
    if (w != NULL) {
        rt_timer_clear(w->rt, &w->timer);
        w->closed = true;
        watch_unref(w);
    }
    return NULL;
}
