/* What policy_compile makes of a policy: rules, conditions, uses of facts, tables, texts. What it
 * must refuse is in test_policy_check.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "policy/template.h"
#include "policy_compiled.h"

/* ---- rules ---- */

static void rules_in_their_order(void **state)
{
    struct compiled c = compile_good("policy {\n at rcpt {\n  junk when rcpt.count > 1\n }\n"
                                     " at connect {\n  mark\n  pass\n }\n}\n"
                                     "policy {\n at rcpt {\n  observe trust all\n }\n}\n");

    (void)state;
    assert_int_equal(c.policy->rule_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(c.policy->rules[i]->index, i);
    }
    assert_int_equal(c.policy->phases[PHASE_CONNECT].count, 2);
    assert_int_equal(c.policy->phases[PHASE_HELO].count, 0);
    assert_int_equal(rule_at(&c, PHASE_RCPT, 0)->kind, RULE_JUNK);
    assert_int_equal(rule_at(&c, PHASE_RCPT, 0)->index, 0);
    const struct rule *trust = rule_at(&c, PHASE_RCPT, 1);
    assert_int_equal(trust->kind, RULE_TRUST);
    assert_true(trust->observe && trust->all && !trust->now);
    assert_int_equal(trust->phase, PHASE_RCPT);
    assert_int_equal(trust->index, 3);
    assert_string_equal(trust->where, "gatepost.conf:12");
    assert_int_equal(trust->place.line, 12);
    assert_int_equal(trust->place.column, 3);
    assert_null(trust->condition);
    assert_null(trust->text);
    assert_int_equal(rule_at(&c, PHASE_CONNECT, 1)->kind, RULE_PASS);
    compiled_free(&c);
}

static void codes_and_amounts(void **state)
{
    static const struct {
        const char *rule;
        uint16_t code;
        const char *enhanced;
        int64_t amount;
        bool now;
        bool silent;
    } rows[] = {
        {"reject \"a\"", 550, "5.7.1", 0, false, false},
        {"reject 521 5.3.2 \"a\"", 521, "5.3.2", 0, false, false},
        {"reject now 556 5.1.10 \"a\"", 556, "5.1.10", 0, true, false},
        {"defer \"a\"", 451, "4.7.1", 0, false, false},
        {"defer now 421 4.3.2 \"a\"", 421, "4.3.2", 0, true, false},
        {"drop \"a\"", 421, "4.7.0", 0, false, false},
        {"drop 554 5.7.1 \"a\"", 554, "5.7.1", 0, false, false},
        {"drop silent", 0, "", 0, false, true},
        {"wait 1500ms", 0, "", 1500000, false, false},
        {"wait pause", 0, "", 7 * USEC_SEC, false, false},
        {"ban 2d", 0, "", 2 * 86400 * USEC_SEC, false, false},
        {"doubt -7 \"a\"", 0, "", -7, false, false},
        {"doubt 1000 \"a\"", 0, "", 1000, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "set pause = 7s\npolicy {\n at mail {\n  %s\n }\n}",
                       rows[i].rule);
        struct compiled c = compile_good(text);
        const struct rule *rule = rule_at(&c, PHASE_MAIL, 0);
        assert_int_equal(rule->code, rows[i].code);
        assert_slice(rule->enhanced, rows[i].enhanced);
        assert_int_equal(rule->amount, rows[i].amount);
        assert_int_equal(rule->now, rows[i].now);
        assert_int_equal(rule->silent, rows[i].silent);
        compiled_free(&c);
    }
}

