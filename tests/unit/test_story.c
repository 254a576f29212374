/* Stories of decisions: what ended and how, for every kind of ending; what would have had to
 * differ; and hostile text, which must come out harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/story.h"
#include "policy_compiled.h"

#define HEAD                                                                                       \
    "{\"id\":\"ABCDEFGHJKMNPQ.1\",\"time\":\"2026-11-22T04:49:30.123Z\",\"worker\":0,\"epoch\":1," \
    "\"sequence\":7,\"client\":\"192.0.2.1\",\"port\":4321,\"helo\":\"client.example\","           \
    "\"protocol\":\"ESMTP\","
#define FROM "\"sender\":\"from@client.example\","

static struct arena arena;
static const struct policy *current; /* the policy of now */

/* The rules that the journal has. */
static int find_rule(void *arg, struct slice policy, struct slice place, struct arena *a,
                     struct journal_rule *ret)
{
    static const struct journal_rule rules[] = {
        {0, SLICE_LIT("rcpt"), SLICE_LIT("g.conf:9"), SLICE_LIT("g.conf:9 reject"),
         SLICE_LIT("reject"),
         SLICE_LIT("reject 550 5.7.1 \"no\" when (client.early or doubt >= 2) and not rcpt.known "
                   "unless helo ~ \"^mail\""),
         false},
        {1, SLICE_LIT("mail"), SLICE_LIT("g.conf:5"), SLICE_LIT("g.conf:5 reject"),
         SLICE_LIT("reject"), SLICE_LIT("reject \"no\" when sender.domain in blocked"), false},
        {2, SLICE_LIT("message"), SLICE_LIT("g.conf:30"), SLICE_LIT("g.conf:30 reject"),
         SLICE_LIT("reject"), SLICE_LIT("reject \"no\""), false},
        {3, SLICE_LIT("rcpt"), SLICE_LIT("g.conf:11"), SLICE_LIT("g.conf:11 reject"),
         SLICE_LIT("reject"), SLICE_LIT("reject \"no\" when client.early or rcpt.known"), false},
        {4, SLICE_LIT("mail"), SLICE_LIT("g.conf:6"), SLICE_LIT("g.conf:6 reject"),
         SLICE_LIT("reject"), SLICE_LIT("reject \"no\" when doubt >= 2"), false},
    };

    (void)arg;
    (void)policy;
    (void)a;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (slice_eq(rules[i].place, place)) {
            *ret = rules[i];
            return 0;
        }
    }
    return -ENOENT;
}

static json_t *told(const char *line, unsigned recipient)
{
    struct journal_record r;
    const char *why = "";

    if (journal_record_parse(slice_of(line), &arena, &r, &why) < 0) {
        fail_msg("%s: %s", why, line);
    }
    return story_tell(&(struct story){
        .record = &r, .recipient = recipient, .policy = current, .find_rule = find_rule});
}

/* The story's text, NUL-terminated; freed by the caller. */
static char *text_of(const char *line, unsigned recipient)
{
    json_t *story = told(line, recipient);
    struct buf text = {0};

    story_print(story, &text);
    buf_append(&text, "", 1);
    json_decref(story);
    return text.p;
}

static void assert_ending(const char *line, unsigned recipient, const char *ending)
{
    json_t *story = told(line, recipient);

    assert_string_equal(json_string_value(json_object_get(story, "ending")), ending);
    json_decref(story);
}

/* The text with each run of blanks and line ends made one blank. */
static char *in_one_line(const char *text)
{
    char *line = strdup(text);
    char *end = line;

    for (const char *p = text; *p != '\0'; p++) {
        const bool blank = *p == ' ' || *p == '\n';
        if (!blank || (end > line && end[-1] != ' ')) {
            *end++ = (char)(blank ? ' ' : *p);
        }
    }
    *end = '\0';
    return line;
}

