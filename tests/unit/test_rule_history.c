/* What came of those whom rules hit, by made-up records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "journal/rule_history.h"

#define HOUR ((usec_t)3600 * USEC_SEC)

static const uint8_t secret[SIPHASH_SECRET] = "0123456789abcde";

/* Records that are written down in several files, and what comes of them. */
struct world {
    FILE *files[3];
    struct rule_events events[3];
    struct replay_tally written[3]; /* each process has its own */
    struct replay_tally tally;
    struct rule_history history;
    unsigned minute; /* when the next record is decided, since a day's beginning */
};

static int setup(void **state)
{
    static struct world w;

    w = (struct world){0};
    for (size_t i = 0; i < 3; i++) {
        w.files[i] = tmpfile();
        assert_non_null(w.files[i]);
        w.events[i] = (struct rule_events){.to = w.files[i], .secret = secret};
        replay_tally_init(&w.written[i]);
    }
    replay_tally_init(&w.tally);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < 3; i++) {
        (void)fclose(w->files[i]);
        replay_tally_free(&w->written[i]);
    }
    replay_tally_free(&w->tally);
    rule_history_free(&w->history);
    return 0;
}

/* Writes a record down, of the minute, into one of the files. */
static void put(struct world *w, size_t file, const char *members)
{
    struct journal_record r;
    struct buf line = {0};
    struct arena arena;
    const char *why = "";

    arena_init(&arena);
    buf_printf(&line,
               "{\"id\":\"ABCDEFGHJKMNPQ.1\",\"time\":\"2026-11-%02uT%02u:%02u:00.000Z\","
               "\"worker\":0,\"epoch\":0,\"sequence\":0,\"policy\":\"p\",%s}",
               22 + w->minute / 1440, w->minute / 60 % 24, w->minute % 60, members);
    if (journal_record_parse(buf_slice(&line), &arena, &r, &why) < 0) {
        fail_msg("%s: %s", why, line.p);
    }
    replay_tally_recorded(&w->written[file], &r);
    rule_events_put(&w->events[file], &w->written[file], &r);
    arena_free(&arena);
    buf_free(&line);
}

static void make(struct world *w, const struct rule_history_bounds *bounds)
{
    rule_history_free(&w->history);
    assert_int_equal(rule_history_make(w->files, 3, &w->tally, 24 * HOUR, bounds, &w->history), 0);
}

static const struct rule_outcome *outcome(const struct world *w, const char *label)
{
    const struct tally_row *row = tally_find(&w->tally.then, SLICE_LIT("p"), slice_of(label));

    assert_non_null(row);
    return &w->history.outcomes[row - w->tally.then.rows];
}

#define NAMES(...) "\"names\":[" #__VA_ARGS__ "],"
#define TO(members)                                                                                \
    "\"sender\":\"a@example.org\",\"recipients\":[{\"recipient\":\"anna@example.com\"," members    \
    "}],"
#define ACCEPTED "\"phase\":\"commit\",\"verdict\":\"accepted\",\"code\":250"
#define GOOD     TO("\"verdict\":\"accepted\",\"code\":250") ACCEPTED
#define REFUSED(rule)                                                                              \
    TO("\"verdict\":\"refused\",\"phase\":\"rcpt\",\"code\":550,\"rule\":\"g:" rule                \
       "\",\"fired\":[\"g:" rule " reject\"]")                                                     \
    "\"phase\":\"rcpt\",\"verdict\":\"refused\",\"code\":550"
#define OBSERVED(rule)                                                                             \
    TO("\"verdict\":\"accepted\",\"code\":250,\"observed\":[\"g:" rule " reject\"]") ACCEPTED
#define DEFERRED(rule)                                                                             \
    TO("\"verdict\":\"deferred\",\"phase\":\"rcpt\",\"code\":451,\"rule\":\"g:" rule               \
       "\",\"fired\":[\"g:" rule " defer\"]")                                                      \
    "\"phase\":\"rcpt\",\"verdict\":\"deferred\",\"code\":451"

