/* What would have had to differ. For a rule's answer that is read off its condition: which of its
 * parts held, by which values, and which of them would have had to be otherwise. */
#include <errno.h>

#include "journal/story_impl.h"
#include "policy/evaluate.h"
#include "policy/recall.h"

/* ---- the rule ---- */

/* A rule with what it stands in. */
struct found_rule {
    const struct rule *rule; /* NULL: it could not be had */
    const char *why;         /* then: why not */
    struct conf *conf;       /* made for it alone, or NULL */
    struct policy *policy;
};

const struct rule *rule_of_now(const struct telling *t, struct slice place)
{
    const struct policy *p = t->story->policy;

    if (p == NULL || !slice_eq(slice_of(p->digest), t->r->policy)) {
        return NULL;
    }
    for (size_t i = 0; i < p->rule_count; i++) {
        if (slice_eq(slice_of(p->rules[i]->where), place)) {
            return p->rules[i];
        }
    }
    return NULL;
}

bool rule_find_written(struct telling *t, struct slice place, struct journal_rule *ret)
{
    const struct story *s = t->story;
    const struct rule *rule = rule_of_now(t, place);

    if (s->find_rule != NULL && s->find_rule(s->arg, t->r->policy, place, &t->arena, ret) == 0) {
        return true;
    }
    if (rule == NULL) {
        return false;
    }
    *ret = (struct journal_rule){
        .number = rule->index,
        .phase = slice_of(phase_name(rule->phase)),
        .place = slice_of(rule->where),
        .label = slice_of(rule->label),
        .action = slice_of(actions[rule->kind].name),
        .text = rule->written,
        .observe = rule->observe,
    };
    return true;
}

/* What is on record names no file that is to be read. */
static int read_nothing(void *arg, const char *path, struct buf *ret)
{
    (void)arg;
    (void)path;
    (void)ret;
    return -ENOENT;
}

static bool is_phase(struct slice name)
{
    for (int p = 0; p < PHASE_COUNT; p++) {
        if (says(name, phase_name((enum phase)p))) {
            return true;
        }
    }
    return false;
}

/* Compiles a rule by its text alone: that works where it uses no table or set. */
static void compile_alone(const struct journal_rule *written, struct found_rule *ret)
{
    static const struct conf_reader reader = {read_nothing, NULL};
    struct conf_error error;
    struct findings findings;
    struct buf text = {0};

    ret->why =
        "the journal has the rule's text, but not the tables and sets that it uses; with the "
        "configuration of that time (-c) more could be told";
    if (!is_phase(written->phase)) {
        return;
    }
    buf_printf(&text,
               "hostname a.example\nlisten 127.0.0.1:25\nroute a.example to smtp://127.0.0.1:25\n"
               "policy {\nat " SLICE_FMT " {\n" SLICE_FMT "\n}\n}\n",
               SLICE_ARG(written->phase), SLICE_ARG(written->text));
    findings_init(&findings);
    if (conf_parse_with(buf_slice(&text), "rule", &reader, &ret->conf, &error) == 0 &&
        policy_compile(ret->conf, &findings, &ret->policy) == 0 && ret->policy->rule_count == 1) {
        ret->rule = ret->policy->rules[0];
    }
    findings_free(&findings);
    buf_free(&text);
}

static struct found_rule find_rule(const struct telling *t, struct slice place,
                                   const struct journal_rule *written)
{
    struct found_rule f = {.rule = rule_of_now(t, place),
                           .why = "the journal does not have its text"};

    if (f.rule == NULL && written->text.n > 0) {
        compile_alone(written, &f);
    }
    return f;
}

static void found_rule_free(struct found_rule *f)
{
    (void)policy_free(f->policy);
    (void)conf_free(f->conf);
}

/* ---- its condition ---- */

struct weighing {
    struct telling *t;
    struct recall recall;
};

static bool is_joined(const struct expression *x)
{
    return x->kind == EXPRESSION_AND || x->kind == EXPRESSION_OR;
}

static const char *truth_words(unsigned truth)
{
    return truth == TRUTH_TRUE ? "true" : truth == TRUTH_FALSE ? "false" : "unknown";
}

/* Is there a fact below that was not asked for? The rest had decided before it came to that. */
static bool was_passed_over(const struct weighing *w, const struct expression *x)
{
    return x != NULL && ((x->use != NULL && !fact_was_asked(w->t, x->use)) ||
                         was_passed_over(w, x->left) || was_passed_over(w, x->right));
}

/* The values of all facts below, each once. */
static void put_values(const struct weighing *w, json_t *values, const struct expression *x)
{
    struct value v;

    if (x == NULL) {
        return;
    }
    put_values(w, values, x->left);
    put_values(w, values, x->right);
    if (x->use == NULL || !fact_was_asked(w->t, x->use)) {
        return;
    }
    const char *name = fact_use_name(x->use, &w->t->arena);
    const bool known = fact_recorded(w->t, x->use, &w->t->arena, &v);
    data_put(values, name, known ? data_text(fact_text(x->use, &v, &w->t->arena)) : json_null());
}

