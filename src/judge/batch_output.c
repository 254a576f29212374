/* See judge/batch_output.h. */
#include "judge/batch_output.h"

#include <errno.h>
#include <unistd.h>

void batch_order_init(struct batch_order *o)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;
    *o = (struct batch_order){.turn = 0};
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&o->lock, &mutex);
    pthread_mutexattr_destroy(&mutex);
    pthread_condattr_init(&cond);
    pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&o->moved, &cond);
    pthread_condattr_destroy(&cond);
}

int batch_write(int to, struct slice text)
{
    while (text.n > 0) {
        ssize_t n = write(to, text.p, text.n);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        text.p += n > 0 ? n : 0;
        text.n -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Is it the first one's turn? Waits for it with `wait`. False also after an error. */
static bool is_turn(struct batch_output *o, bool wait)
{
    struct batch_order *order = o->order;
    pthread_mutex_lock(&order->lock);
    while (wait && order->error == 0 && order->turn != o->waiting[0].number) {
        pthread_cond_wait(&order->moved, &order->lock);
    }
    bool turn = order->error == 0 && order->turn == o->waiting[0].number;
    pthread_mutex_unlock(&order->lock);
    return turn;
}

/* Nobody else writes while it is our turn. */
static void write_first(struct batch_output *o)
{
    struct waiting_chunk *first = &o->waiting[0];
    int error = batch_write(o->to, buf_slice(&first->text));
    pthread_mutex_lock(&o->order->lock);
    o->order->error = error;
    o->order->turn++;
    pthread_cond_broadcast(&o->order->moved);
    pthread_mutex_unlock(&o->order->lock);
    o->octets -= first->text.n;
    buf_free(&first->text);
    o->count--;
    memmove(&o->waiting[0], &o->waiting[1], o->count * sizeof(o->waiting[0]));
}

static bool went_wrong(struct batch_output *o)
{
    pthread_mutex_lock(&o->order->lock);
    bool wrong = o->order->error != 0;
    pthread_mutex_unlock(&o->order->lock);
    return wrong;
}

bool batch_output_add(struct batch_output *o, uint64_t number, struct buf *text)
{
    o->waiting[o->count++] = (struct waiting_chunk){.number = number, .text = *text};
    o->octets += text->n;
    *text = (struct buf){0};
    bool full = true;
    while (o->count > 0 && full) {
        full = o->count == BATCH_WAITING_CHUNKS || o->octets > BATCH_WAITING_OCTETS;
        if (is_turn(o, full)) {
            write_first(o);
            full = true; /* perhaps the next one's turn has come, too */
        } else if (full) {
            return false;
        }
    }
    return !went_wrong(o);
}

bool batch_output_end(struct batch_output *o)
{
    while (o->count > 0 && is_turn(o, true)) {
        write_first(o);
    }
    for (size_t i = 0; i < o->count; i++) {
        buf_free(&o->waiting[i].text);
    }
    o->count = 0;
    return !went_wrong(o);
}
