/* The table of facts is sane, its columns have names, and values have texts. */
#include "fact_world.h"

#include <ctype.h>
#include <stdio.h>

static bool ends_sentence(const char *prose)
{
    size_t n = strlen(prose);

    return n > 1 && prose[n - 1] == '.' && prose[n - 2] != '.';
}

/* "client.ip": lower case, each part begins with a letter. */
static bool is_name(const char *name)
{
    bool begin = true;

    for (const char *c = name; *c != '\0'; c++) {
        bool letter = islower((unsigned char)*c) != 0;
        bool inner = isdigit((unsigned char)*c) || *c == '_' || *c == '.';
        if (!letter && (begin || !inner)) {
            return false;
        }
        begin = *c == '.';
    }
    return !begin;
}

static void names_are_words_of_the_language(void **state)
{
    (void)state;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        assert_true(is_name(facts[i].name));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(facts[i].name, facts[k].name);
        }
    }
}

static void idents_follow_from_names(void **state)
{
    static const char *const idents[FACT_COUNT] = {
#define FACT(ident, name, type, arity, phase, scope, cost, keeping, prose) #ident,
#include "tbl/facts.h"
#undef FACT
    };

    (void)state;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s", facts[i].name);
        for (char *dot; (dot = strchr(name, '.')) != NULL;) {
            *dot = '_';
        }
        assert_string_equal(name, idents[i]);
    }
}

static void prose_is_sentences(void **state)
{
    (void)state;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        if (!ends_sentence(facts[i].prose) || islower((unsigned char)facts[i].prose[0])) {
            fail_msg("%s: \"%s\"", facts[i].name, facts[i].prose);
        }
    }
}

static void results_have_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        assert_int_equal(facts[i].type == TYPE_RESULT, facts[i].words != NULL);
        for (size_t k = 0; facts[i].words != NULL && facts[i].words[k] != NULL; k++) {
            assert_true(is_name(facts[i].words[k]));
            for (size_t j = 0; j < k; j++) {
                assert_string_not_equal(facts[i].words[k], facts[i].words[j]);
            }
        }
        assert_true(facts[i].words == NULL || facts[i].words[0] != NULL);
    }
    assert_ptr_equal(facts[FACT_helo_form].words, helo_form_words);
}

/* What is read anew each time must be free to read. */
static void live_ones_are_cheap(void **state)
{
    (void)state;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        assert_true(facts[i].keeping != KEEPING_LIVE || facts[i].cost <= COST_MEMORY);
    }
}

/* What is asked of all recipients together is one recipient's otherwise. */
static void joint_ones_are_of_recipients(void **state)
{
    (void)state;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        assert_true(facts[i].keeping != KEEPING_JOINT ||
                    (facts[i].scope == SCOPE_RECIPIENT && facts[i].phase == PHASE_RCPT));
    }
}

/* A fact is known when its scope exists, and is remembered as long as what it tells of. A live one
 * is read anew anyway: `doubt` is of every scope. */
static void scopes_fit_phases(void **state)
{
    static const struct {
        enum phase first, last;
    } fit[SCOPE_COUNT] = {
        [SCOPE_CONNECTION] = {PHASE_CONNECT, PHASE_HELO},
        [SCOPE_TRANSACTION] = {PHASE_MAIL, PHASE_MESSAGE},
        [SCOPE_RECIPIENT] = {PHASE_RCPT, PHASE_RCPT},
    };

    (void)state;
    for (size_t i = 0; i < FACT_COUNT; i++) {
        const struct fact *f = &facts[i];
        if (f->phase > fit[f->scope].last ||
            (f->phase < fit[f->scope].first && f->keeping != KEEPING_LIVE)) {
            fail_msg("%s is known at %s and is the %s's", f->name, phase_name(f->phase),
                     fact_scope_name(f->scope));
        }
    }
}

static bool word_list_is(const char *const *words, const char *expected)
{
    char text[200] = "";

    for (; *words != NULL; words++) {
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", *words);
    }
    return strcmp(text, expected) == 0;
}

