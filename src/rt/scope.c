/* Scopes: who is cancelled together, and who is shielded from it. */
#include <errno.h>

#include "base/fatal.h"
#include "rt/rt_impl.h"

void scope_init(struct scope *s, struct scope *parent)
{
    *s = (struct scope){.parent = parent};
    list_init(&s->children);
    list_init(&s->sibling);
    list_init(&s->inside);
    list_init(&s->joiners);
    if (parent != NULL) {
        list_push_back(&parent->children, &s->sibling);
    }
}

static void enter(struct scope *s, bool shield)
{
    struct task *t = task_self();
    scope_init(s, *task_scope(t));
    s->shield = shield;
    *task_scope(t) = s;
    list_remove(task_scope_link(t));
    list_push_back(&s->inside, task_scope_link(t));
}

void scope_enter(struct scope *s)
{
    enter(s, false);
}

void scope_enter_shield(struct scope *s)
{
    enter(s, true);
}

void scope_leave(struct scope *s)
{
    struct task *t = task_self();
    if (*task_scope(t) != s || s->spawned != 0 || !list_empty(&s->children)) {
        panic("a scope was left while something was still inside it");
    }
    *task_scope(t) = s->parent;
    list_remove(task_scope_link(t));
    list_push_back(&s->parent->inside, task_scope_link(t));
    list_remove(&s->sibling);
}

static void wake_inside(struct scope *s)
{
    list_for_each_safe (it, next, &s->inside) {
        task_wake(task_from_scope_link(it), -ECANCELED);
    }
    list_for_each (it, &s->children) {
        struct scope *child = list_entry(it, struct scope, sibling);
        if (!child->shield) {
            wake_inside(child);
        }
    }
}

void scope_cancel(struct scope *s, int reason)
{
    if (s->cancelled == 0) {
        s->cancelled = reason;
        wake_inside(s);
    }
}

void scope_join(struct scope *s)
{
    while (s->spawned > 0) {
        task_park(&s->joiners, USEC_NEVER, false);
    }
}

int scope_reason(void)
{
    for (const struct scope *s = *task_scope(task_self()); s != NULL; s = s->parent) {
        if (s->cancelled != 0) {
            return s->cancelled;
        }
        if (s->shield) {
            return 0;
        }
    }
    return 0;
}
