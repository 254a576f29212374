/* Records of the memory: what is added up, what decays, how long they are kept, what they are
 * worth, and their octets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "store/record.h"

#define HOUR ((usec_t)3600 * USEC_SEC)
#define DAY  (24 * HOUR)
#define NOW  (20000 * DAY)

static const struct record_rules rules = {
    .half_life = 30 * DAY, .returned_time = 36 * DAY, .window = DAY};

static struct record seen(enum record_kind kind, const char *name, usec_t wall)
{
    struct record r;
    record_init(&r, kind, slice_of(name), wall);
    return r;
}

static struct record accepted(enum record_kind kind, const char *name, usec_t wall)
{
    struct record r = seen(kind, name, wall);
    r.tally[TALLY_ACCEPTED] = 1;
    r.day = (uint32_t)(wall / DAY);
    r.days = 1;
    return r;
}

static void assert_about(double a, double b)
{
    if (fabs(a - b) > 1e-4 * (1 + fabs(b))) {
        fail_msg("%.9g is not about %.9g", a, b);
    }
}

/* ---- what decays ---- */

static void tallies_are_halved(void **state)
{
    (void)state;
    struct record r = seen(RECORD_HOST, "example.org", NOW);
    r.tally[TALLY_ACCEPTED] = 8;
    r.tally[TALLY_TRAP] = 4;
    record_decay(&r, &rules, NOW + 30 * DAY);
    assert_about(r.tally[TALLY_ACCEPTED], 4);
    record_decay(&r, &rules, NOW + 45 * DAY);
    record_decay(&r, &rules, NOW + 60 * DAY);
    assert_about(r.tally[TALLY_ACCEPTED], 2);
    assert_about(r.tally[TALLY_TRAP], 1);
    assert_int_equal(r.last, NOW + 60 * DAY);
    assert_int_equal(r.first, NOW);
    record_decay(&r, &rules, NOW + 4000 * DAY);
    assert_true(r.tally[TALLY_ACCEPTED] == 0);
}

static void a_steady_stream_is_its_number_an_hour(void **state)
{
    (void)state;
    struct record r = seen(RECORD_CLIENT, "192.0.2.1", NOW);
    for (int i = 1; i <= 3000; i++) { /* one a minute for 50 hours */
        struct record one = seen(RECORD_CLIENT, "192.0.2.1", NOW + i * HOUR / 60);
        one.rate[RATE_MESSAGES] = 1;
        record_add(&r, &one, &rules);
    }
    assert_true(fabs((double)r.rate[RATE_MESSAGES] - 60) < 1);
    record_decay(&r, &rules, r.last + HOUR);
    assert_true(fabs((double)r.rate[RATE_MESSAGES] - 60 / exp(1)) < 1);
}

static void time_that_goes_back_changes_nothing(void **state)
{
    (void)state;
    struct record r = accepted(RECORD_HOST, "example.org", NOW), before = r;
    record_decay(&r, &rules, NOW - 4000 * DAY);
    assert_memory_equal(&r, &before, sizeof(r));
    record_decay(&r, &rules, 0);
    record_decay(&r, &rules, INT64_MIN);
    assert_memory_equal(&r, &before, sizeof(r));
    assert_true(record_has_returned(&r, &rules, NOW) == false);
    r.returned = NOW;
    assert_true(record_has_returned(&r, &rules, NOW - DAY));
    assert_true(record_has_returned(&r, &rules, NOW + 36 * DAY - 1));
    assert_false(record_has_returned(&r, &rules, NOW + 36 * DAY));
}

static void what_lies_in_the_future_is_now(void **state)
{
    (void)state;
    struct record r = accepted(RECORD_HOST, "example.org", NOW + 3650 * DAY);
    r.returned = r.last;
    r.until = NOW + DAY; /* an end, which may lie there */
    record_clamp(&r, NOW);
    assert_int_equal(r.first, NOW);
    assert_int_equal(r.last, NOW);
    assert_int_equal(r.returned, NOW);
    assert_int_equal(r.until, NOW + DAY);
    assert_int_equal(r.day, NOW / DAY);
    struct record same = r;
    record_clamp(&same, NOW + DAY);
    assert_memory_equal(&r, &same, sizeof(r));
}

/* ---- adding ---- */

