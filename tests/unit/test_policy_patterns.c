/* body ~ "re" and its like: what they stand for, and what an inspector is asked to look for. */
#include "policy_compiled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parse/inspection.h"

#define AT_MESSAGE(rules) "policy {\nat message {\n" rules "\n}\n}\n"

/* The groups as they are written, read back. */
static const struct pattern_group *groups_of(const struct policy *p, struct buf *octets,
                                             struct arena *arena)
{
    const struct pattern_group *groups;
    size_t count;

    octets->n = 0;
    policy_pattern_groups(p, octets);
    assert_int_equal(pattern_groups_read(buf_slice(octets), arena, &groups, &count), 0);
    assert_int_equal(count, p->pattern_count);
    return groups;
}

static const char *name_of(const struct expression *x, struct arena *arena)
{
    return fact_use_name(x->use, arena);
}

static void each_use_once(void **state)
{
    struct compiled c = compile_good("table phrases { /one/, /two\\/2/i }\n" AT_MESSAGE(
        "mark when body ~ \"a/b\" or raw ~ \"a/b\"\n"
        "doubt 1 \"x\" when body(\"a/b\") and not (headers ~ phrases)\n"
        "doubt 2 \"y\" when unknown(body(phrases)) or unknown(body ~ \"a/b\")"));
    const struct policy *p = c.policy;
    struct arena arena;
    struct buf octets = {0};

    (void)state;
    arena_init(&arena);
    const struct pattern_group *groups = groups_of(p, &octets, &arena);
    assert_int_equal(p->pattern_count, 4);
    assert_int_equal(p->inspect_work, INSPECT_PATTERNS);
    const int header_table = policy_pattern_group(p, PATTERN_IN_HEADER, SLICE_LIT("phrases"));
    assert_int_equal(groups[header_table].place, PATTERN_IN_HEADER);
    assert_int_equal(groups[header_table].count, 2);
    assert_slice(groups[header_table].lines[0].text, "one");
    assert_false(groups[header_table].lines[0].caseless);
    assert_slice(groups[header_table].lines[1].text, "two\\/2");
    assert_true(groups[header_table].lines[1].caseless);
    const int in_body = policy_pattern_group(p, PATTERN_IN_BODY, SLICE_LIT("/a/b/"));
    assert_int_equal(groups[in_body].place, PATTERN_IN_BODY);
    assert_int_equal(groups[in_body].count, 1);
    assert_slice(groups[in_body].lines[0].text, "a/b");
    assert_int_equal(policy_pattern_group(p, PATTERN_IN_RAW, SLICE_LIT("phrases")), -1);
    assert_int_equal(policy_pattern_group(p, PATTERN_IN_BODY, SLICE_LIT("a/b")), -1);
    assert_int_equal(policy_patterns_generation(p), 0);

    /* as a record has them: a pattern is no table */
    const struct expression *first = rule_at(&c, PHASE_MESSAGE, 0)->condition;
    const struct expression *third = rule_at(&c, PHASE_MESSAGE, 2)->condition;
    assert_string_equal(name_of(first->left, &arena), "body(/a/b/)");
    assert_string_equal(name_of(first->right, &arena), "raw(/a/b/)");
    assert_string_equal(name_of(third->left, &arena), "body(phrases)");
    assert_ptr_equal(third->right->use, first->left->use);
    assert_int_equal(third->left->kind, EXPRESSION_UNKNOWN);
    buf_free(&octets);
    arena_free(&arena);
    compiled_free(&c);
}

static void not_found(void **state)
{
    struct compiled c = compile_good(AT_MESSAGE("mark when raw !~ \"x\""));
    const struct expression *x = rule_at(&c, PHASE_MESSAGE, 0)->condition;

    (void)state;
    assert_int_equal(x->kind, EXPRESSION_NOT);
    assert_int_equal(x->left->kind, EXPRESSION_FACT);
    compiled_free(&c);
}

/* What no rule asks for is not looked for. */
static void only_what_rules_ask_for(void **state)
{
    struct compiled c = compile_good(
        "set offer = body ~ \"offer\"\n"
        "set other = raw ~ \"other\" or subject == \"x\"\n" AT_MESSAGE("mark when offer"));

    (void)state;
    assert_int_equal(c.policy->pattern_count, 1);
    assert_int_equal(c.policy->inspect_work, INSPECT_PATTERNS);
    compiled_free(&c);
    c = compile_good(AT_MESSAGE("mark when url.count > 5 or attachment.macro"));
    assert_int_equal(c.policy->pattern_count, 0);
    assert_int_equal(c.policy->inspect_work, INSPECT_TEXT | INSPECT_PARTS);
    assert_int_equal(policy_pattern_group(c.policy, PATTERN_IN_RAW, SLICE_LIT("x")), -1);
    compiled_free(&c);
}

static void a_table_without_entries(void **state)
{
    struct compiled c = compile_good("table phrases { }\n" AT_MESSAGE("mark when body ~ phrases"));
    struct arena arena;
    struct buf octets = {0};

    (void)state;
    arena_init(&arena);
    assert_int_equal(groups_of(c.policy, &octets, &arena)[0].count, 0);
    buf_free(&octets);
    arena_free(&arena);
    compiled_free(&c);
}

/* As many as an inspector takes, even when each file has come to its most. */
static void too_many(void **state)
{
    static const char *const files[] = {"/etc/p", "/a/\n", NULL};
    struct buf text = {0};

    (void)state;
    for (unsigned tables = 10; tables <= 11; tables++) {
        text.n = 0;
        for (unsigned i = 0; i < tables; i++) {
            buf_printf(&text, "table t%u file /etc/p\n", i);
        }
        buf_printf(&text, "policy {\nat message {\n");
        for (unsigned i = 0; i < tables; i++) {
            buf_printf(&text, "mark when raw ~ t%u\n", i);
        }
        buf_printf(&text, "}\n}\n");
        struct compiled c = compile_files(buf_slice(&text), files);
        if (tables == 10) {
            assert_int_equal(c.r, 0);
            assert_true(c.policy->patterns[0].table->patterns_only);
            compiled_free(&c);
        } else {
            assert_refused(&c, "expected at most 10000 patterns behind headers, body and raw");
        }
    }
    buf_free(&text);
}

static void files_with_something_else(void **state)
{
    static const char *const files[] = {"/etc/p", "/a/\nexample.org\n", NULL};
    struct compiled c =
        compile_files(SLICE_LIT("table t file /etc/p\n" AT_MESSAGE("mark when body ~ t")), files);

    (void)state;
    assert_refused(&c, "expected a table of patterns alone, found texts in the table \"t\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_use_once),
        cmocka_unit_test(not_found),
        cmocka_unit_test(only_what_rules_ask_for),
        cmocka_unit_test(a_table_without_entries),
        cmocka_unit_test(too_many),
        cmocka_unit_test(files_with_something_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
