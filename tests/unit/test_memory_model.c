/* Random operations on the memory against a simple model of it, over both back ends: several
 * handles, each with what it has queued; adding, putting, forgetting, finding, all of them; time
 * that passes; records that end and are purged; batches that fail; handles that are closed and
 * killed.
 *
 * With GATEPOST_TEST_ALL=1 100,000 operations for each back end, else a tenth. */
#include "memory_world.h"
#include "process_world.h"

#include <math.h>

#include "store/memory_impl.h"

#define HANDLES 3
#define NAMES   60 /* of each kind */

/* Long enough for what is queued to be applied, and tried again. */
#define SETTLES (3 * USEC_SEC)

/* What is to be found under one name. */
struct entry {
    bool there;
    double tally[TALLY_COUNT], rate[RATE_COUNT]; /* at `last` */
    usec_t first, last, returned, until;
    uint32_t day, days;
    char note[32];
    int pending; /* the handle that has changes queued for it, plus one; 0: none */
};

struct world {
    struct sim *sim;
    struct rt *rt;
    const char *folder;             /* NULL: plain memory */
    struct memory_backend *backend; /* LMDB's, for all handles */
    struct memory_shared *shared;   /* plain memory's */
    struct memory *handle[HANDLES];
    struct entry entry[RECORD_KINDS][NAMES];
    int operations;
    unsigned found, missed, failed, reopened;
};

/* ---- one LMDB environment for several handles of one process ---- */

struct proxy {
    struct memory_backend backend;
    struct memory_backend *real;
};

static struct memory_backend *real_of(struct memory_backend *b)
{
    return container_of(b, struct proxy, backend)->real;
}

static int proxy_get(struct memory_backend *b, const struct memory_key *key,
                     uint8_t ret[static RECORD_OCTETS_MAX], size_t *ret_n)
{
    return real_of(b)->ops->get(real_of(b), key, ret, ret_n);
}

static uint64_t proxy_version(struct memory_backend *b)
{
    return real_of(b)->ops->version(real_of(b));
}

static int proxy_apply(struct memory_backend *b, const struct list *changes,
                       const struct batch_time *time)
{
    return real_of(b)->ops->apply(real_of(b), changes, time);
}

static int proxy_each(struct memory_backend *b, int (*fn)(void *arg, const uint8_t *p, size_t n),
                      void *arg)
{
    return real_of(b)->ops->each(real_of(b), fn, arg);
}

static void proxy_figures(struct memory_backend *b, uint64_t *ret_records, uint64_t *ret_octets)
{
    real_of(b)->ops->figures(real_of(b), ret_records, ret_octets);
}

static void proxy_close(struct memory_backend *b)
{
    free(container_of(b, struct proxy, backend));
}

static const struct memory_backend_ops proxy_ops = {
    .get = proxy_get,
    .version = proxy_version,
    .apply = proxy_apply,
    .each = proxy_each,
    .figures = proxy_figures,
    .close = proxy_close,
};

static struct memory *open_handle(struct world *w)
{
    if (w->folder == NULL) {
        return memory_open_plain(w->rt, &memory_roomy, &w->shared);
    }
    struct proxy *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    p->backend.ops = &proxy_ops;
    p->backend.setup = memory_roomy;
    p->real = w->backend;
    return memory_new(w->rt, &p->backend);
}

/* ---- the model ---- */

static usec_t expires(int kind, const struct entry *e)
{
    const struct record_rules *rules = &memory_roomy.rules;
    switch (kind) {
    case RECORD_BAN: return e->until;
    case RECORD_DEFERRAL:
        return e->returned ? e->returned + rules->returned_time : e->first + rules->window;
    case RECORD_CORRESPONDENT: return e->last + 400 * DAY;
    case RECORD_RECIPIENT: return e->last + 7 * DAY;
    case RECORD_CLIENT: return e->last + (e->note[0] ? rules->returned_time : 7 * DAY);
    default: return e->last + (e->days || e->returned ? 400 : 60) * DAY;
    }
}

static void model_decay(struct entry *e, usec_t wall)
{
    double since = (double)(wall - e->last);
    for (int i = 0; i < TALLY_COUNT; i++) {
        e->tally[i] *= pow(0.5, since / (double)memory_roomy.rules.half_life);
    }
    for (int i = 0; i < RATE_COUNT; i++) {
        e->rate[i] *= exp(-since / (double)HOUR);
    }
    e->last = wall;
}

static void model_put(struct entry *e, const struct record *r)
{
    int pending = e->pending;
    *e = (struct entry){.there = true,
                        .first = r->first,
                        .last = r->last,
                        .returned = r->returned,
                        .until = r->until,
                        .day = r->day,
                        .days = r->days,
                        .pending = pending};
    for (int i = 0; i < TALLY_COUNT; i++) {
        e->tally[i] = (double)r->tally[i];
    }
    for (int i = 0; i < RATE_COUNT; i++) {
        e->rate[i] = (double)r->rate[i];
    }
    memcpy(e->note, r->note, r->note_n);
}