static json_t *weigh_atom(const struct weighing *w, const struct expression *x, bool want)
{
    json_t *atom = json_object();
    json_t *values = json_object();
    struct buf written = {0};

    condition_written(x, &w->t->arena, &written);
    data_put_text(atom, "condition", buf_slice(&written));
    data_put(atom, "must_be", json_boolean(want));
    data_put(atom, "was",
             json_string(was_passed_over(w, x)
                             ? "not asked for"
                             : truth_words(recall_truth(x, &w->recall, &w->t->arena))));
    put_values(w, values, x);
    data_put(atom, "values", values);
    buf_free(&written);
    return atom;
}

static json_t *weigh(const struct weighing *w, const struct expression *x, bool want);

/* Adds to the group what has to differ of one part; parts of the same kind are one group. */
static void weigh_part(const struct weighing *w, const struct expression *x, bool want,
                       const char *kind, json_t *parts)
{
    const unsigned now = recall_truth(x, &w->recall, &w->t->arena);

    if (strcmp(kind, "all") == 0 && now == (want ? TRUTH_TRUE : TRUTH_FALSE)) {
        return; /* it is so already */
    }
    json_t *part = weigh(w, x, want);
    json_t *same = json_object_get(part, kind);
    if (same != NULL) {
        (void)json_array_extend(parts, same);
    } else if (json_object_size(part) > 0) {
        (void)json_array_append(parts, part);
    }
    json_decref(part);
}

/* What would have to differ for the condition to become what is wanted. */
static json_t *weigh(const struct weighing *w, const struct expression *x, bool want)
{
    if (x->kind == EXPRESSION_NOT) {
        return weigh(w, x->left, !want);
    }
    if (!is_joined(x)) {
        return weigh_atom(w, x, want);
    }
    /* One part makes an `and` false or an `or` true; the other way about it takes all. */
    const char *kind = (x->kind == EXPRESSION_AND) != want ? "any" : "all";
    json_t *parts = json_array();
    json_t *group = json_object();
    weigh_part(w, x->left, want, kind, parts);
    weigh_part(w, x->right, want, kind, parts);
    if (json_array_size(parts) == 1) {
        (void)json_object_update(group, json_array_get(parts, 0));
        json_decref(parts);
    } else {
        data_put(group, kind, parts);
    }
    return group;
}

/* ---- a rule that decided ---- */

static void tell_condition(struct telling *t, const struct rule *rule, json_t *ret)
{
    const struct weighing w = {t, {fact_recorded, t}};

    if (rule->condition == NULL) {
        data_put_format(ret, "say",
                        "The rule has no condition: it decides always. Only a rule in front of "
                        "it, with pass or trust, could have kept it from that.");
        return;
    }
    const unsigned truth = recall_truth(rule->condition, &w.recall, &t->arena);
    data_put_format(ret, "say",
                    truth == TRUTH_TRUE
                        ? "The rule would not have decided, had this been otherwise:"
                        : "The rule would not have decided, had this been otherwise (what is "
                          "on record does not show all that it saw):");
    data_put(ret, "needs", weigh(&w, rule->condition, false));
}

static json_t *differ_rule(struct telling *t)
{
    json_t *ret = json_object();
    struct found_rule f = find_rule(t, t->rule, &t->written);

    if (f.rule != NULL) {
        tell_condition(t, f.rule, ret);
    } else {
        data_put_format(ret, "say", "What the rule's condition was cannot be told: %s.", f.why);
    }
    found_rule_free(&f);
    return ret;
}

/* ---- others ---- */

static json_t *say_only(const char *words)
{
    json_t *ret = json_object();

    data_put_format(ret, "say", "%s", words);
    return ret;
}

static json_t *differ_hop(const struct telling *t)
{
    json_t *ret = json_object();
    char time[TIME_RFC3339_MAX];

    time_format_rfc3339(t->r->time, time);
    data_put_format(
        ret, "say",
        "Only the next hop can tell more: it gave this answer at %s, and its own log has the "
        "reason. No rule of the policy was against the message.",
        time);
    return ret;
}

static json_t *differ_gatepost(const struct telling *t)
{
    const char *reason = own_reason(t->code, t->enhanced, t->text);

    return reason != NULL ? say_only(reason) : NULL;
}

json_t *differ_tell(struct telling *t)
{
    const struct slice verdict = t->to != NULL ? t->to->verdict : t->r->verdict;

    if (says(verdict, "accepted") || (says(verdict, "ended") && t->code == 0)) {
        return NULL;
    }
    if (says(verdict, "gone") && t->code < 400) {
        return say_only(
            "The client would have had to go on: its own log has why it did not. A mail "
            "server tries again.");
    }
    switch (t->author) {
    case AUTHOR_RULE: return differ_rule(t);
    case AUTHOR_HOP: return differ_hop(t);
    case AUTHOR_GATEPOST: return differ_gatepost(t);
    case AUTHOR_NONE: break;
    }
    return NULL;
}