static void columns_have_names(void **state)
{
    (void)state;
    assert_string_equal(phase_name(PHASE_CONNECT), "connect");
    assert_string_equal(phase_name(PHASE_HELO), "helo");
    assert_string_equal(phase_name(PHASE_MAIL), "mail");
    assert_string_equal(phase_name(PHASE_RCPT), "rcpt");
    assert_string_equal(phase_name(PHASE_MESSAGE), "message");
    assert_string_equal(fact_cost_name(COST_FREE), "free");
    assert_string_equal(fact_cost_name(COST_MEMORY), "memory");
    assert_string_equal(fact_cost_name(COST_DNS), "dns");
    assert_string_equal(fact_cost_name(COST_NETWORK), "network");
    assert_string_equal(fact_cost_name(COST_CONTENT), "content");
    assert_string_equal(fact_cost_name(COST_LINKS), "links");
    assert_string_equal(fact_cost_name(COST_SCANNER), "scanner");
    assert_string_equal(fact_scope_name(SCOPE_CONNECTION), "connection");
    assert_string_equal(fact_scope_name(SCOPE_TRANSACTION), "transaction");
    assert_string_equal(fact_scope_name(SCOPE_RECIPIENT), "recipient");
    assert_string_equal(value_type_name(TYPE_BOOL), "bool");
    assert_string_equal(value_type_name(TYPE_NUMBER), "number");
    assert_string_equal(value_type_name(TYPE_TEXT), "text");
    assert_string_equal(value_type_name(TYPE_ADDRESS), "address");
    assert_string_equal(value_type_name(TYPE_DURATION), "duration");
    assert_string_equal(value_type_name(TYPE_SIZE), "size");
    assert_string_equal(value_type_name(TYPE_DECIMAL), "decimal");
    assert_string_equal(value_type_name(TYPE_SET), "set");
    assert_string_equal(value_type_name(TYPE_RESULT), "result");
    assert_string_equal(unknown_reason_name(UNKNOWN_TIMEOUT), "timeout");
    assert_string_equal(unknown_reason_name(UNKNOWN_TEMPORARY), "temporary failure");
    assert_string_equal(unknown_reason_name(UNKNOWN_NOT_AVAILABLE), "not available");
    assert_string_equal(unknown_reason_name(UNKNOWN_OVER_BUDGET), "over budget");
    assert_true(
        word_list_is(result_words, "pass fail softfail neutral none temperror permerror policy "));
    assert_true(word_list_is(helo_form_words, "domain label literal address invalid "));
}

/* There is no memory in this world. */
static bool is_remembered(enum fact_id id)
{
    return id == FACT_client_known || id == FACT_client_bad || id == FACT_client_harvester ||
           id == FACT_sender_correspondent ||
           (id >= FACT_identity && id <= FACT_rate_identity_unknown_recipients &&
            id != FACT_rcpt_impatient);
}

/* Whatever is missing, each fact gives a value of its type, and never crashes. */
static void every_fact_has_its_type(void **state)
{
    static char hostname[] = "mx.example.org";
    static const struct evidence_ops no_ops = {0};
    struct fact_world *w = *state;

    for (size_t i = 0; i < FACT_COUNT; i++) {
        struct value v = world_ask_with(w, (enum fact_id)i, "Subject");
        /* there is no DNS in this world, nor anybody who forwards */
        const bool asks = (facts[i].cost == COST_DNS && i != FACT_client_forwarder) ||
                          facts[i].cost == COST_LINKS;
        assert_int_equal(v.state,
                         asks || is_remembered((enum fact_id)i) ? VALUE_UNKNOWN : VALUE_KNOWN);
    }
    struct conf conf = {.hostname = hostname};
    w->e = (struct evidence){.conf = &conf, .arena = &w->arena};
    for (size_t i = 0; i < 2 * FACT_COUNT; i++) {
        w->e.ops = i < FACT_COUNT ? NULL : &no_ops;
        struct value v = world_ask_with(w, (enum fact_id)(i % FACT_COUNT), "Subject");
        assert_true(v.state == VALUE_KNOWN || v.reason == UNKNOWN_NOT_AVAILABLE);
    }
}

static void assert_value_text(struct fact_world *w, const struct fact_use *use, struct value v,
                              const char *expected)
{
    assert_slice(fact_text(use, &v, &w->arena), expected);
}

