/* `suite arc FILE…`: the YAML of arc_test_suite, both of its kinds of files.
 *
 * A stream of documents, each a scenario with `tests: {NAME: CASE}` and `txt-records: {NAME:
 * TEXT}`. A case to validate has
 *
 *     message:  TEXT
 *     cv:       Pass, Fail, None, or empty for any
 *
 * A case to sign also has the fields AS, AMS and AAR that a signer must come to. We do not sign:
 * here the set is put on top of the message, and the chain has to validate as the set's own cv=
 * says: with cv=none or pass it passes, with cv=fail it fails, and so does it where there is no
 * set to be made, because the chain has failed already. What was signed is that suite's standard
 * form: no fold, and no blank within a tag.
 *
 * The clock stands at the newest t= of the message.
 *
 * The suite was written for a draft. Where RFC 8617 says otherwise the RFC's result is expected,
 * and a line says so: docs/decisions/021-arc.md argues each. */
#include "suite.h"

#include <string.h>

#include "auth/arc.h"
#include "auth/signed_message.h"
#include "base/buf.h"
#include "client/zone.h"
#include "rt/rt.h"
#include "yaml_tree.h"

#define LOOKUP_TIME (5 * USEC_SEC)
#define WHOLE_TIME  (60 * USEC_SEC)

static const struct {
    const char *name;
    const char *expected;
    const char *why;
} contradicted[] = {
    {"ams_fields_c_na", "fail",
     "RFC 8617 4.1.2 and RFC 6376 3.5: without c= it is simple/simple, and this was signed "
     "relaxed"},
};

/* What is expected of a case, by the RFC where the suite contradicts it. */
static struct slice expected_of(const char *file, const struct tree *test)
{
    struct slice ret = tree_text(test, "cv", SLICE_LIT(""));
    for (size_t i = 0; i < sizeof(contradicted) / sizeof(contradicted[0]); i++) {
        if (slice_eq(test->key, slice_of(contradicted[i].name)) &&
            !slice_eq_nocase(ret, slice_of(contradicted[i].expected))) {
            suite_note("%s: " SLICE_FMT ": " SLICE_FMT " there, %s by %s", file,
                       SLICE_ARG(test->key), SLICE_ARG(ret), contradicted[i].expected,
                       contradicted[i].why);
            ret = slice_of(contradicted[i].expected);
        }
    }
    return ret;
}

/* Blanks and line ends: with `keep_one` each run of them becomes one, otherwise none stays but one
 * behind each semicolon. */
static void append_standard(struct buf *out, struct slice text, bool keep_one)
{
    bool blank = false;
    for (size_t i = 0; i < text.n; i++) {
        if (strchr(" \t\r\n", text.p[i]) != NULL) {
            blank = true;
            continue;
        }
        bool first = out->p[out->n - 1] == ' ';
        if (blank && !first && (keep_one || out->p[out->n - 1] == ';')) {
            buf_append(out, " ", 1);
        }
        buf_append(out, &text.p[i], 1);
        blank = false;
    }
    buf_append(out, "\n", 1);
}

/* The message of a case to sign, with the set that is to be made. False: there is none. */
static bool append_set(struct buf *out, const struct tree *test)
{
    static const struct {
        const char *member;
        const char *front;
        bool keep_one;
    } fields[] = {{"AS", "ARC-Seal: ", false},
                  {"AMS", "ARC-Message-Signature: ", false},
                  {"AAR", "ARC-Authentication-Results: ", true}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct slice text = tree_text(test, fields[i].member, SLICE_LIT(""));
        if (text.n == 0) {
            return false;
        }
        buf_append_slice(out, slice_of(fields[i].front));
        append_standard(out, text, fields[i].keep_one);
    }
    return true;
}

struct one {
    const struct zone *zone;
    struct slice message;
    struct arena *arena;
    struct arc_outcome outcome;
};

