/* Judging records anew: what each kind of ending is, and what an answer rests on. That unchanged
 * policies change nothing is held against every scenario and golden dialogue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "journal/replay_range.h"
#include "journal/replay_tally.h"
#include "policy_compiled.h"

#define HEAD                                                                                       \
    "{\"id\":\"0123456789ABCD.1\",\"time\":\"2026-11-22T04:49:30.000Z\",\"run\":1,\"worker\":0,"   \
    "\"epoch\":1,\"sequence\":0,\"policy\":\"p\",\"client\":\"192.0.2.7\",\"port\":4321,"          \
    "\"local\":\"192.0.2.250\",\"listener\":\"127.0.0.1:25\",\"protocol\":\"ESMTP\","
#define HELO     "\"helo\":\"client.example\","
#define SENDER   "\"sender\":\"from@example.net\",\"size\":0,"
#define TO       "\"recipients\":[{\"recipient\":\"anna@example.org\",\"at_us\":3000000,"
#define ACCEPTED TO "\"verdict\":\"accepted\",\"code\":250,\"text\":\"taken\""
#define MESSAGE                                                                                    \
    "\"message\":{\"received\":2,\"longest_line\":78},\"phase\":\"commit\","                       \
    "\"verdict\":\"accepted\",\"code\":250,\"text\":\"taken\",\"hop_reply\":true,"
#define TIMES                                                                                      \
    "\"duration_us\":1,\"timeline_us\":{\"greeted\":1000000,\"helo\":2000000,\"mail\":2500000,"    \
    "\"received\":3500000,\"decided\":4000000}}"
#define LOBBY "\"duration_us\":1,\"timeline_us\":{\"decided\":4000000}}"

struct world {
    struct compiled c;
    struct replay *replay;
    struct arena arena;
    struct journal_record record;
    struct replay_outcomes then;
    struct replay_outcomes now;
};

static unsigned read_phases; /* in which that policy read client.sessions */

static unsigned read_in(void *arg, struct slice policy, const struct fact *fact)
{
    assert_null(arg);
    assert_slice(policy, "p");
    assert_string_equal(fact->name, "client.sessions");
    return read_phases;
}

/* Judges the record by the policy. */
static struct world judge_by(const char *policy, const char *line, bool has_conf)
{
    static struct world w; /* what replay_setup points to must stay where it is */
    const char *why = "";

    w = (struct world){.c = compile_good(policy)};
    const struct replay_setup setup = {
        .policy = w.c.policy, .conf = has_conf ? w.c.conf : NULL, .read_in = read_in, .arg = NULL};
    arena_init(&w.arena);
    w.replay = replay_new(&setup);
    if (journal_record_parse(slice_of(line), &w.arena, &w.record, &why) < 0) {
        fail_msg("%s", why);
    }
    replay_recorded(&w.record, &w.arena, &w.then);
    replay_judge(w.replay, &w.record, &w.now);
    return w;
}

static void end(struct world *w)
{
    assert_null(replay_free(w->replay));
    arena_free(&w->arena);
    compiled_free(&w->c);
}

static void assert_outcome(const struct replay_outcome *o, enum replay_verdict verdict,
                           const char *rule)
{
    assert_string_equal(replay_verdict_name(o->verdict), replay_verdict_name(verdict));
    assert_slice(o->rule, rule);
}

static void assert_doubt(const struct world *w, const char *fact, enum replay_gap gap)
{
    size_t count;
    const struct replay_doubt *doubts = replay_doubts(w->replay, &count);

    assert_int_equal(count, 1);
    assert_string_equal(doubts[0].fact, fact);
    assert_int_equal(doubts[0].gap, gap);
}

static void assert_no_doubt(const struct world *w)
{
    size_t count;

    (void)replay_doubts(w->replay, &count);
    assert_int_equal(count, 0);
}

/* ---- endings ---- */