static void model_add(struct entry *e, const struct record *d)
{
    if (!e->there || expires(d->kind, e) <= d->last) {
        model_put(e, d);
        return;
    }
    model_decay(e, d->last);
    for (int i = 0; i < TALLY_COUNT; i++) {
        e->tally[i] += (double)d->tally[i];
    }
    for (int i = 0; i < RATE_COUNT; i++) {
        e->rate[i] += (double)d->rate[i];
    }
    e->returned = d->returned ? d->returned : e->returned;
    e->until = d->until > e->until ? d->until : e->until;
    if (d->days > 0 && d->day != e->day) {
        e->days++;
        e->day = d->day;
    }
    if (d->note_n > 0) {
        memset(e->note, 0, sizeof(e->note));
        memcpy(e->note, d->note, d->note_n);
    }
}

static void assert_about(double is, double wanted)
{
    if (fabs(is - wanted) > 1e-3 * wanted + 1e-3) {
        fail_msg("%.9g is not about %.9g", is, wanted);
    }
}

static void compare(const struct record *r, struct entry e, usec_t wall)
{
    assert_int_equal(r->first, e.first);
    assert_int_equal(r->returned, e.returned);
    assert_int_equal(r->until, e.until);
    assert_int_equal(r->day, e.day);
    assert_int_equal(r->days, e.days);
    assert_true(slice_eq(record_note(r), slice_of(e.note)));
    model_decay(&e, wall);
    assert_int_equal(r->last, wall);
    for (int i = 0; i < TALLY_COUNT; i++) {
        assert_about((double)r->tally[i], e.tally[i]);
    }
    for (int i = 0; i < RATE_COUNT; i++) {
        assert_about((double)r->rate[i], e.rate[i]);
    }
}

/* ---- operations ---- */

static int below(struct world *w, int n)
{
    return (int)sim_random(w->sim, (uint64_t)n);
}

static void pass(struct world *w, usec_t time)
{
    assert_int_equal(task_sleep(rt_now() + time), 0);
    if (time >= SETTLES) {
        for (int k = 0; k < RECORD_KINDS; k++) {
            for (int i = 0; i < NAMES; i++) {
                w->entry[k][i].pending = 0;
            }
        }
    }
}

static void settle(struct world *w)
{
    pass(w, SETTLES);
    for (int i = 0; i < HANDLES; i++) {
        assert_true(w->handle[i] == NULL || memory_error(w->handle[i]) == 0);
    }
}

/* What another handle has queued comes first: in which order it is applied is anybody's guess. */
static void alone(struct world *w, const struct entry *e, int handle)
{
    if (e->pending != 0 && e->pending != handle + 1) {
        settle(w);
    }
}

static struct record random_record(struct world *w, int kind, const char *name)
{
    struct record r = seen((enum record_kind)kind, name, rt_wall());
    if (below(w, 2) == 0) {
        r.tally[TALLY_ACCEPTED] = 1;
        r.day = (uint32_t)(r.last / DAY);
        r.days = 1;
    }
    r.tally[below(w, TALLY_COUNT)] = (float)below(w, 5);
    r.rate[below(w, RATE_COUNT)] = (float)below(w, 5000);
    r.returned = below(w, 8) == 0 ? r.last : 0;
    if (kind == RECORD_BAN) {
        r.until = r.last + below(w, 100) * HOUR + 1;
    }
    if (below(w, 4) == 0) {
        char note[20];
        snprintf(note, sizeof(note), "note%d", below(w, 100));
        record_set_note(&r, slice_of(note));
    }
    return r;
}

static void find_one(struct world *w, int handle, int kind, int number, const char *name)
{
    const struct entry *e = &w->entry[kind][number];
    struct record r;
    alone(w, e, handle);
    usec_t wall = rt_wall();
    int rc = find(w->handle[handle], (enum record_kind)kind, name, wall, &r);
    if (rc < 0) {
        assert_int_equal(rc, -ENOSPC);
        w->failed++;
        settle(w);
        wall = rt_wall();
        rc = find(w->handle[handle], (enum record_kind)kind, name, wall, &r);
    }
    assert_int_equal(rc, e->there && expires(kind, e) > wall);
    if (rc == 1) {
        compare(&r, *e, wall);
        w->found++;
    } else {
        w->missed++;
    }
}

static int tick_off(void *arg, const struct record *r)
{
    struct world *w = arg;
    int number = (int)strtol(r->name + 1, NULL, 10);
    struct entry *e = &w->entry[r->kind][number];
    assert_true(e->there && expires(r->kind, e) > rt_wall());
    assert_int_equal(e->pending, 0);
    e->pending = -1;
    return 0;
}

/* All that there are, each once. */
static void all(struct world *w, int handle)
{
    settle(w);
    assert_int_equal(memory_each(w->handle[handle], 0, rt_wall(), tick_off, w), 0);
    for (int k = 1; k < RECORD_KINDS; k++) {
        for (int i = 0; i < NAMES; i++) {
            struct entry *e = &w->entry[k][i];
            bool there = e->there && expires(k, e) > rt_wall();
            assert_int_equal(e->pending, there ? -1 : 0);
            e->pending = 0;
        }
    }
}

