/* Coroutines on libboost-context, and the scheduler that runs them. */
#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/sanitizer.h"
#include "rt/rt_impl.h"

#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

/* libboost-context's C linkage, declared here because its header is C++. */
typedef void *fcontext_t;
struct transfer {
    fcontext_t from;
    void *data;
};
struct transfer jump_fcontext(fcontext_t to, void *data);
fcontext_t make_fcontext(void *stack_top, size_t size, void (*fn)(struct transfer));

/* Pieces of a stream that a task may read in one turn of the loop: of a client's commands so many
 * hold some thousands, which take milliseconds. */
#define BUSY_MOST 8

enum task_state { TASK_READY, TASK_RUNNING, TASK_PARKED, TASK_ENDED };

struct task {
    struct rt *rt;
    struct list link;       /* in the ready queue, or where it waits */
    struct list scope_link; /* in scope->inside */
    struct list trim_link;  /* in rt->untrimmed */
    struct scope *scope;    /* innermost */
    struct scope *spawned_in;
    struct stack *stack;
    fcontext_t context; /* its own when it does not run, the scheduler's when it does */
    void *fake_stack;
    void (*fn)(void *arg);
    void *arg;
    struct rt_timer timer; /* armed lazily: may fire earlier than `deadline` */
    usec_t deadline;
    usec_t parked_since;
    usec_t busy_since; /* the turn in which it has not had to wait ... */
    unsigned busy;     /* ... so often */
    int result;
    enum task_state state;
    bool cancellable;
};

static _Thread_local struct rt *self;

struct rt *rt_self(void)
{
    return self;
}

struct task *task_self(void)
{
    return self->current;
}

struct scope **task_scope(struct task *t)
{
    return &t->scope;
}

struct list *task_scope_link(struct task *t)
{
    return &t->scope_link;
}

struct task *task_from_scope_link(struct list *link)
{
    return list_entry(link, struct task, scope_link);
}

struct task *task_from_link(struct list *link)
{
    return list_entry(link, struct task, link);
}

/* ---- switching ---- */

static void switch_begin(void **fake_stack, const void *bottom, size_t size)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(fake_stack, bottom, size);
#else
    (void)fake_stack;
    (void)bottom;
    (void)size;
#endif
}

static void switch_end(void *fake_stack, const void **bottom, size_t *size)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, bottom, size);
#else
    (void)fake_stack;
    (void)bottom;
    (void)size;
#endif
}

/* From a task to the scheduler; returns when the task is resumed, never when it has ended. */
static void switch_out(struct task *t)
{
    struct rt *rt = t->rt;
    switch_begin(t->state == TASK_ENDED ? NULL : &t->fake_stack, rt->main_stack,
                 rt->main_stack_size);
    struct transfer back = jump_fcontext(t->context, t);
    switch_end(t->fake_stack, &rt->main_stack, &rt->main_stack_size);
    t->context = back.from;
}

static void task_main(struct transfer first)
{
    struct task *t = first.data;
    switch_end(NULL, &t->rt->main_stack, &t->rt->main_stack_size);
    t->context = first.from;
    t->fn(t->arg);
    if (t->scope != t->spawned_in) {
        panic("a task ended inside a scope that it had entered");
    }
    t->state = TASK_ENDED;
    switch_out(t);
}

static void task_free(struct task *t)
{
    struct rt *rt = t->rt;
    struct scope *s = t->spawned_in;
    list_remove(&t->scope_link);
    list_remove(&t->trim_link);
    rt_timer_clear(rt, &t->timer);
    s->spawned--;
    if (s->spawned == 0) {
        list_for_each_safe (it, next, &s->joiners) {
            task_wake(task_from_link(it), 0);
        }
    }
    rt->stats.tasks--;
    stack_put(&rt->stacks, t->stack, &rt->stats);
}

static void resume(struct rt *rt, struct task *t)
{
    t->state = TASK_RUNNING;
    rt->current = t;
    rt->stats.switches++;
    switch_begin(&rt->main_fake_stack, t->stack->base, t->stack->size);
    struct transfer back = jump_fcontext(t->context, t);
    switch_end(rt->main_fake_stack, NULL, NULL);
    rt->current = NULL;
    t->context = back.from;
    if (t->state == TASK_ENDED) {
        task_free(t);
    }
}

void rt_run_ready(struct rt *rt, unsigned most)
{
    struct rt *before = self;
    self = rt;
    struct list *link;
    while (most-- > 0 && (link = list_pop_front(&rt->ready)) != NULL) {
        resume(rt, task_from_link(link));
    }
    self = before;
    while ((link = list_pop_front(&rt->later)) != NULL) {
        struct rt_later *l = list_entry(link, struct rt_later, link);
        l->fn(l->arg);
    }
}