/* Wherever lines are broken. */
static void assert_says(const char *line, unsigned recipient, const char *part)
{
    char *text = text_of(line, recipient);
    char *said = in_one_line(text), *wanted = in_one_line(part);

    if (strstr(said, wanted) == NULL) {
        fail_msg("not in it: %s\n%s", part, text);
    }
    free(text);
    free(said);
    free(wanted);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    current = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

#define ONE(members)                                                                               \
    "\"recipients\":[{\"recipient\":\"anna@example.org\"," members "}],\"size\":24,"
#define TWO                                                                                        \
    "\"recipients\":[{\"recipient\":\"anna@example.org\",\"verdict\":\"accepted\",\"code\":250,"   \
    "\"enhanced\":\"2.0.0\",\"text\":\"taken\"},{\"recipient\":\"bert@example.org\","              \
    "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"enhanced\":\"5.7.1\","              \
    "\"text\":\"no\",\"rule\":\"g.conf:9\",\"fired\":[\"g.conf:9 reject\"],\"facts\":"             \
    "{\"client.early\":true,\"doubt\":1,\"helo\":\"client.example\",\"rcpt.known\":{\"value\":"    \
    "false,\"source\":\"next hop\",\"ms\":1.5}}}],\"size\":24,"
#define TAKEN                                                                                      \
    "\"phase\":\"commit\",\"verdict\":\"accepted\",\"code\":250,\"enhanced\":\"2.0.0\","           \
    "\"text\":\"taken\",\"hop\":\"smtp://192.0.2.25:25\",\"hop_reply\":true"

static const char partly[] = HEAD FROM TWO TAKEN "}";

static void names(void **state)
{
    (void)state;
    assert_says(HEAD "\"names\":[\"network 192.0.2.0/24\",\"spf example.org\"]," FROM TWO TAKEN "}",
                0, "is known by network 192.0.2.0/24, spf example.org");
    assert_says(HEAD "\"names\":[\"host a\\u001b[1m\"]," FROM TWO TAKEN "}", 0,
                "is known by host a?[1m");
    json_t *story = told(partly, 0);
    assert_null(json_object_get(json_object_get(story, "client"), "names"));
    json_decref(story);
}

static void accepted(void **state)
{
    (void)state;
    assert_ending(
        partly, 0,
        "Accepted: the next hop smtp://192.0.2.25:25 took the message, and the client was "
        "told its yes. Not so for 1 of 2 recipients: with its number behind the id, as in "
        "ABCDEFGHJKMNPQ.1.2, each has its own story.");
    assert_says(partly, 0, "recipient 2  <bert@example.org> refused: 550 5.7.1 no (by g.conf:9)");
    assert_says(partly, 0, "rcpt.known of recipient 2 = false (from: next hop, 1.5 ms)");
    assert_ending(
        HEAD FROM ONE(
            "\"verdict\":\"accepted\",\"delivered_before\":true") "\"phase\":\"commit\","
                                                                  "\"verdict\":\"accepted\","
                                                                  "\"code\":250,\"enhanced\":"
                                                                  "\"2.0.0\",\"text\":\"accepted; "
                                                                  "this message was delivered "
                                                                  "before\","
                                                                  "\"note\":\"delivered before\"}",
        0,
        "Accepted: an earlier try had delivered the message already, so it was not "
        "delivered again.");
}

static void refused(void **state)
{
    (void)state;
    assert_ending(partly, 2, "The recipient was refused by rule g.conf:9, at RCPT.");
    assert_says(partly, 2, "550 5.7.1 no [ABCDEFGHJKMNPQ.1.2]");
    assert_ending(
        "{\"id\":\"ABCDEFGHJKMNPQ.0\",\"time\":\"2026-11-22T04:49:30.123Z\","
        "\"worker\":0,\"epoch\":1,\"sequence\":7,\"phase\":\"connect\",\"verdict\":"
        "\"refused\",\"rule\":\"g.conf:2\",\"note\":\"dropped\"}",
        0,
        "The connection was refused by rule g.conf:2, before it was greeted. The connection "
        "was closed without a word.");
    assert_ending(
        HEAD FROM ONE(
            "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,"
            "\"enhanced\":\"5.1.1\",\"text\":\"who?\",\"hop_reply\":true") "\"phase\":\"rcpt\","
                                                                           "\"verdict\":"
                                                                           "\"refused\",\"code\":"
                                                                           "550,\"enhanced\":"
                                                                           "\"5.1.1\",\"text\":"
                                                                           "\"who?\",\"hop\":"
                                                                           "\"smtp://"
                                                                           "h\",\"hop_reply\":"
                                                                           "true}",
        0, "The message was refused by the next hop smtp://h, in its own words, at RCPT.");
    static const char no_route[] = HEAD FROM ONE(
        "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"enhanced\":\"5.7.1\","
        "\"text\":\"no mail for this domain here: relaying denied\"") "\"phase\":\"rcpt\","
                                                                      "\"verdict\":\"refused\","
                                                                      "\"code\":550,\"enhanced\":"
                                                                      "\"5.7.1\",\"text\":\"no "
                                                                      "mail "
                                                                      "for this domain here: "
                                                                      "relaying denied\"}";
    assert_ending(no_route, 0, "The message was refused by Gatepost itself, at RCPT.");
    assert_says(no_route, 0, "No `route` of the configuration is for the recipient's domain.");
}

static void pending(void **state)
{
    (void)state;
    static const char line[] = HEAD FROM ONE(
        "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"enhanced\":\"5.7.1\","
        "\"text\":\"no\",\"rule\":\"g.conf:5\"") "\"phase\":\"rcpt\",\"verdict\":\"refused\","
                                                 "\"code\":550,\"enhanced\":\"5.7.1\",\"text\":"
                                                 "\"no\",\"rule\":\"g.conf:5\",\"fired\":[\"g.conf:"
                                                 "5 reject\"]}";
    assert_ending(
        line, 0,
        "The message was refused by rule g.conf:5, at RCPT. The rule had decided at mail "
        "already; its answer was kept for each RCPT, so that the recipients are known and "
        "postmaster can be reached.");
    assert_says(line, 1, "550 5.7.1 no [ABCDEFGHJKMNPQ.1.1]");
    /* What counted was the doubt of that time, not the recipient's. */
    assert_says(
        HEAD FROM ONE(
            "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"text\":\"no\","
            "\"rule\":\"g.conf:6\",\"doubt\":10") "\"phase\":\"rcpt\",\"verdict\":\"refused\","
                                                  "\"code\":550,\"text\":\"no\","
                                                  "\"rule\":\"g.conf:6\",\"doubt\":3,\"fired\":["
                                                  "\"g.conf:6 reject\"]}",
        1, "doubt >= 2: was true (doubt = 3), would have to be false");
}

static void others(void **state)
{
    (void)state;
    assert_ending(
        HEAD FROM ONE("\"verdict\":\"gone\",\"code\":250") "\"phase\":\"message\",\"verdict\":"
                                                           "\"gone\",\"note\":\"ended before the "
                                                           "message was judged\"}",
        0,
        "The client gave up or went away while the message, which had come whole, was judged: "
        "nobody got "
        "the message, and it was not answered.");
    assert_ending(HEAD FROM ONE("\"verdict\":\"gone\"") "\"phase\":\"data\",\"verdict\":\"gone\","
                                                        "\"note\":\"ended before the message did\","
                                                        "\"timeline_us\":{\"data\":5}}",
                  0,
                  "The client gave up or went away before all of the message was there: nobody got "
                  "the message, and it was not answered.");
    assert_ending(HEAD "\"early\":true,\"phase\":\"connect\",\"verdict\":\"ended\",\"note\":"
                       "\"client went away\"}",
                  0, "The client spoke before it was greeted, and was gone before it could be.");
    static const char late[] =
        HEAD FROM ONE("\"verdict\":\"deferred\"") "\"phase\":\"commit\",\"verdict\":\"deferred\","
                                                  "\"code\":451,\"enhanced\":\"4.4.2\",\"text\":"
                                                  "\"the next hop has not answered in time, please "
                                                  "retry\",\"note\":\"answer late\"}";
    assert_ending(
        late, 0,
        "In doubt: the next hop had been sent all of the message, and no answer came while "
        "the client was there. The client was asked to try again.");
    assert_says(late, 0, "`limit answer_time`");
    assert_ending(HEAD "\"phase\":\"connect\",\"verdict\":\"deferred\",\"code\":421,\"enhanced\":"
                       "\"4.7.0\",\"text\":\"too many sessions from your address\"}",
                  0,
                  "The connection was put off, and closed, by Gatepost itself, before it "
                  "was greeted. A mail server tries again later.");
}

static void differs(void **state)
{
    (void)state;
    assert_says(
        partly, 2,
        "  The rule would not have decided, had this been otherwise:\n"
        "  - one of these:\n"
        "    - client.early: was true, would have to be false\n"
        "    - rcpt.known: was false, would have to be true\n"
        "    - helo ~ \"^mail\": was false (helo = client.example), would have to be true\n");
    /* Without the table that the rule names it cannot be told; with the policy of the record it
     * can. */
    static const char blocked[] = HEAD FROM "\"policy\":\"%s\"," ONE(
        "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,"
        "\"enhanced\":\"5.7.1\",\"text\":\"no\",\"rule\":"
        "\"gatepost.conf:4\"") "\"phase\":\"rcpt\",\"verdict\":\"refused\","
                               "\"code\":550,\"enhanced\":\"5.7.1\","
                               "\"text\":\"no\",\"rule\":\"%s\",\"facts\":"
                               "{\"sender.domain\":\"client.example\"}}";
    struct compiled c = compile_good("table blocked { client.example }\n"
                                     "policy {\n at mail {\n"
                                     "  reject \"no\" when sender.domain in blocked\n } }\n");
    char line[2000];
    snprintf(line, sizeof(line), blocked, c.policy->digest, "gatepost.conf:4");
    current = c.policy;
    assert_says(
        line, 0,
        "  - sender.domain in blocked: was true (sender.domain = client.example), would have "
        "to be false\n");
    /* At the same place of another policy another rule may stand. */
    snprintf(line, sizeof(line), blocked, "0123456789abcdef", "gatepost.conf:4");
    assert_says(line, 0, "the journal does not have its text");
    current = NULL;
    snprintf(line, sizeof(line), blocked, c.policy->digest, "gatepost.conf:4");
    assert_says(line, 0, "the journal does not have its text");
    compiled_free(&c);
    assert_says(HEAD FROM ONE("\"verdict\":\"refused\"") "\"phase\":\"message\",\"verdict\":"
                                                         "\"refused\",\"code\":550,\"enhanced\":"
                                                         "\"5.7.1\",\"text\":\"no\",\"rule\":"
                                                         "\"g.conf:30\"}",
                0, "The rule has no condition");
}

/* What the sender can be told to do, and what whoever reads this can. */
static void advises(void **state)
{
    (void)state;
    char line[2000];
    struct compiled c =
        compile_good("policy {\n at message {\n  reject \"no\"\n   when spf == fail and not "
                     "client.forwarder and header.missing(\"From\")\n } }\n");
    snprintf(line, sizeof(line),
             HEAD FROM
             "\"policy\":\"%s\",\"recipients\":[],\"phase\":\"message\",\"verdict\":\"refused\","
             "\"code\":550,\"enhanced\":"
             "\"5.7.1\",\"text\":\"no\",\"rule\":\"gatepost.conf:3\",\"facts\":{\"spf\":\"fail\","
             "\"client.forwarder\":false,\"header.missing(From)\":true}}",
             c.policy->digest);
    current = c.policy;
    assert_says(line, 0,
                "What can be done\n"
                "  Its sender: send by a host that the SPF record of the sender address's domain "
                "allows, or "
                "have that record allow the client's address.\n"
                "  Its sender: write the header fields that RFC 5322 asks for, From and Date.\n"
                "  You: where the client forwards mail that your recipients want from there, name "
                "it in the "
                "table forwarders.\n");
    current = NULL;
    compiled_free(&c);
}

#define RECIPIENTS(anna, bert)                                                                     \
    "\"recipients\":[{\"recipient\":\"anna@example.org\"," anna                                    \
    "},{\"recipient\":\"bert@example.org\"," bert "}],\"size\":24,"

/* Whose reply it was, where several have the same code; and by which id he was told it. */
static void speakers(void **state)
{
    (void)state;
    static const char all_refused[] = HEAD FROM RECIPIENTS(
        "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"text\":\"no\",\"rule\":\"g.conf:"
        "9\"",
        "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"text\":\"who?\",\"hop_reply\":"
        "true") "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"text\":\"who?\",\"hop_"
                "reply\":true}";
    assert_ending(all_refused, 0,
                  "The message was refused by the next hop, in its own words, at RCPT.");
    assert_says(all_refused, 0, "550 who? [ABCDEFGHJKMNPQ.1.2]");
    /* By LMTP each has a reply of his own behind the message. */
    static const char lmtp[] = HEAD FROM RECIPIENTS(
        "\"verdict\":\"accepted\",\"code\":250,\"text\":\"taken\",\"hop_reply\":true",
        "\"verdict\":\"refused\",\"code\":552,\"enhanced\":\"5.2.2\",\"text\":\"full\",\"hop_"
        "reply\":true") "\"timeline_us\":{\"data\":5}," TAKEN "}";
    assert_ending(lmtp, 2,
                  "The message for this recipient was refused by the next hop "
                  "smtp://192.0.2.25:25, in its own words, when the message was handed over.");
    assert_says(lmtp, 2, "552 5.2.2 full [ABCDEFGHJKMNPQ.1]");
    /* What was said of the message has no recipient in its id, whoever asks. */
    static const char message[] = HEAD FROM ONE(
        "\"verdict\":\"refused\"") "\"phase\":\"message\",\"verdict\":\"refused\",\"code\":550,"
                                   "\"text\":\"no\",\"rule\":\"g.conf:30\"}";
    assert_says(message, 1, "550 no [ABCDEFGHJKMNPQ.1]");
}

/* Of very many the first hundred are told of, and how many more there are; the last by its number.
 */
static void many(void **state)
{
    (void)state;
    struct buf line = {0};

    buf_append_slice(&line, slice_of(HEAD FROM "\"recipients\":["));
    for (int i = 1; i <= 120; i++) {
        buf_printf(&line, "%s{\"recipient\":\"r%d@example.org\",\"verdict\":\"accepted\"}",
                   i > 1 ? "," : "", i);
    }
    buf_append_slice(&line, slice_of("],\"size\":24," TAKEN "}"));
    buf_append(&line, "", 1);
    json_t *story = told(line.p, 0);
    assert_int_equal(json_array_size(json_object_get(story, "recipients")), 100);
    assert_int_equal(json_integer_value(json_object_get(story, "recipients_unshown")), 20);
    json_decref(story);
    story = told(line.p, 120);
    assert_int_equal(json_array_size(json_object_get(story, "recipients")), 1);
    assert_null(json_object_get(story, "recipients_unshown"));
    json_decref(story);
    assert_says(line.p, 120, "<r120@example.org>");
    buf_free(&line);
}

/* What is not known does not do for what would have to be false. */
static void differs_by_unknown(void **state)
{
    (void)state;
    assert_says(
        HEAD FROM ONE(
            "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"text\":\"no\",\"rule\":\"g."
            "conf:11\","
            "\"fired\":[\"g.conf:11 reject\"],\"facts\":{\"client.early\":true,\"rcpt.known\":"
            "{\"unknown\":\"timeout\",\"ms\":1.5}}") "\"early\":true,\"phase\":\"rcpt\","
                                                     "\"verdict\":\"refused\",\"code\":550,"
                                                     "\"text\":\"no\","
                                                     "\"rule\":\"g.conf:11\"}",
        1,
        "- all of these: - client.early: was true, would have to be false - rcpt.known: was "
        "unknown, would have to be false");
}

/* Records have times in microseconds and sizes in octets; people read them with units. */
static void amounts(void **state)
{
    (void)state;
    static const char all[] = HEAD FROM ONE("\"verdict\":\"accepted\"") TAKEN
        ",\"facts\":{\"deferral.wait\":{\"value\":90000000,\"source\":\"memory\"},"
        "\"rate.client.bytes\":{\"value\":2048,\"source\":\"memory\"},\"identity.good\":2048}}";
    assert_says(all, 0, "deferral.wait = 90s (from: memory)");
    assert_says(all, 0, "rate.client.bytes = 2K (from: memory)");
    assert_says(all, 0, "identity.good = 2048");
}

static void observed(void **state)
{
    (void)state;
    assert_says(
        HEAD FROM ONE("\"verdict\":\"accepted\"") "\"observed\":[\"g.conf:9 reject\"]," TAKEN "}",
        0, "g.conf:9 reject observed at rcpt: reject 550");
    assert_says(
        HEAD FROM ONE("\"verdict\":\"accepted\"") "\"observed\":[\"g.conf:9 reject\"]," TAKEN "}",
        0, "it would have refused it");
}

/* Nothing that a terminal obeys, and nothing that turns text around, comes through. */
static void hostile(void **state)
{
    (void)state;
    char *line = NULL;
    static const char evil[] = "\\u001b[2J\\u009b31m\\u202e\\u2066\\u0007\\r\\ufeff\\u0000x";
    char longest[5001];

    memset(longest, 'y', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_true(
        asprintf(
            &line,
            "{\"id\":\"%s\",\"time\":\"2026-11-22T04:49:30.123Z\",\"worker\":0,\"epoch\":1,"
            "\"sequence\":7,\"client\":\"%s\",\"helo\":\"%s\",\"tls\":\"%s\",\"sender\":\"%s\","
            "\"recipients\":[{\"recipient\":\"%s\",\"verdict\":\"%s\",\"code\":550,"
            "\"text\":\"%s\\n%s\",\"facts\":{\"%.6s\":{\"value\":\"%s\",\"source\":\"%s\"}}}],"
            "\"size\":1,\"phase\":\"%s\",\"verdict\":\"%s\",\"code\":550,\"text\":\"%s\","
            "\"rule\":\"%s\",\"fired\":[\"%s reject\"],\"observed\":[\"%s\"],\"why\":\"%s\","
            "\"doubt\":1,\"hop\":\"%s\",\"hop_failed\":\"%s\",\"note\":\"%s\","
            "\"facts\":{\"header(Subject)\":\"%s\"}}",
            evil, evil, evil, evil, evil, evil, evil, evil, longest, evil, evil, evil, evil, evil,
            evil, evil, evil, evil, evil, evil, evil, evil, evil) > 0);
    for (unsigned recipient = 0; recipient < 2; recipient++) {
        char *text = text_of(line, recipient);
        for (const char *p = text; *p != '\0'; p++) {
            const bool plain = (*p >= ' ' && *p <= '~') || *p == '\n';
            if (!plain) {
                fail_msg("octet %d: %s", (unsigned char)*p, p);
            }
        }
        assert_non_null(strstr(text, "octets)")); /* what is very long is cut */
        assert_true(strlen(text) < 20000);
        free(text);
    }
    free(line);
}

/* Nor where the values of a condition are told. */
static void hostile_values(void **state)
{
    (void)state;
    assert_says(HEAD FROM ONE(
                    "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,\"text\":\"no\","
                    "\"rule\":\"g.conf:9\","
                    "\"fired\":[\"g.conf:9 reject\"],\"facts\":{\"client.early\":true,\"doubt\":1,"
                    "\"helo\":\"\\u001b[2J\\u009b31m\\u202e\",\"rcpt.known\":{\"value\":false,"
                    "\"ms\":1.5}}") "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550,"
                                    "\"text\":\"no\",\"rule\":\"g.conf:9\"}",
                1, "helo ~ \"^mail\": was false (helo = ?[2J??31m?), would have to be true");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(names),          CASE(accepted), CASE(refused), CASE(pending),
        CASE(others),         CASE(differs),  CASE(amounts), CASE(observed),
        CASE(hostile),        CASE(speakers), CASE(many),    CASE(differs_by_unknown),
        CASE(hostile_values), CASE(advises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