static void texts_of_values(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use use = {&facts[FACT_client_port], NULL, 0};
    const struct {
        struct value value;
        const char *text;
    } rows[] = {
        {value_bool(true), "true"},
        {value_bool(false), "false"},
        {value_number(TYPE_NUMBER, 0), "0"},
        {value_number(TYPE_NUMBER, -42), "-42"},
        {value_number(TYPE_NUMBER, INT64_MAX), "9223372036854775807"},
        {value_number(TYPE_NUMBER, INT64_MIN), "-9223372036854775808"},
        {value_number(TYPE_DURATION, 6 * USEC_SEC), "6s"},
        {value_number(TYPE_DURATION, 90 * USEC_SEC), "90s"},
        {value_number(TYPE_DURATION, 120 * USEC_SEC), "2m"},
        {value_number(TYPE_DURATION, 1), "1us"},
        {value_number(TYPE_DURATION, 0), "0"},
        {value_number(TYPE_SIZE, 1 << 20), "1M"},
        {value_number(TYPE_SIZE, 1025), "1025"},
        {value_amount(TYPE_SIZE, UINT64_MAX), "9223372036854775807"},
        {value_amount(TYPE_SIZE, 2048), "2K"},
        {value_number(TYPE_DECIMAL, 15000), "15"},
        {value_number(TYPE_DECIMAL, -1050), "-1.05"},
        {value_text(SLICE_LIT("")), ""},
        {value_text(SLICE_LIT("as it is\r\n\"%{why}\"")), "as it is\r\n\"%{why}\""},
        {value_unknown(TYPE_BOOL, UNKNOWN_TIMEOUT), "unknown"},
        {value_unknown(TYPE_TEXT, UNKNOWN_OVER_BUDGET), "unknown"},
        {(struct value){0}, "unknown"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_value_text(w, &use, rows[i].value, rows[i].text);
    }
}

static void texts_of_addresses(void **state)
{
    static const char *const texts[] = {"192.0.2.1", "2001:db8::1", "::"};
    struct fact_world *w = *state;
    const struct fact_use use = {&facts[FACT_client_ip], NULL, 0};

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct addr a;
        assert_int_equal(addr_parse(slice_of(texts[i]), &a), 0);
        a.port = 4321;
        assert_value_text(w, &use, value_address(&a), texts[i]);
    }
}

static void texts_of_words(void **state)
{
    const struct fact spf = {.name = "spf", .type = TYPE_RESULT, .words = result_words};
    const struct fact_use uses[] = {{&spf, NULL, 0}, {&facts[FACT_helo_form], NULL, 0}};
    struct fact_world *w = *state;

    assert_value_text(w, &uses[0], value_number(TYPE_RESULT, 2), "softfail");
    assert_value_text(w, &uses[0], value_number(TYPE_RESULT, 7), "policy");
    assert_value_text(w, &uses[1], value_number(TYPE_RESULT, 2), "literal");
    assert_value_text(w, &uses[1], world_ask(w, FACT_helo_form), "domain");
}

static void texts_of_sets(void **state)
{
    static const struct slice items[] = {
        SLICE_LIT("a"), SLICE_LIT("bc"), {NULL, 0}, SLICE_LIT("d")};
    static const char *const expected[] = {"", "a", "a, bc", "a, bc, ", "a, bc, , d"};
    const struct fact zones = {.name = "zones", .type = TYPE_SET};
    const struct fact_use use = {&zones, NULL, 0};
    struct fact_world *w = *state;

    for (size_t n = 0; n < COUNT(expected); n++) {
        struct value v = {.type = TYPE_SET, .state = VALUE_KNOWN, .set = {items, n}};
        assert_value_text(w, &use, v, expected[n]);
    }
}

/* What is given lives in the arena, not in some static room that the next call uses again. */
static void texts_stay(void **state)
{
    struct fact_world *w = *state;
    const struct fact_use use = {&facts[FACT_client_port], NULL, 0};
    const struct value one = value_number(TYPE_NUMBER, 1);
    const struct value two = value_number(TYPE_NUMBER, 2);
    const struct slice first = fact_text(&use, &one, &w->arena);
    const struct slice second = fact_text(&use, &two, &w->arena);

    assert_slice(first, "1");
    assert_slice(second, "2");
}

static void named_in_rules(void **state)
{
    (void)state;
    static const struct slice name = {"client.sessions", 15};
    static const struct {
        struct slice rule;
        bool holds;
    } rules[] = {
        {SLICE_LIT("doubt 1 \"many\" when client.sessions > 5"), true},
        {SLICE_LIT("client.sessions"), true},
        {SLICE_LIT("when my_client.sessions"), false},
        {SLICE_LIT("when client.sessions_now or (client.sessions)"), true},
        {SLICE_LIT("when client.session"), false},
        {SLICE_LIT(""), false},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        assert_int_equal(fact_is_named(rules[i].rule, name), rules[i].holds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_in_rules),
        cmocka_unit_test(names_are_words_of_the_language),
        cmocka_unit_test(idents_follow_from_names),
        cmocka_unit_test(prose_is_sentences),
        cmocka_unit_test(results_have_words),
        cmocka_unit_test(live_ones_are_cheap),
        cmocka_unit_test(joint_ones_are_of_recipients),
        cmocka_unit_test(scopes_fit_phases),
        cmocka_unit_test(columns_have_names),
        cmocka_unit_test_setup_teardown(every_fact_has_its_type, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(texts_of_values, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(texts_of_addresses, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(texts_of_words, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(texts_of_sets, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(texts_stay, world_setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