/* ---- waiting ---- */

bool task_cancelled(const struct task *t)
{
    if (t->rt->dead) {
        return true;
    }
    for (const struct scope *s = t->scope; s != NULL; s = s->parent) {
        if (s->cancelled != 0) {
            return true;
        }
        if (s->shield) {
            return false;
        }
    }
    return false;
}

int task_await(void)
{
    struct rt *rt = self;
    rt->stats.awaits++;
    if (rt->ops->await != NULL) {
        rt->ops->await(rt);
    }
    return task_cancelled(rt->current) ? -ECANCELED : 0;
}

static void on_task_timer(void *arg)
{
    struct task *t = arg;
    if (t->state != TASK_PARKED || t->deadline == USEC_NEVER) {
        return;
    }
    if (t->deadline <= t->rt->now) {
        task_wake(t, -ETIMEDOUT);
    } else {
        rt_timer_set(t->rt, &t->timer, t->deadline);
    }
}

/* A timer that is armed for an earlier time is left alone: most waits end long before their
 * deadline, and re-arming at each would cost more than one early firing now and then. */
static void arm_deadline(struct task *t, usec_t deadline)
{
    t->deadline = deadline;
    if (deadline != USEC_NEVER && (t->timer.heap_index == 0 || t->timer.when > deadline)) {
        rt_timer_set(t->rt, &t->timer, deadline);
    }
}

int task_park(struct list *queue, usec_t deadline, bool cancellable)
{
    struct rt *rt = self;
    struct task *t = rt->current;
    if (cancellable && task_cancelled(t)) {
        return -ECANCELED;
    }
    if (deadline <= rt->now) {
        return -ETIMEDOUT;
    }
    arm_deadline(t, deadline);
    t->parked_since = rt->now;
    t->cancellable = cancellable;
    t->state = TASK_PARKED;
    if (queue != NULL) {
        list_push_back(queue, &t->link);
    }
    if (list_empty(&t->trim_link)) {
        list_push_back(&rt->untrimmed, &t->trim_link);
        if (rt->trim.heap_index == 0) {
            rt_timer_set(rt, &rt->trim, rt->now + RT_STACK_TRIM_AFTER);
        }
    }
    switch_out(t);
    return t->result;
}

void task_wake(struct task *t, int result)
{
    if (t->state != TASK_PARKED || (result == -ECANCELED && !t->cancellable)) {
        return;
    }
    list_remove(&t->link);
    t->result = result;
    t->state = TASK_READY;
    list_push_back(&t->rt->ready, &t->link);
}

/* ---- the runtime ---- */

static void kill_inside(struct scope *s)
{
    list_for_each_safe (it, next, &s->inside) {
        task_wake(task_from_scope_link(it), -ECANCELED);
    }
    list_for_each (it, &s->children) {
        kill_inside(list_entry(it, struct scope, sibling));
    }
}

void rt_kill_parked(struct rt *rt)
{
    kill_inside(&rt->root);
}

static void on_trim_timer(void *arg)
{
    struct rt *rt = arg;
    list_for_each_safe (it, next, &rt->untrimmed) {
        struct task *t = list_entry(it, struct task, trim_link);
        if (t->state == TASK_PARKED && rt->now - t->parked_since >= RT_STACK_TRIM_AFTER) {
            stack_trim(t->stack, t->context);
            list_remove(&t->trim_link);
        }
    }
    if (!list_empty(&rt->untrimmed)) {
        rt_timer_set(rt, &rt->trim, rt->now + RT_STACK_TRIM_AFTER);
    }
}

void rt_init(struct rt *rt, const struct world_ops *ops)
{
    *rt = (struct rt){.ops = ops};
    list_init(&rt->ready);
    list_init(&rt->later);
    list_init(&rt->untrimmed);
    list_init(&rt->stacks.kept);
    scope_init(&rt->root, NULL);
    rt->trim = (struct rt_timer){.fn = on_trim_timer, .arg = rt};
}

void rt_fini(struct rt *rt)
{
    if (rt->root.spawned != 0) {
        panic("a runtime was ended while %u tasks lived", rt->root.spawned);
    }
    stack_pool_free(&rt->stacks, &rt->stats);
    free(rt->timers.items);
}

struct scope *rt_root_of(struct rt *rt)
{
    return &rt->root;
}

const struct rt_stats *rt_stats(const struct rt *rt)
{
    return &rt->stats;
}

usec_t rt_now(void)
{
    return self->now;
}

usec_t rt_wall(void)
{
    return self->ops->wall(self);
}

usec_t rt_now_of(const struct rt *rt)
{
    return rt->now;
}

usec_t rt_wall_of(struct rt *rt)
{
    return rt->ops->wall(rt);
}

