/* Decision lines: their exact form, and hostile octets. Where they go is test_sink.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "journal/decision.h"

#define WALL ((usec_t)1795322970123456) /* 2026-11-22 04:49:30.123456 UTC */

static void keep_line(void *arg, struct slice line)
{
    buf_append_slice(arg, line);
}

/* The line of one decision, NUL-terminated; freed by the caller. */
static char *line_of(const struct decision *x)
{
    struct buf b = {0};
    struct decision_sink *d = decision_sink_to(keep_line, &b);

    decision_write(d, x);
    assert_null(decision_sink_free(d));
    buf_append(&b, "", 1);
    return b.p;
}

static struct decision full(void)
{
    static struct decision_recipient recipients[] = {
        {
            .mailbox = SLICE_LIT("one@example.net"),
            .verdict = "accepted",
            .code = 250,
            .enhanced = SLICE_LIT("2.0.0"),
            .text = SLICE_LIT("ok"),
            .hop = {.route = SLICE_LIT("lmtp:/run/lmtp")},
            .delivered_before = true,
            .at = 2300,
        },
        {
            .mailbox = SLICE_LIT("two@example.net"),
            .phase = "rcpt",
            .verdict = "refused",
            .code = 550,
            .text = SLICE_LIT("no\nsuch"),
            .unpipelined = true,
            .at = 2400,
        },
    };
    static const struct slice names[] = {SLICE_LIT("network 192.0.2.0/24"),
                                         SLICE_LIT("spf example.org")};
    static const struct policy policy = {.digest = "0123456789abcdef"};
    static const struct message message = {.by_bdat = true,
                                           .bare_cr_or_lf = true,
                                           .received_count = 3,
                                           .longest_line = 998,
                                           .removed = 2};
    struct decision x = {
        .id = SLICE_LIT("0123456789ABCD.1"),
        .time_wall = WALL,
        .duration = 4711,
        .policy = &policy,
        .listener = "0.0.0.0:25",
        .early = true,
        .unpipelined = "rcpt",
        .names = names,
        .name_count = 2,
        .size_declared = UINT64_MAX,
        .failures_before = 2,
        .message = &message,
        .timeline = {700, 1000, 1500, 2000, 3000, 4000, 5000, 6711},
        .helo = SLICE_LIT("client.example"),
        .protocol = "ESMTPS",
        .tls = SLICE_LIT("TLSv1.3 TLS_AES_256_GCM_SHA384"),
        .has_transaction = true,
        .sender = SLICE_LIT("from@example.org"),
        .recipients = recipients,
        .recipient_count = 2,
        .size = 1234567890123,
        .phase = "commit",
        .verdict = "deferred",
        .code = 451,
        .enhanced = SLICE_LIT("4.4.2"),
        .text = SLICE_LIT("please \"retry\""),
        .hop = {.route = SLICE_LIT("smtp://192.0.2.9:25"), .tls_unused = SLICE_LIT("not offered")},
        .hop_reply = true,
        .note = "answer late",
    };
    assert_int_equal(addr_parse_port(SLICE_LIT("192.0.2.1:4321"), &x.client), 0);
    assert_int_equal(addr_parse_port(SLICE_LIT("192.0.2.25:25"), &x.local), 0);
    return x;
}

