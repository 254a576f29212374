#include "policy_world.h"

#include <stdlib.h>

#include "parse/pattern.h"
#include "policy/table.h"

/* What lies outside the arena. */
static struct policy_table *tables[64];
static size_t table_count;
static struct pattern *patterns[64];
static size_t pattern_count;

int policy_world_setup(void **state)
{
    static struct policy_world w;

    w = (struct policy_world){0};
    arena_init(&w.arena);
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        w.e.memos[i] = fact_memo_new(&w.arena, STAND_INS_MOST);
    }
    w.e.owner = &w;
    w.e.counters = &w.counters;
    w.e.arena = &w.arena;
    begin(&w);
    *state = &w;
    return 0;
}

int policy_world_teardown(void **state)
{
    struct policy_world *w = *state;

    while (table_count > 0) {
        (void)table_content_free(tables[--table_count]->content);
    }
    while (pattern_count > 0) {
        (void)pattern_free(patterns[--pattern_count]);
    }
    arena_free(&w->arena);
    return 0;
}

/* ---- facts ---- */

static int compute(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct policy_world *w = e->owner;
    struct stand_in *f;

    memcpy(&f, &parameters[0].p, sizeof(f));
    f->computed++;
    if (f->order == 0) {
        f->order = ++w->computed;
    }
    if (f->takes > 0) {
        f->began = rt_now();
        if (task_sleep(rt_now() + f->takes) < 0) {
            return -ECANCELED;
        }
    }
    if (f->error < 0) {
        return f->error;
    }
    *ret = f->value;
    return 0;
}

struct stand_in *stand_in(struct policy_world *w, enum fact_cost cost, struct value v)
{
    assert_true(w->fact_count < STAND_INS_MOST);
    struct stand_in *f = &w->facts[w->fact_count];
    f->fact = (struct fact){.name = "stand_in",
                            .type = (enum value_type)v.type,
                            .parameters = 1,
                            .phase = PHASE_RCPT,
                            .scope = SCOPE_RECIPIENT,
                            .cost = cost,
                            .keeping = KEEPING_REMEMBERED,
                            .prose = "For a test.",
                            .compute = compute,
                            .words = v.type == TYPE_RESULT ? result_words : NULL};
    f->self = (struct slice){(const char *)f, sizeof(*f)};
    f->use = (struct fact_use){&f->fact, &f->self, (uint16_t)w->fact_count};
    f->value = v;
    w->fact_count++;
    return f;
}

struct stand_in *known(struct policy_world *w, struct value v)
{
    return stand_in(w, COST_FREE, v);
}

struct stand_in *costly(struct policy_world *w, enum fact_cost cost, bool b)
{
    return stand_in(w, cost, value_bool(b));
}

struct value text_value(const char *text)
{
    return value_text(slice_of(text));
}

struct value set_value(struct policy_world *w, size_t count, ...)
{
    struct slice *items = arena_alloc(&w->arena, count * sizeof(*items));
    va_list ap;

    va_start(ap, count);
    for (size_t i = 0; i < count; i++) {
        items[i] = slice_of(va_arg(ap, const char *));
    }
    va_end(ap);
    return (struct value){
        .type = TYPE_SET, .state = VALUE_KNOWN, .set = {.items = items, .count = count}};
}

struct value ip_value(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(slice_of(text), &a), 0);
    return value_address(&a);
}

/* ---- conditions ---- */

static struct expression *expression(struct policy_world *w, enum expression_kind kind)
{
    struct expression *x = arena_zalloc(&w->arena, sizeof(*x));

    x->kind = kind;
    x->type = TYPE_BOOL;
    return x;
}

struct expression *constant(struct policy_world *w, struct value v)
{
    struct expression *x = expression(w, EXPRESSION_CONSTANT);

    x->type = (enum value_type)v.type;
    x->value = v;
    return x;
}

struct expression *fact_of(struct policy_world *w, const struct stand_in *f)
{
    struct expression *x = expression(w, EXPRESSION_FACT);

    x->type = f->fact.type;
    x->use = &f->use;
    return x;
}

struct expression *real_fact(struct policy_world *w, enum fact_id id)
{
    struct expression *x = expression(w, EXPRESSION_FACT);
    struct fact_use *use = arena_zalloc(&w->arena, sizeof(*use));

    use->fact = &facts[id];
    use->index = (uint16_t)(STAND_INS_MOST - 1);
    x->type = facts[id].type;
    x->use = use;
    return x;
}

