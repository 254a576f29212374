/* See rule_history.h. Each question is a pass over the files, so that what is kept for its answer
 * is little: a botnet's million names, none of which ever had mail accepted, cost nothing. */
#include "journal/rule_history.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "journal/delays.h"
#include "journal/numbers.h"

const struct rule_history_bounds rule_history_standard = {.names = (size_t)1 << 20,
                                                          .deferrals = (size_t)1 << 19};

/* Two hashes as one. */
static uint64_t mixed(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b << 32 | b >> 32)) * 0x9e3779b97f4a7c15;

    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9;
    return h ^ h >> 32;
}

/* ---- passes ---- */

struct deferral_case {
    uint64_t time;
    uint64_t pair;
    uint32_t rule;
    bool closed;
};

/* Mail that was accepted, under pair and name, where no deferral was known. Workers' records come
 * in a few at a time, so that one may stand behind others that are a little younger. */
struct moment {
    uint64_t key;
    uint64_t time;
};
#define EARLY ((size_t)1 << 16)

struct making {
    FILE *const *files;
    size_t file_count;
    struct replay_tally *tally;
    const struct rule_history_bounds *bounds;
    struct rule_history *history;
    uint32_t *rules; /* of the file under way, as rows of tally->then */
    size_t rule_count;
    size_t rule_cap;
    struct rule_event event;

    struct numbers names; /* that had mail accepted: how much; how much was refused */
    struct numbers own;   /* of these, under name and rule: how much that rule refused */

    usec_t window;
    uint64_t sample; /* only pairs whose hash has none of these bits */
    struct deferral_case *cases;
    size_t case_count;
    size_t case_cap;
    struct numbers open;  /* under pair and name: the case's place */
    struct moment *early; /* EARLY of them, by key */
    struct delays *delays;
    bool full;
};

static void note_rule(void *arg, struct slice policy, struct slice label)
{
    struct making *m = arg;
    const struct tally_row *row = tally_row_of(m->tally, &m->tally->then, policy, label);

    if (m->rule_count == m->rule_cap) {
        m->rule_cap = m->rule_cap > 0 ? 2 * m->rule_cap : 64;
        m->rules = xrealloc(m->rules, m->rule_cap * sizeof(*m->rules));
    }
    m->rules[m->rule_count++] = (uint32_t)(row - m->tally->then.rows);
}

/* Of a rule of the file under way. False: there is none of that number. */
static bool name_rule(const struct making *m, uint32_t *rule)
{
    if (*rule == EVENT_NO_RULE) {
        return true;
    }
    if (*rule >= m->rule_count) {
        return false;
    }
    *rule = m->rules[*rule];
    return true;
}

static int name_rules(struct making *m)
{
    struct rule_event *e = &m->event;
    bool good = true;

    for (size_t i = 0; i < e->head.hits; i++) {
        good = good && name_rule(m, &e->hits[i].rule);
    }
    for (size_t i = 0; i < e->head.rcpts; i++) {
        good = good && name_rule(m, &e->rcpts[i].rule);
    }
    return good ? 0 : -EBADMSG;
}

/* Calls `fn` with each event, until m->full. */
static int pass(struct making *m, void (*fn)(struct making *m, const struct rule_event *e))
{
    int r = 0;

    for (size_t i = 0; i < m->file_count && r >= 0 && !m->full; i++) {
        rewind(m->files[i]);
        m->rule_count = 0;
        while (!m->full && (r = rule_event_next(m->files[i], &m->event, note_rule, m)) > 0) {
            r = name_rules(m);
            if (r < 0) {
                break;
            }
            fn(m, &m->event);
        }
        r = ferror(m->files[i]) != 0 ? -EIO : r;
    }
    return r;
}

/* ---- contradicted ---- */

static void note_accepted(struct making *m, const struct rule_event *e)
{
    for (size_t i = 0; e->head.accepted && i < e->head.names; i++) {
        struct number_slot *s = numbers_of(&m->names, e->names[i], m->bounds->names);
        if (s != NULL) {
            numbers_count(&s->a);
        } else {
            m->history->names_left_out = true;
        }
    }
}

/* Did some rule keep it out for good? */
static bool was_refused(const struct rule_event *e)
{
    bool refused = false;

    for (size_t i = 0; i < e->head.hits; i++) {
        refused = refused || (e->hits[i].effect == RULE_REFUSES && e->hits[i].decided);
    }
    return refused && !e->head.accepted;
}

