/* policy_explain: the policy as a table, a line or more for each rule. */
#include <stdio.h>

#include "policy/compiler.h"
#include "policy/template.h"

/* Columns in cells of a terminal; the place's is as wide as it must be, and no wider than that. */
#define WHERE_MOST 24
#define RULE_WIDE  46
#define FACTS_WIDE 22

/* When each phase is judged, and what is done there whatever the policy says. */
static const char *const notes[PHASE_COUNT] = {
    [PHASE_CONNECT] = "Once, before the greeting. A reject or defer is answered to each RCPT, "
                      "unless it says now.",
    [PHASE_HELO] = "At each EHLO or HELO, and again after STARTTLS. Answered as at connect.",
    [PHASE_MAIL] = "At each MAIL. Answered as at connect. Built in, before: a declared size above "
                   "the limit is\n  refused (552).",
    [PHASE_RCPT] = "At each RCPT; the verdict is this recipient's alone. Built in, before: no "
                   "route is refused (550\n  5.7.1). Behind, under pass and trust too: the next "
                   "hop's refusal is passed on in its words, and\n  a hop that cannot be asked "
                   "is 451 4.4.1. Rejects and defers do not fire for postmaster.",
    [PHASE_MESSAGE] = "At the end of the message. Built in, before: NUL, bare CR or LF in DATA, "
                      "size, mail loops\n  are refused. Behind: the next hop must take it.",
};

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t cells(struct slice text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        n += !is_continuation(text.p[i]);
    }
    return n;
}

/* Takes the part that fits into `width` cells off `*text`, cut at a blank where there is one. */
static struct slice take_line(struct slice *text, size_t width)
{
    size_t n = 0, blank = 0, used = 0;

    while (n < text->n && (used < width || is_continuation(text->p[n]))) {
        used += !is_continuation(text->p[n]);
        blank = text->p[n] == ' ' ? n : blank;
        n++;
    }
    bool whole = n == text->n;
    size_t cut = whole || blank == 0 || text->p[n] == ' ' ? n : blank;
    struct slice line = {text->p, cut};
    *text = (struct slice){text->p + cut, text->n - cut};
    while (text->n > 0 && text->p[0] == ' ') {
        text->p++;
        text->n--;
    }
    return line;
}

static void put_cell(struct buf *ret, struct slice text, size_t width)
{
    size_t n = cells(text);

    buf_append_slice(ret, text);
    buf_printf(ret, "%*s", (int)(n < width ? width - n : 0) + 2, "");
}

/* Blanks at the end of a line help nobody. */
static void end_line(struct buf *ret)
{
    while (ret->n > 0 && ret->p[ret->n - 1] == ' ') {
        ret->n--;
    }
    buf_append(ret, "\n", 1);
}

static void put_row(struct buf *ret, size_t where_wide, struct slice where, struct slice rule,
                    struct slice facts_needed, struct slice cost)
{
    do {
        buf_append(ret, "  ", 2);
        put_cell(ret, take_line(&where, where_wide), where_wide);
        put_cell(ret, take_line(&rule, RULE_WIDE), RULE_WIDE);
        put_cell(ret, take_line(&facts_needed, FACTS_WIDE), FACTS_WIDE);
        buf_append_slice(ret, cost);
        cost.n = 0;
        end_line(ret);
    } while (where.n > 0 || rule.n > 0 || facts_needed.n > 0);
}

static void collect(struct buf *uses, const struct expression *x)
{
    if (x == NULL) {
        return;
    }
    if (x->use != NULL) {
        (void)uses_add(uses, x->use);
    }
    collect(uses, x->left);
    collect(uses, x->right);
}

static void collect_text(struct buf *uses, const struct text_template *t)
{
    for (size_t i = 0; t != NULL && i < t->count; i++) {
        if (t->parts[i].use != NULL) {
            (void)uses_add(uses, t->parts[i].use);
        }
    }
}

static void put_rule(struct buf *ret, size_t where_wide, const struct rule *rule)
{
    struct buf uses = {0}, names = {0};
    enum fact_cost cost = COST_FREE;

    collect(&uses, rule->condition);
    collect_text(&uses, rule->text);
    const struct fact_use *const *all = (const void *)uses.p;
    for (size_t i = 0; i < uses.n / sizeof(struct fact_use *); i++) {
        buf_append(&names, ", ", i == 0 ? 0 : 2);
        use_append(&names, all[i]);
        cost = all[i]->fact->cost > cost ? all[i]->fact->cost : cost;
    }
    if (uses.n == 0) {
        buf_append(&names, "-", 1);
    }
    put_row(ret, where_wide, slice_of(rule->where), rule->written, buf_slice(&names),
            slice_of(fact_cost_name(cost)));
    buf_free(&uses);
    buf_free(&names);
}

static size_t where_width(const struct policy *p)
{
    size_t width = sizeof("where") - 1;

    for (size_t i = 0; i < p->rule_count; i++) {
        size_t n = cells(slice_of(p->rules[i]->where));
        width = n > width ? n : width;
    }
    return width < WHERE_MOST ? width : WHERE_MOST;
}

void policy_explain(const struct policy *p, struct buf *ret)
{
    size_t width = where_width(p);

    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        const struct policy_phase *phase = &p->phases[i];
        buf_printf(ret, "%sat %s\n  %s\n\n", i == 0 ? "" : "\n", phase_name((enum phase)i),
                   notes[i]);
        if (phase->count == 0) {
            buf_append_slice(ret, SLICE_LIT("  No rules: the phase passes.\n"));
            continue;
        }
        put_row(ret, width, SLICE_LIT("where"), SLICE_LIT("rule"), SLICE_LIT("facts needed"),
                SLICE_LIT("cost"));
        for (size_t k = 0; k < phase->count; k++) {
            put_rule(ret, width, phase->rules[k]);
        }
    }
}
