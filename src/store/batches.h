/* Inside src/store only: work for the store thread, gathered and given to it in batches, one at a
 * time. What the work is means nothing here: items of a list that the owner makes, and that its
 * `apply` reads in the thread. */
#pragma once

#include <stdbool.h>

#include "base/list.h"
#include "rt/rt.h"

/* What the thread is told of the time when a batch begins. */
struct batch_time {
    usec_t wall;
    bool steady; /* the clock has not jumped for a while, see store/wall_watch.h */
};

struct batches_ops {
    /* All of `work`, or nothing: 0 or a negative errno. In the store thread, where only what
     * belongs to it and what was queued may be touched. */
    int (*apply)(void *target, const struct list *work, const struct batch_time *time);

    /* On the loop, where not NULL: the item is in no queue any more, but on its way. */
    void (*taken)(void *owner, struct list *item);

    /* On the loop: takes all items out of `work`; may give them back by batches_again. */
    void (*ended)(void *owner, struct list *work, int result);
};

struct batch;

struct batches {
    struct rt *rt; /* NULL: no loop; batches_flush applies */
    const struct batches_ops *ops;
    void *owner;  /* of `ended` */
    void *target; /* of `apply`; outlives the batches */
    struct batch_time time;
    size_t most;        /* items in a batch; 0: all there are */
    usec_t gather;      /* items that nobody waits for are gathered so long */
    struct list queued; /* oldest first */
    struct batch *in_flight;
    usec_t not_before;         /* rt_now's clock: no batch begins earlier */
    bool ending;               /* `ended` is to give nothing back */
    bool fresh;                /* something was queued since the last batch began, or left */
    bool awaited;              /* somebody waits for what is queued */
    struct rt_later turn_end;  /* begins a batch with all that this turn has queued */
    struct rt_timer unawaited; /* begins one when nobody has waited for one for a while */
};

void batches_init(struct batches *b, struct rt *rt, const struct batches_ops *ops, void *owner,
                  void *target);

/* Queues an item. A batch costs two switches of threads, so items are gathered: those that somebody
 * waits for until the end of the turn, others for some milliseconds or until the next such. */
void batches_push(struct batches *b, struct list *item, bool awaited);

/* From `ended`, unless `ending`: these, in their order, come before all others, with the next
 * batch. That is begun after `delay`, and none before; 0: with whatever is queued next. */
void batches_again(struct batches *b, struct list *items, usec_t delay);

/* Applies all that is queued and waits for it in the calling thread: 0 or the first error. */
int batches_flush(struct batches *b);

/* Waits for the batch in flight. Where `apply` is not set the others, and what the thread has not
 * begun, end with -ECANCELED, as when a process is killed. Then nothing is queued or in flight. */
void batches_end(struct batches *b, bool apply);