static void full_line(void **state)
{
    (void)state;
    struct decision x = full();
    char *line = line_of(&x);

    assert_string_equal(
        line,
        "{\"id\":\"0123456789ABCD.1\",\"time\":\"2026-11-22T04:49:30.123Z\",\"run\":0,\"worker\":0,"
        "\"epoch\":0,\"sequence\":0,\"policy\":\"0123456789abcdef\","
        "\"client\":\"192.0.2.1\",\"port\":4321,\"local\":\"192.0.2.25\","
        "\"listener\":\"0.0.0.0:25\",\"helo\":\"client.example\","
        "\"protocol\":\"ESMTPS\",\"tls\":\"TLSv1.3 TLS_AES_256_GCM_SHA384\","
        "\"early\":true,\"unpipelined\":\"rcpt\","
        "\"names\":[\"network 192.0.2.0/24\",\"spf example.org\"],"
        "\"sender\":\"from@example.org\",\"size_declared\":9223372036854775807,\"failures_before\":"
        "2,"
        "\"recipients\":[{\"recipient\":\"one@example.net\","
        "\"verdict\":\"accepted\",\"code\":250,\"enhanced\":\"2.0.0\",\"text\":\"ok\","
        "\"hop\":\"lmtp:/run/lmtp\",\"delivered_before\":true,\"at_us\":2300},"
        "{\"recipient\":\"two@example.net\",\"phase\":\"rcpt\",\"verdict\":\"refused\","
        "\"code\":550,\"text\":\"no\\nsuch\",\"unpipelined\":true,\"at_us\":2400}],"
        "\"size\":1234567890123,"
        "\"message\":{\"received\":3,\"longest_line\":998,\"binary\":true,\"removed\":2},\"phase\":"
        "\"commit\","
        "\"verdict\":\"deferred\",\"code\":451,\"enhanced\":\"4.4.2\","
        "\"text\":\"please \\\"retry\\\"\",\"hop\":\"smtp://192.0.2.9:25\","
        "\"hop_tls_unused\":\"not offered\",\"hop_reply\":true,"
        "\"note\":\"answer "
        "late\",\"duration_us\":4711,\"timeline_us\":{\"early\":700,\"greeted\":1000,"
        "\"helo\":1500,\"mail\":2000,\"data\":3000,\"received\":4000,\"committed\":5000,"
        "\"decided\":6711}}\n");
    free(line);
}

/* What says nothing is left out, but the null reverse-path is a sender. */
static void bare_lines(void **state)
{
    (void)state;
    struct decision x = {
        .id = SLICE_LIT("0123456789ABCD.0"),
        .time_wall = WALL,
        .protocol = "SMTP",
        .phase = "connect",
        .verdict = "ended",
        .note = "",
        .timeline = {-1, -1, -1, -1, -1, -1, -1, 7},
    };
    assert_int_equal(addr_parse_port(SLICE_LIT("[2001:db8::1]:25"), &x.client), 0);
    char *line = line_of(&x);
    assert_string_equal(line,
                        "{\"id\":\"0123456789ABCD.0\",\"time\":\"2026-11-22T04:49:30.123Z\","
                        "\"run\":0,\"worker\":0,\"epoch\":0,\"sequence\":0,"
                        "\"client\":\"2001:db8::1\","
                        "\"port\":25,\"protocol\":\"SMTP\",\"phase\":\"connect\","
                        "\"verdict\":\"ended\",\"duration_us\":0,\"timeline_us\":{\"decided\":7}}"
                        "\n");
    free(line);
    x.has_transaction = true;
    line = line_of(&x);
    assert_non_null(strstr(line, "\"protocol\":\"SMTP\",\"sender\":\"\",\"recipients\":[],"
                                 "\"size\":0,\"phase\""));
    free(line);
}

/* The helo name as it comes back from the JSON of a line that holds `helo`. */
static void assert_helo(struct slice helo, struct slice expected)
{
    struct decision x = full();
    x.helo = helo;
    char *line = line_of(&x);
    size_t n = strlen(line);

    assert_int_equal(line[n - 1], '\n');
    for (size_t i = 0; i + 1 < n; i++) {
        assert_in_range(line[i], 0x20, 0x7f);
    }
    json_t *object = json_loads(line, JSON_ALLOW_NUL, NULL);
    assert_non_null(object);
    json_t *value = json_object_get(object, "helo");
    assert_int_equal(json_string_length(value), expected.n);
    assert_memory_equal(json_string_value(value), expected.p, expected.n);
    json_decref(object);
    free(line);
}

static void hostile_octets(void **state)
{
    (void)state;
    /* UTF-8 as it is, control characters included. */
    assert_helo(SLICE_LIT("a\r\n{\"\\\0\x1b\x7f]"), SLICE_LIT("a\r\n{\"\\\0\x1b\x7f]"));
    assert_helo(SLICE_LIT("gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xab \xe2\x80\xae"),
                SLICE_LIT("gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xab \xe2\x80\xae"));
    /* What is not: each octet by its number, and all around it unchanged. */
    assert_helo(SLICE_LIT("\xff\x80"
                          "a\xc3"),
                SLICE_LIT("\xc3\xbf\xc2\x80"
                          "a\xc3\x83"));
    assert_helo(SLICE_LIT("\xc3\xbc\xc2\x9b\0\xfe"), SLICE_LIT("\xc3\xbc\xc2\x9b\0\xc3\xbe"));
    /* A surrogate, an overlong slash. */
    assert_helo(SLICE_LIT("\xed\xa0\x80\xc0\xaf"),
                SLICE_LIT("\xc3\xad\xc2\xa0\xc2\x80\xc3\x80\xc2\xaf"));
}

