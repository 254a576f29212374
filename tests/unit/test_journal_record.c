/* Decision lines read back: each member to its field, what has no column to `more` and from there
 * back, and lines that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "journal/record.h"

#define HEAD                                                                                       \
    "\"id\":\"ABCDEFGHJKMNPQ.1\",\"time\":\"2026-11-22T04:49:30.123Z\",\"worker\":3,\"epoch\":2,"  \
    "\"sequence\":77"
#define TAIL "\"phase\":\"commit\",\"verdict\":\"accepted\""

static const char full[] =
    "{\"id\":\"ABCDEFGHJKMNPQ.1\",\"time\":\"2026-11-22T04:49:30.123Z\",\"run\":1795322000000001,"
    "\"worker\":3,\"epoch\":2,\"sequence\":77,\"policy\":\"0123456789abcdef\",\"lost\":4,"
    "\"client\":\"192.0.2.1\",\"port\":4321,\"local\":\"192.0.2.25\",\"listener\":\"192.0.2.25:"
    "25\","
    "\"helo\":\"client.example\",\"protocol\":\"ESMTPS\",\"tls\":\"TLSv1.3 X\",\"early\":true,"
    "\"unpipelined\":\"mail\",\"names\":[\"network 192.0.2.0/24\",\"spf "
    "example.org\"],\"sender\":\"from@example.org\",\"recipients\":["
    "{\"recipient\":\"one@example.net\",\"verdict\":\"accepted\",\"code\":250,"
    "\"enhanced\":\"2.0.0\",\"text\":\"ok\",\"hop\":\"lmtp:/run/a\",\"hop_failed\":\"b: no\","
    "\"hop_tls\":\"t\",\"hop_tls_unused\":\"u\",\"hop_xclient_unused\":\"x\","
    "\"delivered_before\":true,\"at_us\":120,\"later\":[1,2]},"
    "{\"recipient\":\"two@example.net\",\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,"
    "\"rule\":\"g.conf:9\",\"fired\":[\"g.conf:9 reject\"],\"observed\":[],\"doubt\":-3,"
    "\"why\":\"so\",\"facts\":{\"rcpt.known\":{\"value\":false,\"source\":\"next hop\","
    "\"ms\":0.1}}}],\"size\":123456789012,\"size_declared\":99,\"failures_before\":5,"
    "\"message\":{\"received\":7,\"longest_line\":998,\"binary\":true,\"removed\":2},\"phase\":"
    "\"commit\","
    "\"verdict\":\"deferred\",\"code\":451,\"enhanced\":\"4.4.2\",\"text\":\"please\","
    "\"hop\":\"smtp://192.0.2.9:25\",\"hop_failed\":\"f\",\"hop_tls\":\"t\","
    "\"hop_tls_unused\":\"u\",\"hop_xclient_unused\":\"x\",\"hop_reply\":true,"
    "\"note\":\"answer late\",\"rule\":\"g.conf:23\",\"fired\":[\"g.conf:23 doubt\",\"g.conf:24 "
    "mark\"],"
    "\"observed\":[\"g.conf:25 reject\"],\"doubt\":4,\"why\":\"one; two\","
    "\"facts\":{\"client.ip\":\"192.0.2.1\",\"header(Subject)\":\"gr\\u00fc\\u0000\"},"
    "\"timeline_us\":{\"early\":0,\"greeted\":1,\"helo\":2,\"mail\":3,\"data\":4,\"received\":5,"
    "\"committed\":6,\"decided\":7},\"duration_us\":4711,\"scores\":{\"a\":1.5}}\n";

#define assert_text(slice, expected)                                                               \
    do {                                                                                           \
        assert_int_equal((slice).n, sizeof(expected) - 1);                                         \
        assert_memory_equal((slice).p, expected, sizeof(expected) - 1);                            \
    } while (0)

static void parse(const char *line, struct arena *arena, struct journal_record *ret)
{
    const char *why = "?";

    arena_init(arena);
    if (journal_record_parse(slice_of(line), arena, ret, &why) != 0) {
        fail_msg("%s: %s", line, why);
    }
}

static void check_columns(const struct journal_record *r)
{
    assert_int_equal(r->n, 0);
    assert_text(r->id, "ABCDEFGHJKMNPQ.1");
    assert_int_equal(r->time, 1795322970123000);
    assert_int_equal(r->run, 1795322000000001);
    assert_int_equal(r->worker, 3);
    assert_int_equal(r->epoch, 2);
    assert_int_equal(r->sequence, 77);
    assert_text(r->policy, "0123456789abcdef");
    assert_text(r->client, "192.0.2.1");
    assert_int_equal(r->port, 4321);
    assert_text(r->local, "192.0.2.25");
    assert_text(r->listener, "192.0.2.25:25");
    assert_text(r->helo, "client.example");
    assert_text(r->protocol, "ESMTPS");
    assert_text(r->tls, "TLSv1.3 X");
    assert_true(r->has_transaction);
    assert_text(r->sender, "from@example.org");
    assert_int_equal(r->size, 123456789012);
    assert_text(r->phase, "commit");
    assert_text(r->verdict, "deferred");
    assert_int_equal(r->code, 451);
    assert_text(r->enhanced, "4.4.2");
    assert_text(r->text, "please");
    assert_text(r->hop.hop, "smtp://192.0.2.9:25");
    assert_true(r->hop_reply);
    assert_text(r->note, "answer late");
    assert_int_equal(r->duration, 4711);
}

static void check_judgement(const struct journal_judgement *j)
{
    assert_text(j->rule, "g.conf:23");
    assert_int_equal(j->fired_count, 2);
    assert_text(j->fired[0], "g.conf:23 doubt");
    assert_text(j->fired[1], "g.conf:24 mark");
    assert_int_equal(j->observed_count, 1);
    assert_text(j->observed[0], "g.conf:25 reject");
    assert_int_equal(j->doubt, 4);
    assert_text(j->why, "one; two");
    assert_text(j->facts, "{\"client.ip\":\"192.0.2.1\",\"header(Subject)\":\"gr\\u00FC\\u0000\"}");
}

static void check_hop_more(const struct journal_hop *hop, const char *failed)
{
    assert_true(slice_eq(hop->failed, slice_of(failed)));
    assert_text(hop->tls, "t");
    assert_text(hop->tls_unused, "u");
    assert_text(hop->xclient_unused, "x");
}

static void check_more(const struct journal_record *r)
{
    check_hop_more(&r->hop, "f");
    assert_true(r->early);
    assert_text(r->unpipelined, "mail");
    assert_int_equal(r->name_count, 2);
    assert_text(r->names[0], "network 192.0.2.0/24");
    assert_text(r->names[1], "spf example.org");
    assert_int_equal(r->size_declared, 99);
    assert_int_equal(r->failures_before, 5);
    assert_true(r->has_message);
    assert_int_equal(r->received, 7);
    assert_int_equal(r->longest_line, 998);
    assert_true(r->binary);
    assert_int_equal(r->removed, 2);
    const struct journal_timeline t = {0, 1, 2, 3, 4, 5, 6, 7};
    assert_memory_equal(&r->timeline, &t, sizeof(t));
}

static void check_recipients(const struct journal_record *r)
{
    assert_int_equal(r->recipient_count, 2);
    const struct journal_recipient *one = &r->recipients[0], *two = &r->recipients[1];
    assert_int_equal(one->number, 1);
    assert_text(one->mailbox, "one@example.net");
    assert_text(one->phase, "");
    assert_text(one->verdict, "accepted");
    assert_int_equal(one->code, 250);
    assert_text(one->enhanced, "2.0.0");
    assert_text(one->text, "ok");
    assert_text(one->hop.hop, "lmtp:/run/a");
    check_hop_more(&one->hop, "b: no");
    assert_true(one->delivered_before);
    assert_int_equal(one->at, 120);
    assert_text(one->judgement.facts, "");
    assert_text(one->more, "{\"hop_failed\":\"b: no\",\"hop_tls\":\"t\",\"hop_tls_unused\":\"u\","
                           "\"hop_xclient_unused\":\"x\",\"delivered_before\":true,"
                           "\"later\":[1,2]}");
    assert_int_equal(two->number, 2);
    assert_text(two->phase, "rcpt");
    assert_int_equal(two->at, -1);
    assert_text(two->judgement.rule, "g.conf:9");
    assert_int_equal(two->judgement.fired_count, 1);
    assert_text(two->judgement.fired[0], "g.conf:9 reject");
    assert_int_equal(two->judgement.observed_count, 0);
    assert_int_equal(two->judgement.doubt, -3);
    assert_text(two->judgement.facts,
                "{\"rcpt.known\":{\"value\":false,\"source\":\"next hop\",\"ms\":0.1}}");
    assert_text(two->more, "");
}

static void every_member(void **state)
{
    (void)state;
    struct arena arena;
    struct journal_record r;

    parse(full, &arena, &r);
    check_columns(&r);
    check_judgement(&r.judgement);
    check_recipients(&r);
    check_more(&r);
    assert_text(r.more, "{\"lost\":4,\"early\":true,\"unpipelined\":\"mail\","
                        "\"names\":[\"network 192.0.2.0/24\",\"spf example.org\"],"
                        "\"size_declared\":99,"
                        "\"failures_before\":5,\"message\":{\"received\":7,\"longest_line\":998,"
                        "\"binary\":true,\"removed\":2},\"hop_failed\":\"f\",\"hop_tls\":\"t\","
                        "\"hop_tls_unused\":\"u\",\"hop_xclient_unused\":\"x\",\"timeline_us\":{"
                        "\"early\":0,\"greeted\":1,\"helo\":2,\"mail\":3,\"data\":4,\"received\":5,"
                        "\"committed\":6,\"decided\":7},\"scores\":{\"a\":1.5}}");
    arena_free(&arena);
}

/* What a line leaves out is nothing, not what was there before. */
static void bare(void **state)
{
    (void)state;
    struct arena arena;
    struct journal_record r;

    memset(&r, 0xff, sizeof(r));
    parse("{" HEAD "," TAIL "}", &arena, &r);
    assert_int_equal(r.run, 0);
    assert_false(r.has_transaction);
    assert_null(r.recipients);
    assert_int_equal(r.recipient_count + r.port + r.code + r.size, 0);
    assert_int_equal(r.client.n + r.helo.n + r.sender.n + r.more.n + r.judgement.facts.n, 0);
    assert_false(r.has_message || r.early || r.hop_reply);
    assert_int_equal(r.timeline.greeted, -1);
    assert_int_equal(r.timeline.decided, -1);
    arena_free(&arena);
    parse("{" HEAD ",\"sender\":\"\",\"recipients\":[]," TAIL "}\n", &arena, &r);
    assert_true(r.has_transaction);
    assert_int_equal(r.sender.n, 0);
    assert_int_equal(r.recipient_count, 0);
    arena_free(&arena);
}

