/* Everything here runs on the loop but batch_apply, which the store thread runs. */
#include "store/batches.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/fatal.h"

/* Items that nobody waits for are gathered this long, unless the owner sets something else. */
#define GATHER (10 * USEC_MSEC)

enum batch_state {
    BATCH_POSTED,
    BATCH_RUNNING, /* the store thread has it */
    BATCH_ENDED,
};

/* Lives until its `done` call, which may come after the owner has gone. */
struct batch {
    struct batches *of; /* NULL when it was settled without the loop; the loop's alone */
    const struct batches_ops *ops;
    void *target;
    struct list work;
    struct batch_time time;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    enum batch_state state; /* under lock */
    int result;             /* under lock */
};

static void batch_start(void *arg);

void batches_init(struct batches *b, struct rt *rt, const struct batches_ops *ops, void *owner,
                  void *target)
{
    *b = (struct batches){.rt = rt, .ops = ops, .owner = owner, .target = target, .gather = GATHER};
    rt_later_init(&b->turn_end, batch_start, b);
    b->unawaited = (struct rt_timer){.fn = batch_start, .arg = b};
    list_init(&b->queued);
}

/* ---- gathering ---- */

static void begin_at(struct batches *b, usec_t when)
{
    if (b->rt != NULL && b->unawaited.heap_index == 0) {
        rt_timer_set(b->rt, &b->unawaited, when > b->not_before ? when : b->not_before);
    }
}

static void schedule(struct batches *b, bool awaited)
{
    if (b->rt == NULL) {
        return;
    }
    if (awaited) {
        b->awaited = true;
        rt_later_set(b->rt, &b->turn_end);
    } else {
        begin_at(b, rt_now_of(b->rt) + b->gather);
    }
}

void batches_push(struct batches *b, struct list *item, bool awaited)
{
    list_push_back(&b->queued, item);
    b->fresh = true;
    schedule(b, awaited);
}

void batches_again(struct batches *b, struct list *items, usec_t delay)
{
    if (delay > 0 && b->rt != NULL) {
        b->not_before = rt_now_of(b->rt) + delay;
        begin_at(b, b->not_before);
    }
    while (!list_empty(items)) {
        struct list *last = items->prev;
        list_remove(last);
        list_push_front(&b->queued, last);
    }
}

/* As many as go into a batch. */
static void move_queued(struct batches *b, struct list *to)
{
    for (size_t i = 0; !list_empty(&b->queued) && (b->most == 0 || i < b->most); i++) {
        struct list *item = list_pop_front(&b->queued);
        list_push_back(to, item);
        if (b->ops->taken != NULL) {
            b->ops->taken(b->owner, item);
        }
    }
    b->fresh = b->awaited = !list_empty(&b->queued); /* which is not to wait any longer */
}

/* ---- a batch ---- */

/* In the store thread. */
static int batch_apply(void *arg)
{
    struct batch *b = arg;
    pthread_mutex_lock(&b->lock);
    bool ours = b->state == BATCH_POSTED;
    if (ours) {
        b->state = BATCH_RUNNING;
    }
    pthread_mutex_unlock(&b->lock);
    if (!ours) {
        return -ECANCELED; /* batch_settle was faster, and has its own result */
    }

    int result = b->ops->apply(b->target, &b->work, &b->time);

    pthread_mutex_lock(&b->lock);
    b->result = result;
    b->state = BATCH_ENDED;
    pthread_cond_signal(&b->ended);
    pthread_mutex_unlock(&b->lock);
    return result;
}

static void batch_free(struct batch *b)
{
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->ended);
    free(b);
}

/* `result` counts, not b->result: the world may have failed the work without having it done. */
static void batch_done(void *arg, int result)
{
    struct batch *b = arg;
    struct batches *of = b->of;
    if (of != NULL) {
        of->in_flight = NULL;
        of->ops->ended(of->owner, &b->work, result);
        if (of->fresh) {
            schedule(of, of->awaited);
        }
    }
    batch_free(b);
}

static void batch_start(void *arg)
{
    struct batches *of = arg;
    if (of->in_flight != NULL || list_empty(&of->queued)) {
        return;
    }
    if (rt_now_of(of->rt) < of->not_before) {
        begin_at(of, of->not_before);
        return;
    }
    struct batch *b = xcalloc(1, sizeof(*b));
    b->of = of;
    b->ops = of->ops;
    b->target = of->target;
    b->time = of->time;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->ended, NULL);
    list_init(&b->work);
    move_queued(of, &b->work);
    rt_timer_clear(of->rt, &of->unawaited);
    of->in_flight = b;
    rt_post(of->rt, RT_CALL_STORE, batch_apply, batch_done, b);
}

/* ---- without the loop ---- */

/* Ends the batch in flight: takes it over where the store thread has not begun, and applies it
 * where `apply` is set; otherwise waits for the thread. */
static int batch_settle(struct batches *of, bool apply)
{
    struct batch *b = of->in_flight;
    pthread_mutex_lock(&b->lock);
    bool ours = b->state == BATCH_POSTED;
    if (ours) {
        b->state = BATCH_ENDED;
        b->result = apply ? b->ops->apply(b->target, &b->work, &b->time) : -ECANCELED;
    }
    while (b->state != BATCH_ENDED) {
        pthread_cond_wait(&b->ended, &b->lock);
    }
    int result = b->result;
    pthread_mutex_unlock(&b->lock);
    of->in_flight = NULL;
    b->of = NULL;
    of->ops->ended(of->owner, &b->work, result);
    return result;
}

/* The same with a batch of what is queued, which no thread has. */
static int settle_queued(struct batches *of, bool apply)
{
    struct list work;
    list_init(&work);
    move_queued(of, &work);
    int result = apply ? of->ops->apply(of->target, &work, &of->time) : -ECANCELED;
    of->ops->ended(of->owner, &work, result);
    return result;
}

static int settle(struct batches *b, bool apply, bool last)
{
    if (b->rt != NULL) {
        rt_later_clear(&b->turn_end);
        rt_timer_clear(b->rt, &b->unawaited);
    }
    int in_flight = b->in_flight != NULL ? batch_settle(b, apply) : 0;
    int rc = 0; /* what failed in flight is tried once more */
    b->ending = last;
    while (!list_empty(&b->queued) && (rc == 0 || last)) {
        int queued = settle_queued(b, apply);
        rc = rc == 0 ? queued : rc;
    }
    return rc < 0 ? rc : in_flight;
}

int batches_flush(struct batches *b)
{
    return settle(b, true, false);
}

void batches_end(struct batches *b, bool apply)
{
    (void)settle(b, apply, true);
    if (b->rt != NULL) {
        rt_timer_clear(b->rt, &b->unawaited); /* which giving back may have set */
    }
}
