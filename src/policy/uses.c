/* Facts as policies use them: each with its parameters once, where it may be asked for, and which
 * ones a rule names. */
#include "auth/dns_list.h"
#include "parse/list_filter.h"
#include "policy/compiler.h"
#include "policy/template.h"

const struct fact *fact_find(const struct compiler *c, struct slice name)
{
    for (size_t i = 0; i < c->fact_count; i++) {
        if (slice_eq(name, slice_of(c->facts[i].name))) {
            return &c->facts[i];
        }
    }
    return NULL;
}

static bool same_use(const struct fact_use *use, const struct fact *fact,
                     const struct slice *parameters)
{
    bool same = use->fact == fact;

    for (unsigned i = 0; same && i < fact->parameters; i++) {
        same = slice_eq(use->parameters[i], parameters[i]);
    }
    return same;
}

const struct fact_use *use_of(struct compiler *c, const struct fact *fact,
                              const struct slice *parameters, struct place place)
{
    struct buf *uses = &c->uses[fact->scope];
    struct fact_use *const *known = (const void *)uses->p;
    size_t count = uses->n / sizeof(struct fact_use *);

    for (size_t i = 0; i < count; i++) {
        if (same_use(known[i], fact, parameters)) {
            return known[i];
        }
    }
    if (count == USES_MOST) {
        compile_error(c, place, NULL, "expected at most %d facts with different parameters",
                      USES_MOST);
        return NULL;
    }
    struct fact_use *use = arena_alloc(c->arena, sizeof(*use));
    struct slice *copies = arena_alloc(c->arena, fact->parameters * sizeof(*copies));
    for (unsigned i = 0; i < fact->parameters; i++) {
        copies[i] = arena_copy(c->arena, parameters[i]);
    }
    *use = (struct fact_use){fact, copies, (uint16_t)count};
    buf_append(uses, &use, sizeof(use));
    return use;
}

bool uses_add(struct buf *uses, const struct fact_use *use)
{
    const struct fact_use *const *all = (const void *)uses->p;

    for (size_t i = 0; i < uses->n / sizeof(struct fact_use *); i++) {
        if (all[i] == use) {
            return false;
        }
    }
    buf_append(uses, &use, sizeof(use));
    return true;
}

void use_append(struct buf *ret, const struct fact_use *use)
{
    buf_append_slice(ret, slice_of(use->fact->name));
    if (fact_matches_patterns(use->fact, NULL)) {
        buf_printf(ret, "(" SLICE_FMT ")", SLICE_ARG(use->parameters[0]));
        return;
    }
    for (unsigned i = 0; i < use->fact->parameters; i++) {
        buf_printf(ret, "%s\"" SLICE_FMT "\"", i == 0 ? "(" : ", ", SLICE_ARG(use->parameters[i]));
    }
    if (use->fact->parameters > 0) {
        buf_append(ret, ")", 1);
    }
}

/* RFC 5322 3.6.8: printable ASCII but the colon. */
static bool is_field_name(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || text.p[i] > '~' || text.p[i] == ':') {
            return false;
        }
    }
    return true;
}

/* header, header.count, header.missing */
static bool is_of_field(const struct fact *f)
{
    return strcmp(f->name, "header") == 0 || strncmp(f->name, "header.", 7) == 0;
}

/* dnsbl, dnswl, and all that is asked of them */
static bool is_of_list(const struct fact *f)
{
    return strncmp(f->name, "dnsbl", 5) == 0 || strcmp(f->name, "dnswl") == 0;
}

static bool list_check(struct compiler *c, const struct fact *fact, struct slice parameter,
                       struct place place)
{
    struct list_filter filter;
    char shown[WORD_SHOWN_MAX];
    const char *problem = NULL;

    if (list_filter_parse(parameter, &filter, &problem) < 0) {
        compile_error(
            c, place,
            arena_printf(c->arena, "such as %s(\"zen.example.net=127.0.0.[2..11]\")", fact->name).p,
            "%s: %s, found %s", fact->name, problem, word_show(parameter, shown));
        return false;
    }
    if (!dns_list_zone_fits(filter.zone)) {
        compile_error(c, place, NULL, "%s: expected the list's zone, a name of the DNS, found %s",
                      fact->name, word_show(filter.zone, shown));
        return false;
    }
    return true;
}

bool parameter_check(struct compiler *c, const struct fact *fact, struct slice parameter,
                     struct place place)
{
    char shown[WORD_SHOWN_MAX];

    if (parameter.n == 0) {
        compile_error(c, place, NULL, "expected a parameter of %s, found nothing", fact->name);
        return false;
    }
    if (is_of_field(fact) && !is_field_name(parameter)) {
        compile_error(c, place, "such as \"Subject\", without a colon",
                      "expected the name of a header field, found %s", word_show(parameter, shown));
        return false;
    }
    return !is_of_list(fact) || list_check(c, fact, parameter, place);
}

bool fact_is_third_party(const struct fact *f)
{
    return is_of_list(f);
}

/* " (by the set "NAME")", or nothing; in the arena. */
static const char *by_set(struct compiler *c, const struct set_syntax *via)
{
    if (via == NULL) {
        return "";
    }
    return arena_printf(c->arena, " (by the set \"" SLICE_FMT "\")", SLICE_ARG(via->name.text)).p;
}

void use_check(struct compiler *c, const struct fact_use *use, enum phase phase, struct place place,
               const struct set_syntax *via)
{
    const struct fact *f = use->fact;

    if (f->phase > phase) {
        compile_error(c, place, NULL, "%s can first be known at %s; this rule is at %s%s", f->name,
                      phase_name(f->phase), phase_name(phase), by_set(c, via));
    } else if (phase == PHASE_MESSAGE && f->scope == SCOPE_RECIPIENT && f->phase >= PHASE_RCPT &&
               f->keeping != KEEPING_JOINT) {
        compile_error(c, place,
                      "judge each recipient at rcpt; doubt takes what was found there along",
                      "%s is of one recipient; a message has several%s", f->name, by_set(c, via));
    }
}

/* `via` and `place`: of the outermost set around it, or NULL. */
static void check_node(struct compiler *c, const struct node *n, enum phase phase,
                       const struct node *via)
{
    if (n == NULL) {
        return;
    }
    if (via == NULL && n->via != NULL) {
        via = n;
    }
    if (n->x.use != NULL) {
        use_check(c, n->x.use, phase, via != NULL ? via->x.place : n->x.place,
                  via != NULL ? via->via : NULL);
    }
    check_node(c, node_left(n), phase, via);
    check_node(c, node_right(n), phase, via);
}

void uses_check(struct compiler *c, const struct node *condition, enum phase phase)
{
    check_node(c, condition, phase, NULL);
}

/* ---- what rules name ---- */

void expression_each_use(const struct expression *x,
                         void (*fn)(void *arg, const struct fact_use *use), void *arg)
{
    if (x == NULL) {
        return;
    }
    if (x->use != NULL) {
        fn(arg, x->use);
    }
    expression_each_use(x->left, fn, arg);
    expression_each_use(x->right, fn, arg);
}

void rule_each_use(const struct rule *rule, void (*fn)(void *arg, const struct fact_use *use),
                   void *arg)
{
    expression_each_use(rule->condition, fn, arg);
    for (size_t i = 0; rule->text != NULL && i < rule->text->count; i++) {
        if (rule->text->parts[i].use != NULL) {
            fn(arg, rule->text->parts[i].use);
        }
    }
}