static void texts(void **state)
{
    struct compiled c = compile_good(
        "policy {\n at message {\n"
        "  reject \"plain\" when doubt > 1\n"
        "  reject \"%{why}\" when doubt > 2\n"
        "  doubt 1 \"100%% \\u0022%{header(Subject)}\\\" %{header( \\\"To\\\" )}%{size}.\"\n"
        "  mark\n"
        "  mark \"X-A: b\"\n }\n}");

    (void)state;
    const struct text_template *t = rule_at(&c, PHASE_MESSAGE, 0)->text;
    assert_int_equal(t->count, 1);
    assert_slice(t->parts[0].literal, "plain");
    assert_null(t->parts[0].use);
    t = rule_at(&c, PHASE_MESSAGE, 1)->text;
    assert_int_equal(t->count, 1);
    assert_int_equal(t->parts[0].literal.n, 0);
    assert_ptr_equal(t->parts[0].use->fact, &facts[FACT_why]);
    t = rule_at(&c, PHASE_MESSAGE, 2)->text;
    assert_int_equal(t->count, 4);
    assert_slice(t->parts[0].literal, "100% \"");
    assert_ptr_equal(t->parts[0].use->fact, &facts[FACT_header]);
    assert_slice(t->parts[0].use->parameters[0], "Subject");
    assert_slice(t->parts[1].literal, "\" ");
    assert_slice(t->parts[1].use->parameters[0], "To");
    assert_slice(t->parts[2].literal, "");
    assert_ptr_equal(t->parts[2].use->fact, &facts[FACT_size]);
    assert_slice(t->parts[3].literal, ".");
    assert_null(t->parts[3].use);
    assert_slice(rule_at(&c, PHASE_MESSAGE, 3)->text->parts[0].literal, "X-Spam-Flag: YES");
    assert_slice(rule_at(&c, PHASE_MESSAGE, 4)->text->parts[0].literal, "X-A: b");
    compiled_free(&c);
}

/* ---- conditions ---- */

static void when_and_unless(void **state)
{
    struct compiled c = compile_good("policy {\n at mail {\n"
                                     "  mark when tls\n  mark unless tls\n"
                                     "  mark when tls unless helo.mine\n"
                                     "  mark unless helo.mine when tls\n }\n}");

    (void)state;
    const struct expression *x = rule_at(&c, PHASE_MAIL, 0)->condition;
    assert_int_equal(x->kind, EXPRESSION_FACT);
    assert_int_equal(x->type, TYPE_BOOL);
    const struct fact_use *tls = x->use;
    x = rule_at(&c, PHASE_MAIL, 1)->condition;
    assert_int_equal(x->kind, EXPRESSION_NOT);
    assert_ptr_equal(x->left->use, tls);
    for (size_t i = 2; i < 4; i++) {
        x = rule_at(&c, PHASE_MAIL, i)->condition;
        assert_int_equal(x->kind, EXPRESSION_AND);
        assert_ptr_equal(x->left->use, tls);
        assert_int_equal(x->right->kind, EXPRESSION_NOT);
        assert_ptr_equal(x->right->left->use->fact, &facts[FACT_helo_mine]);
    }
    compiled_free(&c);
}

/* `not` binds closest, then the comparison's `and`, then `or`. */
static void precedence(void **state)
{
    struct compiled c = compile_good("policy {\n at mail {\n"
                                     "  mark when tls or not helo.mine and sender == \"a\"\n"
                                     "   or (tls or helo.mine) and not (tls and helo.mine)\n }\n}");

    (void)state;
    const struct expression *x = rule_at(&c, PHASE_MAIL, 0)->condition;
    assert_int_equal(x->kind, EXPRESSION_OR);
    assert_int_equal(x->left->kind, EXPRESSION_FACT);
    x = x->right;
    assert_int_equal(x->kind, EXPRESSION_OR);
    assert_int_equal(x->left->kind, EXPRESSION_AND);
    assert_int_equal(x->left->left->kind, EXPRESSION_NOT);
    assert_int_equal(x->left->right->kind, EXPRESSION_EQUAL);
    assert_int_equal(x->left->right->right->value.type, TYPE_TEXT);
    assert_slice(x->left->right->right->value.text, "a");
    assert_int_equal(x->right->kind, EXPRESSION_AND);
    assert_int_equal(x->right->left->kind, EXPRESSION_OR);
    assert_int_equal(x->right->right->kind, EXPRESSION_NOT);
    assert_int_equal(x->right->right->left->kind, EXPRESSION_AND);
    compiled_free(&c);
}