static void note_refused(struct making *m, const struct rule_event *e)
{
    if (!was_refused(e)) {
        return;
    }
    for (size_t i = 0; i < e->head.names; i++) {
        struct number_slot *s = numbers_find(&m->names, e->names[i]);
        if (s == NULL) {
            continue;
        }
        numbers_count(&s->b);
        for (size_t k = 0; k < e->head.hits; k++) {
            if (e->hits[k].effect == RULE_REFUSES && e->hits[k].decided) {
                struct number_slot *own =
                    numbers_of(&m->own, mixed(e->names[i], e->hits[k].rule), m->bounds->names);
                if (own != NULL) {
                    numbers_count(&own->a);
                }
            }
        }
    }
}

/* Is more of its mail accepted than refused, what this rule refused left out? */
static bool is_accepted_otherwise(const struct making *m, uint64_t name, uint32_t rule)
{
    const struct number_slot *s = numbers_find(&m->names, name);
    const struct number_slot *own = s != NULL ? numbers_find(&m->own, mixed(name, rule)) : NULL;

    return s != NULL && s->a > s->b - (own != NULL ? own->a : 0);
}

static void count_contradicted(struct making *m, const struct rule_event *e)
{
    const size_t names = e->head.vouched > 0 ? e->head.vouched : e->head.names;

    for (size_t k = 0; k < e->head.hits; k++) {
        bool found = false;
        for (size_t i = 0; i < names && !found; i++) {
            found = is_accepted_otherwise(m, e->names[i], e->hits[k].rule);
        }
        m->history->outcomes[e->hits[k].rule].contradicted += found;
    }
}

static int find_contradicted(struct making *m)
{
    int r = pass(m, note_accepted);

    r = r < 0 ? r : pass(m, note_refused);
    r = r < 0 ? r : pass(m, count_contradicted);
    numbers_free(&m->names);
    numbers_free(&m->own);
    return r;
}

/* ---- deferrals ---- */

static bool is_within(const struct making *m, uint64_t from, uint64_t to)
{
    return from <= to && to - from <= (uint64_t)m->window;
}

/* The case that is open under one of the names, not longer ago than the window; NULL: none. One
 * that is told again, in whatever order, is the same. */
static struct deferral_case *open_case(const struct making *m, const struct rule_event *e,
                                       uint64_t pair, bool again)
{
    for (size_t i = 0; i < e->head.names; i++) {
        const struct number_slot *s = numbers_find(&m->open, mixed(pair, e->names[i]));
        struct deferral_case *c = s != NULL ? &m->cases[s->a] : NULL;
        if (c != NULL && !c->closed &&
            (is_within(m, c->time, e->head.time) ||
             (again && is_within(m, e->head.time, c->time)))) {
            return c;
        }
    }
    return NULL;
}

static struct deferral_case *new_case(struct making *m, const struct rule_event *e,
                                      const struct event_rcpt *to)
{
    if (m->case_count == m->bounds->deferrals) {
        m->full = true;
        return NULL;
    }
    if (m->case_count == m->case_cap) {
        m->case_cap = m->case_cap > 0 ? 2 * m->case_cap : 256;
        m->cases = xrealloc(m->cases, m->case_cap * sizeof(*m->cases));
    }
    struct deferral_case *c = &m->cases[m->case_count++];
    *c = (struct deferral_case){e->head.time, to->pair, to->rule, false};
    m->history->outcomes[to->rule].deferred++;
    return c;
}

/* A further name that it is known by. */
static void open_under(struct making *m, const struct rule_event *e, struct deferral_case *c)
{
    for (size_t i = 0; i < e->head.names; i++) {
        struct number_slot *s =
            numbers_of(&m->open, mixed(c->pair, e->names[i]), 4 * m->bounds->deferrals);
        if (s != NULL) {
            s->a = (uint32_t)(c - m->cases);
        }
    }
}

static void close_case(struct making *m, uint64_t accepted, struct deferral_case *c)
{
    struct rule_outcome *o = &m->history->outcomes[c->rule];
    const usec_t delay = (usec_t)(accepted - c->time);

    c->closed = true;
    o->came_back++;
    o->delay_longest = delay > o->delay_longest ? delay : o->delay_longest;
    delays_add(&m->delays[c->rule], delay);
}

static struct moment *early_of(const struct making *m, uint64_t key)
{
    return &m->early[key & (EARLY - 1)];
}

static void note_early(struct making *m, const struct rule_event *e, uint64_t pair)
{
    for (size_t i = 0; i < e->head.names; i++) {
        const uint64_t key = mixed(pair, e->names[i]);
        *early_of(m, key) = (struct moment){key, e->head.time};
    }
}

