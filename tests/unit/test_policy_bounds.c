/* Policies that are larger, deeper or odder than any that makes sense: an error, never a crash, and
 * in no more time than it takes to read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "policy/parse.h"
#include "policy_compiled.h"

/* `count` times `text`, in which %zu is the number; between `head` and `tail`. */
static struct compiled compile_many(const char *head, const char *text, size_t count,
                                    const char *tail)
{
    struct buf all = {0};

    buf_append_slice(&all, slice_of(head));
    for (size_t i = 0; i < count; i++) {
        for (const char *p = text; *p != '\0'; p++) {
            if (*p == '#') {
                buf_printf(&all, "%zu", i);
            } else if (*p == '@') {
                buf_printf(&all, "%zu", i + 1);
            } else {
                buf_append(&all, p, 1);
            }
        }
    }
    buf_append_slice(&all, slice_of(tail));
    struct compiled c = compile_files(buf_slice(&all), NULL);
    buf_free(&all);
    return c;
}

static unsigned depth(const struct expression *x)
{
    if (x == NULL) {
        return 0;
    }
    unsigned left = depth(x->left), right = depth(x->right);
    return 1 + (left > right ? left : right);
}

/* However long, a chain is a low tree, in its order. */
static void long_chains(void **state)
{
    struct compiled c = compile_many("policy {\n at rcpt {\n  mark when rcpt.count == 0",
                                     "\n or rcpt.count == @", 999, "\n }\n}");
    const struct expression *first, *last;

    (void)state;
    assert_int_equal(c.r, 0);
    first = last = rule_at(&c, PHASE_RCPT, 0)->condition;
    assert_true(depth(first) <= 13);
    while (first->kind == EXPRESSION_OR) {
        first = first->left;
    }
    while (last->kind == EXPRESSION_OR) {
        last = last->right;
    }
    assert_int_equal(first->right->value.number, 0);
    assert_int_equal(last->right->value.number, 999);
    compiled_free(&c);
    c = compile_many("policy {\n at rcpt {\n  mark when tls", " and tls", 2001, "\n }\n}");
    assert_refused(&c, "too large");
}

static void too_many_rules(void **state)
{
    struct compiled c = compile_many("policy {\n at rcpt {\n", "mark\n", RULES_MOST, " }\n}");

    (void)state;
    assert_int_equal(c.r, 0);
    assert_int_equal(c.policy->phases[PHASE_RCPT].count, RULES_MOST);
    compiled_free(&c);
    c = compile_many("policy {\n at rcpt {\n", "mark\n", RULES_MOST + 1, " }\n}");
    assert_int_equal(c.findings.items[0].place.line, RULES_MOST + 3);
    assert_refused(&c, "expected at most 10000 rules");
}

static void too_many_uses(void **state)
{
    static const char *const rule = "mark when header(\"X-#\") == \"\"\n";
    struct compiled c = compile_many("policy {\n at message {\n", rule, USES_MOST, " }\n}");

    (void)state;
    assert_int_equal(c.r, 0);
    assert_int_equal(c.policy->use_count[SCOPE_TRANSACTION], USES_MOST);
    compiled_free(&c);
    c = compile_many("policy {\n at message {\n", rule, USES_MOST + 1, " }\n}");
    assert_int_equal(c.findings.items[0].place.line, USES_MOST + 3);
    assert_refused(&c, "expected at most 1000 facts");
}

/* All are counted, not all are kept. */
static void many_errors(void **state)
{
    struct compiled c = compile_many("policy {\n at mail {\n", "mark when nope.#\n", 1000, " }\n}");

    (void)state;
    assert_int_equal(c.findings.errors, 1000);
    assert_int_equal(c.findings.count, FINDINGS_MOST);
    assert_refused(&c, "unknown name \"nope.0\"");
}

/* A chain of sets, in an order that asks for the last one first. */
static void chains_of_sets(void **state)
{
    struct compiled c = compile_many("policy {\n at mail {\n  mark when s0\n }\n}\n",
                                     "set s# = s@\n", 90, "set s90 = tls");

    (void)state;
    assert_int_equal(c.r, 0);
    assert_ptr_equal(rule_at(&c, PHASE_MAIL, 0)->condition->use->fact, &facts[FACT_tls]);
    compiled_free(&c);
    c = compile_many("policy {\n at mail {\n  mark when s0\n }\n}\n", "set s# = s@\n", 20000,
                     "set s20000 = tls");
    assert_refused(&c, "at most 100 deep");
    c = compile_many("policy {\n at mail {\n  mark when s0\n }\n}\n",
                     "set s# = not not not not not not not not not s@\n", 90, "set s90 = tls");
    assert_refused(&c, "too large");
}