/* Compares `fact OPERATOR constant` and gives the constant. */
static const struct expression *constant_of(const struct compiled *c, size_t i,
                                            enum expression_kind kind, enum value_type type)
{
    const struct expression *x = rule_at(c, PHASE_MAIL, i)->condition;

    assert_int_equal(x->kind, kind);
    assert_int_equal(x->left->kind, EXPRESSION_FACT);
    assert_int_equal(x->right->kind, EXPRESSION_CONSTANT);
    assert_int_equal(x->right->type, type);
    assert_int_equal(x->right->value.type, type);
    assert_int_equal(x->right->value.state, VALUE_KNOWN);
    return x->right;
}

static void constants(void **state)
{
    char text[ADDR_TEXT_MAX];
    struct compiled c = compile_good("set form = literal\nset again = form\npolicy {\n at mail {\n"
                                     "  mark when rcpt.count != -12\n"
                                     "  mark when size.declared > 10M\n"
                                     "  mark when size.declared <= 500\n"
                                     "  mark when client.ip == 2001:db8::1\n"
                                     "  mark when tls == true\n"
                                     "  mark when helo.form == again\n"
                                     "  mark when helo.form != invalid\n }\n}");

    (void)state;
    const struct expression *x = constant_of(&c, 0, EXPRESSION_NOT_EQUAL, TYPE_NUMBER);
    assert_int_equal(x->value.number, -12);
    x = constant_of(&c, 1, EXPRESSION_GREATER, TYPE_SIZE);
    assert_int_equal(x->value.number, 10 << 20);
    x = constant_of(&c, 2, EXPRESSION_LESS_EQUAL, TYPE_NUMBER);
    assert_int_equal(x->value.number, 500);
    x = constant_of(&c, 3, EXPRESSION_EQUAL, TYPE_ADDRESS);
    assert_string_equal(addr_format(&x->value.address, text), "2001:db8::1");
    x = constant_of(&c, 4, EXPRESSION_EQUAL, TYPE_BOOL);
    assert_true(x->value.boolean);
    x = constant_of(&c, 5, EXPRESSION_EQUAL, TYPE_RESULT);
    assert_string_equal(helo_form_words[x->value.number], "literal");
    x = constant_of(&c, 6, EXPRESSION_NOT_EQUAL, TYPE_RESULT);
    assert_string_equal(helo_form_words[x->value.number], "invalid");
    compiled_free(&c);
}

/* The other way round too. */
static void constant_in_front(void **state)
{
    struct compiled c = compile_good("policy {\n at mail {\n  mark when label == helo.form\n"
                                     "  mark when 5 < rcpt.count\n }\n}");

    (void)state;
    const struct expression *x = rule_at(&c, PHASE_MAIL, 0)->condition;
    assert_int_equal(x->left->value.type, TYPE_RESULT);
    assert_string_equal(helo_form_words[x->left->value.number], "label");
    x = rule_at(&c, PHASE_MAIL, 1)->condition;
    assert_int_equal(x->kind, EXPRESSION_LESS);
    assert_int_equal(x->left->value.number, 5);
    compiled_free(&c);
}

static void patterns_and_unknown(void **state)
{
    struct compiled c = compile_good("policy {\n at message {\n  mark when helo ~ \"^a\\\\.b$\"\n"
                                     "  mark when helo !~ \"(?i)X\"\n"
                                     "  mark when unknown(header(\"Subject\"))\n }\n}");

    (void)state;
    const struct expression *x = rule_at(&c, PHASE_MESSAGE, 0)->condition;
    assert_int_equal(x->kind, EXPRESSION_MATCH);
    assert_int_equal(pattern_match(x->pattern, SLICE_LIT("a.b")), 1);
    assert_int_equal(pattern_match(x->pattern, SLICE_LIT("aXb")), 0);
    x = rule_at(&c, PHASE_MESSAGE, 1)->condition;
    assert_int_equal(x->kind, EXPRESSION_NOT_MATCH);
    assert_int_equal(pattern_match(x->pattern, SLICE_LIT("x")), 1);
    x = rule_at(&c, PHASE_MESSAGE, 2)->condition;
    assert_int_equal(x->kind, EXPRESSION_UNKNOWN);
    assert_slice(x->use->parameters[0], "Subject");
    compiled_free(&c);
}

