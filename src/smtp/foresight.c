/* See smtp/foresight.h. */
#include "smtp/foresight.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "policy/ahead.h"
#include "smtp/session.h"

struct foresight {
    struct list link; /* in server->foresights */
    struct smtp_server *server;
    struct evidence evidence;
    struct arena arena;
    struct scope *scope; /* the task's, while it can be cancelled */
};

usec_t foresight_at(const struct guest *g, usec_t until)
{
    const struct smtp_server *srv = g->server;
    const usec_t whole = until - g->began;
    const usec_t most = whole - whole / 4;

    if (srv->lists == NULL || !srv->asks_ahead || g->early) {
        return until;
    }
    return until - (most < FORESIGHT_TIME ? most : FORESIGHT_TIME);
}

static void foresee(void *arg)
{
    struct foresight *f = arg;
    struct scope scope;

    scope_enter(&scope);
    f->scope = &scope;
    if (!f->server->draining) {
        (void)policy_ask_ahead(f->server->policy, &f->evidence);
    }
    f->scope = NULL;
    scope_leave(&scope);
    list_remove(&f->link);
    f->server->foresight_count--;
    arena_free(&f->arena);
    free(f);
}

void foresight_begin(const struct guest *g)
{
    struct smtp_server *srv = g->server;

    if (srv->draining || srv->foresight_count >= FORESIGHTS_MOST) {
        return;
    }
    struct foresight *f = xcalloc(1, sizeof(*f));
    f->server = srv;
    arena_init(&f->arena);
    guest_evidence(g, &f->evidence);
    f->evidence.counters = NULL;
    f->evidence.resolver = srv->resolver;
    f->evidence.lists = srv->lists;
    f->evidence.arena = f->evidence.connection_arena = f->evidence.helo_arena = &f->arena;
    f->evidence.memos[SCOPE_CONNECTION] =
        fact_memo_new(&f->arena, srv->policy->use_count[SCOPE_CONNECTION]);
    if (task_spawn(srv->rt, rt_root_of(srv->rt), foresee, f) < 0) {
        arena_free(&f->arena);
        free(f);
        return;
    }
    list_init(&f->link);
    list_push_back(&srv->foresights, &f->link);
    srv->foresight_count++;
    srv->counts->asked_ahead++;
}

void foresights_drain(struct smtp_server *srv)
{
    list_for_each (it, &srv->foresights) {
        struct foresight *f = list_entry(it, struct foresight, link);
        if (f->scope != NULL) {
            scope_cancel(f->scope, -ESHUTDOWN);
        }
    }
}
