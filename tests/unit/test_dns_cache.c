/* The cache of answers of the DNS, by a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "client/dns_cache.h"

#define HOUR (3600 * USEC_SEC)

static const uint8_t secret[DNS_CACHE_SECRET] = {1, 2, 3};

static struct dns_name name_of(const char *text)
{
    struct dns_name name;
    assert_int_equal(dns_name_parse(slice_of(text), &name), 0);
    return name;
}

/* One A record, whose last octet is `last`. */
static void keep_address(struct dns_cache *c, const char *text, uint8_t last, usec_t ttl,
                         usec_t now)
{
    struct dns_name name = name_of(text);
    struct dns_record record = {.address = {.family = ADDR_V4, .octets = {192, 0, 2, last}}};
    struct dns_answer a = {
        .state = DNS_ANSWER, .ttl = ttl, .canonical = &name, .records = &record, .count = 1};
    dns_cache_keep(c, &name, DNS_A, &a, now);
}

static void keep_state(struct dns_cache *c, const char *text, enum dns_state state, usec_t ttl,
                       usec_t now)
{
    struct dns_name name = name_of(text);
    struct dns_answer a = {.state = state, .ttl = ttl};
    dns_cache_keep(c, &name, DNS_A, &a, now);
}

/* The last octet of the address that is known, 0 for another answer; -1: nothing is known. */
static int known(struct dns_cache *c, const char *text, usec_t now)
{
    struct dns_name name = name_of(text);
    struct arena arena;
    struct dns_answer a;
    int found = -1;
    arena_init(&arena);
    if (dns_cache_find(c, &name, DNS_A, now, &arena, &a)) {
        assert_true(a.cached);
        found = a.count == 1 ? a.records[0].address.octets[3] : 0;
    }
    arena_free(&arena);
    return found;
}

/* How long it is kept from `now` on, to the microsecond. */
static void assert_kept_for(enum dns_state state, usec_t ttl, usec_t expected)
{
    struct dns_cache *c = dns_cache_new(1 << 20, secret);
    usec_t now = 5 * HOUR;
    keep_state(c, "some.example", state, ttl, now);
    assert_int_equal(known(c, "some.example", now), expected > 0 ? 0 : -1);
    assert_int_equal(known(c, "some.example", now + expected - 1), expected > 0 ? 0 : -1);
    assert_int_equal(known(c, "some.example", now + expected), -1);
    assert_int_equal(dns_cache_figures(c).entries, 0);
    dns_cache_free(c);
}

static void times(void **state)
{
    (void)state;
    assert_kept_for(DNS_ANSWER, 60 * USEC_SEC, 60 * USEC_SEC);
    assert_kept_for(DNS_ANSWER, 0, 0);
    assert_kept_for(DNS_ANSWER, 30 * 24 * HOUR, 24 * HOUR);
    assert_kept_for(DNS_NODATA, 20 * USEC_SEC, 20 * USEC_SEC);
    assert_kept_for(DNS_NO_NAME, 20 * HOUR, 300 * USEC_SEC);
    assert_kept_for(DNS_NO_NAME, 0, 0);
    assert_kept_for(DNS_BOGUS, 0, 60 * USEC_SEC);
    assert_kept_for(DNS_FAILED, 0, 5 * USEC_SEC);
    assert_kept_for(DNS_TIMED_OUT, 0, 5 * USEC_SEC);
}

static void what_is_left_of_the_ttl(void **state)
{
    (void)state;
    struct dns_cache *c = dns_cache_new(1 << 20, secret);
    struct dns_name name = name_of("mail.example");
    struct dns_answer a;
    struct arena arena;
    arena_init(&arena);
    keep_address(c, "mail.example", 7, 100 * USEC_SEC, HOUR);
    assert_true(dns_cache_find(c, &name, DNS_A, HOUR + 30 * USEC_SEC, &arena, &a));
    assert_int_equal(a.ttl, 70 * USEC_SEC);
    assert_int_equal(a.state, DNS_ANSWER);
    assert_true(dns_name_eq(a.canonical, &name));
    assert_false(dns_cache_find(c, &name, DNS_AAAA, HOUR, &arena, &a));
    arena_free(&arena);
    dns_cache_free(c);
}