/* What a set stands for is made once and shared, wherever it is defined. */
static void sets_are_shared(void **state)
{
    struct compiled c =
        compile_good("policy {\n at mail {\n  mark when odd\n  mark unless odd\n }\n"
                     " set odd = (tls or helo.mine) and rcpt.count > limit\n}\n"
                     "set limit = 3\n");

    (void)state;
    const struct expression *x = rule_at(&c, PHASE_MAIL, 0)->condition;
    const struct expression *y = rule_at(&c, PHASE_MAIL, 1)->condition;
    assert_int_equal(x->kind, EXPRESSION_AND);
    assert_int_equal(x->right->right->value.number, 3);
    assert_int_equal(y->kind, EXPRESSION_NOT);
    assert_ptr_equal(y->left->left, x->left);
    assert_ptr_equal(y->left->right, x->right);
    assert_int_equal(x->place.line, 3);
    assert_int_equal(x->place.column, 13);
    compiled_free(&c);
}

/* ---- uses ---- */

static void uses(void **state)
{
    struct compiled c =
        compile_good("policy {\n at message {\n"
                     "  mark when header(\"A\") == header(\"B\") and tls\n"
                     "  mark \"X-A: %{header(A)} %{header.count(A)} %{doubt}\" when tls "
                     "and unknown(header(\"B\"))\n"
                     "  mark when client.ip == ::1 and size > 5\n }\n}");
    const struct policy *p = c.policy;

    (void)state;
    assert_int_equal(p->use_count[SCOPE_CONNECTION], 2);
    assert_int_equal(p->use_count[SCOPE_TRANSACTION], 4);
    assert_int_equal(p->use_count[SCOPE_RECIPIENT], 1);
    for (unsigned scope = 0; scope < SCOPE_COUNT; scope++) {
        for (size_t i = 0; i < p->use_count[scope]; i++) {
            assert_int_equal(p->uses[scope][i]->index, i);
            assert_int_equal(p->uses[scope][i]->fact->scope, scope);
        }
    }
    const struct expression *x = rule_at(&c, PHASE_MESSAGE, 0)->condition;
    const struct expression *y = rule_at(&c, PHASE_MESSAGE, 1)->condition;
    const struct fact_use *a = x->left->left->use;
    assert_ptr_equal(rule_at(&c, PHASE_MESSAGE, 1)->text->parts[0].use, a);
    assert_ptr_equal(y->right->use, x->left->right->use);
    assert_ptr_not_equal(a, y->right->use);
    assert_ptr_equal(y->left->use, x->right->use);
    compiled_free(&c);
}

/* ---- tables ---- */

