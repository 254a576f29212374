/* The standard policy in its place, and the table that policy_explain prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "policy_compiled.h"

static void standard_is_the_file(void **state)
{
    FILE *file = fopen(SOURCE_ROOT "/conf/standard.policy", "r");
    char *text = malloc(policy_standard_length + 2);

    (void)state;
    assert_non_null(file);
    assert_int_equal(fread(text, 1, policy_standard_length + 2, file), policy_standard_length);
    assert_memory_equal(text, policy_standard_text, policy_standard_length);
    assert_int_equal(fclose(file), 0);
    free(text);
}

static void standard_in_its_place(void **state)
{
    struct compiled c = compile_good("policy {\n at connect {\n  mark\n }\n}\npolicy standard\n"
                                     "policy {\n at connect {\n  pass\n }\n}");
    size_t count = c.policy->phases[PHASE_CONNECT].count;

    (void)state;
    assert_true(count > 3);
    assert_string_equal(rule_at(&c, PHASE_CONNECT, 0)->where, "gatepost.conf:3");
    assert_memory_equal(rule_at(&c, PHASE_CONNECT, 1)->where, "standard.policy:", 16);
    assert_string_equal(rule_at(&c, PHASE_CONNECT, count - 1)->where, "gatepost.conf:9");
    compiled_free(&c);
    c = compile_good("policy {\n at connect {\n  mark\n }\n}");
    assert_int_equal(c.policy->rule_count, 1);
    compiled_free(&c);
    c = compile_good("");
    assert_true(c.policy->rule_count > 10);
    compiled_free(&c);
}

static void standard_names_replaced(void **state)
{
    struct compiled c = compile_good("set greeting_wait = 77s\ntable trusted { 192.0.2.0/24 }\n");
    bool waits = false;
    struct addr mine;

    (void)state;
    for (size_t i = 0; i < c.policy->rule_count; i++) {
        waits |=
            c.policy->rules[i]->kind == RULE_WAIT && c.policy->rules[i]->amount == 77 * USEC_SEC;
    }
    assert_true(waits);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), &mine), 0);
    const struct policy_table *trusted = table_named(c.policy, "trusted");
    assert_int_equal(table_has_address(trusted, &mine), 1);
    size_t named = 0;
    for (size_t i = 0; i < c.policy->table_count; i++) {
        named += c.policy->tables[i]->name[0] != '\0';
    }
    assert_int_equal(named, 13); /* one of each name, with those that facts look into */
    assert_int_equal(addr_parse(SLICE_LIT("127.0.0.1"), &mine), 0);
    assert_int_equal(table_has_address(trusted, &mine), 0);
    compiled_free(&c);
}

static const char explained_connect[] =
    "at connect\n"
    "  Once, before the greeting. A reject or defer is answered to each RCPT, unless it says now.\n"
    "\n"
    "  No rules: the phase passes.\n"
    "\n"
    "at helo\n";

static const char explained_message[] =
    "at message\n"
    "  At the end of the message. Built in, before: NUL, bare CR or LF in DATA, size, mail loops\n"
    "  are refused. Behind: the next hop must take it.\n"
    "\n"
    "  where             rule                                            facts needed            "
    "cost\n"
    "  gatepost.conf:3   mark                                            -                       "
    "free\n"
    "  gatepost.conf:4   reject \"%{why} %{header(Subject)}\" when doubt   doubt, client.ip, tls,  "
    "content\n"
    "                    > 5 and (client.ip in { 192.0.2.0/24, ::1 } or  why, header(\"Subject\")\n"
    "                    tls )\n"
    "  gatepost.conf:9   observe mark \"X-B: \\u0041 # no comment\"         -                      "
    " free\n"
    "  gatepost.conf:10  mark \"X-C: %{sender}\"                           sender                  "
    "free\n";

/* One line for a rule wherever its own lines end, comments left out, strings as written; wrapped at
 * the columns' widths. */
static void explain(void **state)
{
    struct compiled c =
        compile_good("policy {\n at message {\n  mark\n"
                     "  reject  \"%{why} %{header(Subject)}\" when doubt > 5 # why not\n"
                     "    and (client.ip in { 192.0.2.0/24,\n ::1 }   or\n\n tls )\n"
                     "  observe mark \"X-B: \\u0041 # no comment\"\n"
                     "  mark \"X-C: %{sender}\"\n }\n}");
    struct buf text = {0};

    (void)state;
    policy_explain(c.policy, &text);
    assert_memory_equal(text.p, explained_connect, sizeof(explained_connect) - 1);
    buf_append(&text, "", 1);
    const char *message = strstr(text.p, "at message\n");
    assert_non_null(message);
    assert_string_equal(message, explained_message);
    buf_free(&text);
    compiled_free(&c);
}

/* A word longer than its column is cut, between two characters; so is a file's long name. */
static void explain_long(void **state)
{
    static const char *const files[] = {
        "/etc/a-file-with-quite-a-long-name.rules",
        "mark when header(\"X-0123456789-0123456789-0123456789-0123456789\") == \"\303\274\"\n",
        NULL};
    struct compiled c = compile_files(
        SLICE_LIT("policy {\n at message {\n include a-file-with-quite-a-long-name.rules\n }\n}"),
        files);
    struct buf text = {0};

    (void)state;
    assert_int_equal(c.r, 0);
    policy_explain(c.policy, &text);
    buf_append(&text, "", 1);
    static const char expected[] =
        "  where                     rule                                            facts needed  "
        "          cost\n"
        "  a-file-with-quite-a-long  mark when                                       "
        "header(\"X-0123456789-0  content\n"
        "  -name.rules:1             header(\"X-0123456789-0123456789-0123456789-012  "
        "123456789-0123456789-0\n"
        "                            3456789\") == \"\303\274\"                                "
        "123456789\")\n";
    assert_non_null(strstr(text.p, expected));
    buf_free(&text);
    compiled_free(&c);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(standard_is_the_file),
        cmocka_unit_test(standard_in_its_place),
        cmocka_unit_test(standard_names_replaced),
        cmocka_unit_test(explain),
        cmocka_unit_test(explain_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
