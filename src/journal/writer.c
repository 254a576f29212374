/* The side of the writer that is fed: a queue of bounded size, and what is known of the rest. */
#include "journal/writer_impl.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "policy/policy.h"

#define STACK_SIZE ((size_t)512 * 1024)

/* ---- items ---- */

static struct item *item_new(enum item_kind kind, size_t octets)
{
    struct item *item = xmalloc(sizeof(*item) + octets);

    memset(item, 0, sizeof(*item));
    item->kind = kind;
    item->size = sizeof(*item) + octets;
    list_init(&item->list);
    arena_init(&item->arena);
    return item;
}

struct item *journal_item_free(struct item *item)
{
    if (item != NULL) {
        arena_free(&item->arena);
        free(item);
    }
    return NULL;
}

static struct slice item_copy(struct item *item, struct slice text)
{
    item->size += text.n;
    return arena_copy(&item->arena, text);
}

/* Takes the item over. The thread is woken by the first one, to look at the clock, and by the one
 * that makes a transaction full: not by each. */
static void push_locked(struct journal_writer *w, struct item *item)
{
    if (w->queued == 0) {
        w->first_time = clock_monotonic();
    }
    list_push_back(&w->queue, &item->list);
    w->state.waiting += item->size;
    w->queued++;
    if (w->queued == 1 || w->queued == BATCH_MOST) {
        pthread_cond_signal(&w->work);
    }
}

/* False: there is no room, and the item is gone. A policy always finds some: there is one a reload.
 */
static bool push(struct journal_writer *w, struct item *item)
{
    pthread_mutex_lock(&w->lock);
    bool room = item->kind == ITEM_POLICY || (w->state.waiting <= JOURNAL_WRITER_ROOM &&
                                              item->size <= JOURNAL_WRITER_ROOM - w->state.waiting);
    if (room) {
        push_locked(w, item);
    } else {
        (void)journal_item_free(item);
    }
    pthread_mutex_unlock(&w->lock);
    return room;
}

bool journal_writer_take(struct journal_writer *w, struct slice line)
{
    struct item *item = item_new(ITEM_LINE, line.n);
    char *octets = (char *)(item + 1);

    if (line.n > 0) {
        memcpy(octets, line.p, line.n);
    }
    item->line = (struct slice){octets, line.n};
    return push(w, item);
}

void journal_writer_expect(struct journal_writer *w, unsigned worker, uint64_t next)
{
    struct item *item = item_new(ITEM_EXPECT, 0);

    item->expect.worker = worker;
    item->expect.next = next;
    (void)push(w, item);
}

void journal_writer_policy(struct journal_writer *w, struct slice digest,
                           const struct journal_rule *rules, size_t count)
{
    struct item *item = item_new(ITEM_POLICY, 0);
    struct journal_rule *copy = arena_alloc(&item->arena, count * sizeof(*copy));

    for (size_t i = 0; i < count; i++) {
        copy[i] = (struct journal_rule){
            .phase = item_copy(item, rules[i].phase),
            .place = item_copy(item, rules[i].place),
            .label = item_copy(item, rules[i].label),
            .action = item_copy(item, rules[i].action),
            .observe = rules[i].observe,
            .text = item_copy(item, rules[i].text),
        };
    }
    item->policy.digest = item_copy(item, digest);
    item->policy.rules = copy;
    item->policy.count = count;
    (void)push(w, item);
}

void journal_writer_compiled(struct journal_writer *w, const struct policy *policy)
{
    struct journal_rule *rules = xcalloc(policy->rule_count + 1, sizeof(*rules));

    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *r = policy->rules[i];
        rules[i] = (struct journal_rule){
            .phase = slice_of(phase_name(r->phase)),
            .place = slice_of(r->where),
            .label = slice_of(r->label),
            .action = slice_of(actions[r->kind].name),
            .observe = r->observe,
            .text = r->written,
        };
    }
    journal_writer_policy(w, slice_of(policy->digest), rules, policy->rule_count);
    free(rules);
}

void journal_writer_health(struct journal_writer *w, struct slice name, struct slice state,
                           struct slice detail)
{
    struct item *item = item_new(ITEM_HEALTH, 0);

    item->health.name = item_copy(item, name);
    item->health.state = item_copy(item, state);
    item->health.detail = item_copy(item, detail);
    item->health.time = clock_wall();
    (void)push(w, item);
}

/* ---- what is known ---- */

void journal_writer_state(struct journal_writer *w, struct journal_writer_state *ret)
{
    pthread_mutex_lock(&w->lock);
    *ret = w->state;
    pthread_mutex_unlock(&w->lock);
}

bool journal_writer_said(struct journal_writer *w, struct journal_writer_said *ret)
{
    pthread_mutex_lock(&w->lock);
    bool any = w->said_count > 0;
    if (any) {
        *ret = w->said[0];
        w->said_count--;
        memmove(w->said, w->said + 1, w->said_count * sizeof(w->said[0]));
    }
    pthread_mutex_unlock(&w->lock);
    return any;
}

/* ---- beginning and end ---- */

static void init(struct journal_writer *w)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    list_init(&w->queue);
    list_init(&w->batch);
    arena_init(&w->arena);
}

static void free_items(struct list *items)
{
    struct list *it;

    while ((it = list_pop_front(items)) != NULL) {
        (void)journal_item_free(list_entry(it, struct item, list));
    }
}

static void writer_free(struct journal_writer *w)
{
    free_items(&w->queue);
    free_items(&w->batch);
    (void)journal_item_free(w->policy);
    streams_free(&w->streams);
    arena_free(&w->arena);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    free(w->db.path);
    free(w);
}

/* Signals are for the process's other threads. */
static int start_thread(struct journal_writer *w)
{
    pthread_attr_t attributes;
    sigset_t all, before;

    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&w->thread, &attributes, journal_writer_run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -r;
}

int journal_writer_start(const struct journal_writer_setup *setup, struct journal_writer **ret)
{
    struct journal_writer *w = xcalloc(1, sizeof(*w));

    init(w);
    w->setup = *setup;
    w->db.path = xstrdup(setup->path);
    w->setup.path = w->db.path;
    w->streams.run = setup->run;
    int r = start_thread(w);
    if (r < 0) {
        writer_free(w);
        return r;
    }
    *ret = w;
    return 0;
}

static size_t count_lines(const struct list *items)
{
    size_t count = 0;

    list_for_each (it, items) {
        count += list_entry(it, struct item, list)->kind == ITEM_LINE;
    }
    return count;
}

size_t journal_writer_end(struct journal_writer *w, usec_t patience)
{
    if (w == NULL) {
        return 0;
    }
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    w->end_by = clock_monotonic() + patience;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    size_t left = count_lines(&w->batch) + count_lines(&w->queue);
    writer_free(w);
    return left;
}
