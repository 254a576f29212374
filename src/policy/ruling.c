/* What the rules of one phase have decided. */
#include "policy/needs.h"
#include "policy/template.h"

void ruling_init(struct ruling *r, const struct doubts *outer)
{
    *r = (struct ruling){.doubts.outer = outer};
}

static void fired_append(struct ruling *r, struct fired *f)
{
    if (r->last != NULL) {
        r->last->next = f;
    } else {
        r->first = f;
    }
    r->last = f;
}

/* Doubts that no sum can hold stay at the most that it can. */
static void doubts_add(struct doubts *d, int64_t amount, struct slice why, struct arena *arena)
{
    struct reason *reason = arena_alloc(arena, sizeof(*reason));

    *reason = (struct reason){.doubt = amount, .why = why};
    if (d->last != NULL) {
        d->last->next = reason;
    } else {
        d->first = reason;
    }
    d->last = reason;
    if (__builtin_add_overflow(d->sum, amount, &d->sum)) {
        d->sum = amount < 0 ? INT64_MIN : INT64_MAX;
    }
}

void ruling_fire(struct ruling *r, const struct rule *rule, const struct evidence *e, bool filled)
{
    struct fired *f = arena_alloc(e->arena, sizeof(*f));

    *f = (struct fired){.rule = rule};
    if (rule->text != NULL && filled) {
        f->text = template_fill(rule->text, e);
    }
    fired_append(r, f);
    if (rule->observe) {
        return;
    }
    if (actions[rule->kind].verdict) {
        r->verdict = f;
    } else if (rule->kind == RULE_DOUBT) {
        doubts_add(&r->doubts, rule->amount, f->text, e->arena);
    }
}

void ruling_copy(struct ruling *ret, const struct ruling *r, struct arena *arena,
                 const struct doubts *outer)
{
    ruling_init(ret, outer);
    for (const struct fired *f = r->first; f != NULL; f = f->next) {
        struct fired *copy = arena_alloc(arena, sizeof(*copy));
        *copy = (struct fired){.rule = f->rule,
                               .text = arena_copy(arena, f->text),
                               .without_effect = f->without_effect};
        fired_append(ret, copy);
        if (f == r->verdict) {
            ret->verdict = copy;
        }
    }
    for (const struct reason *d = r->doubts.first; d != NULL; d = d->next) {
        doubts_add(&ret->doubts, d->doubt, arena_copy(arena, d->why), arena);
    }
}
