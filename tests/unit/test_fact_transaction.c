/* The facts of a transaction: envelope, recipients, message, doubt. */
#include "fact_world.h"

#include <errno.h>

static void the_sender(void **state)
{
    static const struct {
        const char *sender, *domain;
    } rows[] = {
        {"a@sender.example", "sender.example"},
        {"\"a@b\"@Sender.Example", "Sender.Example"},
        {"\"a@[b\"@sender.example", "sender.example"},
        {"a@[192.0.2.1]", "[192.0.2.1]"},
        {"a@[X-tag:some@thing]", "[X-tag:some@thing]"},
        {"\"@[\"@[X-tag:@]", "[X-tag:@]"},
        {"a%b@c", "c"},
        {"nobody", ""},
        {"]", ""},
        {"[]", ""},
        {"a[]", ""},
        {"@", ""},
        {"", ""},
    };
    struct fact_world *w = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        w->e.sender = slice_of(rows[i].sender);
        assert_text(world_ask(w, FACT_sender), rows[i].sender);
        assert_text(world_ask(w, FACT_sender_domain), rows[i].domain);
        assert_bool(world_ask(w, FACT_sender_null), rows[i].sender[0] == '\0');
    }
    w->e.sender = (struct slice){NULL, 0};
    assert_text(world_ask(w, FACT_sender_domain), "");
    assert_bool(world_ask(w, FACT_sender_null), true);
}

static void a_sender_of_our_own(void **state)
{
    static struct conf_domain domains[] = {
        {SLICE_LIT("."), NULL},
        {SLICE_LIT("example.org"), NULL},
        {SLICE_LIT(".example.net"), NULL},
        {SLICE_LIT("org"), NULL},
    };
    static const struct conf_domain *sorted[] = {&domains[0], &domains[2], &domains[1],
                                                 &domains[3]};
    static const struct {
        const char *sender;
        bool mine;
    } rows[] = {
        {"a@example.org", true},
        {"a@EXAMPLE.Org", true},
        {"a@sub.example.org", false},
        {"a@xexample.org", false},
        {"a@sub.example.net", true},
        {"a@a.b.Example.net", true},
        {"a@example.net", false},
        {"a@subexample.net", false},
        {"a@.example.net", false},
        {"a@.x.example.net", false},
        {"a@org", true},
        {"a@elsewhere.example", false},
        {"a@.", false},
        {"a@elsewhere.", false},
        {"a@[192.0.2.1]", false},
        {"a@[.example.net]", false},
        {"example.org", false},
        {"", false},
    };
    struct fact_world *w = *state;

    w->conf.domains = domains;
    w->conf.domains_sorted = sorted;
    w->conf.domain_count = COUNT(domains);
    for (size_t i = 0; i < COUNT(rows); i++) {
        w->e.sender = slice_of(rows[i].sender);
        struct value v = world_ask(w, FACT_sender_mine);
        if (v.state != VALUE_KNOWN || v.boolean != rows[i].mine) {
            fail_msg("<%s>", rows[i].sender);
        }
    }
    /* a route for all domains alone makes nobody ours */
    w->conf.domain_count = 1;
    w->e.sender = SLICE_LIT("a@example.org");
    assert_bool(world_ask(w, FACT_sender_mine), false);
    w->conf.domain_count = 0;
    assert_bool(world_ask(w, FACT_sender_mine), false);
}

static void the_rest_of_the_envelope(void **state)
{
    struct fact_world *w = *state;

    assert_number(world_ask(w, FACT_size_declared), 0);
    w->e.size_declared = 12345;
    assert_number(world_ask(w, FACT_size_declared), 12345);
    w->e.size_declared = UINT64_MAX;
    assert_number(world_ask(w, FACT_size_declared), INT64_MAX);
    assert_text(world_ask(w, FACT_rcpt), "b@example.org");
    assert_text(world_ask(w, FACT_rcpt_domain), "example.org");
    w->e.rcpt_count = 7;
    w->e.rcpt_failures = 3;
    assert_number(world_ask(w, FACT_rcpt_count), 7);
    assert_number(world_ask(w, FACT_rcpt_failures), 3);
}

static void what_the_hop_says(void **state)
{
    static const struct {
        struct recipient_truth truth;
        bool known;
        const char *answer;
    } rows[] = {
        {{RECIPIENT_KNOWN, {NULL, 0}}, true, ""},
        {{RECIPIENT_KNOWN, SLICE_LIT("452 4.2.2 full")}, true, "452 4.2.2 full"},
        {{RECIPIENT_NOT_KNOWN, SLICE_LIT("550 who?")}, false, "550 who?"},
    };
    struct fact_world *w = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        w->truth = rows[i].truth;
        assert_bool(world_ask(w, FACT_rcpt_known), rows[i].known);
        assert_text(world_ask(w, FACT_rcpt_answer), rows[i].answer);
    }
}