/* Each twice as large as the one before: it must not be gone through to find that out. */
static void doubling_sets(void **state)
{
    struct compiled c = compile_many("policy {\n at mail {\n  mark when s0\n }\n}\n",
                                     "set s# = s@ and s@\n", 60, "set s60 = tls");

    (void)state;
    assert_refused(&c, "too large");
}

static void deep_nesting(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_append_slice(&text, SLICE_LIT("policy {\n at mail {\n  mark when "));
    for (int i = 0; i < NESTING_MOST; i++) {
        buf_append_slice(&text, slice_of(i % 2 ? "(" : "not "));
    }
    buf_append_slice(&text, SLICE_LIT("tls"));
    for (int i = 0; i < NESTING_MOST / 2; i++) {
        buf_append_slice(&text, SLICE_LIT(")"));
    }
    buf_append_slice(&text, SLICE_LIT("\n }\n}"));
    struct compiled c = compile_files(buf_slice(&text), NULL);
    assert_int_equal(c.r, 0);
    assert_int_equal(depth(rule_at(&c, PHASE_MAIL, 0)->condition), NESTING_MOST / 2 + 1);
    compiled_free(&c);
    buf_free(&text);
    /* Names below names below nots: more than the stack should bear. */
    c = compile_many("policy {\n at mail {\n  mark when s0\n }\n}\n",
                     "set s# = not (not (not (not (not (not (not (not s@)))))))\n", 99,
                     "set s99 = tls");
    assert_refused(&c, "too large");
}

static void many_names(void **state)
{
    struct compiled c = compile_many("policy {\n at mail {\n  mark when s1234 and s19999\n }\n}\n",
                                     "set s# = tls\ntable t# { x }\n", 20000, "");

    (void)state;
    assert_int_equal(c.r, 0);
    assert_int_equal(c.findings.errors, 0);
    assert_int_equal(c.findings.count, FINDINGS_MOST);
    assert_string_equal(c.findings.items[0].text, "the set \"s0\" is never used");
    compiled_free(&c);
}

/* Octets that no word may have; the configuration's own parser would have refused them before. */
static void any_octets(void **state)
{
    static const char *const blocks[] = {
        "",
        "\"",
        "policy",
        "policy {",
        "policy { at",
        "policy { at mail {",
        "set",
        "set x",
        "set x =",
        "table",
        "table x",
        "table x {",
        "}",
        "} } }",
        "\\",
        "\x80\xff",
        "policy { \x01",
        "policy {\"",
        "policy { at mail { mark when helo in {",
        "policy { at mail { mark when helo in { /a",
        "policy { at mail { mark when (((",
        "policy { at mail { mark when header(\"",
        "policy { at mail { mark when unknown(",
        "policy { at mail { reject \"\\u12",
        "policy { at mail { include",
        "policy { at mail { mark \"\xc3\" } }",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        struct compiled c = compile_good("");
        char *copy = malloc(strlen(blocks[i]) + 1);
        memcpy(copy, blocks[i], strlen(blocks[i]));
        struct source source = {"/x", {copy, strlen(blocks[i])}, NULL};
        struct conf_block block = {CONF_BLOCK_POLICY, source.text, {1, 1, &source}};
        struct policy *p = NULL;
        c.conf->blocks = &block;
        c.conf->block_count = 1;
        assert_int_equal(policy_compile(c.conf, &c.findings, &p), i == 0 ? 0 : -EINVAL);
        assert_int_equal(c.findings.errors > 0, i != 0);
        (void)policy_free(p);
        compiled_free(&c);
        free(copy);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_chains),    cmocka_unit_test(too_many_rules),
        cmocka_unit_test(too_many_uses),  cmocka_unit_test(many_errors),
        cmocka_unit_test(chains_of_sets), cmocka_unit_test(doubling_sets),
        cmocka_unit_test(deep_nesting),   cmocka_unit_test(many_names),
        cmocka_unit_test(any_octets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