/* What the next hop refused had passed. */
static void hop_refused(void **state)
{
    (void)state;
    struct world w =
        judge_by("policy { at rcpt { reject \"no\" when rcpt.count > 0 } }",
                 HEAD HELO SENDER TO "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,"
                                     "\"text\":\"nobody\"},{\"recipient\":\"bert@example.org\","
                                     "\"verdict\":\"accepted\",\"code\":250,\"text\":\"taken\"},"
                                     "{\"recipient\":\"carl@example.org\",\"verdict\":\"accepted\","
                                     "\"code\":250,\"text\":\"taken\"}]," MESSAGE TIMES,
                 true);

    assert_outcome(&w.then.recipients[0], REPLAY_PASSED, "");
    assert_outcome(&w.now.recipients[0], REPLAY_PASSED, "");
    assert_outcome(&w.now.recipients[1], REPLAY_PASSED, "");
    assert_outcome(&w.now.recipients[2], REPLAY_REFUSED, "gatepost.conf:1 reject");
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    assert_no_doubt(&w);
    end(&w);
}

/* Whose failures count: the hop's, those before, and the rule's own. */
static void failures(void **state)
{
    (void)state;
    struct world w = judge_by(
        "policy { at rcpt { reject \"no\" when rcpt.failures >= 3 } }",
        HEAD HELO "\"failures_before\":2," SENDER TO
                  "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,"
                  "\"text\":\"nobody\"},{\"recipient\":\"bert@example.org\","
                  "\"verdict\":\"accepted\",\"code\":250,\"text\":\"taken\"}]," MESSAGE TIMES,
        true);

    assert_outcome(&w.now.recipients[0], REPLAY_PASSED, "");
    assert_outcome(&w.now.recipients[1], REPLAY_REFUSED, "gatepost.conf:1 reject");
    end(&w);
    /* A recipient who is put off is no failure. */
    w = judge_by("policy { at rcpt { reject \"no\" when rcpt.failures >= 3 } }",
                 HEAD HELO
                 "\"failures_before\":2," SENDER TO
                 "\"phase\":\"rcpt\",\"verdict\":\"deferred\",\"code\":450,"
                 "\"text\":\"busy\"},{\"recipient\":\"bert@example.org\","
                 "\"verdict\":\"accepted\",\"code\":250,\"text\":\"taken\"}]," MESSAGE TIMES,
                 true);
    assert_outcome(&w.now.recipients[1], REPLAY_PASSED, "");
    end(&w);
}

/* Out of turn only from the recipient on that was. */
static void unpipelined(void **state)
{
    (void)state;
    struct world w =
        judge_by("policy { at rcpt { reject \"no\" when client.unpipelined } }",
                 HEAD HELO SENDER ACCEPTED
                 "},{\"recipient\":\"bert@example.org\",\"verdict\":\"accepted\","
                 "\"code\":250,\"text\":\"taken\",\"unpipelined\":true}]," MESSAGE TIMES,
                 true);

    assert_outcome(&w.now.recipients[0], REPLAY_PASSED, "");
    assert_outcome(&w.now.recipients[1], REPLAY_REFUSED, "gatepost.conf:1 reject");
    end(&w);
}

/* The clock of each phase: accepted 1.5 s before the hour, greeted by name 0.5 s behind it. */
static void hour(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    struct world w = judge_by("policy { at connect { reject \"no\" when time.hour == 5 }\n"
                              "at helo { reject \"no\" when time.hour == 5 } }",
                              HEAD HELO SENDER ACCEPTED "}]," MESSAGE TIMES, true);

    assert_int_equal(time_parse_rfc3339(SLICE_LIT("2026-11-22T05:00:02.500Z"), &w.record.time), 0);
    replay_judge(w.replay, &w.record, &w.now);
    assert_outcome(&w.now.recipients[0], REPLAY_REFUSED, "gatepost.conf:2 reject");
    end(&w);
}