/* In place of the one before; and what may not be kept ends it. */
static void replaced(void **state)
{
    (void)state;
    struct dns_cache *c = dns_cache_new(1 << 20, secret);
    keep_address(c, "mail.example", 1, HOUR, 0);
    keep_address(c, "MAIL.example", 2, HOUR, 0);
    assert_int_equal(known(c, "mail.EXAMPLE", 1), 2);
    assert_int_equal(dns_cache_figures(c).entries, 1);
    keep_address(c, "mail.example", 3, 0, 1);
    assert_int_equal(known(c, "mail.example", 2), -1);
    keep_state(c, "mail.example", DNS_TIMED_OUT, 0, 2);
    keep_address(c, "mail.example", 4, HOUR, 3); /* the answer came late */
    assert_int_equal(known(c, "mail.example", 4), 4);
    dns_cache_free(c);
}

/* ---- what records say ---- */

static void assert_same(enum dns_type type, const struct dns_record *a, const struct dns_record *b)
{
    switch (type) {
    case DNS_A:
    case DNS_AAAA: assert_true(addr_same_host(&a->address, &b->address)); break;
    case DNS_PTR: assert_true(dns_name_eq(a->name, b->name)); break;
    case DNS_MX:
        assert_int_equal(a->mx.preference, b->mx.preference);
        assert_true(dns_name_eq(a->mx.exchange, b->mx.exchange));
        break;
    default:
        assert_true(slice_eq(a->text, b->text));
        assert_ptr_not_equal(a->text.p, b->text.p);
        break;
    }
}

static void assert_comes_back(enum dns_type type, const struct dns_record *records, size_t count)
{
    struct dns_cache *c = dns_cache_new(4 << 20, secret);
    struct dns_name name = name_of("q.example"), canonical = name_of("elsewhere.example");
    struct dns_answer a = {.state = DNS_ANSWER,
                           .secure = true,
                           .cut = true,
                           .ttl = HOUR,
                           .canonical = &canonical,
                           .records = records,
                           .count = count};
    struct dns_answer b;
    struct arena arena;
    arena_init(&arena);
    dns_cache_keep(c, &name, type, &a, 0);
    assert_true(dns_cache_find(c, &name, type, 1, &arena, &b));
    assert_true(b.secure && b.cut && b.cached);
    assert_true(dns_name_eq(b.canonical, &canonical));
    assert_int_equal(b.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_same(type, &records[i], &b.records[i]);
    }
    dns_cache_free(c);
    assert_same(type, &records[0], &b.records[0]); /* it is the arena's */
    arena_free(&arena);
}

static void records(void **state)
{
    (void)state;
    struct dns_name one = name_of("one.example"), root;
    char large[70000];
    dns_name_root(&root);
    memset(large, 'x', sizeof(large));
    struct dns_record a[2] = {{.address = {.family = ADDR_V4, .octets = {192, 0, 2, 1}}},
                              {.address = {.family = ADDR_V4, .octets = {192, 0, 2, 2}}}};
    struct dns_record aaaa = {.address = {.family = ADDR_V6, .octets = {0x20, 1, [15] = 9}}};
    struct dns_record ptr[2] = {{.name = &one}, {.name = &root}};
    struct dns_record mx[2] = {{.mx = {10, &one}}, {.mx = {0, &root}}};
    struct dns_record txt[3] = {
        {.text = SLICE_LIT("v=spf1 -all")}, {.text = SLICE_LIT("")}, {.text = {large, 65000}}};
    struct dns_record soa = {.data = SLICE_LIT("\0\1\2")};
    assert_comes_back(DNS_A, a, 2);
    assert_comes_back(DNS_AAAA, &aaaa, 1);
    assert_comes_back(DNS_PTR, ptr, 2);
    assert_comes_back(DNS_MX, mx, 2);
    assert_comes_back(DNS_TXT, txt, 3);
    assert_comes_back(DNS_SOA, &soa, 1);
}

/* ---- room ---- */