struct expression *unknown_of(struct policy_world *w, const struct stand_in *f)
{
    struct expression *x = expression(w, EXPRESSION_UNKNOWN);

    x->use = &f->use;
    return x;
}

struct expression *join(struct policy_world *w, enum expression_kind kind, struct expression *left,
                        struct expression *right)
{
    struct expression *x = expression(w, kind);

    x->left = left;
    x->right = right;
    return x;
}

struct expression *in(struct policy_world *w, struct expression *left, const char *text)
{
    struct expression *x = join(w, EXPRESSION_IN, left, NULL);
    char *lines = strdup(text);
    char why[256];
    struct place at;

    for (char *p = lines; *p != '\0'; p++) {
        *p = *p == ' ' ? '\n' : *p;
    }
    x->table = arena_zalloc(&w->arena, sizeof(*x->table));
    assert_int_equal(
        table_content_parse(slice_of(lines), &x->table->content, &at, why, sizeof(why)), 0);
    free(lines);
    tables[table_count++] = x->table;
    return x;
}

struct expression *match(struct policy_world *w, enum expression_kind kind, struct expression *left,
                         const char *pattern)
{
    struct expression *x = join(w, kind, left, NULL);
    char why[256];
    size_t at;

    assert_int_equal(pattern_compile(slice_of(pattern), false, &x->pattern, why, sizeof(why), &at),
                     0);
    patterns[pattern_count++] = x->pattern;
    return x;
}

/* ---- rules ---- */

struct rule *rule(struct policy_world *w, enum rule_kind kind, struct expression *condition)
{
    assert_true(w->rule_count < RULES_MOST);
    struct rule *r = &w->rules[w->rule_count];
    *r = (struct rule){.kind = kind,
                       .phase = PHASE_RCPT,
                       .index = (uint16_t)w->rule_count,
                       .condition = condition,
                       .where = "test"};
    w->in_order[w->rule_count++] = r;
    w->policy.phases[PHASE_RCPT] = (struct policy_phase){w->in_order, w->rule_count};
    return r;
}

const struct text_template *text_with(struct policy_world *w, const char *literal,
                                      const struct fact_use *use)
{
    struct text_template *t = arena_zalloc(&w->arena, sizeof(*t));
    struct template_part *part = arena_zalloc(&w->arena, sizeof(*part));

    *part = (struct template_part){slice_of(literal), use};
    *t = (struct text_template){part, 1};
    return t;
}

void begin(struct policy_world *w)
{
    policy_begin(&w->run, &w->policy, PHASE_RCPT, 0);
    ruling_init(&w->ruling, NULL);
    w->e.doubts = &w->ruling.doubts;
}

enum policy_step step_at(struct policy_world *w, usec_t now)
{
    return policy_step(&w->run, &w->e, &w->ruling, now);
}

enum policy_step step(struct policy_world *w)
{
    return step_at(w, 0);
}

void assert_fired(const struct policy_world *w, size_t n, const struct rule *rule)
{
    const struct fired *f = w->ruling.first;

    while (f != NULL && n-- > 0) {
        f = f->next;
    }
    assert_non_null(f);
    assert_ptr_equal(f->rule, rule);
}

void assert_fired_count(const struct policy_world *w, size_t count)
{
    size_t n = 0;

    for (const struct fired *f = w->ruling.first; f != NULL; f = f->next) {
        n++;
        assert_true(f->next != NULL || f == w->ruling.last);
    }
    assert_int_equal(n, count);
}

void assert_slice(struct slice s, const char *expected)
{
    assert_int_equal(s.n, strlen(expected));
    assert_memory_equal(s.n > 0 ? s.p : "", expected, s.n);
}

struct errand {
    void (*fn)(void *arg);
    void *arg;
    usec_t took;
};

static void run_errand(void *arg)
{
    struct errand *errand = arg;
    const usec_t start = rt_now();

    errand->fn(errand->arg);
    errand->took = rt_now() - start;
}

usec_t run_in_task(void (*fn)(void *arg), void *arg)
{
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    struct errand errand = {fn, arg, -1};

    assert_int_equal(task_spawn(rt, rt_root_of(rt), run_errand, &errand), 0);
    sim_run(sim, USEC_NEVER);
    assert_true(errand.took >= 0);
    assert_int_equal(rt_stats(rt)->tasks, 0);
    (void)sim_rt_free(rt);
    (void)sim_free(sim);
    return errand.took;
}