static void tables(void **state)
{
    static const char *const files[] = {"/etc/lists/near", "# ours\n192.0.2.0/24\n!192.0.2.7\n",
                                        NULL};
    struct compiled c = compile_files(
        SLICE_LIT(
            "table near file lists/near\ntable odd { .example.org, \"192.0.2.1\" }\n"
            "table unused { x }\npolicy {\n at helo {\n"
            "  mark when client.ip in near\n  mark when helo in odd\n"
            "  mark when helo in { a, /^b/ }\n  mark when client.ip in 198.51.100.0/24\n }\n}"),
        files);
    struct addr in, out;

    (void)state;
    assert_int_equal(c.r, 0);
    assert_int_equal(c.findings.count, 1); /* the unused one */
    const struct policy_table *near = table_named(c.policy, "near");
    assert_string_equal(near->file, "/etc/lists/near");
    assert_true(near->has_networks && !near->has_texts);
    assert_int_equal(near->place.line, 1);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), &in), 0);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.7"), &out), 0);
    assert_int_equal(table_has_address(near, &in), 1);
    assert_int_equal(table_has_address(near, &out), 0);
    assert_ptr_equal(rule_at(&c, PHASE_HELO, 0)->condition->table, near);
    const struct policy_table *odd = table_named(c.policy, "odd");
    assert_null(odd->file);
    assert_true(odd->has_texts && !odd->has_networks);
    assert_int_equal(table_has_text(odd, SLICE_LIT("a.example.org")), 1);
    assert_int_equal(table_has_text(odd, SLICE_LIT("192.0.2.1")), 1);
    assert_null(table_named(c.policy, "unused"));
    assert_int_equal(c.policy->table_count, 4); /* with two lists */
    const struct policy_table *list = rule_at(&c, PHASE_HELO, 2)->condition->table;
    assert_string_equal(list->name, "");
    assert_int_equal(table_has_text(list, SLICE_LIT("bc")), 1);
    list = rule_at(&c, PHASE_HELO, 3)->condition->table;
    assert_int_equal(addr_parse(SLICE_LIT("198.51.100.200"), &in), 0);
    assert_int_equal(table_has_address(list, &in), 1);
    compiled_free(&c);
}

/* ---- other things ---- */

/* What a file held when it was read must not keep the host from being started: it may hold more. */
static void a_file_instead_of_the_standard_table(void **state)
{
    static const char *const files[] = {"/etc/hosts.table", "mx.example.net\n", NULL};
    struct compiled c = compile_files(SLICE_LIT("table trusted file hosts.table"), files);
    const struct policy_table *trusted;

    (void)state;
    assert_int_equal(c.r, 0);
    assert_int_equal(c.findings.errors, 0);
    assert_true(c.findings.count > 0);
    trusted = table_named(c.policy, "trusted");
    assert_string_equal(trusted->file, "/etc/hosts.table");
    compiled_free(&c);
    c = compile_files(SLICE_LIT("table trusted { mx.example.net }"), NULL);
    assert_refused(&c, "has networks, yours has none");
}

static void third_parties(void **state)
{
    static const enum fact_id of_lists[] = {
        FACT_dnsbl,        FACT_dnsbl_answers, FACT_dnsbl_reason, FACT_dnsbl_helo,
        FACT_dnsbl_sender, FACT_dnsbl_from,    FACT_dnsbl_url,    FACT_dnswl,
    };

    (void)state;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        bool of_list = false;
        for (size_t k = 0; k < sizeof(of_lists) / sizeof(of_lists[0]); k++) {
            of_list = of_list || of_lists[k] == (enum fact_id)i;
        }
        assert_int_equal(fact_is_third_party(&facts[i]), of_list);
    }
}

static void actions_and_phases(void **state)
{
    (void)state;
    assert_string_equal(actions[RULE_REJECT].name, "reject");
    assert_true(actions[RULE_REJECT].verdict && actions[RULE_JUNK].verdict);
    assert_false(actions[RULE_WAIT].verdict || actions[RULE_MARK].verdict);
    assert_int_equal(actions[RULE_PASS].phases, (1u << PHASE_COUNT) - 1);
    assert_int_equal(actions[RULE_WAIT].phases, (1u << PHASE_MESSAGE) - 1);
    assert_int_equal(actions[RULE_JUNK].phases, 1u << PHASE_RCPT | 1u << PHASE_MESSAGE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_in_their_order),
        cmocka_unit_test(codes_and_amounts),
        cmocka_unit_test(texts),
        cmocka_unit_test(when_and_unless),
        cmocka_unit_test(precedence),
        cmocka_unit_test(constants),
        cmocka_unit_test(constant_in_front),
        cmocka_unit_test(patterns_and_unknown),
        cmocka_unit_test(sets_are_shared),
        cmocka_unit_test(uses),
        cmocka_unit_test(tables),
        cmocka_unit_test(a_file_instead_of_the_standard_table),
        cmocka_unit_test(third_parties),
        cmocka_unit_test(actions_and_phases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
