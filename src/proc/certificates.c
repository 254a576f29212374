/* Certificate and key, which somebody renews while we run. The master looks at their files. What is
 * new has to lie still for a look, and both have to fit, before new workers are started with them;
 * the configuration stays the one that serves, whatever has been written into its file since. */
#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/master_impl.h"

/* What could not be used may be so for a reason that passes: a lack of memory, a folder that is not
 * mounted. It is tried again, ever later. */
#define AGAIN_FIRST (60 * USEC_SEC)
#define AGAIN_MOST  (3600 * USEC_SEC)

static struct file_stamp stamp_of(const char *file)
{
    struct stat st;

    if (file == NULL || stat(file, &st) < 0) {
        return (struct file_stamp){.error = file == NULL ? ENOENT : errno};
    }
    return (struct file_stamp){
        .device = st.st_dev, .inode = st.st_ino, .size = st.st_size, .changed = st.st_mtim};
}

static bool same(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->error == b->error && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool both_same(const struct file_stamp *a, const struct file_stamp *b)
{
    return same(&a[0], &b[0]) && same(&a[1], &b[1]);
}

static void look(const struct conf *conf, struct file_stamp ret[2])
{
    ret[0] = stamp_of(conf->tls_cert);
    ret[1] = stamp_of(conf->tls_key);
}

int certificate_load(const struct conf *conf, struct certificate *ret, char *ret_why,
                     size_t why_size)
{
    struct certificate c = {.context = NULL};

    if (conf->tls_cert != NULL) {
        look(conf, c.files); /* before: should they change now, that is seen later */
        int r = tls_context_server(conf->tls_cert, conf->tls_key, &c.context, ret_why, why_size);
        if (r < 0) {
            return r;
        }
    }
    *ret = c;
    return 0;
}

void certificates_look(struct master *m)
{
    struct certificates *c = &m->certificates;
    struct file_stamp now[2];

    if (m->serving == NULL || m->serving->configuration == NULL ||
        m->serving->configuration->conf->tls_cert == NULL) {
        return;
    }
    look(m->serving->configuration->conf, now);
    bool rests = both_same(now, c->seen);
    c->seen[0] = now[0];
    c->seen[1] = now[1];
    if (!rests) {
        c->not_before = 0;
    } else if (!both_same(now, m->serving->certificate.files) &&
               c->not_before <= clock_monotonic()) {
        c->delay = c->not_before == 0 ? AGAIN_FIRST : c->delay * 2;
        c->delay = c->delay < AGAIN_MOST ? c->delay : AGAIN_MOST;
        c->not_before = clock_monotonic() + c->delay;
        reload_ask(m, RELOAD_CERTIFICATES, NULL, NULL);
    }
}
