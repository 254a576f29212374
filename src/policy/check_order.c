/* Rules of one phase against those in front of them: which can never fire, and which ask for what
 * a cheaper one behind them would have made needless. */
#include "policy/compiler.h"

bool is_refusal(const struct rule *rule)
{
    return !rule->observe &&
           (rule->kind == RULE_REJECT || rule->kind == RULE_DEFER || rule->kind == RULE_DROP);
}

enum fact_cost expression_cost(const struct expression *x)
{
    enum fact_cost cost = COST_FREE, left, right;

    if (x == NULL) {
        return COST_FREE;
    }
    if (x->use != NULL) {
        cost = x->use->fact->cost;
    }
    left = expression_cost(x->left);
    right = expression_cost(x->right);
    cost = left > cost ? left : cost;
    return right > cost ? right : cost;
}

int constant_truth(const struct node *n)
{
    if (n == NULL || n->via != NULL) {
        return -1;
    }
    int left = constant_truth(node_left(n)), right = constant_truth(node_right(n));
    switch (n->x.kind) {
    case EXPRESSION_CONSTANT: return n->x.type == TYPE_BOOL ? n->x.value.boolean : -1;
    case EXPRESSION_NOT: return left < 0 ? -1 : !left;
    case EXPRESSION_AND: return left == 0 || right == 0 ? 0 : left == 1 && right == 1 ? 1 : -1;
    case EXPRESSION_OR: return left == 1 || right == 1 ? 1 : left == 0 && right == 0 ? 0 : -1;
    default: return -1;
    }
}

static bool is_always(const struct made_rule *m)
{
    return m->condition == NULL || constant_truth(m->condition) == 1;
}

/* ---- rules that can never fire ---- */

static bool says_yes(const struct rule *rule)
{
    return rule->kind == RULE_PASS || rule->kind == RULE_TRUST;
}

/* `first` always ends the phase. At rcpt it may not: under a pending verdict only pass and trust
 * are looked at, and for postmaster neither reject nor defer is. */
static void tell_unreachable(struct compiler *c, const struct made_rule *first,
                             const struct made_rule *m)
{
    const struct rule *before = &first->rule, *rule = &m->rule;
    bool at_rcpt = rule->phase == PHASE_RCPT && !says_yes(before);
    bool spared = before->kind == RULE_REJECT || before->kind == RULE_DEFER;
    bool spared_too = rule->kind == RULE_REJECT || rule->kind == RULE_DEFER;

    if (at_rcpt && says_yes(rule)) {
        return;
    }
    if (at_rcpt && spared && !spared_too) {
        finding_add(c->findings, FINDING_WARNING, rule->place, "put it in front of that rule",
                    "this rule is only reached for postmaster: the %s in line %u has no condition",
                    actions[before->kind].name, before->place.line);
        return;
    }
    compile_error(c, rule->place, "give that rule a condition, or take this one out",
                  "this rule is never reached: the %s in line %u has no condition",
                  actions[before->kind].name, before->place.line);
}

static void check_reached(struct compiler *c, struct made_rule *const *rules, size_t count)
{
    const struct made_rule *first = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct made_rule *m = rules[i];
        if (first != NULL) {
            tell_unreachable(c, first, m);
        }
        if (m->condition != NULL && constant_truth(m->condition) == 0) {
            compile_error(c, m->condition->x.place,
                          "take the rule out, or put \"#\" in front of it",
                          "this rule never fires: its condition is always false");
        }
        if (first == NULL && actions[m->rule.kind].verdict && !m->rule.observe && is_always(m)) {
            first = m;
        }
    }
}

/* ---- expensive facts in front of cheap ones ----
 *
 * Told of a refusal that needs nothing but free facts and memory, when one in front of it has to
 * ask DNS, the network or the content, and putting it in front would change nothing but the cost:
 *
 *  - no pass, trust, junk or wait stands between them, which it must not overtake;
 *  - it does not ask for doubt while a doubt rule stands between them;
 *  - it refuses for good if that one does, so that nobody is asked to retry what is hopeless;
 *  - it has a condition. */

struct costly {
    const struct made_rule *rules[2]; /* the first that refuses for now, for good */
    bool doubts[2];                   /* a doubt rule stands behind it */
};

static bool for_good(const struct rule *rule)
{
    return rule->code >= 500;
}

static bool asks_doubt(const struct expression *x)
{
    return x != NULL && ((x->use != NULL && x->use->fact->phase == PHASE_CONNECT &&
                          x->use->fact->scope == SCOPE_RECIPIENT) ||
                         asks_doubt(x->left) || asks_doubt(x->right));
}

/* The dearest fact of an expression. */
static const struct fact *dearest(const struct expression *x)
{
    const struct fact *best = NULL;

    if (x == NULL) {
        return NULL;
    }
    const struct fact *all[] = {x->use != NULL ? x->use->fact : NULL, dearest(x->left),
                                dearest(x->right)};
    for (int i = 0; i < 3; i++) {
        if (all[i] != NULL && (best == NULL || all[i]->cost > best->cost)) {
            best = all[i];
        }
    }
    return best;
}

static void check_cheap(struct compiler *c, const struct costly *costly, const struct made_rule *m)
{
    for (int good = 0; good <= for_good(&m->rule); good++) {
        const struct made_rule *before = costly->rules[good];
        if (before == NULL || (costly->doubts[good] && asks_doubt(m->rule.condition))) {
            continue;
        }
        const struct fact *fact = dearest(before->rule.condition);
        finding_add(c->findings, FINDING_WARNING, m->rule.place,
                    "put it in front, so that less is asked for",
                    "this rule is cheap, but stands behind the one in line %u, for which %s must "
                    "be asked (%s)",
                    before->rule.place.line, fact->name, fact_cost_name(fact->cost));
        return;
    }
}

static void check_costs(struct compiler *c, struct made_rule *const *rules, size_t count)
{
    struct costly costly = {0};

    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &rules[i]->rule;
        bool cheap = expression_cost(rule->condition) <= COST_MEMORY;
        if (is_refusal(rule) && cheap && rule->condition != NULL) {
            check_cheap(c, &costly, rules[i]);
        } else if (is_refusal(rule) && !cheap && costly.rules[for_good(rule)] == NULL) {
            costly.rules[for_good(rule)] = rules[i];
            costly.doubts[for_good(rule)] = false;
        } else if (rule->kind == RULE_DOUBT && !rule->observe) {
            costly.doubts[0] = costly.doubts[1] = true;
        } else if (!rule->observe && !is_refusal(rule) &&
                   (actions[rule->kind].verdict || rule->kind == RULE_WAIT)) {
            costly = (struct costly){0};
        }
    }
}

void check_order(struct compiler *c, struct made_rule *const *rules, size_t count)
{
    check_reached(c, rules, count);
    check_costs(c, rules, count);
}