static void read_back_from_more(void **state)
{
    (void)state;
    struct arena arena;
    struct journal_record r;

    parse(full, &arena, &r);
    struct journal_record again = {.more = r.more, .hop.hop = SLICE_LIT("h")};
    assert_int_equal(journal_record_read_more(&again, &arena), 0);
    check_more(&again);
    assert_text(again.hop.hop, "h");
    assert_int_equal(again.id.n, 0);
    struct journal_recipient one = {.more = r.recipients[0].more, .at = 9};
    assert_int_equal(journal_recipient_read_more(&one, &arena), 0);
    check_hop_more(&one.hop, "b: no");
    assert_true(one.delivered_before);
    assert_int_equal(one.at, 9);

    again = (struct journal_record){0};
    assert_int_equal(journal_record_read_more(&again, &arena), 0);
    assert_int_equal(again.timeline.mail, -1);
    again.more = SLICE_LIT("{\"early\":true,\"timeline_us\":{\"mail\":\"x\"}}");
    assert_int_equal(journal_record_read_more(&again, &arena), -EBADMSG);
    assert_false(again.early);
    assert_int_equal(again.timeline.mail, -1);
    one = (struct journal_recipient){.more = SLICE_LIT("[1]")};
    assert_int_equal(journal_recipient_read_more(&one, &arena), -EBADMSG);
    one.more = SLICE_LIT("");
    assert_int_equal(journal_recipient_read_more(&one, &arena), 0);
    arena_free(&arena);
}

