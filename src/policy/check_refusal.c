/* Warnings about single rules that refuse, or trust, more than they seem to. */
#include "policy/compiler.h"

/* One walk through a condition. `see` is called for every fact, in the order in which they stand.
 */
struct walk {
    struct compiler *c;
    const struct made_rule *rule;
    const struct buf *answered; /* uses for which some rule of the phase asks unknown() */
    struct buf *seen;           /* uses that were told of already */
    void (*see)(struct walk *w, const struct node *n, bool negated, struct place place);
};

static bool is_false(const struct node *n)
{
    return n != NULL && n->x.kind == EXPRESSION_CONSTANT && n->x.type == TYPE_BOOL &&
           !n->x.value.boolean;
}

/* Does the truth of what is below count the other way round here? */
static bool turns(const struct node *n)
{
    bool turned = n->x.kind == EXPRESSION_NOT || n->x.kind == EXPRESSION_NOT_EQUAL ||
                  n->x.kind == EXPRESSION_NOT_MATCH;
    bool compares = n->x.kind == EXPRESSION_EQUAL || n->x.kind == EXPRESSION_NOT_EQUAL;

    return turned != (compares && (is_false(node_left(n)) || is_false(node_right(n))));
}

static void walk(struct walk *w, const struct node *n, bool negated, const struct node *via)
{
    if (n == NULL) {
        return;
    }
    if (via == NULL && n->via != NULL) {
        via = n;
    }
    if (n->x.use != NULL) {
        w->see(w, n, negated, via != NULL ? via->x.place : n->x.place);
    }
    walk(w, node_left(n), negated != turns(n), via);
    walk(w, node_right(n), negated != turns(n), via);
}

static bool has_use(const struct buf *uses, const struct fact_use *use)
{
    const struct fact_use *const *all = (const void *)uses->p;

    for (size_t i = 0; i < uses->n / sizeof(struct fact_use *); i++) {
        if (all[i] == use) {
            return true;
        }
    }
    return false;
}

static const char *written(struct compiler *c, const struct fact_use *use)
{
    struct buf text = {0};

    use_append(&text, use);
    const char *result = arena_copy(c->arena, buf_slice(&text)).p;
    buf_free(&text);
    return result;
}

/* ---- unless, without what happens when it is unknown ----
 *
 * What is remembered of the other side is only unknown while nothing can be remembered, whatever
 * the DNS says, and then nobody is to be deferred or refused for it. */

static void see_unknown(struct walk *w, const struct node *n, bool negated, struct place place)
{
    (void)negated;
    (void)place;
    if (n->x.kind == EXPRESSION_UNKNOWN) {
        (void)uses_add(w->seen, n->x.use);
    }
}

static void see_unless(struct walk *w, const struct node *n, bool negated, struct place place)
{
    const struct fact_use *use = n->x.use;

    if (!negated || n->x.kind != EXPRESSION_FACT || use->fact->cost < COST_DNS ||
        use->fact->keeping == KEEPING_JOINT || has_use(w->answered, use) ||
        !uses_add(w->seen, use)) {
        return;
    }
    const char *text = written(w->c, use);
    finding_add(w->c->findings, FINDING_WARNING, place,
                arena_printf(w->c->arena,
                             "say what happens then by a rule of this phase: when "
                             "unknown(%s)",
                             text)
                    .p,
                "when %s is unknown this %s does not fire, and no rule says what happens", text,
                actions[w->rule->rule.kind].name);
}

/* ---- third-party lists ---- */

static bool has_fact(const struct expression *x)
{
    return x != NULL && (x->use != NULL || has_fact(x->left) || has_fact(x->right));
}

static bool only_lists(const struct expression *x)
{
    return x == NULL || ((x->use == NULL || fact_is_third_party(x->use->fact)) &&
                         only_lists(x->left) && only_lists(x->right));
}

/* Can it become true by the word of lists alone? */
static bool rests_on_lists(const struct expression *x)
{
    if (!has_fact(x)) {
        return false;
    }
    if (x->kind == EXPRESSION_OR) {
        return rests_on_lists(x->left) || rests_on_lists(x->right);
    }
    if (x->kind == EXPRESSION_AND) {
        return (!has_fact(x->left) || rests_on_lists(x->left)) &&
               (!has_fact(x->right) || rests_on_lists(x->right));
    }
    return only_lists(x);
}

/* ---- a refusal for good on what is so just now ---- */

static void see_temporary(struct walk *w, const struct node *n, bool negated, struct place place)
{
    const char *name = n->x.use->fact->name;
    bool sessions =
        strcmp(name, "client.sessions") == 0 || strcmp(name, "client.network_sessions") == 0;

    if ((n->x.kind != EXPRESSION_UNKNOWN || negated) && !sessions) {
        return;
    }
    finding_add(w->c->findings, FINDING_WARNING, place, "defer instead: 4xx asks for a retry",
                "a refusal for good (%u) rests on what is so just now: %s%s%s", w->rule->rule.code,
                sessions ? "" : "unknown(", written(w->c, n->x.use), sessions ? "" : ")");
}

/* ---- trust without a condition ---- */

static void check_trust(struct compiler *c, const struct rule *rule)
{
    if (rule->kind == RULE_TRUST && !rule->observe && rule->condition == NULL &&
        rule->phase < PHASE_RCPT) {
        finding_add(c->findings, FINDING_WARNING, rule->place, "say whom: trust when ...",
                    "every client is trusted here: no rule of the phases behind, through rcpt, is "
                    "looked at");
    }
}

static void check_rule(struct compiler *c, const struct made_rule *m, const struct buf *answered)
{
    struct buf seen = {0};
    struct walk w = {c, m, answered, &seen, see_unless};

    check_trust(c, &m->rule);
    if (!is_refusal(&m->rule)) {
        return;
    }
    walk(&w, m->condition, false, NULL);
    buf_free(&seen);
    if (rests_on_lists(m->rule.condition)) {
        finding_add(c->findings, FINDING_WARNING, m->rule.place,
                    "let it weigh instead: doubt, and refuse by the sum",
                    "the word of a third party alone refuses mail here");
    }
    if (m->rule.code >= 500) {
        w.see = see_temporary;
        walk(&w, m->condition, false, NULL);
    }
}

void check_refusals(struct compiler *c, struct made_rule *const *rules, size_t count)
{
    struct buf answered = {0};
    struct walk w = {c, NULL, NULL, &answered, see_unknown};

    for (size_t i = 0; i < count; i++) {
        walk(&w, rules[i]->condition, false, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        check_rule(c, rules[i], &answered);
    }
    buf_free(&answered);
}
