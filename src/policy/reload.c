/* One look at all files at a time: a job for the file thread works on a copy of what is known of
 * each (struct look), and what it brings is taken over on the loop. The watch is counted, by its
 * owner and by the job, so that it may be freed while a job is under way.
 *
 * A file is known by what stat says of it. What it holds is compared too: at first nobody knows
 * what stat said when the policy was read, and a file that is only touched is not news. */
#include "policy/reload.h"

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
#include "policy/table.h"
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
    const char *file; /* the watch's */
    bool seen_any;    /* has `seen` a meaning? */
    bool taken_any;
    struct stamp seen;  /* at the last look */
    struct stamp taken; /* when it was read last, whether or not it was good */
    unsigned unsteady;  /* looks in a row that found it changed */

    /* Of this look, when it was read: */
    struct table_content *content; /* good; NULL: it was not, or not read */
    char trouble[400];             /* why it is not good; "" */
};

struct watched {
    struct policy_table *table;
    char *file;
    char *told; /* the trouble that was told last and is not over; NULL */
    struct look look;
};

struct table_watch {
    struct rt *rt;
    struct rt_timer timer;
    void (*tell)(void *arg, bool trouble, const char *line);
    void *arg;
    struct watched *tables;
    size_t count;
    unsigned references; /* the owner, and the job under way */
    bool closed;         /* the owner is gone, and perhaps the policy */
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
static int read_all(int fd, struct buf *ret, struct stamp *ret_stamp)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    }
    if ((uintmax_t)st.st_size > TABLE_FILE_MOST) {
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

static int read_file(const char *file, struct buf *ret, struct stamp *ret_stamp)
{
    /* Without O_NONBLOCK a pipe would be waited for. */
    int fd = sys_openat(AT_FDCWD, file, O_RDONLY | O_NONBLOCK, 0);

    if (fd < 0) {
        return fd;
    }
    int r = read_all(fd, ret, ret_stamp);
    (void)close(fd);
    return r;
}

static void set_trouble(struct look *l, int error)
{
    const char *cause = error == -EINVAL ? "not a regular file" : strerrordesc_np(-error);

    (void)snprintf(l->trouble, sizeof(l->trouble), "%s: %s", l->file,
                   cause != NULL ? cause : "cannot be read");
}

/* Reads and parses. A file that cannot be read is tried at each look: its rights may change without
 * a trace in its stamp. */
static void take(struct look *l)
{
    struct buf text = {0};
    struct place at = {0};
    char why[256];

    l->taken_any = false;
    int error = l->seen.error < 0 ? l->seen.error : read_file(l->file, &text, &l->taken);
    if (error < 0) {
        set_trouble(l, error);
        buf_free(&text);
        return;
    }
    l->taken_any = true;
    if (table_content_parse(buf_slice(&text), &l->content, &at, why, sizeof(why)) < 0) {
        (void)snprintf(l->trouble, sizeof(l->trouble), "%s:%u: %s", l->file, at.line, why);
    }
    buf_free(&text);
}

static void look_at(struct look *l)
{
    const struct stamp now = stamp_file(l->file);
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
        take(l);
    }
}

/* The rest of the watch is the loop's. */
static int look_at_all(void *arg)
{
    struct table_watch *w = arg;

    for (size_t i = 0; i < w->count; i++) {
        look_at(&w->tables[i].look);
    }
    return 0;
}

/* ---- on the loop ---- */

static void __attribute__((format(printf, 4, 5)))
say(const struct table_watch *w, const struct watched *t, bool trouble, const char *format, ...)
{
    struct buf line = {0};
    va_list ap;

    buf_printf(&line, "table %s: ", t->table->name);
    va_start(ap, format);
    buf_vprintf(&line, format, ap);
    va_end(ap);
    buf_append(&line, "", 1);
    if (w->tell != NULL) {
        w->tell(w->arg, trouble, line.p);
    }
    buf_free(&line);
}