void rt_random_of(struct rt *rt, void *ret, size_t n)
{
    rt->ops->random(rt, ret, n);
}

void rt_random(void *ret, size_t n)
{
    self->ops->random(self, ret, n);
}

/* ---- tasks and conditions ---- */

int task_spawn(struct rt *rt, struct scope *scope, void (*fn)(void *arg), void *arg)
{
    struct stack *stack = stack_get(&rt->stacks, &rt->stats);
    if (stack == NULL) {
        return -ENOMEM;
    }
    /* The task lies at the top of its own stack: one mapping holds both. */
    uintptr_t top = ((uintptr_t)stack->base + stack->size - sizeof(struct task)) & ~(uintptr_t)63;
    struct task *t = (struct task *)top;
    *t = (struct task){.rt = rt, .scope = scope, .spawned_in = scope, .stack = stack, .fn = fn};
    t->arg = arg;
    t->timer = (struct rt_timer){.fn = on_task_timer, .arg = t};
    t->context = make_fcontext(t, top - (uintptr_t)stack->base, task_main);
    list_init(&t->trim_link);
    list_push_back(&scope->inside, &t->scope_link);
    list_push_back(&rt->ready, &t->link);
    scope->spawned++;
    rt->stats.tasks++;
    return 0;
}

int task_sleep(usec_t deadline)
{
    int r = task_await();
    if (r == 0) {
        r = task_park(NULL, deadline, true);
    }
    return r == -ETIMEDOUT ? 0 : r;
}

int task_give_way(usec_t deadline)
{
    struct task *t = self->current;
    if (t->busy_since != self->now) {
        t->busy_since = self->now;
        t->busy = 0;
    }
    if (t->busy++ < BUSY_MOST) {
        return 0;
    }
    int r = task_sleep(self->now + 1);
    return r < 0 ? r : self->now >= deadline ? -ETIMEDOUT : 0;
}

int task_yield(void)
{
    int r = task_await();
    if (r < 0) {
        return r;
    }
    struct task *t = self->current;
    t->state = TASK_READY;
    list_push_back(&self->ready, &t->link);
    switch_out(t);
    return task_cancelled(t) ? -ECANCELED : 0;
}

void cond_init(struct cond *c)
{
    list_init(&c->waiting);
}

int cond_wait(struct cond *c, usec_t deadline)
{
    int r = task_await();
    return r < 0 ? r : task_park(&c->waiting, deadline, true);
}

void cond_wake_one(struct cond *c)
{
    if (!list_empty(&c->waiting)) {
        task_wake(task_from_link(c->waiting.next), 0);
    }
}

void cond_wake_all(struct cond *c)
{
    while (!list_empty(&c->waiting)) {
        task_wake(task_from_link(c->waiting.next), 0);
    }
}

/* ---- work in a thread ---- */

struct call {
    struct task *task;
    int (*fn)(void *arg);
    void *arg;
    int result;
    bool done;
};

static int call_run(void *arg)
{
    struct call *c = arg;
    return c->fn(c->arg);
}

static void call_done(void *arg, int result)
{
    struct call *c = arg;
    c->result = result;
    c->done = true;
    task_wake(c->task, 0);
}

int rt_call(enum rt_call_kind kind, int (*fn)(void *arg), void *arg)
{
    int r = task_await();
    if (r < 0) {
        return r;
    }
    struct call c = {.task = self->current, .fn = fn, .arg = arg};
    self->ops->post(self, kind, call_run, call_done, &c);
    while (!c.done) {
        task_park(NULL, USEC_NEVER, false);
    }
    return c.result;
}

void rt_post(struct rt *rt, enum rt_call_kind kind, int (*fn)(void *arg),
             void (*done)(void *arg, int result), void *arg)
{
    rt->ops->post(rt, kind, fn, done, arg);
}

/* ---- the end of a turn ---- */

void rt_later_init(struct rt_later *l, void (*fn)(void *arg), void *arg)
{
    *l = (struct rt_later){.fn = fn, .arg = arg};
    list_init(&l->link);
}

void rt_later_set(struct rt *rt, struct rt_later *l)
{
    if (list_empty(&l->link)) {
        list_push_back(&rt->later, &l->link);
    }
}

void rt_later_clear(struct rt_later *l)
{
    list_remove(&l->link);
}

int stream_connect(const struct addr *to, usec_t deadline, struct stream **ret)
{
    int r = task_await();
    return r < 0 ? r : self->ops->connect(self, to, deadline, ret);
}

int stream_connect_path(const char *path, usec_t deadline, struct stream **ret)
{
    int r = task_await();
    return r < 0 ? r : self->ops->connect_path(self, path, deadline, ret);
}