/* No rule was asked about a recipient without a route, nor about a client without a place. */
static void not_asked(void **state)
{
    (void)state;
    static const char policy[] = "policy { at connect { reject \"no\" } }";
    struct world w = judge_by(policy,
                              HEAD "\"phase\":\"connect\",\"verdict\":\"deferred\",\"code\":421,"
                                   "\"text\":\"too many connections\"," LOBBY,
                              true);
    assert_outcome(&w.then.whole, REPLAY_NOT_ASKED, "");
    assert_outcome(&w.now.whole, REPLAY_NOT_ASKED, "");
    assert_false(replay_differs(&w.then.whole, &w.now.whole));
    end(&w);
    w = judge_by("policy { at rcpt { reject \"no\" } }",
                 HEAD HELO SENDER TO
                 "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"enhanced\":\"5.7.1\","
                 "\"text\":\"no mail for this domain here: relaying denied\"}],\"phase\":\"rcpt\","
                 "\"verdict\":\"refused\",\"code\":550," TIMES,
                 true);
    assert_outcome(&w.then.recipients[0], REPLAY_NOT_ASKED, "");
    assert_outcome(&w.now.recipients[0], REPLAY_NOT_ASKED, "");
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    end(&w);
}

/* Who left during a wait never came to the rules behind it. */
static void left(void **state)
{
    (void)state;
    static const char line[] = HEAD "\"phase\":\"connect\",\"verdict\":\"ended\","
                                    "\"note\":\"client went away\"," LOBBY;
    struct world w = judge_by("policy { at connect { wait 6s\nreject \"no\" } }", line, true);
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    end(&w);
    w = judge_by("policy { at connect { wait 3s\nreject \"no\" } }", line, true);
    assert_outcome(&w.now.whole, REPLAY_REFUSED, "gatepost.conf:2 reject");
    assert_true(w.now.unheard);
    end(&w);
}

/* Seen to speak during the wait: early only behind it. */
static void early(void **state)
{
    (void)state;
    static const char line[] =
        HEAD HELO "\"early\":true," SENDER ACCEPTED "}]," MESSAGE
                  "\"duration_us\":1,\"timeline_us\":{\"early\":500000,\"greeted\":1000000,"
                  "\"helo\":2000000,\"mail\":2500000,\"received\":3500000,\"decided\":4000000}}";
    struct world w =
        judge_by("policy { at connect { reject \"no\" when client.early\nwait 1s } }", line, true);
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    end(&w);
    w = judge_by("policy { at connect { wait 1s\nreject \"no\" when client.early } }", line, true);
    assert_outcome(&w.now.recipients[0], REPLAY_REFUSED, "gatepost.conf:2 reject");
    end(&w);
}

/* The old verdict is that of the rule that answered, wherever it fired. */
static void pending(void **state)
{
    (void)state;
    struct world w = judge_by(
        "policy { }",
        HEAD HELO SENDER TO
        "\"phase\":\"rcpt\",\"verdict\":\"deferred\",\"code\":451,\"text\":\"later\","
        "\"rule\":\"old.conf:7\"}],\"phase\":\"rcpt\",\"verdict\":\"deferred\",\"code\":451,"
        "\"text\":\"later\",\"rule\":\"old.conf:7\",\"fired\":[\"old.conf:70 reject now\","
        "\"old.conf:7 defer\"]," TIMES,
        true);
    assert_outcome(&w.then.whole, REPLAY_DEFERRED, "old.conf:7 defer");
    assert_outcome(&w.then.recipients[0], REPLAY_DEFERRED, "old.conf:7 defer");
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    assert_true(replay_differs(&w.then.whole, &w.now.whole));
    end(&w);
}

/* A worker that was taken over may have said anything. */
static void numbers(void **state)
{
    (void)state;
    struct world w = judge_by(
        "policy { at connect { wait 1s }\nat helo { wait 1s\nreject \"no\" when time.hour > 23 } }",
        HEAD HELO SENDER ACCEPTED "}]," MESSAGE
                                  "\"duration_us\":9223372036854775807,\"timeline_us\":{"
                                  "\"early\":9223372036854775807,\"helo\":9223372036854775807,"
                                  "\"mail\":9223372036854775807,"
                                  "\"decided\":9223372036854775807}}",
        true);
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    w.record.time = INT64_MIN; /* as a row may have it */
    replay_judge(w.replay, &w.record, &w.now);
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    w.record.time = INT64_MAX;
    w.record.duration = INT64_MIN;
    w.record.timeline.decided = -1;
    replay_judge(w.replay, &w.record, &w.now);
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    end(&w);
}