static void adding(void **state)
{
    (void)state;
    struct record r = accepted(RECORD_SPF, "example.org", NOW);
    struct record d = seen(RECORD_SPF, "example.org", NOW + 30 * DAY);
    d.tally[TALLY_ACCEPTED] = 2;
    d.tally[TALLY_DEFERRED] = 1;
    d.returned = NOW + 30 * DAY;
    record_set_note(&d, SLICE_LIT("why"));
    record_add(&r, &d, &rules);
    assert_about(r.tally[TALLY_ACCEPTED], 2.5);
    assert_about(r.tally[TALLY_DEFERRED], 1);
    assert_int_equal(r.first, NOW);
    assert_int_equal(r.last, NOW + 30 * DAY);
    assert_int_equal(r.returned, NOW + 30 * DAY);
    assert_true(slice_eq(record_note(&r), SLICE_LIT("why")));

    /* None leaves the note, an earlier first seen counts, a late one has decayed. */
    struct record late = accepted(RECORD_SPF, "example.org", NOW - 30 * DAY);
    record_add(&r, &late, &rules);
    assert_int_equal(r.first, NOW - 30 * DAY);
    assert_int_equal(r.last, NOW + 30 * DAY);
    assert_about(r.tally[TALLY_ACCEPTED], 2.75);
    assert_true(slice_eq(record_note(&r), SLICE_LIT("why")));
    record_set_note(&d, SLICE_LIT(""));
    assert_int_equal(d.note_n, 0);
}

static void days_count_once(void **state)
{
    (void)state;
    struct record r = accepted(RECORD_HOST, "example.org", NOW);
    for (int i = 0; i < 5; i++) {
        struct record same = accepted(RECORD_HOST, "example.org", NOW + i * HOUR);
        record_add(&r, &same, &rules);
    }
    assert_int_equal(r.days, 1);
    assert_false(record_is_proven(&r));
    struct record next = accepted(RECORD_HOST, "example.org", NOW + DAY);
    record_add(&r, &next, &rules);
    record_add(&r, &next, &rules);
    assert_int_equal(r.days, 2);
    assert_int_equal(r.day, NOW / DAY + 1);
    assert_true(record_is_proven(&r));
    /* What comes late may have been counted. */
    struct record late = accepted(RECORD_HOST, "example.org", NOW);
    record_add(&r, &late, &rules);
    assert_int_equal(r.days, 2);
    assert_int_equal(r.day, NOW / DAY + 1);

    /* Two that were added up before they are added. */
    struct record both = accepted(RECORD_HOST, "example.org", NOW + DAY);
    struct record third = accepted(RECORD_HOST, "example.org", NOW + 2 * DAY);
    record_add(&both, &third, &rules);
    record_add(&r, &both, &rules);
    assert_int_equal(r.days, 3);
    struct record none = seen(RECORD_HOST, "example.org", NOW + 9 * DAY);
    record_add(&r, &none, &rules);
    assert_int_equal(r.days, 3);
    assert_int_equal(r.day, NOW / DAY + 2);
}

