/* Texts with facts in them: what strangers can make of them, and what they cannot. */
#include "policy_world.h"

static struct slice fill(struct policy_world *w, size_t count, const struct template_part *parts)
{
    const struct text_template t = {parts, count};

    return template_fill(&t, &w->e);
}

/* "[FACT]" with a text fact of these octets. */
static struct slice fill_with(struct policy_world *w, const char *p, size_t n)
{
    const struct stand_in *f = known(w, value_text((struct slice){p, n}));
    const struct template_part parts[] = {{SLICE_LIT("["), &f->use}, {SLICE_LIT("]"), NULL}};

    return fill(w, COUNT(parts), parts);
}

static void a_text_without_facts_is_not_copied(void **state)
{
    struct policy_world *w = *state;
    const struct template_part part = {SLICE_LIT("caf\xc3\xa9"), NULL};

    assert_ptr_equal(fill(w, 1, &part).p, part.literal.p);
    assert_slice(fill(w, 1, &part), "caf\xc3\xa9");
    assert_slice(fill(w, 0, NULL), "");
}

static void facts_of_every_type(void **state)
{
    struct policy_world *w = *state;
    const struct {
        struct value v;
        const char *text;
    } rows[] = {
        {value_bool(true), "true"},
        {value_number(TYPE_NUMBER, -42), "-42"},
        {value_number(TYPE_DURATION, 6 * USEC_SEC), "6s"},
        {value_number(TYPE_SIZE, 1 << 20), "1M"},
        {value_number(TYPE_RESULT, 2), "softfail"},
        {text_value("a b"), "a b"},
        {text_value(""), ""},
        {ip_value("2001:db8::1"), "2001:db8::1"},
        {set_value(w, 2, "a", "b"), "a, b"},
        {value_unknown(TYPE_TEXT, UNKNOWN_TIMEOUT), "unknown"},
    };
    struct template_part parts[COUNT(rows)];
    char expected[200] = "";

    for (size_t i = 0; i < COUNT(rows); i++) {
        parts[i] = (struct template_part){SLICE_LIT("|"), &known(w, rows[i].v)->use};
        strcat(strcat(expected, "|"), rows[i].text);
    }
    assert_slice(fill(w, COUNT(parts), parts), expected);
}

static void what_costs_is_not_asked_for(void **state)
{
    struct policy_world *w = *state;
    struct stand_in *f = stand_in(w, COST_DNS, text_value("listed"));
    const struct template_part parts[] = {{SLICE_LIT("by "), &f->use}};

    assert_slice(fill(w, 1, parts), "by unknown");
    assert_int_equal(f->computed, 0);
    w->e.memos[SCOPE_RECIPIENT]->values[f->use.index] = f->value;
    assert_slice(fill(w, 1, parts), "by listed");
}

/* A reply ends with its last word. */
static void a_fact_that_says_nothing_leaves_no_blank(void **state)
{
    struct policy_world *w = *state;
    const struct template_part parts[] = {{SLICE_LIT("-all "), &known(w, text_value(""))->use},
                                          {SLICE_LIT(" "), &known(w, text_value(" "))->use}};

    assert_slice(fill(w, 1, parts), "-all");
    assert_slice(fill(w, 2, parts), "-all");
}

static void nothing_adds_a_line(void **state)
{
    static const char lines[] = "a\r\n250 ok\nb\tc";
    static const char controls[] = "a\0b\x1b[31mc\x7f\x80";
    struct policy_world *w = *state;

    assert_slice(fill_with(w, lines, sizeof(lines) - 1), "[a  250 ok b c]");
    assert_slice(fill_with(w, controls, sizeof(controls) - 1), "[a?b?[31mc??]");
}

static void other_letters_are_question_marks(void **state)
{
    struct policy_world *w = *state;

    assert_slice(fill_with(w, "\xc3\xa4\xe2\x82\xac.", 6), "[??.]");
    assert_slice(fill_with(w, "\xa4\xa4", 2), "[?]"); /* what it is nobody knows */
    assert_slice(fill_with(w, "x\xff\xfe", 3), "[x??]");
}