static void verify(struct rt *rt, void *arg)
{
    struct one *one = arg;
    struct resolver *resolver = resolver_of_zone(rt, one->zone);
    struct auth_clock clock = {0, LOOKUP_TIME, rt_now() + WHOLE_TIME};
    struct signed_message *m = signed_message_new(one->arena);
    signed_message_feed(m, one->message.p, one->message.n);
    signed_message_end(m);
    const struct message_signatures all = signed_message_signatures(m, ARC_MESSAGE_SIGNATURE);
    for (size_t i = 0; i < all.count; i++) {
        usec_t signed_at = (usec_t)all.list[i].s.signed_at * USEC_SEC;
        clock.wall = clock.wall > signed_at ? clock.wall : signed_at;
    }
    arc_verify(m, resolver, &clock, one->arena, &one->outcome);
    signed_message_free(m);
    resolver_free(resolver);
}

static void play_case(const char *file, const struct tree *scenario, const struct tree *test,
                      const struct zone *zone, struct arena *arena)
{
    struct slice message = tree_text(test, "message", SLICE_LIT(""));
    struct slice expected = SLICE_LIT("");
    struct buf signed_one = {0};
    bool to_sign = tree_find(test, "AS") != NULL;
    if (message.n == 0 || (!to_sign && tree_find(test, "cv") == NULL)) {
        suite_failed("%s:%u: " SLICE_FMT ": no message, or nothing expected", file, test->line,
                     SLICE_ARG(test->key));
        return;
    }
    if (!to_sign) {
        expected = expected_of(file, test);
    } else {
        struct slice seal = tree_text(test, "AS", SLICE_LIT(""));
        bool fails = memmem(seal.p, seal.n, "cv=fail", 7) != NULL;
        expected = append_set(&signed_one, test) && !fails ? SLICE_LIT("pass") : SLICE_LIT("fail");
        buf_append_slice(&signed_one, message);
        message = buf_slice(&signed_one);
    }
    struct one one = {.zone = zone, .message = suite_crlf(message, arena), .arena = arena};
    suite_play(verify, &one);
    const char *result = auth_result_name(one.outcome.result);
    if (expected.n == 0 || slice_eq_nocase(expected, slice_of(result))) {
        suite_passed();
    } else {
        struct slice where = tree_text(scenario, "description", SLICE_LIT(""));
        suite_failed("%s: " SLICE_FMT ": " SLICE_FMT ": expected " SLICE_FMT ", got %s (" SLICE_FMT
                     ")",
                     file, SLICE_ARG(where), SLICE_ARG(test->key), SLICE_ARG(expected), result,
                     SLICE_ARG(one.outcome.problem));
    }
    buf_free(&signed_one);
}

/* One TXT record; a record is a text. */
static bool add_record(struct zone *zone, const struct tree *record)
{
    struct zone_entry entry = {
        .kind = ZONE_RECORD, .type = DNS_TXT, .ttl = 60, .record = {.text = record->text}};
    if (record->kind != TREE_TEXT || dns_name_parse(record->key, &entry.owner) < 0) {
        return false;
    }
    zone_add(zone, &entry);
    return true;
}

static void play_scenario(const char *file, const struct tree *scenario, struct arena *arena)
{
    const struct tree *tests = tree_find(scenario, "tests");
    const struct tree *records = tree_find(scenario, "txt-records");
    struct zone *zone = zone_new();
    if (tests == NULL || tests->first == NULL) {
        suite_failed("%s:%u: a document without tests", file, scenario->line);
    }
    for (const struct tree *r = records != NULL ? records->first : NULL; r != NULL; r = r->next) {
        if (!add_record(zone, r)) {
            suite_failed("%s:%u: a record that is not understood", file, r->line);
        }
    }
    for (const struct tree *t = tests != NULL ? tests->first : NULL; t != NULL; t = t->next) {
        play_case(file, scenario, t, zone, arena);
    }
    zone_free(zone);
}

int suite_arc(int count, char **names)
{
    suite_each_document(count, names, play_scenario);
    return 0;
}