static void what_the_hop_does_not_say(void **state)
{
    static const struct evidence_ops none = {0};
    struct fact_world *w = *state;

    w->truth = (struct recipient_truth){RECIPIENT_CANNOT_BE_ASKED, SLICE_LIT("451 later")};
    assert_unknown(world_ask(w, FACT_rcpt_known), UNKNOWN_TEMPORARY);
    assert_unknown(world_ask(w, FACT_rcpt_answer), UNKNOWN_TEMPORARY);
    w->e.ops = &none;
    assert_unknown(world_ask(w, FACT_rcpt_known), UNKNOWN_NOT_AVAILABLE);
    assert_unknown(world_ask(w, FACT_rcpt_answer), UNKNOWN_NOT_AVAILABLE);
    w->e.ops = NULL;
    assert_unknown(world_ask(w, FACT_rcpt_known), UNKNOWN_NOT_AVAILABLE);
    assert_unknown(world_ask(w, FACT_rcpt_answer), UNKNOWN_NOT_AVAILABLE);
}

static void what_was_noticed_on_the_way_in(void **state)
{
    static const enum fact_id ids[] = {FACT_size, FACT_received_count, FACT_message_longest_line,
                                       FACT_message_binary};
    struct fact_world *w = *state;

    w->message.spool.size = 123456;
    w->message.received_count = 9;
    w->message.longest_line = 998;
    assert_number(world_ask(w, FACT_size), 123456);
    assert_number(world_ask(w, FACT_received_count), 9);
    assert_number(world_ask(w, FACT_message_longest_line), 998);
    w->message.longest_line = UINT64_MAX;
    assert_number(world_ask(w, FACT_message_longest_line), INT64_MAX);
    for (unsigned i = 0; i < 4; i++) {
        w->message.by_bdat = i & 1;
        w->message.bare_cr_or_lf = i & 2;
        assert_bool(world_ask(w, FACT_message_binary), i == 3);
    }
    w->e.message = NULL;
    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_unknown(world_ask(w, ids[i]), UNKNOWN_NOT_AVAILABLE);
    }
}

static const char whole_header[] = "Received: from a\r\n\tby b\r\n"
                                   "RECEIVED: from c\r\n"
                                   "Subject:  two\r\n lines \r\n"
                                   "Empty:\r\n"
                                   "no field at all\r\n"
                                   "X-Spaced : yes\r\n"
                                   "Last: =?utf-8?q?as_written?=\r\n"
                                   "\r\n";

static void fields_of_the_header(void **state)
{
    static const struct {
        const char *name, *text;
        int count;
    } rows[] = {
        {"Subject", "two lines", 1},
        {"subject", "two lines", 1},
        {"Received", "from a\tby b", 2},
        {"Empty", "", 1},
        {"X-Spaced", "yes", 1},
        {"Last", "=?utf-8?q?as_written?=", 1},
        {"From", "", 0},
        {"no field at all", "", 0},
        {"Sub", "", 0},
        {"", "", 0},
    };
    struct fact_world *w = *state;

    w->header = SLICE_LIT(whole_header);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_text(world_ask_with(w, FACT_header, rows[i].name), rows[i].text);
        assert_number(world_ask_with(w, FACT_header_count, rows[i].name), rows[i].count);
        assert_bool(world_ask_with(w, FACT_header_missing, rows[i].name), rows[i].count == 0);
    }
    w->header = (struct slice){NULL, 0};
    assert_text(world_ask_with(w, FACT_header, "Subject"), "");
    assert_number(world_ask_with(w, FACT_header_count, "Subject"), 0);
    assert_bool(world_ask_with(w, FACT_header_missing, "Subject"), true);
}

/* However a header that is too long was cut: what is told of it is what the whole says, or unknown;
 * and it is told as soon as it is certain. */
static void a_header_cut_anywhere(void **state)
{
    struct fact_world *w = *state;
    const size_t subject = (size_t)(strstr(whole_header, "Subject") - whole_header);
    const size_t behind = (size_t)(strstr(whole_header, "Empty") - whole_header);

    w->header_result = -E2BIG;
    for (size_t n = 0; n < sizeof(whole_header) - 3; n++) {
        w->header = (struct slice){whole_header, n};
        if (n > behind) {
            assert_text(world_ask_with(w, FACT_header, "Subject"), "two lines");
        } else {
            assert_unknown(world_ask_with(w, FACT_header, "Subject"), UNKNOWN_OVER_BUDGET);
        }
        if (n >= subject + strlen("Subject:")) {
            assert_bool(world_ask_with(w, FACT_header_missing, "Subject"), false);
        } else {
            assert_unknown(world_ask_with(w, FACT_header_missing, "Subject"), UNKNOWN_OVER_BUDGET);
        }
        assert_unknown(world_ask_with(w, FACT_header_count, "Subject"), UNKNOWN_OVER_BUDGET);
        assert_unknown(world_ask_with(w, FACT_header_missing, "From"), UNKNOWN_OVER_BUDGET);
        assert_unknown(world_ask_with(w, FACT_header, "From"), UNKNOWN_OVER_BUDGET);
    }
}