/* A rule is named by its file, whose name may be of any octets. */
static void rule_in_a_file_of_odd_name(void **state)
{
    (void)state;
    const struct rule rule = {.where = "g\xff.conf:7", .label = "g\xff.conf:7 doubt"};
    const struct fired fired = {.rule = &rule};
    const struct ruling ruling = {.first = (struct fired *)(uintptr_t)&fired};
    const struct ruling *rulings[] = {&ruling};
    struct decision x = full();
    struct buf b = {0};
    struct decision_sink *d = decision_sink_to(keep_line, &b);

    x.judgement = (struct decision_judgement){.rule = &rule, .rulings = rulings, .ruling_count = 1};
    decision_write(d, &x);
    json_t *object = json_loadb(b.p, b.n, 0, NULL);
    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, "rule")), "g\xc3\xbf.conf:7");
    assert_string_equal(json_string_value(json_array_get(json_object_get(object, "fired"), 0)),
                        "g\xc3\xbf.conf:7 doubt");
    json_decref(object);
    assert_null(decision_sink_free(d));
    buf_free(&b);
}

/* ---- facts ---- */

/* Facts of all kinds of value, with their places in one memo. */
struct fact_rows {
    struct fact facts[8];
    struct fact_use uses[8];
    const struct fact_use *by_index[8];
    struct fact_memo *memo;
    size_t count;
};

static void add_fact(struct fact_rows *f, const char *name, enum fact_cost cost, struct value v)
{
    static const char *const words[] = {"pass", "fail", NULL};
    size_t i = f->count++;

    assert_in_range(i, 0, 7);
    f->facts[i] = (struct fact){.name = name, .type = v.type, .cost = cost, .words = words};
    f->uses[i] = (struct fact_use){.fact = &f->facts[i], .index = (uint16_t)i};
    f->by_index[i] = &f->uses[i];
    f->memo->values[i] = v;
}

/* The member `facts` of a decision with these. */
static json_t *facts_of(struct fact_rows *f, struct arena *arena, void (*fill)(struct fact_rows *f))
{
    struct decision x = full();
    struct buf b = {0};
    struct decision_sink *d = decision_sink_to(keep_line, &b);
    struct decision_facts scope;

    *f = (struct fact_rows){.memo = fact_memo_new(arena, 8)};
    fill(f);
    scope = (struct decision_facts){f->by_index, f->memo};
    f->memo->count = f->count;
    x.judgement = (struct decision_judgement){.facts = &scope, .fact_scopes = 1};
    decision_write(d, &x);
    json_t *line = json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
    json_t *values = json_incref(json_object_get(line, "facts"));
    json_decref(line);
    assert_null(decision_sink_free(d));
    buf_free(&b);
    return values;
}

static void assert_facts(void (*fill)(struct fact_rows *f), const char *expected)
{
    struct fact_rows f;
    struct arena arena;

    arena_init(&arena);
    json_t *values = facts_of(&f, &arena, fill);
    char *text = json_dumps(values, JSON_COMPACT | JSON_REAL_PRECISION(12));
    assert_string_equal(text, expected);
    free(text);
    json_decref(values);
    arena_free(&arena);
}

static void fill_free(struct fact_rows *f)
{
    static const struct slice items[] = {SLICE_LIT("a"), SLICE_LIT("b, c")};
    struct value set = {.type = TYPE_SET, .state = VALUE_KNOWN};

    set.set.items = items;
    set.set.count = 2;
    add_fact(f, "bool", COST_FREE, value_bool(false));
    add_fact(f, "number", COST_FREE, value_number(TYPE_NUMBER, -7));
    add_fact(f, "size", COST_FREE, value_number(TYPE_SIZE, 1048576));
    add_fact(f, "duration", COST_FREE, value_number(TYPE_DURATION, 6 * USEC_SEC));
    add_fact(f, "text", COST_FREE, value_text(SLICE_LIT("x")));
    add_fact(f, "result", COST_FREE, value_number(TYPE_RESULT, 1));
    add_fact(f, "set", COST_FREE, set);
    add_fact(f, "unasked", COST_FREE, (struct value){.state = VALUE_UNASKED});
}

