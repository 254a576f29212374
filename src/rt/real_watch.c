/* A descriptor that is not a stream: told of once, when it can be read. */
#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "rt/real.h"
#include "rt/real_impl.h"

struct real_watch {
    struct real *world;
    struct event *event;
    void (*fn)(void *arg);
    void *arg;
};

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct real_watch *w = arg;

    (void)fd;
    (void)what;
    real_tick(w->world);
    w->fn(w->arg);
}

struct real_watch *real_watch_new(struct rt *rt, int fd, void (*fn)(void *arg), void *arg)
{
    struct real_watch *w = xcalloc(1, sizeof(*w));

    *w = (struct real_watch){.world = (struct real *)rt, .fn = fn, .arg = arg};
    w->event = event_new(w->world->base, fd, EV_READ, on_readable, w);
    if (w->event == NULL) {
        fatal("out of memory for what the loop watches");
    }
    return w;
}

int real_watch_once(struct real_watch *w)
{
    return event_add(w->event, NULL) == 0 ? 0 : -EIO;
}

struct real_watch *real_watch_free(struct real_watch *w)
{
    if (w != NULL) {
        event_free(w->event);
        free(w);
    }
    return NULL;
}
