/* Policies: every finding has a place in the text, a policy comes out when there is no error, and
 * then all promises of policy.h and expression.h hold.
 *
 * The input is compiled twice: as a configuration, and as one block of policy language alone, which
 * is not cut out by the configuration's parser first and may be any octets. With octets 0x1c
 * between them, further files follow, which it may include or have as tables: which one a path
 * names is decided by its last octet. No disk is touched. */
#include "fuzz.h"

#include <errno.h>

#include "base/text.h"
#include "policy/compiler.h"
#include "policy/template.h"

#define SEPARATOR 0x1c

#define NEEDED                                                                                     \
    "\nhostname mx.example.org\nlisten 127.0.0.1:25\nroute example.org to smtp://127.0.0.1\n"

/* Part `number` of the input; the last one for any greater number. */
static struct slice part_of(struct slice input, unsigned number)
{
    for (;;) {
        const char *end = input.n > 0 ? memchr(input.p, SEPARATOR, input.n) : NULL;
        if (end == NULL) {
            return input;
        }
        size_t n = (size_t)(end - input.p);
        if (number-- == 0) {
            return (struct slice){input.p, n};
        }
        input = (struct slice){end + 1, input.n - n - 1};
    }
}

static int read_part(void *arg, const char *path, struct buf *ret)
{
    const struct slice *input = arg;
    unsigned last = (unsigned char)path[strlen(path) - 1];

    if (last == '!') {
        return -ENOENT;
    }
    buf_append_slice(ret, part_of(*input, 1 + last % 3));
    return 0;
}

/* ---- findings ---- */

/* The length of a line of the source, -1 for none. */
static long line_length(const struct source *source, unsigned line)
{
    const char *p = source->text.p, *end = p + source->text.n, *feed = NULL;

    for (unsigned i = 1;; i++) {
        feed = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
        if (i == line) {
            return (long)((feed != NULL ? feed : end) - p);
        }
        if (feed == NULL) {
            return -1;
        }
        p = feed + 1;
    }
}

static void check_place(struct place place)
{
    FUZZ_CHECK(place.source != NULL && place.line >= 1 && place.column >= 1);
    long length = line_length(place.source, place.line);
    FUZZ_CHECK(length >= 0 && place.column <= (unsigned long)length + 1);
}

static void check_findings(struct findings *f)
{
    struct buf text = {0};
    size_t errors = 0;

    findings_sort(f);
    for (size_t i = 0; i < f->count; i++) {
        check_place(f->items[i].place);
        FUZZ_CHECK(f->items[i].text[0] != '\0');
        finding_format(&f->items[i], &text);
        errors += f->items[i].severity == FINDING_ERROR;
    }
    FUZZ_CHECK(f->count == FINDINGS_MOST || errors == f->errors);
    buf_free(&text);
}

/* ---- a policy ---- */

static void check_use(const struct policy *p, const struct fact_use *use)
{
    FUZZ_CHECK(use->fact >= facts && use->fact < facts + FACT_COUNT);
    FUZZ_CHECK(use->index < p->use_count[use->fact->scope]);
    FUZZ_CHECK(p->uses[use->fact->scope][use->index] == use);
}

static bool is_comparison(const struct expression *x)
{
    return x->kind >= EXPRESSION_EQUAL && x->kind <= EXPRESSION_GREATER_EQUAL;
}

static bool is_junction(const struct expression *x)
{
    return x->kind == EXPRESSION_AND || x->kind == EXPRESSION_OR;
}

/* Returns how many parts it has. */
static size_t check_expression(const struct policy *p, const struct expression *x, unsigned depth)
{
    size_t parts = 1;

    FUZZ_CHECK(depth <= TREE_DEPTH_MOST);
    check_place(x->place);
    bool two = is_comparison(x) || is_junction(x);
    bool one = x->kind == EXPRESSION_NOT || x->kind == EXPRESSION_IN ||
               x->kind == EXPRESSION_MATCH || x->kind == EXPRESSION_NOT_MATCH;
    FUZZ_CHECK((x->left != NULL) == (one || two) && (x->right != NULL) == two);
    FUZZ_CHECK((x->use != NULL) == (x->kind == EXPRESSION_FACT || x->kind == EXPRESSION_UNKNOWN));
    FUZZ_CHECK((x->table != NULL) == (x->kind == EXPRESSION_IN));
    FUZZ_CHECK((x->pattern != NULL) ==
               (x->kind == EXPRESSION_MATCH || x->kind == EXPRESSION_NOT_MATCH));
    FUZZ_CHECK(x->kind == EXPRESSION_FACT || x->kind == EXPRESSION_CONSTANT ||
               x->type == TYPE_BOOL);
    if (x->kind == EXPRESSION_CONSTANT) {
        FUZZ_CHECK(x->value.state == VALUE_KNOWN && x->value.type == x->type);
    }
    if (x->use != NULL) {
        check_use(p, x->use);
    }
    if (is_junction(x) || x->kind == EXPRESSION_NOT) {
        FUZZ_CHECK(x->left->type == TYPE_BOOL && (x->right == NULL || x->right->type == TYPE_BOOL));
    }
    if (x->left != NULL) {
        parts += check_expression(p, x->left, depth + 1);
    }
    if (x->right != NULL) {
        parts += check_expression(p, x->right, depth + 1);
    }
    return parts;
}