/* A rule hits one whose other mail is accepted, and one whose mail is not. */
static void contradicted(void **state)
{
    struct world *w = *state;

    put(w, 0, NAMES("network 192.0.2.0/24", "spf good.example") GOOD);
    put(w, 1, NAMES("network 192.0.2.0/24", "spf good.example") REFUSED("1"));
    put(w, 1, NAMES("network 198.51.100.0/24", "spf bad.example") REFUSED("1"));
    put(w, 2, NAMES("network 198.51.100.0/24", "spf bad.example") REFUSED("1"));
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:1 reject")->contradicted, 1);
    assert_false(w->history.names_left_out);
}

/* What the rule itself refused does not speak against whom it refused; what others did, does. */
static void others_refuse(void **state)
{
    struct world *w = *state;

    put(w, 0, NAMES("spf mixed.example") GOOD);
    for (int i = 0; i < 3; i++) {
        put(w, 0, NAMES("spf mixed.example") REFUSED("1"));
    }
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:1 reject")->contradicted, 3);

    put(w, 1, NAMES("spf mixed.example") REFUSED("2"));
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:1 reject")->contradicted, 0); /* one for it, one against it */
    assert_int_equal(outcome(w, "g:2 reject")->contradicted, 0);
    put(w, 2, NAMES("spf mixed.example") GOOD);
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:1 reject")->contradicted, 3);
    assert_int_equal(outcome(w, "g:2 reject")->contradicted, 0); /* 2 against 3 */
}

/* The network is no identity where something better is known; where nothing is, it is. */
static void networks(void **state)
{
    struct world *w = *state;

    put(w, 0, NAMES("network 192.0.2.0/24", "host good.example") GOOD);
    put(w, 0, NAMES("network 192.0.2.0/24", "host other.example") REFUSED("1"));
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:1 reject")->contradicted, 0);
    put(w, 0, NAMES("network 192.0.2.0/24") REFUSED("1"));
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:1 reject")->contradicted, 1);
    /* A record of before, without names. */
    put(w, 0, "\"client\":\"192.0.2.77\"," REFUSED("1"));
    put(w, 0, "\"client\":\"203.0.113.77\"," REFUSED("1"));
    put(w, 0, REFUSED("1"));
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:1 reject")->contradicted, 2);
}

/* Rules that are only observed, that doubt, that ban; each once a record. Others are of no
 * interest. */
static void kinds(void **state)
{
    struct world *w = *state;

    put(w, 0, NAMES("dkim good.example") OBSERVED("1"));
    put(w, 0,
        NAMES("dkim good.example") TO("\"verdict\":\"accepted\",\"fired\":[\"g:2 doubt\",\"g:2 "
                                      "doubt\"]") ACCEPTED
        ",\"fired\":[\"g:2 doubt\",\"g:3 ban\",\"g:4 mark\",\"g:5 drop\"]");
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:1 reject")->contradicted, 1);
    assert_int_equal(outcome(w, "g:2 doubt")->contradicted, 1);
    assert_int_equal(outcome(w, "g:3 ban")->contradicted, 1);
    assert_int_equal(outcome(w, "g:4 mark")->contradicted, 0);
    assert_int_equal(outcome(w, "g:5 drop")->contradicted, 1);
}

static void too_many_names(void **state)
{
    struct world *w = *state;
    const struct rule_history_bounds few = {.names = 1, .deferrals = 10};

    put(w, 0, NAMES("spf one.example") GOOD);
    put(w, 0, NAMES("spf two.example") OBSERVED("1"));
    put(w, 0, NAMES("spf one.example") OBSERVED("1"));
    make(w, &few);
    assert_int_equal(outcome(w, "g:1 reject")->contradicted, 1);
    assert_true(w->history.names_left_out);
}

/* ---- deferrals ---- */