/* ---- what is none ---- */

static void refuse(struct slice line, const char *part_of_why)
{
    struct arena arena;
    struct journal_record r, untouched;
    const char *why = NULL;

    memset(&r, 0xa5, sizeof(r));
    untouched = r;
    arena_init(&arena);
    if (journal_record_parse(line, &arena, &r, &why) != -EBADMSG) {
        fail_msg("taken: " SLICE_FMT, SLICE_ARG(line));
    }
    assert_non_null(why);
    if (strstr(why, part_of_why) == NULL) {
        fail_msg("\"%s\" and not \"%s\" for " SLICE_FMT, why, part_of_why, SLICE_ARG(line));
    }
    assert_memory_equal(&r, &untouched, sizeof(r));
    arena_free(&arena);
}

static void no_json(void **state)
{
    static const char *const lines[] = {
        "",
        "\n",
        "x",
        "{",
        "{" HEAD "," TAIL,
        "{" HEAD "," TAIL "}{}",
        "{" HEAD "," TAIL ",}",
        "{" HEAD "," TAIL ",\"id\":\"again\"}",
        "{" HEAD "," TAIL ",\"size\":99999999999999999999}",
        "{" HEAD "," TAIL ",\"x\":1e999}",
        "{" HEAD "," TAIL ",\"x\":\"\xff\"}",
        "{" HEAD "," TAIL ",\"x\":\"\\ud800\"}",
        "{" HEAD "," TAIL ",\"a\\u0000b\":1}",
        "{" HEAD "," TAIL ",\"x\":NaN}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        refuse(slice_of(lines[i]), "no JSON");
    }
    refuse(SLICE_LIT("{" HEAD "," TAIL "}\0"), "no JSON");
    refuse((struct slice){NULL, 0}, "no JSON");
    refuse(SLICE_LIT("[]"), "no object");
}

