/* The facts of what the message carries: from a finding to a value. */
#include "fact_world.h"

#include "auth/dns_list.h"
#include "dns_world.h"

static const char zone[] = "$TTL 300\n"
                           "2.0.0.127.list.example. A 127.0.0.2\n"
                           "test.list.example. A 127.0.0.2\n"
                           "bad.example.list.example. A 127.0.1.2\n"
                           "fails.example.list.example. SERVFAIL\n"
                           "slow.example.list.example. TIMEOUT\n";

static struct finding *finding(struct fact_world *w, enum finding_id id)
{
    return &w->inspection.of[id];
}

static void flags(void **state)
{
    struct fact_world *w = *state;
    struct finding *f = finding(w, FINDING_OF_ATTACHMENT_MACRO);

    assert_bool(world_ask(w, FACT_attachment_macro), false);
    f->open = true;
    assert_unknown(world_ask(w, FACT_attachment_macro), UNKNOWN_OVER_BUDGET);
    f->number = 1;
    assert_bool(world_ask(w, FACT_attachment_macro), true);
    f->open = false;
    assert_bool(world_ask(w, FACT_attachment_macro), true);
    assert_int_equal(world_ask(w, FACT_attachment_macro).source, SOURCE_MESSAGE);
}

static void numbers(void **state)
{
    struct fact_world *w = *state;

    finding(w, FINDING_OF_MIME_PARTS)->number = 7;
    assert_number(world_ask(w, FACT_mime_parts), 7);
    finding(w, FINDING_OF_MIME_PARTS)->open = true;
    assert_unknown(world_ask(w, FACT_mime_parts), UNKNOWN_OVER_BUDGET);
    finding(w, FINDING_OF_DATE_SKEW)->number = -86400 * USEC_SEC;
    assert_number(world_ask(w, FACT_date_skew), -86400 * USEC_SEC);
}

static void texts(void **state)
{
    static const struct slice names[] = {SLICE_LIT("a.exe"), SLICE_LIT("b")};
    struct fact_world *w = *state;

    assert_text(world_ask(w, FACT_subject), "");
    finding(w, FINDING_OF_SUBJECT)->open = true;
    assert_unknown(world_ask(w, FACT_subject), UNKNOWN_OVER_BUDGET);
    finding(w, FINDING_OF_SUBJECT)->text = SLICE_LIT("hello");
    assert_text(world_ask(w, FACT_subject), "hello");
    *finding(w, FINDING_OF_ATTACHMENT_NAMES) =
        (struct finding){.open = true, .texts = names, .count = COUNT(names)};
    const struct value v = world_ask(w, FACT_attachment_names);
    assert_int_equal(v.state, VALUE_KNOWN);
    assert_int_equal(v.set.count, COUNT(names));
    assert_slice(v.set.items[1], "b");
}

static void the_words_of_a_message_id(void **state)
{
    static const char *const words[] = {"none", "normal",    "address",
                                        "bare", "malformed", "several"};
    struct fact_world *w = *state;
    const struct fact_use use = {&facts[FACT_message_id_form], NULL, 0};

    for (size_t i = 0; i < COUNT(words); i++) {
        finding(w, FINDING_OF_MESSAGE_ID_FORM)->number = (int64_t)i;
        const struct value v = world_ask(w, FACT_message_id_form);
        assert_slice(fact_text(&use, &v, &w->arena), words[i]);
    }
    finding(w, FINDING_OF_MESSAGE_ID_FORM)->number = COUNT(words);
    assert_unknown(world_ask(w, FACT_message_id_form), UNKNOWN_TEMPORARY);
    finding(w, FINDING_OF_MESSAGE_ID_FORM)->number = -1;
    assert_unknown(world_ask(w, FACT_message_id_form), UNKNOWN_TEMPORARY);
}