/* ---- what an answer rests on ---- */

/* Only where it could still matter. */
static void lacking(void **state)
{
    (void)state;
    static const char line[] = HEAD HELO SENDER ACCEPTED "}]," MESSAGE TIMES;
    struct world w = judge_by(
        "policy { at rcpt { reject \"no\" when rcpt.domain == \"x.example\" and not rcpt.known } }",
        line, true);
    assert_no_doubt(&w);
    end(&w);
    w = judge_by("policy { at rcpt { reject \"no\" when not rcpt.known } }", line, true);
    assert_doubt(&w, "rcpt.known", REPLAY_LACKING);
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    end(&w);
    w = judge_by("policy { at message { defer \"cannot\" when unknown(header(\"X\")) } }", line,
                 true);
    assert_doubt(&w, "header(X)", REPLAY_LACKING);
    assert_outcome(&w.now.whole, REPLAY_DEFERRED, "gatepost.conf:1 defer");
    end(&w);
}

/* Texts are not filled in, so that what they name is not missed; those of doubt are for `why`. */
static void texts(void **state)
{
    (void)state;
    static const char line[] = HEAD HELO SENDER ACCEPTED "}]," MESSAGE TIMES;
    struct world w =
        judge_by("policy { at rcpt { doubt 1 \"%{rcpt.answer}\" }\n at message { reject "
                 "\"%{header(X)}\" when doubt > 0 } }",
                 line, true);
    assert_no_doubt(&w);
    assert_outcome(&w.now.whole, REPLAY_REFUSED, "gatepost.conf:2 reject");
    end(&w);
    w = judge_by("policy { at rcpt { doubt 1 \"from %{sender.domain}\" }\n at message { reject "
                 "\"no\" when why == \"from example.net\" } }",
                 line, true);
    assert_no_doubt(&w);
    assert_outcome(&w.now.whole, REPLAY_REFUSED, "gatepost.conf:2 reject");
    end(&w);
}

static void cut(void **state)
{
    (void)state;
    struct world w = judge_by("policy { at message { reject \"no\" when header(\"X\") ~ \"a\" } }",
                              HEAD HELO SENDER ACCEPTED
                              "}],\"facts\":{\"header(X)\":{\"value\":\"abc\",\"cut\":5000,"
                              "\"source\":\"message\",\"ms\":0.1}}," MESSAGE TIMES,
                              true);
    assert_doubt(&w, "header(X)", REPLAY_CUT);
    assert_outcome(&w.now.whole, REPLAY_REFUSED, "gatepost.conf:1 reject");
    end(&w);
}

/* A fact that changes is right for the phase in which it was read last. */
static void moment(void **state)
{
    (void)state;
    static const char line[] =
        HEAD HELO SENDER ACCEPTED "}],\"facts\":{\"client.sessions\":{\"value\":9,"
                                  "\"source\":\"memory\"}}," MESSAGE TIMES;
    static const char policy[] = "policy { at mail { defer \"many\" when client.sessions > 5 } }";
    static const unsigned others[] = {0, 1U << PHASE_CONNECT,
                                      1U << PHASE_MAIL | 1U << PHASE_MESSAGE};
    struct world w;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        read_phases = others[i];
        w = judge_by(policy, line, true);
        assert_doubt(&w, "client.sessions", REPLAY_ELSEWHERE);
        assert_outcome(&w.now.whole, REPLAY_DEFERRED, "gatepost.conf:1 defer");
        end(&w);
    }
    read_phases = 1U << PHASE_CONNECT | 1U << PHASE_MAIL;
    w = judge_by(policy, line, true);
    assert_no_doubt(&w);
    assert_outcome(&w.now.whole, REPLAY_DEFERRED, "gatepost.conf:1 defer");
    end(&w);
}