/* Was it accepted after this, by a record that stood before? 0: no. */
static uint64_t accepted_since(const struct making *m, const struct rule_event *e, uint64_t pair)
{
    for (size_t i = 0; i < e->head.names; i++) {
        const uint64_t key = mixed(pair, e->names[i]);
        const struct moment *moment = early_of(m, key);
        if (moment->key == key && is_within(m, e->head.time, moment->time)) {
            return moment->time;
        }
    }
    return 0;
}

static void follow_accepted(struct making *m, const struct rule_event *e, uint64_t pair)
{
    struct deferral_case *c = open_case(m, e, pair, false);

    if (c != NULL) {
        close_case(m, e->head.time, c);
    } else {
        note_early(m, e, pair);
    }
}

static void follow_deferred(struct making *m, const struct rule_event *e,
                            const struct event_rcpt *to)
{
    struct deferral_case *c = open_case(m, e, to->pair, true);

    if (c != NULL) {
        c->time = e->head.time < c->time ? e->head.time : c->time;
    } else {
        c = new_case(m, e, to);
    }
    if (c == NULL) {
        return;
    }
    const uint64_t accepted = accepted_since(m, e, to->pair);
    if (accepted != 0) {
        close_case(m, accepted, c);
    } else {
        open_under(m, e, c);
    }
}

static void follow(struct making *m, const struct rule_event *e)
{
    for (size_t i = 0; i < e->head.rcpts && !m->full; i++) {
        const struct event_rcpt *to = &e->rcpts[i];
        if ((to->pair & m->sample) != 0) {
            continue;
        }
        if (to->rule == EVENT_NO_RULE) {
            follow_accepted(m, e, to->pair);
        } else {
            follow_deferred(m, e, to);
        }
    }
}

static void forget_deferrals(struct making *m)
{
    for (size_t i = 0; i < m->history->count; i++) {
        struct rule_outcome *o = &m->history->outcomes[i];
        o->deferred = o->came_back = 0;
        o->delay_longest = 0;
        delays_free(&m->delays[i]);
    }
    numbers_free(&m->open);
    memset(m->early, 0, EARLY * sizeof(*m->early));
    m->case_count = 0;
    m->full = false;
}

/* Of too many a part is followed, whose pairs are drawn by lot: half as many at each try. */
static int find_deferrals(struct making *m)
{
    int r = pass(m, follow);

    while (r >= 0 && m->full) {
        forget_deferrals(m);
        m->sample = m->sample << 1 | 1;
        r = pass(m, follow);
    }
    m->history->sampled = (unsigned)(m->sample + 1);
    for (size_t i = 0; i < m->history->count; i++) {
        struct rule_outcome *o = &m->history->outcomes[i];
        o->delay_median = o->came_back > 0 ? delays_median(&m->delays[i]) : 0;
        o->deferred *= m->history->sampled;
        o->came_back *= m->history->sampled;
    }
    return r;
}

/* ---- all of it ---- */

static void no_event(struct making *m, const struct rule_event *e)
{
    (void)m;
    (void)e;
}

/* Each rule has its row before anything is counted by rows. */
static int begin(struct making *m)
{
    const int r = pass(m, no_event);

    m->history->count = m->tally->then.count;
    m->history->outcomes = xcalloc(m->history->count + 1, sizeof(*m->history->outcomes));
    m->delays = xcalloc(m->history->count + 1, sizeof(*m->delays));
    return r;
}

int rule_history_make(FILE *const *files, size_t file_count, struct replay_tally *t, usec_t window,
                      const struct rule_history_bounds *bounds, struct rule_history *ret)
{
    struct making *m = xcalloc(1, sizeof(*m));
    struct rule_history history = {.sampled = 1};

    m->files = files;
    m->file_count = file_count;
    m->tally = t;
    m->bounds = bounds;
    m->history = &history;
    m->window = window;
    m->early = xcalloc(EARLY, sizeof(*m->early));
    int r = begin(m);
    r = r < 0 ? r : find_contradicted(m);
    r = r < 0 ? r : find_deferrals(m);
    for (size_t i = 0; i < history.count; i++) {
        delays_free(&m->delays[i]);
    }
    free(m->delays);
    free(m->cases);
    free(m->early);
    free(m->rules);
    numbers_free(&m->open);
    free(m);
    if (r < 0) {
        rule_history_free(&history);
        return r;
    }
    *ret = history;
    return 0;
}

void rule_history_free(struct rule_history *h)
{
    free(h->outcomes);
    *h = (struct rule_history){0};
}