static void wrong_members(void **state)
{
    static const char *const members[][2] = {
        {"\"run\":-1", "\"run\""},
        {"\"run\":1.0", "\"run\""},
        {"\"run\":\"1\"", "\"run\""},
        {"\"port\":4294967296", "\"port\""},
        {"\"client\":null", "\"client\""},
        {"\"client\":{}", "\"client\""},
        {"\"code\":99", "\"code\""},
        {"\"code\":65786", "\"code\""},
        {"\"hop_reply\":1", "\"hop_reply\""},
        {"\"duration_us\":-1", "\"duration_us\""},
        {"\"doubt\":true", "\"doubt\""},
        {"\"fired\":{}", "\"fired\""},
        {"\"fired\":[1]", "label"},
        {"\"observed\":[\"a\",null]", "label"},
        {"\"facts\":[]", "\"facts\""},
        {"\"message\":[]", "\"message\""},
        {"\"message\":{\"received\":-1}", "\"received\""},
        {"\"timeline_us\":1", "\"timeline_us\""},
        {"\"timeline_us\":{\"mail\":-1}", "\"mail\""},
        {"\"sender\":\"a\"", "\"recipients\""},
        {"\"recipients\":[]", "\"recipients\""},
        {"\"sender\":\"a\",\"recipients\":{}", "\"recipients\""},
        {"\"sender\":7,\"recipients\":[]", "\"sender\""},
        {"\"sender\":\"\",\"recipients\":[1]", "recipient"},
        {"\"sender\":\"\",\"recipients\":[{\"verdict\":\"accepted\"}]", "\"recipient\""},
        {"\"sender\":\"\",\"recipients\":[{\"recipient\":\"\",\"verdict\":\"\"}]", "\"verdict\""},
        {"\"hop_tls\":[]", "\"hop_tls\""},
        {"\"names\":{}", "\"names\""},
        {"\"names\":\"spf a\"", "\"names\""},
        {"\"names\":[\"spf a\",1]", "\"names\""},
        {"\"names\":[\"spf\"]", "\"names\""},
        {"\"names\":[\"spf \"]", "\"names\""},
        {"\"names\":[\" a\"]", "\"names\""},
        {"\"names\":[\"\"]", "\"names\""},
        {"\"names\":[\"a b\",\"a b\",\"a b\",\"a b\",\"a b\",\"a b\",\"a b\",\"a b\",\"a b\","
         "\"a b\",\"a b\",\"a b\",\"a b\",\"a b\",\"a b\",\"a b\",\"a b\"]",
         "\"names\""},
    };
    char line[512];

    (void)state;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        snprintf(line, sizeof(line), "{" HEAD ",%s," TAIL "}", members[i][0]);
        refuse(slice_of(line), members[i][1]);
    }
}