static void some_time(struct world *w)
{
    static const usec_t spans[] = {USEC_MSEC, USEC_SEC, 60 * USEC_SEC, HOUR, DAY, 20 * DAY};
    int most = below(w, 20) == 0 ? 6 : below(w, 5) == 0 ? 5 : 3;
    usec_t span = spans[below(w, most)];
    pass(w, (usec_t)sim_random(w->sim, (uint64_t)span) + 1);
}

/* It is closed, with what it has queued, or killed when it has nothing queued; or a batch fails. */
static void trouble(struct world *w, int handle)
{
    switch (below(w, 3)) {
    case 0: w->handle[handle] = memory_close(w->handle[handle]); break;
    case 1:
        settle(w);
        w->handle[handle] = memory_abandon(w->handle[handle]);
        break;
    default: sim_next_call(w->rt, RT_CALL_STORE, -ENOSPC, 0); return;
    }
    settle(w);
    w->handle[handle] = open_handle(w);
    w->reopened++;
}

static void change_one(struct world *w, int handle, int kind, int number, const char *name)
{
    struct entry *e = &w->entry[kind][number];
    struct memory *m = w->handle[handle];
    alone(w, e, handle);
    int what = below(w, 12);
    e->pending = handle + 1;
    if (what == 0) {
        memory_forget(m, (enum record_kind)kind, slice_of(name));
        e->there = false;
        return;
    }
    struct record r = random_record(w, kind, name);
    if (what == 1) {
        r.days = (uint32_t)below(w, 9);
        r.day = r.days > 0 ? (uint32_t)(r.last / DAY) : 0;
        memory_put(m, &r);
        model_put(e, &r);
    } else {
        memory_add(m, &r);
        model_add(e, &r);
    }
}

/* One that has just been read is changed by the same handle, or another one. */
static void look_change_look(struct world *w, int handle, int kind, int number, const char *name)
{
    int other = below(w, HANDLES);
    find_one(w, handle, kind, number, name);
    find_one(w, other, kind, number, name);
    change_one(w, handle, kind, number, name);
    find_one(w, handle, kind, number, name);
    find_one(w, other, kind, number, name);
    find_one(w, handle, kind, number, name);
}

static void operate(void *arg)
{
    struct world *w = arg;
    for (int i = 0; i < w->operations; i++) {
        int handle = below(w, HANDLES), kind = 1 + below(w, RECORD_KINDS - 1);
        int number = below(w, NAMES), what = below(w, 100);
        char name[20];
        snprintf(name, sizeof(name), "n%d", number);
        if (what < 45) {
            find_one(w, handle, kind, number, name);
        } else if (what < 60) {
            look_change_look(w, handle, kind, number, name);
        } else if (what < 85) {
            change_one(w, handle, kind, number, name);
        } else if (what < 98) {
            some_time(w);
        } else if (what < 99 || i % 20 != 0) {
            trouble(w, handle);
        } else {
            all(w, handle);
        }
    }
    all(w, 0);
    struct memory_stats stats;
    memory_stats(w->handle[0], &stats);
    assert_int_equal(stats.lost, 0);
    assert_int_equal(stats.evicted, 0);
    print_message("%d operations: %u found, %u not, %u while writing failed, %u handles reopened\n",
                  w->operations, w->found, w->missed, w->failed, w->reopened);
    assert_true(w->found > 1000 && w->missed > 100 && w->failed > 0 && w->reopened > 10);
}

static void run(const char *folder, uint64_t seed)
{
    struct world w = {.sim = sim_new(seed), .folder = folder};
    const char *note;
    w.operations = getenv("GATEPOST_TEST_ALL") != NULL ? 100000 : 10000;
    w.rt = sim_rt(w.sim);
    sim_set_wall(w.sim, 20000 * DAY);
    if (folder != NULL) {
        assert_int_equal(memory_backend_open(folder, &memory_roomy, &w.backend, &note), 0);
    }
    for (int i = 0; i < HANDLES; i++) {
        w.handle[i] = open_handle(&w);
    }
    assert_int_equal(task_spawn(w.rt, rt_root_of(w.rt), operate, &w), 0);
    sim_run(w.sim, USEC_NEVER);
    assert_int_equal(rt_stats(w.rt)->tasks, 0);
    for (int i = 0; i < HANDLES; i++) {
        memory_close(w.handle[i]);
    }
    if (w.backend != NULL) {
        w.backend->ops->close(w.backend);
    }
    memory_shared_free(w.shared);
    sim_rt_free(w.rt);
    sim_free(w.sim);
}

static void in_plain_memory(void **state)
{
    (void)state;
    run(NULL, 1);
    run(NULL, 2);
}

static void in_lmdb(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_model.XXXXXX";
    assert_int_equal(make_folder(folder), 0);
    run(folder, 3);
    assert_int_equal(remove_folder(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_plain_memory),
        cmocka_unit_test(in_lmdb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