static void last_asked_for_stays(void **state)
{
    (void)state;
    struct dns_cache *c = dns_cache_new(64 << 10, secret);
    char text[32];
    keep_address(c, "asked.example", 1, HOUR, 0);
    keep_address(c, "forgotten.example", 2, HOUR, 0);
    for (unsigned i = 0; i < 2000; i++) {
        (void)snprintf(text, sizeof(text), "n%u.example", i);
        keep_address(c, text, (uint8_t)i, HOUR, i);
        assert_int_equal(known(c, "asked.example", i), 1);
        assert_true(dns_cache_figures(c).octets <= 64 << 10);
    }
    assert_int_equal(known(c, "forgotten.example", 2000), -1);
    assert_int_equal(known(c, "n0.example", 2000), -1);
    assert_int_equal(known(c, "n1999.example", 2000), 1999 & 255);
    assert_true(dns_cache_figures(c).entries > 200); /* some 150 octets each */
    dns_cache_free(c);
}

/* One answer alone does not sweep out the others. */
static void too_large(void **state)
{
    (void)state;
    struct dns_cache *c = dns_cache_new(64 << 10, secret);
    struct dns_name name = name_of("large.example");
    char large[8192] = {0};
    struct dns_record txt = {.text = {large, sizeof(large)}};
    struct dns_answer a = {.state = DNS_ANSWER, .ttl = HOUR, .records = &txt, .count = 1}, b;
    struct arena arena;
    arena_init(&arena);
    keep_address(c, "small.example", 1, HOUR, 0);
    dns_cache_keep(c, &name, DNS_TXT, &a, 0);
    assert_false(dns_cache_find(c, &name, DNS_TXT, 1, &arena, &b));
    assert_int_equal(known(c, "small.example", 1), 1);
    arena_free(&arena);
    dns_cache_free(c);
}

/* ---- against a model ---- */

#define NAMES 300

/* Kept, found, expired and thrown out at random, with slots that move all the time: what is found
 * is what was kept last, and what was not thrown out is found. */
static void like_a_model(void **state)
{
    (void)state;
    struct dns_cache *c = dns_cache_new(32 << 10, secret);
    struct {
        int value;
        usec_t until;
    } model[NAMES] = {0};
    unsigned found = 0;
    usec_t now = 0;
    char text[32];
    srandom(1);
    for (unsigned turn = 0; turn < 200000; turn++) {
        unsigned i = (unsigned)random() % NAMES;
        (void)snprintf(text, sizeof(text), "n%u.example", i);
        now += random() % 1000;
        if (random() % 3 == 0) {
            usec_t ttl = random() % 200000;
            model[i].value = (int)(turn & 255);
            model[i].until = now + ttl;
            keep_address(c, text, (uint8_t)turn, ttl, now);
        } else {
            int value = known(c, text, now);
            found += value >= 0;
            assert_true(value < 0 || (value == model[i].value && now < model[i].until));
        }
        assert_true(dns_cache_figures(c).octets <= 32 << 10);
    }
    assert_true(found > 20000);
    dns_cache_free(c);
}

/* With room for all, nothing that lives is missing. */
static void nothing_is_missing(void **state)
{
    (void)state;
    struct dns_cache *c = dns_cache_new(8 << 20, secret);
    usec_t until[NAMES] = {0}, now = 0;
    char text[32];
    srandom(2);
    for (unsigned turn = 0; turn < 100000; turn++) {
        unsigned i = (unsigned)random() % NAMES;
        (void)snprintf(text, sizeof(text), "n%u.example", i);
        now += random() % 1000;
        if (random() % 3 == 0) {
            usec_t ttl = random() % 400000;
            until[i] = now + ttl;
            keep_address(c, text, (uint8_t)i, ttl, now);
        } else {
            assert_int_equal(known(c, text, now), now < until[i] ? (int)(i & 255) : -1);
        }
    }
    dns_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),        cmocka_unit_test(what_is_left_of_the_ttl),
        cmocka_unit_test(replaced),     cmocka_unit_test(records),
        cmocka_unit_test(like_a_model), cmocka_unit_test(last_asked_for_stays),
        cmocka_unit_test(too_large),    cmocka_unit_test(nothing_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
