/* Questions under way. A cell is found by its name and type, so that whoever asks the same
 * meanwhile joins it; what comes back goes into the cache, for all that ask later.
 *
 * A cell's life: it waits for its turn while the source has too much to do; the source has it; the
 * answer ends it. When its time is over first, whoever listens is told so, and so is everybody who
 * asks within the next seconds, by the cache; the source goes on, and an answer that comes after
 * all takes that one's place. Who asks again before it does joins the same cell, for another such
 * time. */
#include <stdlib.h>

#include "base/fatal.h"
#include "base/siphash.h"
#include "client/resolver_impl.h"

static void cell_unref(struct dns_cell *cell)
{
    if (--cell->refs == 0) {
        arena_free(&cell->arena);
        free(cell);
    }
}

/* ---- by name ---- */

static struct list *bucket_of(struct resolver *r, const struct dns_name *name, enum dns_type type)
{
    uint64_t hash = siphash24(r->secret, name->wire, name->n) + (uint64_t)type;
    return &r->cells.buckets[hash % DNS_BUCKETS];
}

static struct dns_cell *find_cell(struct resolver *r, const struct dns_name *name,
                                  enum dns_type type)
{
    list_for_each (it, bucket_of(r, name, type)) {
        struct dns_cell *cell = list_entry(it, struct dns_cell, link);
        if (cell->type == type && dns_name_eq(&cell->name, name)) {
            return cell;
        }
    }
    return NULL;
}

/* ---- turns ---- */

/* Nobody can find it any more; the reference of those under way goes with it. */
static void retire(struct dns_cell *cell)
{
    struct resolver *r = cell->resolver;
    rt_timer_clear(r->rt, &cell->limit);
    list_remove(&cell->link);
    if (!list_empty(&cell->queue)) {
        list_remove(&cell->queue);
        r->stats.waiting--;
    }
    cell_unref(cell);
}

static void hand_to_source(struct dns_cell *cell)
{
    struct resolver *r = cell->resolver;
    cell->asked = true;
    r->stats.under_way++;
    r->stats.asked++;
    r->source->ops->ask(r->source, cell);
}

static bool has_room(const struct resolver *r)
{
    uint64_t under_way = r->stats.under_way;
    return under_way - r->cells.late < DNS_IN_TIME_MOST && under_way < DNS_UNDER_WAY_MOST;
}

static void set_late(struct dns_cell *cell, bool late)
{
    struct dns_cells *cells = &cell->resolver->cells;
    cells->late -= cell->late;
    cells->late += late;
    cell->late = late;
}

/* Those that wait, as far as there is room. A source may answer at once, and so come here again. */
static void give_turns(struct resolver *r)
{
    struct dns_cells *cells = &r->cells;
    if (cells->giving || cells->ending) {
        return;
    }
    cells->giving = true;
    while (has_room(r) && !list_empty(&cells->waiting)) {
        struct dns_cell *cell = list_entry(cells->waiting.next, struct dns_cell, queue);
        if (cell->limit.heap_index > 0 && cell->limit.when <= rt_now_of(r->rt)) {
            break; /* its time is over in this very turn, and we come here again then */
        }
        list_remove(&cell->queue);
        r->stats.waiting--;
        if (list_empty(&cell->listeners)) {
            retire(cell); /* all have gone before it was asked */
        } else {
            hand_to_source(cell);
        }
    }
    cells->giving = false;
}

/* ---- ends ---- */

static void wake_listeners(struct dns_cell *cell)
{
    cell->ended = true;
    list_for_each_safe (it, next, &cell->listeners) {
        struct dns_listener *l = list_entry(it, struct dns_listener, link);
        if (l->changed != NULL) {
            cond_wake_all(l->changed);
        } else {
            l->fn(l->arg); /* which may let go of the cell, but of no other's place */
        }
    }
}

static const struct dns_answer timed_out = {.state = DNS_TIMED_OUT};

/* For others, and for what the probe may make of it. */
static void note(struct dns_cell *cell, const struct dns_answer *answer)
{
    struct resolver *r = cell->resolver;
    if (r->cells.ending) {
        return;
    }
    if (r->cache != NULL) {
        dns_cache_keep(r->cache, &cell->name, cell->type, answer, rt_now_of(r->rt));
    }
    resolver_probe_note(r, answer->state);
}

static void on_limit(void *arg)
{
    struct dns_cell *cell = arg;
    struct resolver *r = cell->resolver;
    r->stats.timed_out++;
    note(cell, &timed_out);
    cell->refs++;
    wake_listeners(cell);
    if (cell->asked) {
        set_late(cell, true);
    } else {
        retire(cell);
    }
    cell_unref(cell);
    give_turns(r);
}

