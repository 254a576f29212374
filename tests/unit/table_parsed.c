#include "table_parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

struct policy_table parse_octets(struct slice text)
{
    struct policy_table t = {.name = "test"};
    struct place at = {0};
    char why[256] = "";

    if (table_content_parse(text, &t.content, &at, why, sizeof(why)) < 0) {
        fail_msg("line %u: %s", at.line, why);
    }
    return t;
}

struct policy_table parse(const char *text)
{
    return parse_octets(slice_of(text));
}

int has_address(const struct policy_table *t, const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(slice_of(text), &a), 0);
    a.port = 4711;
    return table_has_address(t, &a);
}

int has_text(const struct policy_table *t, const char *text)
{
    return table_has_text(t, slice_of(text));
}

int is_in(const char *entries, const char *text)
{
    struct policy_table t = parse(entries);
    const int r = has_text(&t, text);

    assert_null(table_content_free(t.content));
    return r;
}

void assert_bad_octets(struct slice text, unsigned line, const char *cause)
{
    struct table_content *untouched = (struct table_content *)0x1;
    struct table_content *c = untouched;
    struct place at = {.line = 4711};
    char why[256] = "";

    assert_int_equal(table_content_parse(text, &c, &at, why, sizeof(why)), -EINVAL);
    assert_ptr_equal(c, untouched);
    assert_string_equal(why, cause);
    assert_int_equal(at.line, line);
}

void assert_bad(const char *text, unsigned line, const char *cause)
{
    assert_bad_octets(slice_of(text), line, cause);
}