static void comes_back(void **state)
{
    struct world *w = *state;
    const struct rule_outcome *o;

    put(w, 0, NAMES("network 192.0.2.0/24", "spf pool.example") DEFERRED("7"));
    w->minute = 2;
    put(w, 0, NAMES("network 192.0.2.0/24", "spf pool.example") DEFERRED("7")); /* too soon */
    w->minute = 30;
    put(w, 1, NAMES("network 198.51.100.0/24", "spf pool.example") GOOD); /* from elsewhere */
    w->minute = 31;
    put(w, 2, NAMES("network 198.51.100.0/24", "spf pool.example") GOOD); /* no longer about it */
    make(w, &rule_history_standard);
    o = outcome(w, "g:7 defer");
    assert_int_equal(o->deferred, 1);
    assert_int_equal(o->came_back, 1);
    assert_int_equal(o->delay_median, HOUR / 2);
    assert_int_equal(o->delay_longest, HOUR / 2);
    assert_int_equal(w->history.sampled, 1);
}

/* Records of two workers may stand in another order than that in which they were decided. */
static void another_order(void **state)
{
    struct world *w = *state;
    const struct rule_outcome *o;

    w->minute = 10;
    put(w, 0, NAMES("network 192.0.2.0/24") GOOD);
    w->minute = 8;
    put(w, 0, NAMES("network 192.0.2.0/24") DEFERRED("7"));
    w->minute = 20;
    put(w, 1, NAMES("network 198.51.100.0/24") DEFERRED("7"));
    w->minute = 19;
    put(w, 1, NAMES("network 198.51.100.0/24") DEFERRED("7")); /* the same */
    w->minute = 18;
    put(w, 1, NAMES("network 198.51.100.0/24") GOOD); /* that was before */
    make(w, &rule_history_standard);
    o = outcome(w, "g:7 defer");
    assert_int_equal(o->deferred, 2);
    assert_int_equal(o->came_back, 1);
    assert_int_equal(o->delay_longest, 120 * USEC_SEC);
    w->minute = 29;
    put(w, 2, NAMES("network 198.51.100.0/24") GOOD);
    make(w, &rule_history_standard);
    o = outcome(w, "g:7 defer");
    assert_int_equal(o->came_back, 2);
    assert_int_equal(o->delay_longest, 600 * USEC_SEC); /* since the first of the two */
}

static void stays_away(void **state)
{
    struct world *w = *state;
    const struct rule_outcome *o;

    put(w, 0, NAMES("network 192.0.2.0/24") DEFERRED("7"));
    put(w, 0, NAMES("network 198.51.100.0/24") GOOD); /* somebody else */
    w->minute = 24 * 60 + 1;
    put(w, 1, NAMES("network 192.0.2.0/24") GOOD); /* too late */
    make(w, &rule_history_standard);
    o = outcome(w, "g:7 defer");
    assert_int_equal(o->deferred, 1);
    assert_int_equal(o->came_back, 0);
    assert_int_equal(o->delay_longest, 0);
    put(w, 1, NAMES("network 192.0.2.0/24") DEFERRED("7")); /* and again: another one */
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:7 defer")->deferred, 2);
}

/* Deferred after the data, by a message rule: its recipient was told yes before. The next hop's own
 * deferrals are none of ours. */
static void after_the_data(void **state)
{
    struct world *w = *state;

    put(w, 0,
        NAMES("network 192.0.2.0/24") TO(
            "\"verdict\":\"deferred\",\"code\":451") "\"phase\":\"message\",\"verdict\":"
                                                     "\"deferred\",\"code\":451,\"rule\":\"g:8\","
                                                     "\"fired\":[\"g:8 defer\"]");
    put(w, 0,
        NAMES("network 203.0.113.0/24")
            TO("\"verdict\":\"deferred\",\"code\":451,"
               "\"fired\":[\"g:8 defer\"]") "\"phase\":\"commit\",\"verdict\":\"deferred\","
                                            "\"code\":451,\"hop_reply\":true");
    w->minute = 5;
    put(w, 0, NAMES("network 192.0.2.0/24") GOOD);
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:8 defer")->deferred, 1);
    assert_int_equal(outcome(w, "g:8 defer")->came_back, 1);
    assert_int_equal(outcome(w, "g:8 defer")->delay_median, 5 * 60 * USEC_SEC);
}