void dns_cell_end(struct dns_cell *cell)
{
    struct resolver *r = cell->resolver;
    enum dns_state state = cell->answer.state;
    set_late(cell, false);
    r->stats.under_way--;
    r->stats.failed += state == DNS_FAILED || state == DNS_BOGUS;
    r->stats.timed_out += state == DNS_TIMED_OUT && !cell->ended;
    note(cell, &cell->answer);
    cell->answered = true;
    cell->refs++;
    if (!cell->ended) {
        wake_listeners(cell);
    }
    retire(cell);
    cell_unref(cell);
    give_turns(r);
}

/* ---- listening ---- */

static void begin_limit(struct dns_cell *cell)
{
    struct resolver *r = cell->resolver;
    if (r->question_time > 0) {
        cell->limit = (struct rt_timer){.fn = on_limit, .arg = cell};
        rt_timer_set(r->rt, &cell->limit, rt_now_of(r->rt) + r->question_time);
    }
}

/* A new one, in the queue; its one reference is that of those under way. */
static struct dns_cell *cell_new(struct resolver *r, const struct dns_name *name,
                                 enum dns_type type)
{
    struct dns_cell *cell = xcalloc(1, sizeof(*cell));
    cell->resolver = r;
    cell->name = *name;
    cell->type = type;
    cell->refs = 1;
    list_init(&cell->listeners);
    list_init(&cell->link);
    list_init(&cell->queue);
    list_init(&cell->source_link);
    arena_init(&cell->arena);
    list_push_back(bucket_of(r, name, type), &cell->link);
    list_push_back(&r->cells.waiting, &cell->queue);
    r->stats.waiting++;
    begin_limit(cell);
    return cell;
}

bool dns_cells_known(struct resolver *r, const struct dns_name *name, enum dns_type type,
                     struct arena *arena, struct dns_answer *ret)
{
    if (r->source == NULL) {
        *ret = (struct dns_answer){.state = DNS_FAILED};
        return true;
    }
    if (r->cache == NULL || !dns_cache_find(r->cache, name, type, rt_now_of(r->rt), arena, ret)) {
        return false;
    }
    r->stats.cached++;
    return true;
}

void dns_listener_begin(struct dns_listener *l, struct resolver *r, const struct dns_name *name,
                        enum dns_type type, struct arena *arena)
{
    l->cell = NULL;
    if (dns_cells_known(r, name, type, arena, &l->known)) {
        return;
    }
    struct dns_cell *cell = find_cell(r, name, type);
    if (cell == NULL) {
        cell = cell_new(r, name, type);
    } else {
        r->stats.joined++;
        if (cell->ended) { /* its time was over, and the source has not answered yet */
            cell->ended = false;
            set_late(cell, false);
            begin_limit(cell);
        }
    }
    l->cell = cell;
    cell->refs++;
    r->cells.listeners++;
    list_push_back(&cell->listeners, &l->link);
    give_turns(r);
}

bool dns_listener_heard(const struct dns_listener *l)
{
    return l->cell == NULL || l->cell->ended;
}

enum dns_state dns_listener_state(const struct dns_listener *l)
{
    return l->cell == NULL     ? l->known.state
           : l->cell->answered ? l->cell->answer.state
                               : DNS_TIMED_OUT;
}

void dns_listener_take(const struct dns_listener *l, struct arena *arena, struct dns_answer *ret)
{
    const struct dns_cell *cell = l->cell;
    if (cell == NULL) {
        *ret = l->known;
        return;
    }
    if (!cell->answered) {
        *ret = timed_out;
        return;
    }
    *ret = cell->answer;
    if (ret->canonical != NULL) {
        ret->canonical = dns_name_copy(arena, ret->canonical);
    }
    if (ret->count > 0) {
        ret->records = dns_records_copy(arena, cell->type, ret->records, ret->count);
    }
}

void dns_listener_end(struct dns_listener *l)
{
    if (l->cell != NULL) {
        l->cell->resolver->cells.listeners--;
        list_remove(&l->link);
        cell_unref(l->cell);
        l->cell = NULL;
    }
}

/* ---- all of them ---- */

void dns_cells_init(struct dns_cells *c)
{
    *c = (struct dns_cells){0};
    for (size_t i = 0; i < DNS_BUCKETS; i++) {
        list_init(&c->buckets[i]);
    }
    list_init(&c->waiting);
}

void dns_cells_end(struct resolver *r)
{
    struct dns_cells *cells = &r->cells;
    cells->ending = true;
    if (cells->listeners > 0) {
        panic("a resolver was ended while a task waited for it");
    }
    while (!list_empty(&cells->waiting)) {
        retire(list_entry(cells->waiting.next, struct dns_cell, queue));
    }
    if (r->source != NULL) {
        r->source->ops->free(r->source);
    }
}