/* Each member that a record needs: left out, empty, or of another type. */
static void missing_members(void **state)
{
    static const char *const needed[][2] = {
        {"id", "\"A.1\""},       {"time", "\"2026-11-22T04:49:30.123Z\""},
        {"worker", "1"},         {"epoch", "1"},
        {"sequence", "1"},       {"phase", "\"mail\""},
        {"verdict", "\"gone\""},
    };
    static const char *const wrong[] = {NULL, "\"\"", "null", "[]", "-1", "1.5"};
    const size_t count = sizeof(needed) / sizeof(needed[0]);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++) {
            struct buf line = {0};
            char name[32];
            buf_printf(&line, "{\"x\":1");
            for (size_t m = 0; m < count; m++) {
                const char *value = m == i ? wrong[k] : needed[m][1];
                if (value != NULL) {
                    buf_printf(&line, ",\"%s\":%s", needed[m][0], value);
                }
            }
            buf_printf(&line, "}");
            snprintf(name, sizeof(name), "\"%s\"", needed[i][0]);
            refuse(buf_slice(&line), name);
            buf_free(&line);
        }
    }
}

/* Nothing that would need much memory or stack to be read. */
static void out_of_proportion(void **state)
{
    (void)state;
    struct buf line = {0};
    struct arena arena;
    struct journal_record r;
    const char *why;

    for (unsigned depth = JOURNAL_DEPTH_MOST - 1; depth <= JOURNAL_DEPTH_MOST; depth++) {
        line.n = 0;
        buf_printf(&line, "{" HEAD "," TAIL ",\"x\":");
        for (unsigned i = 0; i < depth; i++) {
            buf_printf(&line, "[");
        }
        for (unsigned i = 0; i < depth; i++) {
            buf_printf(&line, "]");
        }
        buf_printf(&line, ",\"y\":\"[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[\"}");
        arena_init(&arena);
        assert_int_equal(journal_record_parse(buf_slice(&line), &arena, &r, &why),
                         depth < JOURNAL_DEPTH_MOST ? 0 : -EBADMSG);
        arena_free(&arena);
    }
    memset(buf_reserve(&line, JOURNAL_LINE_MOST), '[', JOURNAL_LINE_MOST);
    line.n = JOURNAL_LINE_MOST;
    refuse(buf_slice(&line), "deep");
    memset(line.p, ' ', JOURNAL_LINE_MOST);
    buf_append_slice(&line, SLICE_LIT("{" HEAD "," TAIL "}"));
    refuse(buf_slice(&line), "long");
    /* The longest there may be. */
    buf_consume(&line, line.n - JOURNAL_LINE_MOST);
    arena_init(&arena);
    assert_int_equal(journal_record_parse(buf_slice(&line), &arena, &r, &why), 0);
    arena_free(&arena);
    buf_free(&line);
}

/* A line cut off anywhere is no record; one with any octet changed is none, or harmless. */
static void damaged(void **state)
{
    (void)state;
    size_t n = sizeof(full) - 2; /* without the line feed */
    char *copy = malloc(n);
    unsigned taken = 0;

    assert_non_null(copy);
    for (size_t i = 0; i < n; i++) {
        struct arena arena;
        struct journal_record r;
        const char *why;
        refuse((struct slice){full, i}, "");
        memcpy(copy, full, n);
        copy[i] = (char)(copy[i] ^ 0x11);
        arena_init(&arena);
        taken += journal_record_parse((struct slice){copy, n}, &arena, &r, &why) == 0;
        arena_free(&arena);
    }
    assert_in_range(taken, 1, n - 1);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member),        cmocka_unit_test(bare),
        cmocka_unit_test(read_back_from_more), cmocka_unit_test(no_json),
        cmocka_unit_test(wrong_members),       cmocka_unit_test(missing_members),
        cmocka_unit_test(out_of_proportion),   cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