/* What was not found out stays so, for the reason it had. */
static void unknown(void **state)
{
    (void)state;
    struct world w = judge_by("policy { at rcpt { defer \"cannot\" when unknown(rcpt.known) } }",
                              HEAD HELO SENDER TO
                              "\"verdict\":\"accepted\",\"code\":250,\"facts\":{\"rcpt.known\":"
                              "{\"unknown\":\"timeout\",\"ms\":5000}}}]," MESSAGE TIMES,
                              true);
    assert_no_doubt(&w);
    assert_outcome(&w.now.recipients[0], REPLAY_DEFERRED, "gatepost.conf:1 defer");
    end(&w);
}

/* Without a configuration of its own, whose name and routes are ours is the record's to say. */
static void without_conf(void **state)
{
    (void)state;
    static const char policy[] = "policy { at mail { reject \"no\" when sender.mine } }";
    static const char line[] = HEAD HELO "\"sender\":\"a@example.org\",\"size\":0," ACCEPTED
                                         "}],\"facts\":{\"sender.mine\":false}," MESSAGE TIMES;
    struct world w = judge_by(policy, line, false);
    assert_no_doubt(&w);
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    end(&w);
    w = judge_by(policy, line, true);
    assert_outcome(&w.now.whole, REPLAY_REFUSED, "gatepost.conf:1 reject");
    end(&w);
    w = judge_by(policy, HEAD HELO SENDER ACCEPTED "}]," MESSAGE TIMES, false);
    assert_doubt(&w, "sender.mine", REPLAY_LACKING);
    end(&w);
}

/* Whom the old policy kept out is taken to be known, and his message, which never came, to pass. */
static void message_that_never_came(void **state)
{
    (void)state;
    struct world w =
        judge_by("policy { at message { reject \"no\" when size > 1 } }",
                 HEAD HELO SENDER TO "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,"
                                     "\"rule\":\"old.conf:3\",\"fired\":[\"old.conf:3 reject\"]}],"
                                     "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,"
                                     "\"rule\":\"old.conf:3\"," TIMES,
                 true);
    assert_outcome(&w.then.whole, REPLAY_REFUSED, "old.conf:3 reject");
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    assert_doubt(&w, "message", REPLAY_LACKING);
    end(&w);
}

/* What would have followed a conversation that the old policy ended: of interest only to a policy
 * that lets it go on. */
static void cut_short(void **state)
{
    (void)state;
    static const char line[] = HEAD HELO SENDER
        "\"recipients\":[],\"phase\":\"mail\",\"verdict\":\"refused\",\"code\":550,"
        "\"rule\":\"old.conf:3\",\"fired\":[\"old.conf:3 reject\"]," TIMES;
    struct world w = judge_by("policy { }", line, true);
    assert_outcome(&w.then.whole, REPLAY_REFUSED, "old.conf:3 reject");
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    assert_doubt(&w, "conversation", REPLAY_LACKING);
    end(&w);
    w = judge_by("policy { at helo { reject \"no\" } }", line, true);
    assert_outcome(&w.now.whole, REPLAY_REFUSED, "gatepost.conf:1 reject");
    assert_no_doubt(&w);
    end(&w);
}

/* ---- sums and lines ---- */

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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hop_refused),  cmocka_unit_test(failures),
        cmocka_unit_test(not_asked),    cmocka_unit_test(left),
        cmocka_unit_test(early),        cmocka_unit_test(pending),
        cmocka_unit_test(numbers),      cmocka_unit_test(lacking),
        cmocka_unit_test(texts),        cmocka_unit_test(cut),
        cmocka_unit_test(moment),       cmocka_unit_test(unknown),
        cmocka_unit_test(without_conf), cmocka_unit_test(message_that_never_came),
        cmocka_unit_test(sums),         cmocka_unit_test(lines),
        cmocka_unit_test(unpipelined),  cmocka_unit_test(hour),
        cmocka_unit_test(cut_short),    cmocka_unit_test(sums_of_doubt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