static void fill_asked(struct fact_rows *f)
{
    struct value slow = value_from(SOURCE_CACHE, value_bool(true));
    struct value never = value_from(SOURCE_SERVER, value_unknown(TYPE_TEXT, UNKNOWN_TIMEOUT));

    slow.asking = 1234567;
    never.asking = UINT32_MAX;
    add_fact(f, "memory", COST_MEMORY, value_from(SOURCE_MEMORY, value_bool(true)));
    add_fact(f, "slow", COST_NETWORK, slow);
    add_fact(f, "never", COST_DNS, never);
    add_fact(f, "nowhere", COST_FREE, value_unknown(TYPE_BOOL, UNKNOWN_NOT_AVAILABLE));
}

/* What is at hand stands for itself; what was asked for says where, and how long that took. */
static void facts_by_cost(void **state)
{
    (void)state;
    assert_facts(fill_free, "{\"bool\":false,\"number\":-7,\"size\":1048576,\"duration\":6000000,"
                            "\"text\":\"x\",\"result\":\"fail\",\"set\":[\"a\",\"b, c\"]}");
    assert_facts(fill_asked,
                 "{\"memory\":{\"value\":true,\"source\":\"memory\"},"
                 "\"slow\":{\"value\":true,\"source\":\"cache\",\"ms\":1234.567},"
                 "\"never\":{\"unknown\":\"timeout\",\"source\":\"server\",\"ms\":4294967.295},"
                 "\"nowhere\":{\"unknown\":\"not available\"}}");
}

static char long_text[1003];

static void fill_long(struct fact_rows *f)
{
    add_fact(f, "fits", COST_FREE, value_text((struct slice){long_text, 1000}));
    add_fact(f, "cut", COST_FREE, value_text((struct slice){long_text, 1003}));
    add_fact(f, "asked", COST_CONTENT,
             value_from(SOURCE_MESSAGE, value_text((struct slice){long_text, 1001})));
}

/* Of a text that is too long there is its beginning, whole characters of it, and its length. */
static void facts_too_long(void **state)
{
    (void)state;
    struct fact_rows f;
    struct arena arena;

    memset(long_text, 'a', sizeof(long_text));
    memcpy(long_text + 999, "\xc3\xbc", 2);
    arena_init(&arena);
    json_t *values = facts_of(&f, &arena, fill_long);
    const json_t *cut = json_object_get(values, "cut");
    const json_t *asked = json_object_get(values, "asked");
    assert_int_equal(json_string_length(json_object_get(cut, "value")), 999);
    assert_int_equal(json_integer_value(json_object_get(cut, "cut")), 1003);
    assert_null(json_object_get(cut, "source"));
    assert_int_equal(json_string_length(json_object_get(asked, "value")), 999);
    assert_int_equal(json_integer_value(json_object_get(asked, "cut")), 1001);
    assert_string_equal(json_string_value(json_object_get(asked, "source")), "message");
    assert_true(json_is_string(json_object_get(values, "fits")));
    json_decref(values);
    arena_free(&arena);
}

/* Every octet alone and in front of every other gives a line that is JSON. */
static void every_pair(void **state)
{
    (void)state;
    struct decision x = full();
    struct buf b = {0};
    struct decision_sink *d = decision_sink_to(keep_line, &b);

    for (unsigned first = 0; first < 256; first++) {
        char octets[512];
        for (unsigned second = 0; second < 256; second++) {
            octets[2 * second] = (char)first;
            octets[2 * second + 1] = (char)second;
        }
        x.sender = (struct slice){octets, sizeof(octets)};
        b.n = 0;
        decision_write(d, &x);
        json_t *object = json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
        assert_non_null(object);
        assert_int_equal(json_integer_value(json_object_get(object, "sequence")), first);
        json_decref(object);
    }
    assert_null(decision_sink_free(d));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_line),      cmocka_unit_test(bare_lines),
        cmocka_unit_test(hostile_octets), cmocka_unit_test(rule_in_a_file_of_odd_name),
        cmocka_unit_test(facts_by_cost),  cmocka_unit_test(facts_too_long),
        cmocka_unit_test(every_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