/* In whatever order, the same comes of it. */
static void adding_is_commutative(void **state)
{
    (void)state;
    static const int order[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
    struct record sum[4];
    for (int o = 0; o < 4; o++) {
        for (int i = 0; i < 4; i++) {
            int k = order[o][i];
            struct record d = accepted(RECORD_DKIM, "example.org", NOW + k * k * 3 * DAY);
            d.rate[RATE_OCTETS] = 1000;
            d.tally[TALLY_REFUSED_RCPT] = (float)k;
            d.returned = k == 1 ? NOW : 0;
            if (i == 0) {
                sum[o] = d;
            } else {
                record_add(&sum[o], &d, &rules);
            }
        }
        assert_int_equal(sum[o].first, NOW);
        assert_int_equal(sum[o].last, NOW + 27 * DAY);
        assert_int_equal(sum[o].returned, NOW);
        assert_about(sum[o].tally[TALLY_ACCEPTED], sum[0].tally[TALLY_ACCEPTED]);
        assert_about(sum[o].tally[TALLY_REFUSED_RCPT], sum[0].tally[TALLY_REFUSED_RCPT]);
        assert_about(sum[o].rate[RATE_OCTETS], sum[0].rate[RATE_OCTETS]);
    }
    assert_int_equal(sum[0].days, 4);
}

static void sums_are_bounded(void **state)
{
    (void)state;
    struct record r = seen(RECORD_NETWORK, "192.0.2.0/24", NOW);
    r.rate[RATE_OCTETS] = 3e38F;
    r.days = UINT32_MAX;
    r.day = 1;
    struct record d = accepted(RECORD_NETWORK, "192.0.2.0/24", NOW);
    d.rate[RATE_OCTETS] = 3e38F;
    record_add(&r, &d, &rules);
    assert_true(isfinite(r.rate[RATE_OCTETS]));
    assert_int_equal(r.days, UINT32_MAX);
}

/* ---- how long, and how much ---- */

static void expiry(void **state)
{
    (void)state;
    struct record r = seen(RECORD_NETWORK, "192.0.2.0/24", NOW);
    assert_int_equal(record_expires(&r, &rules), NOW + 60 * DAY);
    r = accepted(RECORD_HOST, "example.org", NOW);
    assert_int_equal(record_expires(&r, &rules), NOW + 400 * DAY);
    r = seen(RECORD_CLIENT, "192.0.2.1", NOW);
    assert_int_equal(record_expires(&r, &rules), NOW + 7 * DAY);
    record_set_note(&r, SLICE_LIT("example.org"));
    assert_int_equal(record_expires(&r, &rules), NOW + 36 * DAY);
    r = seen(RECORD_RECIPIENT, "a@example.net", NOW);
    assert_int_equal(record_expires(&r, &rules), NOW + 7 * DAY);
    r = seen(RECORD_CORRESPONDENT, "a@example.org", NOW);
    assert_int_equal(record_expires(&r, &rules), NOW + 400 * DAY);
    r = seen(RECORD_DEFERRAL, "x", NOW);
    r.last = NOW + HOUR;
    assert_int_equal(record_expires(&r, &rules), NOW + DAY);
    r.returned = NOW + HOUR;
    assert_int_equal(record_expires(&r, &rules), NOW + HOUR + 36 * DAY);
    r = seen(RECORD_BAN, "192.0.2.1", NOW);
    r.until = NOW + 1;
    assert_int_equal(record_expires(&r, &rules), NOW + 1);
    r = seen(RECORD_SPF, "x", USEC_NEVER - 1);
    assert_true(record_expires(&r, &rules) == USEC_NEVER);
}

static void worth(void **state)
{
    (void)state;
    struct record once = seen(RECORD_HOST, "a", NOW), abuser = once;
    struct record deferral = seen(RECORD_DEFERRAL, "a", NOW);
    struct record good = accepted(RECORD_HOST, "a", NOW);
    struct record proven = good, returned = once;
    struct record holding = seen(RECORD_BAN, "192.0.2.1", NOW), over = holding;
    abuser.tally[TALLY_REFUSED_RCPT] = 1e9F;
    proven.days = 2;
    returned.returned = NOW;
    holding.until = NOW + 1;
    over.until = NOW;
    assert_true(record_worth(&over, NOW) == 0);
    assert_true(record_worth(&once, NOW) > 0);
    assert_true(record_worth(&deferral, NOW) > record_worth(&once, NOW));
    assert_true(record_worth(&good, NOW) > record_worth(&abuser, NOW));
    assert_true(record_worth(&returned, NOW) > record_worth(&good, NOW));
    assert_true(record_worth(&proven, NOW) > record_worth(&returned, NOW));
    assert_true(record_worth(&holding, NOW) > 1000 * record_worth(&proven, NOW));
    /* What was seen long ago is worth less; but a proven name of two months ago more than one that
     * came just now. */
    assert_true(record_worth(&once, NOW + DAY) < record_worth(&once, NOW));
    assert_true(record_worth(&proven, NOW + 60 * DAY) > record_worth(&once, NOW));
    assert_true(record_worth(&proven, NOW + 3 * 400 * DAY) < record_worth(&once, NOW));
    assert_true(record_worth(&once, NOW - DAY) == record_worth(&once, NOW));
    assert_true(record_is_telling(&good) && record_is_telling(&returned) &&
                record_is_telling(&holding));
    assert_false(record_is_telling(&abuser) || record_is_telling(&deferral));
}

static void proven_names_are_authenticated(void **state)
{
    (void)state;
    for (int kind = 1; kind < RECORD_KINDS; kind++) {
        struct record r = accepted((enum record_kind)kind, "a", NOW);
        r.days = 9;
        assert_int_equal(record_is_proven(&r),
                         kind == RECORD_HOST || kind == RECORD_SPF || kind == RECORD_DKIM);
    }
    struct record r = seen(RECORD_HOST, "a", NOW);
    for (int i = 0; i < TALLY_COUNT; i++) {
        r.tally[i] = (float)(1 << i);
    }
    assert_about(record_good(&r), 1);
    assert_about(record_bad(&r), 2 + 4 + 8 + 16 + 32 + 512);
}

/* ---- octets and names ---- */

static void octets(void **state)
{
    (void)state;
    uint8_t p[RECORD_OCTETS_MAX];
    struct record r = seen(RECORD_HOST, "ab", 0x0102030405060708), back;
    r.tally[TALLY_REFUSED_CONNECT] = 1;
    record_set_note(&r, SLICE_LIT("c"));
    size_t n = record_encode(&r, p);
    static const uint8_t expected[] = {1,    RECORD_HOST, 0, 1, 0x43, 1, 2,   3,   4,  5, 6,
                                       7,    8,           1, 2, 3,    4, 5,   6,   7,  8, 1,
                                       0x3f, 0x80,        0, 0, 0,    2, 'a', 'b', 'c'};
    assert_int_equal(n, sizeof(expected));
    assert_memory_equal(p, expected, n);
    assert_true(record_decode(p, n, &back));
    assert_memory_equal(&back, &r, sizeof(r));
    for (size_t i = 0; i < n; i++) {
        assert_false(record_decode(p, i, &back));
    }
    assert_false(record_decode(p, n + 1, &back));
    p[0] = 2; /* a version to come */
    assert_false(record_decode(p, n, &back));
    p[0] = 1;
    p[1] = RECORD_KINDS;
    assert_false(record_decode(p, n, &back));
    p[1] = RECORD_HOST;
    p[2] = 0x80; /* a bit that means nothing */
    assert_false(record_decode(p, n, &back));
    p[2] = 0;
    p[22] = 0xbf; /* less than nothing */
    assert_false(record_decode(p, n, &back));
    p[22] = 0x7f; /* infinite */
    assert_false(record_decode(p, n, &back));
    memset(p + 22, 0, 4); /* zero has no octets */
    assert_false(record_decode(p, n, &back));
    assert_memory_equal(&back, &r, sizeof(r));
}

static void the_longest(void **state)
{
    (void)state;
    uint8_t p[RECORD_OCTETS_MAX];
    struct record r, back;
    char name[RECORD_NAME_MAX], note[200];
    memset(name, 'n', sizeof(name));
    memset(note, 'o', sizeof(note));
    record_init(&r, RECORD_DEFERRAL, (struct slice){name, sizeof(name)}, USEC_NEVER);
    record_set_note(&r, (struct slice){note, sizeof(note)});
    assert_int_equal(r.note_n, RECORD_NOTE_MAX);
    r.returned = r.until = USEC_NEVER;
    r.day = r.days = UINT32_MAX;
    for (int i = 0; i < TALLY_COUNT; i++) {
        r.tally[i] = 1;
    }
    for (int i = 0; i < RATE_COUNT; i++) {
        r.rate[i] = 1;
    }
    size_t n = record_encode(&r, p);
    assert_true(n <= RECORD_OCTETS_MAX);
    assert_true(record_decode(p, n, &back));
    assert_memory_equal(&back, &r, sizeof(r));
    /* What has no octets is nothing. */
    r.first = -1;
    r.tally[0] = -1;
    r.tally[1] = NAN;
    r.tally[2] = INFINITY;
    n = record_encode(&r, p);
    assert_true(record_decode(p, n, &back));
    assert_int_equal(back.first, 0);
    assert_true(back.tally[0] == 0 && back.tally[1] == 0 && back.tally[2] == 0);
}

static void long_names_are_told_apart(void **state)
{
    (void)state;
    char a[1000], b[1000];
    struct record r, s;
    memset(a, 'x', sizeof(a));
    memset(b, 'x', sizeof(b));
    b[999] = 'y';
    record_init(&r, RECORD_DEFERRAL, (struct slice){a, sizeof(a)}, NOW);
    record_init(&s, RECORD_DEFERRAL, (struct slice){b, sizeof(b)}, NOW);
    assert_int_equal(r.name_n, RECORD_NAME_MAX);
    assert_false(slice_eq(record_name(&r), record_name(&s)));
    struct record again;
    record_init(&again, RECORD_DEFERRAL, record_name(&r), NOW);
    assert_true(slice_eq(record_name(&r), record_name(&again)));
    record_init(&r, RECORD_BAN, SLICE_LIT(""), NOW);
    assert_int_equal(r.name_n, 0);
}

static void everything_has_a_name(void **state)
{
    (void)state;
    for (int i = 1; i < RECORD_KINDS; i++) {
        for (int k = 1; k < i; k++) {
            assert_string_not_equal(record_kind_name((enum record_kind)i),
                                    record_kind_name((enum record_kind)k));
        }
    }
    assert_string_equal(record_kind_name(RECORD_CORRESPONDENT), "correspondent");
    assert_string_equal(record_tally_name(TALLY_REFUSED_MESSAGE), "refused at message");
    assert_string_equal(record_tally_name(TALLY_TRAP), "traps");
    assert_string_equal(record_rate_name(RATE_OCTETS), "bytes");
    assert_string_equal(record_rate_name(RATE_UNKNOWN_RECIPIENTS), "unknown recipients");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tallies_are_halved),
        cmocka_unit_test(a_steady_stream_is_its_number_an_hour),
        cmocka_unit_test(time_that_goes_back_changes_nothing),
        cmocka_unit_test(what_lies_in_the_future_is_now),
        cmocka_unit_test(adding),
        cmocka_unit_test(days_count_once),
        cmocka_unit_test(adding_is_commutative),
        cmocka_unit_test(sums_are_bounded),
        cmocka_unit_test(expiry),
        cmocka_unit_test(worth),
        cmocka_unit_test(proven_names_are_authenticated),
        cmocka_unit_test(octets),
        cmocka_unit_test(the_longest),
        cmocka_unit_test(long_names_are_told_apart),
        cmocka_unit_test(everything_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