static void a_header_that_cannot_be_read(void **state)
{
    static const enum fact_id ids[] = {FACT_header, FACT_header_count, FACT_header_missing};
    static const struct evidence_ops none = {0};
    struct fact_world *w = *state;

    for (size_t i = 0; i < COUNT(ids); i++) {
        w->e.ops = &world_ops;
        w->e.message = &w->message;
        w->header_result = -EIO;
        assert_unknown(world_ask_with(w, ids[i], "Subject"), UNKNOWN_TEMPORARY);
        w->header_result = 0;
        w->e.ops = &none;
        assert_unknown(world_ask_with(w, ids[i], "Subject"), UNKNOWN_NOT_AVAILABLE);
        w->e.ops = NULL;
        assert_unknown(world_ask_with(w, ids[i], "Subject"), UNKNOWN_NOT_AVAILABLE);
        w->e.ops = &world_ops;
        w->e.message = NULL;
        unsigned calls = w->calls_header;
        assert_unknown(world_ask_with(w, ids[i], "Subject"), UNKNOWN_NOT_AVAILABLE);
        assert_int_equal(w->calls_header, calls);
    }
}

static void no_doubt(void **state)
{
    static const struct doubts outer = {.sum = 0};
    static const struct doubts empty = {.outer = &outer};
    struct fact_world *w = *state;

    assert_number(world_ask(w, FACT_doubt), 0);
    assert_text(world_ask(w, FACT_why), "");
    w->e.doubts = &empty;
    assert_number(world_ask(w, FACT_doubt), 0);
    assert_text(world_ask(w, FACT_why), "");
}

static void doubt_of_all_scopes(void **state)
{
    struct reason second = {NULL, 2, SLICE_LIT("second")};
    struct reason silent = {&second, 1, {NULL, 0}};
    struct reason first = {&silent, 3, SLICE_LIT("first")};
    struct reason third = {NULL, -1, SLICE_LIT("third")};
    struct reason mute = {NULL, 4, SLICE_LIT("")};
    struct doubts connection = {NULL, &first, &second, 6};
    struct doubts transaction = {&connection, NULL, NULL, 0};
    struct doubts recipient = {&transaction, &third, &third, -1};
    struct doubts message = {&recipient, &mute, &mute, 4};
    const struct {
        const struct doubts *doubts;
        int64_t sum;
        const char *why;
    } rows[] = {
        {&connection, 6, "first; second"},
        {&transaction, 6, "first; second"},
        {&recipient, 5, "first; second; third"},
        {&message, 9, "first; second; third"},
    };
    struct fact_world *w = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        w->e.doubts = rows[i].doubts;
        assert_number(world_ask(w, FACT_doubt), rows[i].sum);
        assert_text(world_ask(w, FACT_why), rows[i].why);
        assert_number(value_number(TYPE_NUMBER, doubts_sum(rows[i].doubts)), rows[i].sum);
        assert_slice(doubts_why(rows[i].doubts, &w->arena), rows[i].why);
    }
}

/* It is read anew while the phase is judged, and grows under the reader's eyes. */
static void doubt_grows(void **state)
{
    struct reason second = {NULL, 5, SLICE_LIT("b")};
    struct reason first = {NULL, 2, SLICE_LIT("a")};
    struct doubts doubts = {NULL, &first, &first, 2};
    const struct fact_use sum = {&facts[FACT_doubt], NULL, 0};
    const struct fact_use why = {&facts[FACT_why], NULL, 1};
    struct fact_world *w = *state;
    struct value v;

    w->e.doubts = &doubts;
    w->e.message = NULL;
    w->e.memos[SCOPE_RECIPIENT] = fact_memo_new(&w->arena, 2);
    assert_int_equal(fact_ask(&sum, &w->e, &v), 0);
    assert_number(v, 2);
    first.next = doubts.last = &second;
    doubts.sum += second.doubt;
    assert_true(fact_peek(&sum, &w->e, &v));
    assert_number(v, 7);
    assert_true(fact_peek(&why, &w->e, &v));
    assert_text(v, "a; b");
    assert_text(fact_kept(&why, &w->e), "a; b");
}

static void doubt_beyond_all_measure(void **state)
{
    struct doubts outer = {NULL, NULL, NULL, INT64_MAX};
    struct doubts inner = {&outer, NULL, NULL, 1};

    (void)state;
    assert_true(doubts_sum(&inner) == INT64_MAX);
    outer.sum = INT64_MIN;
    inner.sum = -1;
    assert_true(doubts_sum(&inner) == INT64_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_sender, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_sender_of_our_own, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_rest_of_the_envelope, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_the_hop_says, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_the_hop_does_not_say, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_was_noticed_on_the_way_in, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(fields_of_the_header, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_header_cut_anywhere, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_header_that_cannot_be_read, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(no_doubt, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(doubt_of_all_scopes, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(doubt_grows, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(doubt_beyond_all_measure, world_setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
