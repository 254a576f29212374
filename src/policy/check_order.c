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

/* Only the first such rule is told of. `first` always ends the phase. At rcpt it may not: under a
 * pending verdict only pass and trust are looked at, and for postmaster neither reject nor defer
 * is. */
static bool tell_unreachable(struct compiler *c, const struct made_rule *first,
                             const struct made_rule *m)
{
    const struct rule *before = &first->rule, *rule = &m->rule;
    bool at_rcpt = rule->phase == PHASE_RCPT && !says_yes(before);
    bool spared = before->kind == RULE_REJECT || before->kind == RULE_DEFER;
    bool spared_too = rule->kind == RULE_REJECT || rule->kind == RULE_DEFER;

    if (at_rcpt && says_yes(rule)) {
        return false;
    }
    if (at_rcpt && spared && !spared_too) {
        finding_add(c->findings, FINDING_WARNING, rule->place, "put it in front of that rule",
                    "this rule is only reached for postmaster: the %s in line %u has no condition",
                    actions[before->kind].name, before->place.line);
        return true;
    }
    compile_error(c, rule->place, "give that rule a condition, or take this one out",
                  "this rule is never reached: the %s in line %u has no condition",
                  actions[before->kind].name, before->place.line);
    return true;
}

static void check_reached(struct compiler *c, struct made_rule *const *rules, size_t count)
{
    const struct made_rule *first = NULL;
    bool told = false;

    for (size_t i = 0; i < count; i++) {
        const struct made_rule *m = rules[i];
        if (first != NULL && !told) {
            told = tell_unreachable(c, first, m);
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
 * Told of a refusal that needs nothing but free facts and memory, when one in front of it is the
 * first to ask DNS, the network or the content for something, and putting it in front would change
 * nothing but the cost:
 *
 *  - no pass, trust, junk or wait stands between them, which it must not overtake;
 *  - it does not ask for doubt while a doubt rule stands between them;
 *  - it refuses for good if that one does, so that nobody is asked to retry what is hopeless;
 *  - it has a condition. */

struct costs {
    struct buf asked; /* struct fact_use *, what the rules so far ask for */
    struct costly {
        const struct rule *rule; /* NULL: none */
        const struct fact *fact; /* the dearest that it is the first to ask for */
        bool doubts;             /* a doubt rule stands behind it */
    } costly[2];                 /* the first that refuses for now, for good */
};

/* Where in `costly` it belongs: 1 if it refuses for good. */
static int for_good(const struct rule *rule)
{
    return rule->code >= 500 ? 1 : 0;
}

/* Those that begin at connect and are of a recipient in the end: doubt and why. */
static bool asks_doubt(const struct expression *x)
{
    return x != NULL && ((x->use != NULL && x->use->fact->phase == PHASE_CONNECT &&
                          x->use->fact->scope == SCOPE_RECIPIENT) ||
                         asks_doubt(x->left) || asks_doubt(x->right));
}

/* Adds what `x` asks for; *dearest is the dearest that is new. */
static void ask(struct costs *costs, const struct expression *x, const struct fact **dearest)
{
    if (x == NULL) {
        return;
    }
    if (x->use != NULL && uses_add(&costs->asked, x->use) &&
        (*dearest == NULL || x->use->fact->cost > (*dearest)->cost)) {
        *dearest = x->use->fact;
    }
    ask(costs, x->left, dearest);
    ask(costs, x->right, dearest);
}

static void check_cheap(struct compiler *c, const struct costs *costs, const struct rule *rule)
{
    for (int i = 0; i <= for_good(rule); i++) {
        const struct costly *before = &costs->costly[i];
        if (before->rule == NULL || (before->doubts && asks_doubt(rule->condition))) {
            continue;
        }
        finding_add(
            c->findings, FINDING_WARNING, rule->place, "put it in front, so that less is asked for",
            "this rule is cheap, but stands behind the one in line %u, for which %s must "
            "be asked (%s)",
            before->rule->place.line, before->fact->name, fact_cost_name(before->fact->cost));
        return;
    }
}

static void check_cost(struct compiler *c, struct costs *costs, const struct rule *rule)
{
    const struct fact *dearest = NULL;
    struct costly *costly = &costs->costly[for_good(rule)];

    ask(costs, rule->condition, &dearest);
    if (is_refusal(rule)) {
        if (rule->condition != NULL && expression_cost(rule->condition) <= COST_MEMORY) {
            check_cheap(c, costs, rule);
        } else if (dearest != NULL && dearest->cost >= COST_DNS && costly->rule == NULL) {
            *costly = (struct costly){rule, dearest, false};
        }
    } else if (rule->kind == RULE_DOUBT && !rule->observe) {
        costs->costly[0].doubts = costs->costly[1].doubts = true;
    } else if (!rule->observe && (actions[rule->kind].verdict || rule->kind == RULE_WAIT)) {
        costs->costly[0].rule = costs->costly[1].rule = NULL;
    }
}

static void check_costs(struct compiler *c, struct made_rule *const *rules, size_t count)
{
    struct costs costs = {0};

    for (size_t i = 0; i < count; i++) {
        check_cost(c, &costs, &rules[i]->rule);
    }
    buf_free(&costs.asked);
}

void check_order(struct compiler *c, struct made_rule *const *rules, size_t count)
{
    check_reached(c, rules, count);
    if (c->findings->errors == 0) {
        check_costs(c, rules, count);
    }
}