#define OF(sender, rest)                                                                           \
    "\"sender\":\"" sender "\",\"recipients\":[{\"recipient\":\"Anna@Example.com\"," rest

/* The sender is the same whatever his program puts into the address. */
static void forms(void **state)
{
    struct world *w = *state;

    put(w, 0,
        NAMES("network 192.0.2.0/24")
            OF("a+1@Example.org",
               "\"verdict\":\"deferred\",\"phase\":\"rcpt\",\"rule\":\"g:7\","
               "\"fired\":[\"g:7 defer\"]}],") "\"phase\":\"rcpt\",\"verdict\":\"deferred\"");
    w->minute = 61;
    put(w, 0, NAMES("network 192.0.2.0/24") GOOD);
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:7 defer")->came_back, 1);
    assert_int_equal(outcome(w, "g:7 defer")->delay_median, 61 * 60 * USEC_SEC);
}

/* Of too many a part is followed, and counts for all. */
static void sampled(void **state)
{
    struct world *w = *state;
    const struct rule_history_bounds few = {.names = 10, .deferrals = 300};
    char members[600];

    for (int back = 0; back < 2; back++) {
        w->minute = back != 0 ? 10 : 0;
        for (int i = 0; i < 2000; i += 1 + back) { /* each second one comes back */
            (void)snprintf(
                members, sizeof(members),
                "\"names\":[\"network 192.0.2.0/24\"],\"sender\":\"a%d@x.example\","
                "\"recipients\":[{\"recipient\":\"b@example.com\",\"verdict\":\"%s\"%s}],"
                "\"phase\":\"rcpt\",\"verdict\":\"%s\"",
                i, back != 0 ? "accepted" : "deferred",
                back != 0 ? "" : ",\"rule\":\"g:7\",\"fired\":[\"g:7 defer\"]",
                back != 0 ? "accepted" : "deferred");
            put(w, (size_t)back, members);
        }
    }
    make(w, &few);
    const struct rule_outcome *o = outcome(w, "g:7 defer");
    assert_true(w->history.sampled >= 8 && w->history.sampled <= 16);
    assert_in_range(o->deferred, 1400, 2600);
    assert_in_range(100 * o->came_back / o->deferred, 38, 62);
    assert_int_equal(o->delay_median, 600 * USEC_SEC);
    make(w, &rule_history_standard);
    assert_int_equal(outcome(w, "g:7 defer")->deferred, 2000);
    assert_int_equal(outcome(w, "g:7 defer")->came_back, 1000);
}

/* A file that ends in the middle of a record. */
static void cut_off(void **state)
{
    struct world *w = *state;
    char octets[4096];

    put(w, 0, NAMES("spf good.example") REFUSED("1"));
    const long end = ftell(w->files[0]);
    rewind(w->files[0]);
    const size_t n = fread(octets, 1, sizeof(octets), w->files[0]);
    assert_int_equal(n, end);
    for (size_t cut = 1; cut < n; cut++) {
        FILE *part = fmemopen(octets, cut, "r");
        assert_int_equal(
            rule_history_make(&part, 1, &w->tally, HOUR, &rule_history_standard, &w->history),
            -EBADMSG);
        (void)fclose(part);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(contradicted),   CASE(others_refuse), CASE(networks),      CASE(kinds),
        CASE(too_many_names), CASE(comes_back),    CASE(another_order), CASE(stays_away),
        CASE(after_the_data), CASE(forms),         CASE(sampled),       CASE(cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
