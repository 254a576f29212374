/* See policy/ahead.h. */
#include "policy/ahead.h"

#include "policy/expression.h"
#include "policy/needs.h"

/* Lists behind lists, and texts behind these: more is not worth a client's last second. */
#define ROUNDS_MOST 3

static bool is_known_at_connect(const struct fact *f)
{
    return f->phase == PHASE_CONNECT && f->scope == SCOPE_CONNECTION;
}

static bool is_ahead(const struct fact *f)
{
    return is_known_at_connect(f) && f->cost == COST_DNS;
}

static void note_later(void *arg, const struct fact_use *use)
{
    bool *later = arg;

    *later = *later || !is_known_at_connect(use->fact);
}

/* Does the condition rest on facts of the connection alone, which are known by now? */
static bool is_settled_at_connect(const struct expression *x)
{
    bool later = false;

    expression_each_use(x, note_later, &later);
    return !later;
}

struct ahead {
    const struct evidence *e;
    struct needs needs;
};

static void add_use(void *arg, const struct fact_use *use)
{
    struct ahead *a = arg;
    struct value ignored;

    if (is_ahead(use->fact) && !fact_peek(use, a->e, &ignored)) {
        needs_add(&a->needs, use, a->e->arena);
    }
}

static void add_rule(struct ahead *a, const struct rule *rule)
{
    struct needs wanted = {0};

    if (rule->condition != NULL && !is_settled_at_connect(rule->condition)) {
        expression_each_use(rule->condition, add_use, a);
        return;
    }
    const unsigned truth = rule->condition == NULL
                               ? TRUTH_TRUE
                               : expression_weigh(rule->condition, a->e, false, &wanted);
    if (truth == TRUTH_TRUE && rule->text != NULL) {
        (void)template_weigh(rule->text, a->e, &wanted);
    }
    for (size_t i = 0; i < wanted.count; i++) {
        add_use(a, wanted.uses[i]);
    }
}

int policy_ask_ahead(const struct policy *p, const struct evidence *e)
{
    int r = 0;

    for (unsigned round = 0; round < ROUNDS_MOST && r == 0; round++) {
        struct ahead a = {.e = e};
        for (enum phase phase = PHASE_CONNECT; phase <= PHASE_RCPT; phase++) {
            for (size_t i = 0; i < p->phases[phase].count; i++) {
                add_rule(&a, p->phases[phase].rules[i]);
            }
        }
        if (a.needs.count == 0) {
            break;
        }
        r = needs_ask_together(a.needs.uses, a.needs.count, e);
    }
    return r;
}

static void note_ahead(void *arg, const struct fact_use *use)
{
    bool *found = arg;

    *found = *found || is_ahead(use->fact);
}

bool policy_asks_ahead(const struct policy *p)
{
    bool found = false;

    for (enum phase phase = PHASE_CONNECT; phase <= PHASE_RCPT; phase++) {
        for (size_t i = 0; i < p->phases[phase].count; i++) {
            rule_each_use(p->phases[phase].rules[i], note_ahead, &found);
        }
    }
    return found;
}
