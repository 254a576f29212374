/* Sums of records that were judged anew, from process to process, and the lines about them. */
#include "replay_world.h"

#include <errno.h>

/* How much of the answer rests on what is not on record: of changes, and of what stays the same. */
static void sums_of_doubt(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        bool changed;
    } cases[] = {
        {"policy { at rcpt { defer \"cannot\" when unknown(rcpt.known) } }", true},
        {"policy { at rcpt { reject \"no\" when not rcpt.known } }", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w =
            judge_by(cases[i].policy, HEAD HELO SENDER ACCEPTED "}]," MESSAGE TIMES, true);
        struct replay_tally t;
        replay_tally_init(&t);
        replay_tally_recorded(&t, &w.record);
        assert_int_equal(replay_tally_judged(&t, w.replay, &w.record, &w.then, &w.now),
                         cases[i].changed);
        assert_int_equal(t.in_doubt, cases[i].changed);
        assert_int_equal(t.same_doubt, !cases[i].changed);
        const struct tally_row *row =
            tally_find(&t.gaps, SLICE_LIT("not recorded"), SLICE_LIT("rcpt.known"));
        assert_non_null(row);
        assert_int_equal(row->numbers[TALLY_CHANGED], cases[i].changed);
        assert_int_equal(row->numbers[TALLY_UNCHANGED], !cases[i].changed);
        replay_tally_free(&t);
        end(&w);
    }
}

/* What one process writes down another one adds. */
static void sums(void **state)
{
    (void)state;
    struct world w =
        judge_by("policy { at mail { reject \"no\" } }",
                 HEAD HELO SENDER ACCEPTED "}],\"observed\":[\"old.conf:9 reject\"],"
                                           "\"fired\":[\"old.conf:8 doubt\"]," MESSAGE TIMES,
                 true);
    struct replay_tally one, two;
    struct buf text = {0};
    struct emit e = {.b = &text};

    replay_tally_init(&one);
    replay_tally_init(&two);
    replay_tally_recorded(&one, &w.record);
    assert_true(replay_tally_judged(&one, w.replay, &w.record, &w.then, &w.now));
    emit_object(&e, NULL);
    replay_tally_write(&one, &e);
    emit_object_end(&e);
    json_t *object = json_loadb(text.p, text.n, 0, NULL);
    assert_int_equal(replay_tally_add(&two, object), 0);
    assert_int_equal(replay_tally_add(&two, object), 0);
    json_decref(object);
    assert_int_equal(two.records, 2);
    assert_int_equal(two.recipients, 2);
    assert_int_equal(two.changed, 2);
    assert_int_equal(two.first, w.record.time);
    assert_int_equal(two.moved[REPLAY_PASSED][REPLAY_REFUSED], 2);
    assert_int_equal(two.moved_recipients[REPLAY_PASSED][REPLAY_REFUSED], 2);
    const struct tally_row *row =
        tally_find(&two.then, SLICE_LIT("p"), SLICE_LIT("old.conf:8 doubt"));
    assert_int_equal(row->numbers[TALLY_FIRED], 2);
    row = tally_find(&two.now, SLICE_LIT(""), SLICE_LIT("gatepost.conf:1 reject"));
    assert_int_equal(row->numbers[TALLY_DECIDED], 2);
    assert_null(tally_find(&two.now, SLICE_LIT(""), SLICE_LIT("gatepost.conf:2 reject")));
    json_t *bad = json_object();
    assert_int_equal(replay_tally_add(&two, bad), -EBADMSG);
    json_decref(bad);
    replay_tally_free(&one);
    replay_tally_free(&two);
    buf_free(&text);
    end(&w);
}

/* Nothing from outside commands a terminal. */
static void lines(void **state)
{
    (void)state;
    struct world w = judge_by(
        "policy { at mail { reject \"no\" } }",
        HEAD HELO "\"sender\":\"a\\u001b[2J\\n@x\",\"size\":0," ACCEPTED "}]," MESSAGE TIMES, true);
    struct buf text = {0};

    replay_line(&text, w.replay, &w.record, &w.then, &w.now);
    assert_slice(
        buf_slice(&text),
        "2026-11-22T04:49:30.000Z 0123456789ABCD.1 192.0.2.7 <a?[2J | @x>: passed -> refused "
        "by gatepost.conf:1 reject\n"
        "    .1 <anna@example.org>: passed -> refused by gatepost.conf:1 reject\n");
    text.n = 0;
    replay_line_json(&text, w.replay, &w.record, &w.then, &w.now);
    assert_slice(buf_slice(&text),
                 "{\"id\":\"0123456789ABCD.1\",\"time\":\"2026-11-22T04:49:30.000Z\","
                 "\"client\":\"192.0.2.7\",\"sender\":\"a\\u001b[2J\\n@x\",\"ended\":\"accepted\","
                 "\"old\":{\"verdict\":\"passed\"},\"new\":{\"verdict\":\"refused\","
                 "\"rule\":\"gatepost.conf:1 reject\"},\"recipients\":[{\"number\":1,"
                 "\"recipient\":\"anna@example.org\",\"old\":{\"verdict\":\"passed\"},"
                 "\"new\":{\"verdict\":\"refused\",\"rule\":\"gatepost.conf:1 reject\"}}],"
                 "\"rests_on\":[]}\n");
    buf_free(&text);
    end(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_doubt),
        cmocka_unit_test(sums),
        cmocka_unit_test(lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