static void tell_trouble(const struct table_watch *w, struct watched *t)
{
    if (t->told == NULL || strcmp(t->told, t->look.trouble) != 0) {
        free(t->told);
        t->told = xstrdup(t->look.trouble);
        say(w, t, true, "%s; the last good one stays", t->told);
    }
}

/* What was read replaces what there is, unless it is the same. */
static void take_over(const struct table_watch *w, struct watched *t)
{
    struct policy_table *table = t->table;
    const bool same = table_content_same(t->look.content, table->content);
    const bool trouble_over = t->told != NULL;

    (void)table_content_free(same ? t->look.content : table->content);
    if (!same) {
        table->content = t->look.content;
        table->has_networks = table_content_has_networks(table->content);
        table->has_texts = table_content_has_texts(table->content);
    }
    t->look.content = NULL;
    free(t->told);
    t->told = NULL;
    if (!same || trouble_over) {
        const size_t count = table_content_count(table->content);
        say(w, t, false, "%s: %s, %zu %s", t->file,
            same ? "good again and not changed" : "read anew", count,
            count == 1 ? "entry" : "entries");
    }
}

static void watch_unref(struct table_watch *w)
{
    if (--w->references > 0) {
        return;
    }
    for (size_t i = 0; i < w->count; i++) {
        (void)table_content_free(w->tables[i].look.content);
        free(w->tables[i].file);
        free(w->tables[i].told);
    }
    free(w->tables);
    free(w);
}

static void take_what_was_read(struct table_watch *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct watched *t = &w->tables[i];
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
    struct table_watch *w = arg;

    if (result == 0 && !w->closed) {
        take_what_was_read(w);
    }
    if (!w->closed) {
        rt_timer_set(w->rt, &w->timer, rt_now_of(w->rt) + TABLE_LOOK_EVERY);
    }
    watch_unref(w);
}

static void on_timer(void *arg)
{
    struct table_watch *w = arg;

    w->references++;
    rt_post(w->rt, RT_CALL_FILE, look_at_all, on_looked, w);
}

/* ---- life ---- */

static size_t count_files(const struct policy *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->table_count; i++) {
        n += p->tables[i]->file != NULL;
    }
    return n;
}

static struct table_watch *make_watch(const struct policy *policy)
{
    struct table_watch *w = xcalloc(1, sizeof(*w));

    w->references = 1;
    w->tables = xcalloc(policy->table_count, sizeof(*w->tables));
    for (size_t i = 0; i < policy->table_count; i++) {
        if (policy->tables[i]->file != NULL) {
            struct watched *t = &w->tables[w->count++];
            t->table = policy->tables[i];
            t->file = xstrdup(t->table->file);
            t->look.file = t->file;
        }
    }
    return w;
}

struct table_watch *table_watch_new(struct rt *rt, const struct policy *policy,
                                    void (*tell)(void *arg, bool trouble, const char *line),
                                    void *arg)
{
    if (count_files(policy) == 0) {
        return NULL;
    }
    struct table_watch *w = make_watch(policy);
    w->rt = rt;
    w->tell = tell;
    w->arg = arg;
    w->timer = (struct rt_timer){.fn = on_timer, .arg = w};
    rt_timer_set(rt, &w->timer, rt_now_of(rt) + TABLE_LOOK_EVERY);
    return w;
}

void tables_refresh(const struct policy *policy)
{
    if (count_files(policy) == 0) {
        return;
    }
    struct table_watch *w = make_watch(policy);
    for (int i = 0; i < 2; i++) { /* a file is taken at the second look that finds it the same */
        (void)look_at_all(w);
        take_what_was_read(w);
    }
    watch_unref(w);
}

struct table_watch *table_watch_free(struct table_watch *w)
{
    if (w != NULL) {
        rt_timer_clear(w->rt, &w->timer);
        w->closed = true;
        watch_unref(w);
    }
    return NULL;
}
