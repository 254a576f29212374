/* policy_compile: what the configuration says of policy, made into rules. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/fatal.h"
#include "policy/compiler.h"
#include "policy/parse.h"

static void compile_names(struct compiler *c)
{
    struct table_syntax *const *tables = (const void *)c->syntax.tables.p;
    struct set_syntax *const *sets = (const void *)c->syntax.sets.p;

    names_define(c);
    for (size_t i = 0; i < c->syntax.tables.n / sizeof(struct table_syntax *); i++) {
        table_compile(c, tables[i]);
    }
    for (size_t i = 0; i < c->syntax.sets.n / sizeof(struct set_syntax *); i++) {
        (void)set_compile(c, sets[i], &sets[i]->name);
    }
    names_check_replacing(c);
}

static void compile_rules(struct compiler *c)
{
    struct rule_syntax *const *rules = (const void *)c->syntax.rules.p;
    size_t count = c->syntax.rules.n / sizeof(struct rule_syntax *);

    if (count > RULES_MOST) {
        compile_error(c, rules[RULES_MOST]->place, NULL, "expected at most %d rules", RULES_MOST);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct made_rule *made = rule_compile(c, rules[i]);
        if (made != NULL) {
            made->rule.index = (uint16_t)(c->rules.n / sizeof(struct made_rule *));
            buf_append(&c->rules, &made, sizeof(made));
        }
    }
}

/* The rules of one phase, in the arena. */
static struct made_rule **rules_of(struct compiler *c, enum phase phase, size_t *ret_count)
{
    struct made_rule *const *all = (const void *)c->rules.p;
    size_t total = c->rules.n / sizeof(struct made_rule *), count = 0;
    struct made_rule **rules = arena_alloc(c->arena, c->rules.n + 1);

    for (size_t i = 0; i < total; i++) {
        if (all[i]->rule.phase == phase) {
            rules[count++] = all[i];
        }
    }
    *ret_count = count;
    return rules;
}

/* Tables that facts look into are in use, whether or not a rule names them. */
static void find_fact_tables(struct compiler *c)
{
    static const char *const names[FACT_TABLE_COUNT] = {
        [FACT_TABLE_FORWARDERS] = "forwarders", [FACT_TABLE_SEALERS] = "sealers",
        [FACT_TABLE_TRUSTED] = "trusted",       [FACT_TABLE_TRAPS] = "traps",
        [FACT_TABLE_IMPATIENT] = "impatient",
    };

    for (unsigned i = 0; i < FACT_TABLE_COUNT; i++) {
        const struct name *name = name_find(c, slice_of(names[i]));
        if (name != NULL && name->kind == NAME_TABLE) {
            name->table->used = true;
            c->whole->policy.fact_tables[i] = name->table->table;
        }
    }
}

static bool is_used(const struct compiler *c, const struct policy_table *table)
{
    if (table->name[0] == '\0') {
        return true;
    }
    const struct name *name = name_find(c, slice_of(table->name));
    return name != NULL && name->kind == NAME_TABLE && name->table->table == table &&
           name->table->used;
}

/* Who the other side is, by the message too? */
static void note_joint(void *arg, const struct fact_use *use)
{
    bool *found = arg;

    *found = *found || use->fact->keeping == KEEPING_JOINT;
}

static bool asks_signatures(const struct policy *p)
{
    const struct policy_phase *message = &p->phases[PHASE_MESSAGE];
    bool joint = false;

    for (size_t i = 0; i < message->count && !joint; i++) {
        rule_each_use(message->rules[i], note_joint, &joint);
    }
    if (joint) {
        return true;
    }
    for (size_t i = 0; i < p->use_count[SCOPE_TRANSACTION]; i++) {
        if (fact_wants_signatures(p->uses[SCOPE_TRANSACTION][i]->fact)) {
            return true;
        }
    }
    return false;
}

static void add_inspect_work(void *arg, const struct fact_use *use)
{
    uint32_t *work = arg;

    *work |= fact_inspect_work(use->fact);
}

static void note_inspection(struct policy *p)
{
    for (size_t i = 0; i < p->rule_count; i++) {
        rule_each_use(p->rules[i], add_inspect_work, &p->inspect_work);
    }
}

