/* Judging records anew: what each kind of ending is, and what an answer rests on. That unchanged
 * policies change nothing is held against every scenario and golden dialogue. */
#include "replay_world.h"

#include <stdlib.h>
#include <time.h>

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

/* At message, of all recipients together, it is among the transaction's facts. */
static void joint(void **state)
{
    static const char policy[] = "policy { at rcpt { reject \"no\" when identity.bad > 5 }\n"
                                 "at message { reject \"no\" when identity.bad > 7 } }";
    (void)state;
    struct world w = judge_by(policy,
                              HEAD HELO SENDER ACCEPTED
                              ",\"facts\":{\"identity.bad\":5}},"
                              "{\"recipient\":\"bert@example.org\",\"verdict\":\"accepted\","
                              "\"code\":250,\"text\":\"taken\",\"facts\":{\"identity.bad\":6}}],"
                              "\"facts\":{\"identity.bad\":8}," MESSAGE TIMES,
                              true);
    assert_outcome(&w.now.recipients[0], REPLAY_PASSED, "");
    assert_outcome(&w.now.recipients[1], REPLAY_REFUSED, "gatepost.conf:1 reject");
    assert_outcome(&w.now.whole, REPLAY_REFUSED, "gatepost.conf:2 reject");
    assert_no_doubt(&w);
    end(&w);
    w = judge_by(
        policy, HEAD HELO SENDER ACCEPTED ",\"facts\":{\"identity.bad\":5}}]," MESSAGE TIMES, true);
    assert_outcome(&w.now.recipients[0], REPLAY_PASSED, "");
    assert_outcome(&w.now.whole, REPLAY_PASSED, "");
    assert_doubt(&w, "identity.bad", REPLAY_LACKING);
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
    w = judge_by(policy,
                 HEAD
                 "\"phase\":\"connect\",\"verdict\":\"ended\",\"note\":\"proxy went away\"," LOBBY,
                 true);
    assert_outcome(&w.now.whole, REPLAY_NOT_ASKED, "");
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

#define PUT_OFF(fired)                                                                             \
    HEAD HELO SENDER TO                                                                            \
        "\"phase\":\"rcpt\",\"verdict\":\"deferred\",\"code\":451,\"text\":\"later\","             \
        "\"rule\":\"old.conf:7\"" fired                                                            \
        "}],\"phase\":\"rcpt\",\"verdict\":\"deferred\",\"code\":451,"                             \
        "\"text\":\"later\",\"rule\":\"old.conf:7\"," TIMES

/* Line 7 is not line 70, and what a rule did that is not among those that fired the code says. */
static void labels(void **state)
{
    (void)state;
    struct replay_tally t;
    struct world w = judge_by(
        "policy { }", PUT_OFF(",\"fired\":[\"old.conf:7 defer\",\"old.conf:70 reject\"]"), true);

    assert_outcome(&w.then.recipients[0], REPLAY_DEFERRED, "old.conf:7 defer");
    replay_tally_init(&t);
    replay_tally_recorded(&t, &w.record);
    const struct tally_row *row =
        tally_find(&t.then, SLICE_LIT("p"), SLICE_LIT("old.conf:7 defer"));
    assert_int_equal(row->numbers[TALLY_DECIDED], 1);
    replay_tally_free(&t);
    end(&w);
    w = judge_by("policy { }", PUT_OFF(""), true);
    assert_outcome(&w.then.recipients[0], REPLAY_DEFERRED, "old.conf:7");
    end(&w);
}

/* Of recipients who were refused and put off the whole was put off; a refusal by a rule is a
 * failure for the next rule. */
static void of_several(void **state)
{
    (void)state;
    static const char line[] =
        HEAD HELO SENDER ACCEPTED "},{\"recipient\":\"bert@example.org\",\"verdict\":\"accepted\","
                                  "\"code\":250,\"text\":\"taken\"}]," MESSAGE TIMES;
    struct world w = judge_by("policy { at rcpt { reject \"no\" when rcpt == \"anna@example.org\"\n"
                              "defer \"later\" when rcpt.failures >= 1 } }",
                              line, true);

    assert_outcome(&w.now.recipients[0], REPLAY_REFUSED, "gatepost.conf:1 reject");
    assert_outcome(&w.now.recipients[1], REPLAY_DEFERRED, "gatepost.conf:2 defer");
    assert_outcome(&w.now.whole, REPLAY_DEFERRED, "gatepost.conf:2 defer");
    end(&w);
}

/* What the record says of TLS and of the message, as facts. */
static void at_hand(void **state)
{
    (void)state;
    static const char *const policies[] = {
        "policy { at helo { reject now \"no\" when tls.version == \"TLSv1.3\" } }",
        "policy { at message { reject \"no\" when message.binary } }",
        "policy { at message { reject \"no\" when received.count == 2 } }",
    };
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        struct world w =
            judge_by(policies[i],
                     HEAD HELO "\"tls\":\"TLSv1.3 TLS_AES_256_GCM_SHA384\"," SENDER ACCEPTED
                               "}],\"message\":{\"received\":2,\"longest_line\":78,"
                               "\"binary\":true},\"phase\":\"commit\",\"verdict\":"
                               "\"accepted\",\"code\":250,\"text\":\"taken\"," TIMES,
                     true);
        assert_outcome(&w.now.whole, REPLAY_REFUSED, "gatepost.conf:1 reject");
        end(&w);
    }
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

/* What an inspector once said is in the record, patterns by their names; nobody is asked again.
 * What it was not asked, another policy does not get to know. */
static void content(void **state)
{
    (void)state;
    static const char line[] = HEAD HELO SENDER ACCEPTED
        "}],\"facts\":{\"body(/free money/)\":{\"value\":true,\"source\":\"message\",\"ms\":0.1},"
        "\"raw(/x/)\":{\"value\":false,\"source\":\"message\",\"ms\":0},"
        "\"body(phrases)\":{\"value\":true,\"source\":\"message\",\"ms\":0},"
        "\"headers(/y/)\":{\"unknown\":\"over budget\",\"ms\":0},"
        "\"url.traits\":{\"value\":[\"address\",\"port\"],\"source\":\"message\",\"ms\":0},"
        "\"message_id.form\":{\"value\":\"bare\",\"source\":\"message\",\"ms\":0},"
        "\"attachment.executable\":{\"value\":true,\"source\":\"message\",\"ms\":0},"
        "\"attachment.count\":{\"value\":2,\"source\":\"message\",\"ms\":0}}," MESSAGE TIMES;
    static const struct {
        const char *when;
        enum replay_verdict verdict;
        const char *lacks; /* NULL: nothing */
    } rows[] = {
        {"body ~ \"free money\"", REPLAY_REFUSED, NULL},
        {"body !~ \"free money\"", REPLAY_PASSED, NULL},
        {"raw ~ \"x\" or raw !~ \"x\"", REPLAY_REFUSED, NULL},
        {"body ~ phrases", REPLAY_REFUSED, NULL}, /* whatever stands in it today */
        {"headers ~ \"y\" or headers !~ \"y\"", REPLAY_PASSED, NULL},
        {"unknown(headers ~ \"y\")", REPLAY_REFUSED, NULL},
        {"url.traits in { port } and url.traits in { address }", REPLAY_REFUSED, NULL},
        {"url.traits in { userinfo }", REPLAY_PASSED, NULL},
        {"message_id.form == bare and attachment.executable and attachment.count == 2",
         REPLAY_REFUSED, NULL},
        {"body ~ \"other words\"", REPLAY_PASSED, "body(/other words/)"},
        {"raw ~ phrases", REPLAY_PASSED, "raw(phrases)"},
        {"html.traits in { script }", REPLAY_PASSED, "html.traits"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char policy[300];
        (void)snprintf(
            policy, sizeof(policy),
            "table phrases { /never there/ }\npolicy { at message { reject \"no\" when %s "
            "} }",
            rows[i].when);
        struct world w = judge_by(policy, line, true);
        if (rows[i].lacks != NULL) {
            assert_doubt(&w, rows[i].lacks, REPLAY_LACKING);
        } else {
            assert_no_doubt(&w);
        }
        assert_outcome(&w.now.whole, rows[i].verdict,
                       rows[i].verdict == REPLAY_REFUSED ? "gatepost.conf:2 reject" : "");
        end(&w);
    }
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hop_refused),  cmocka_unit_test(failures),
        cmocka_unit_test(unpipelined),  cmocka_unit_test(hour),
        cmocka_unit_test(at_hand),      cmocka_unit_test(joint),
        cmocka_unit_test(not_asked),    cmocka_unit_test(left),
        cmocka_unit_test(early),        cmocka_unit_test(pending),
        cmocka_unit_test(labels),       cmocka_unit_test(of_several),
        cmocka_unit_test(numbers),      cmocka_unit_test(lacking),
        cmocka_unit_test(texts),        cmocka_unit_test(cut),
        cmocka_unit_test(moment),       cmocka_unit_test(unknown),
        cmocka_unit_test(without_conf), cmocka_unit_test(message_that_never_came),
        cmocka_unit_test(cut_short),    cmocka_unit_test(content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