/* Of every fact that an inspector tells. */
static void no_inspection(void **state)
{
    static const struct {
        int result;
        enum unknown_reason reason;
    } rows[] = {
        {-ENODATA, UNKNOWN_NOT_AVAILABLE},
        {-ETIMEDOUT, UNKNOWN_TIMEOUT},
        {-EIO, UNKNOWN_TEMPORARY},
    };
    static const struct evidence_ops none = {0};
    struct fact_world *w = *state;
    const struct slice parameter = SLICE_LIT("list.example");
    struct value v;
    unsigned asked = 0;

    for (size_t id = 0; id < FACT_COUNT; id++) {
        assert_int_equal(fact_inspect_work(&facts[id]) != 0,
                         facts[id].cost == COST_INSPECTION || facts[id].cost == COST_LINKS);
        if (fact_inspect_work(&facts[id]) == 0 || id == FACT_dnsbl_url) {
            continue;
        }
        const struct fact_use use = {&facts[id], &parameter, 0};
        w->e.ops = &world_ops;
        for (size_t i = 0; i < COUNT(rows); i++) {
            w->inspected_result = rows[i].result;
            assert_unknown(world_ask(w, (enum fact_id)id), rows[i].reason);
        }
        w->inspected_result = -ECANCELED;
        assert_int_equal(fact_ask(&use, &w->e, &v), -ECANCELED);
        w->e.ops = &none;
        assert_unknown(world_ask(w, (enum fact_id)id), UNKNOWN_NOT_AVAILABLE);
        asked++;
    }
    assert_true(asked >= FINDINGS);
    assert_int_equal(fact_inspect_work(&facts[FACT_subject]), INSPECT_HEADER);
    assert_int_equal(fact_inspect_work(&facts[FACT_dnsbl_url]), INSPECT_TEXT);
    assert_int_equal(fact_inspect_work(&facts[FACT_size]), 0);
}

/* ---- hosts on lists ---- */

struct hosts_world {
    struct dns_world d; /* first */
    struct fact_world f;
};

/* Those that links lead to, blanks between them. */
static void give_hosts(struct fact_world *w, const char *text, bool open)
{
    static struct slice hosts[40];
    size_t count = 0;

    for (const char *at = text; *at != '\0'; at += strspn(at, " ")) {
        hosts[count] = (struct slice){at, strcspn(at, " ")};
        at += hosts[count++].n;
    }
    *finding(w, FINDING_OF_URL_DOMAINS) =
        (struct finding){.open = open, .texts = hosts, .count = count};
}

#define TEN "1.a 2.a 3.a 4.a 5.a 6.a 7.a 8.a 9.a 10.a "

static void ask_for_hosts(struct dns_world *d)
{
    enum { NO, YES, TEMPORARY, TIMED_OUT, OVER_BUDGET };
    static const struct {
        const char *hosts;
        bool open;
        int expected;
    } rows[] = {
        {"", false, NO},
        {"", true, OVER_BUDGET},
        {"good.example 192.0.2.1", false, NO},
        {"good.example bad.example", false, YES},
        {"good.example bad.example", true, YES},
        {"fails.example bad.example", false, YES},
        {"bad.example fails.example", false, YES},
        {"good.example fails.example", false, TEMPORARY},
        {"slow.example good.example", false, TIMED_OUT},
        {TEN "2.b 3.b 4.b 5.b 6.b 7.b 8.b 9.b 10.b bad.example", false, YES},
        {TEN "1.b 2.b 3.b 4.b 5.b 6.b 7.b 8.b 9.b 10.b bad.example", false, NO},
    };
    struct hosts_world *w = (struct hosts_world *)d;

    for (size_t i = 0; i < COUNT(rows); i++) {
        give_hosts(&w->f, rows[i].hosts, rows[i].open);
        const struct value v = world_ask_with(&w->f, FACT_dnsbl_url, "list.example");
        const int found = v.state == VALUE_KNOWN            ? (v.boolean ? YES : NO)
                          : v.reason == UNKNOWN_OVER_BUDGET ? OVER_BUDGET
                          : v.reason == UNKNOWN_TIMEOUT     ? TIMED_OUT
                                                            : TEMPORARY;
        if (found != rows[i].expected || v.source != SOURCE_DNS) {
            fail_msg("%s: %d", rows[i].hosts, found);
        }
    }
    w->f.inspected_result = -ETIMEDOUT;
    struct value v = world_ask_with(&w->f, FACT_dnsbl_url, "list.example");
    assert_unknown(v, UNKNOWN_TIMEOUT);
    assert_int_equal(v.source, SOURCE_MESSAGE); /* it was not the list that did not answer */
    w->f.e.lists = NULL;
    assert_unknown(world_ask_with(&w->f, FACT_dnsbl_url, "list.example"), UNKNOWN_NOT_AVAILABLE);
}

static void hosts_on_lists(void **state)
{
    static struct hosts_world w;
    struct dns_lists *lists;

    (void)state;
    dns_world_init(&w.d, zone);
    world_init(&w.f);
    w.f.conf.limits.dns_time = 5 * USEC_SEC;
    w.f.e.resolver = w.d.resolver;
    w.f.e.lists = lists = dns_lists_new(w.d.rt, w.d.resolver, NULL, NULL);
    dns_world_do(&w.d, ask_for_hosts);
    sim_run(w.d.sim, USEC_NEVER);
    dns_lists_free(lists);
    arena_free(&w.f.arena);
    dns_world_fini(&w.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flags, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(numbers, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(texts, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_words_of_a_message_id, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(no_inspection, world_setup, world_teardown),
        cmocka_unit_test(hosts_on_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