static void output_tables(struct compiler *c)
{
    struct policy *p = &c->whole->policy;
    struct policy_table *const *all = (const void *)c->whole->tables.p;

    p->tables = arena_alloc(c->arena, c->whole->tables.n + 1);
    for (size_t i = 0; i < c->whole->tables.n / sizeof(struct policy_table *); i++) {
        if (is_used(c, all[i])) {
            p->tables[p->table_count++] = all[i];
        }
    }
}

/* Of all that is written: rules that look the same may use other tables and sets. */
static void make_digest(const struct conf *conf, struct policy *p)
{
    struct digest_stream *d = digest_stream_new();

    digest_stream_init(d);
    for (size_t i = 0; i < conf->block_count; i++) {
        digest_stream_update(d, conf->blocks[i].text.p, conf->blocks[i].text.n);
        digest_stream_update(d, "", 1);
    }
    for (size_t i = 0; i < p->rule_count; i++) {
        const struct rule *rule = p->rules[i];
        digest_stream_update(d, rule->label, strlen(rule->label) + 1);
        digest_stream_update(d, rule->written.p, rule->written.n);
        digest_stream_update(d, "", 1);
    }
    const struct digest whole = digest_stream_finish(d);
    digest_stream_free(d);
    for (size_t i = 0; i < POLICY_DIGEST_LEN / 2; i++) {
        (void)snprintf(p->digest + 2 * i, 3, "%02x", whole.octets[i]);
    }
}

/* Pointers to the first members of the rules are pointers to rules. */
static void output(struct compiler *c)
{
    struct policy *p = &c->whole->policy;

    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        p->phases[i].rules = (const void *)rules_of(c, (enum phase)i, &p->phases[i].count);
    }
    p->rules = (const void *)arena_copy(c->arena, buf_slice(&c->rules)).p;
    p->rule_count = c->rules.n / sizeof(struct made_rule *);
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        p->uses[i] = (const void *)arena_copy(c->arena, buf_slice(&c->uses[i])).p;
        p->use_count[i] = c->uses[i].n / sizeof(struct fact_use *);
    }
    p->asks_signatures = asks_signatures(p);
    note_inspection(p);
    output_tables(c);
    make_digest(c->conf, p);
}

static void check_phases(struct compiler *c)
{
    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        size_t count;
        struct made_rule **rules = rules_of(c, (enum phase)i, &count);
        check_order(c, rules, count);
        if (c->findings->errors == 0) {
            check_refusals(c, rules, count);
        }
    }
}

static void compiler_free(struct compiler *c)
{
    syntax_free(&c->syntax);
    buf_free(&c->names);
    buf_free(&c->rules);
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        buf_free(&c->uses[i]);
    }
}

int policy_compile_with(const struct conf *conf, const struct fact *known, size_t fact_count,
                        struct findings *findings, struct policy **ret)
{
    struct policy_whole *whole = xcalloc(1, sizeof(*whole));
    struct compiler c = {.conf = conf,
                         .facts = known,
                         .fact_count = fact_count,
                         .findings = findings,
                         .whole = whole,
                         .arena = &whole->arena};
    size_t errors = findings->errors;

    arena_init(&whole->arena);
    policy_parse(conf, findings, c.arena, &c.syntax);
    compile_names(&c);
    compile_rules(&c);
    find_fact_tables(&c);
    check_phases(&c);
    names_check_used(&c);
    bool good = findings->errors == errors;
    if (good) {
        output(&c);
        good = patterns_output(&c);
    }
    compiler_free(&c);
    if (!good) {
        (void)policy_free(&whole->policy);
        return -EINVAL;
    }
    *ret = &whole->policy;
    return 0;
}

int policy_compile(const struct conf *conf, struct findings *findings, struct policy **ret)
{
    return policy_compile_with(conf, facts, FACT_COUNT, findings, ret);
}

struct policy *policy_free(struct policy *p)
{
    struct policy_whole *whole = (struct policy_whole *)(void *)p;

    if (p == NULL) {
        return NULL;
    }
    struct policy_table *const *tables = (const void *)whole->tables.p;
    for (size_t i = 0; i < whole->tables.n / sizeof(struct policy_table *); i++) {
        (void)table_content_free(tables[i]->content);
    }
    struct pattern *const *patterns = (const void *)whole->patterns.p;
    for (size_t i = 0; i < whole->patterns.n / sizeof(struct pattern *); i++) {
        (void)pattern_free(patterns[i]);
    }
    buf_free(&whole->tables);
    buf_free(&whole->patterns);
    arena_free(&whole->arena);
    free(whole);
    return NULL;
}