static void every_octet_becomes_printable(void **state)
{
    struct policy_world *w = *state;

    for (unsigned c = 0; c < 256; c++) {
        const char octet = (char)c;
        const size_t facts_before = w->fact_count;
        const struct slice s = fill_with(w, &octet, 1);
        assert_int_equal(s.n, 3);
        assert_true(s.p[1] >= 0x20 && s.p[1] <= 0x7e);
        assert_true(s.p[1] == octet || octet < 0x20 || octet > 0x7e);
        w->fact_count = facts_before;
        fact_memo_clear(w->e.memos[SCOPE_RECIPIENT]);
    }
}

static void long_facts_are_cut(void **state)
{
    struct policy_world *w = *state;
    char text[4096];

    memset(text, 'a', sizeof(text));
    struct slice s = fill_with(w, text, TEMPLATE_FACT_MOST);
    assert_int_equal(s.n, TEMPLATE_FACT_MOST + 2);
    assert_int_equal(s.p[TEMPLATE_FACT_MOST], 'a');

    s = fill_with(w, text, TEMPLATE_FACT_MOST + 1);
    assert_int_equal(s.n, TEMPLATE_FACT_MOST + 2);
    assert_memory_equal(s.p + s.n - 5, "a...]", 5);
    s = fill_with(w, text, sizeof(text));
    assert_int_equal(s.n, TEMPLATE_FACT_MOST + 2);

    /* Of many octets few may be left. */
    memset(text, (char)0xa4, sizeof(text));
    text[0] = (char)0xc3;
    assert_slice(fill_with(w, text, sizeof(text)), "[?]");
}

static void the_whole_is_cut(void **state)
{
    struct policy_world *w = *state;
    char text[TEMPLATE_WHOLE_MOST + 10];
    struct template_part parts[2] = {{{text, TEMPLATE_WHOLE_MOST}, NULL}, {{0}, NULL}};

    memset(text, 'a', sizeof(text));
    assert_int_equal(fill(w, 1, parts).n, TEMPLATE_WHOLE_MOST);
    assert_int_equal(fill(w, 2, parts).n, TEMPLATE_WHOLE_MOST);
    assert_int_equal(fill(w, 2, parts).p[TEMPLATE_WHOLE_MOST - 1], 'a');

    parts[0].literal.n++;
    for (size_t count = 1; count <= 2; count++) {
        struct slice s = fill(w, count, parts);
        assert_int_equal(s.n, TEMPLATE_WHOLE_MOST);
        assert_memory_equal(s.p + s.n - 4, "a...", 4);
    }
    /* A character of three octets at the cut is left out whole. */
    memcpy(text + TEMPLATE_WHOLE_MOST - 5, "\xe2\x82\xac", 3);
    struct slice s = fill(w, 1, parts);
    assert_int_equal(s.n, TEMPLATE_WHOLE_MOST - 2);
    assert_memory_equal(s.p + s.n - 4, "a...", 4);
}

static void many_facts_stay_within_the_whole(void **state)
{
    struct policy_world *w = *state;
    char text[TEMPLATE_FACT_MOST];
    const struct stand_in *f = known(w, value_text((struct slice){text, sizeof(text)}));
    struct template_part parts[6];

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < COUNT(parts); i++) {
        parts[i] = (struct template_part){SLICE_LIT(""), &f->use};
    }
    assert_int_equal(fill(w, 5, parts).n, TEMPLATE_WHOLE_MOST);
    assert_int_equal(fill(w, 5, parts).p[TEMPLATE_WHOLE_MOST - 1], 'x');
    assert_int_equal(fill(w, 6, parts).n, TEMPLATE_WHOLE_MOST);
    assert_memory_equal(fill(w, 6, parts).p + TEMPLATE_WHOLE_MOST - 4, "x...", 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, policy_world_setup, policy_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_text_without_facts_is_not_copied),
        TEST(facts_of_every_type),
        TEST(what_costs_is_not_asked_for),
        TEST(a_fact_that_says_nothing_leaves_no_blank),
        TEST(nothing_adds_a_line),
        TEST(other_letters_are_question_marks),
        TEST(every_octet_becomes_printable),
        TEST(long_facts_are_cut),
        TEST(the_whole_is_cut),
        TEST(many_facts_stay_within_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