static void check_text(const struct policy *p, const struct text_template *t)
{
    for (size_t i = 0; i < t->count; i++) {
        struct slice literal = t->parts[i].literal;
        for (size_t k = 0; k < literal.n; k++) {
            FUZZ_CHECK(literal.p[k] >= ' ' && literal.p[k] <= '~');
        }
        if (t->parts[i].use != NULL) {
            check_use(p, t->parts[i].use);
        }
    }
}

static void check_rule(const struct policy *p, const struct rule *rule)
{
    bool answers = rule->kind == RULE_REJECT || rule->kind == RULE_DEFER || rule->kind == RULE_DROP;

    check_place(rule->place);
    FUZZ_CHECK(actions[rule->kind].phases & (1u << rule->phase));
    FUZZ_CHECK(strchr(rule->where, ':') != NULL);
    FUZZ_CHECK((rule->code != 0) == (answers && !rule->silent));
    FUZZ_CHECK((rule->code != 0) == (rule->enhanced.n >= 5));
    FUZZ_CHECK(rule->code == 0 || rule->enhanced.p[0] - '0' == rule->code / 100);
    FUZZ_CHECK((rule->text != NULL) ==
               (rule->code != 0 || rule->kind == RULE_DOUBT || rule->kind == RULE_MARK));
    FUZZ_CHECK((rule->amount != 0) ==
               (rule->kind == RULE_WAIT || rule->kind == RULE_BAN || rule->kind == RULE_DOUBT));
    if (rule->kind == RULE_WAIT) {
        FUZZ_CHECK(rule->amount > 0 &&
                   rule->amount <= (rule->phase == PHASE_CONNECT ? 120 : 30) * USEC_SEC);
    }
    if (rule->text != NULL) {
        check_text(p, rule->text);
    }
    if (rule->condition != NULL) {
        FUZZ_CHECK(rule->condition->type == TYPE_BOOL);
        FUZZ_CHECK(check_expression(p, rule->condition, 1) <= TREE_WEIGHT_MOST);
    }
}

static void check_policy(const struct policy *p)
{
    struct buf text = {0};
    size_t rules = 0;

    for (size_t i = 0; i < p->rule_count; i++) {
        FUZZ_CHECK(p->rules[i]->index == i);
        check_rule(p, p->rules[i]);
    }
    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        for (size_t k = 0; k < p->phases[i].count; k++) {
            FUZZ_CHECK(p->phases[i].rules[k]->phase == i);
        }
        rules += p->phases[i].count;
    }
    FUZZ_CHECK(rules == p->rule_count);
    for (size_t i = 0; i < p->table_count; i++) {
        FUZZ_CHECK(p->tables[i]->content != NULL && p->tables[i]->name != NULL);
    }
    policy_explain(p, &text);
    FUZZ_CHECK(text.n > 0 && text.p[text.n - 1] == '\n');
    buf_free(&text);
}

static void compile(const struct conf *c)
{
    struct findings f;
    struct policy *p = NULL;

    findings_init(&f);
    int r = policy_compile(c, &f, &p);
    FUZZ_CHECK((r == 0 && p != NULL) || (r == -EINVAL && p == NULL));
    FUZZ_CHECK((r == 0) == (f.errors == 0));
    check_findings(&f);
    if (p != NULL) {
        check_policy(p);
    }
    FUZZ_CHECK(policy_free(p) == NULL);
    findings_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {fuzz_copy(data, size), size};
    struct slice first = part_of(input, 0);
    const struct conf_reader reader = {read_part, &input};
    struct buf text = {0};
    struct conf *c = NULL;
    struct conf_error error;

    buf_append_slice(&text, first);
    buf_append_slice(&text, SLICE_LIT(NEEDED));
    if (conf_parse_with(buf_slice(&text), "/fuzz.conf", &reader, &c, &error) == 0) {
        compile(c);
    }
    (void)conf_free(c);
    FUZZ_CHECK(conf_parse_with(SLICE_LIT(NEEDED), "/fuzz.conf", &reader, &c, &error) == 0);
    char *alone = fuzz_copy(first.p, first.n);
    const struct source source = {"/fuzz.policy", {alone, first.n}, NULL};
    struct conf_block block = {CONF_BLOCK_POLICY, source.text, {1, 1, &source}};
    c->blocks = &block;
    c->block_count = 1;
    compile(c);
    (void)conf_free(c);
    free(alone);
    buf_free(&text);
    free((char *)input.p);
    return 0;
}
