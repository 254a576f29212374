/* The facts of names and DNS lists, as rules ask for them. */
#include "fact_world.h"

#include "auth/dns_list.h"
#include "dns_world.h"

static const char zone[] = "$TTL 300\n"
                           "1.2.0.192.in-addr.arpa. PTR a.example.\n"
                           "1.2.0.192.in-addr.arpa. PTR mx.example.\n"
                           "mx.example. A 192.0.2.1\n"
                           "a.example. A 192.0.2.2\n"
                           "2.2.0.192.in-addr.arpa. SERVFAIL\n"
                           "3.2.0.192.in-addr.arpa. PTR slow.example.\n"
                           "slow.example. TIMEOUT\n"
                           "client.example. A 192.0.2.1\n"
                           "sender.example. MX 10 mx.example.\n"
                           "null.example. MX 0 .\n"
                           "fails.example. SERVFAIL\n"
                           "2.0.0.127.list.example. A 127.0.0.2\n"
                           "test.list.example. A 127.0.0.2\n"
                           "1.2.0.192.list.example. A 127.0.0.4\n"
                           "1.2.0.192.list.example. TXT \"a reason\"\n"
                           "client.example.list.example. A 127.0.1.2\n"
                           "sender.example.list.example. A 127.0.1.3\n"
                           "fails.example.list.example. SERVFAIL\n";

struct names_world {
    struct dns_world d; /* first */
    struct fact_world f;
};

static struct value ask_with(struct names_world *w, enum fact_id id, const char *parameter)
{
    return world_ask_with(&w->f, id, parameter);
}

static struct value ask(struct names_world *w, enum fact_id id)
{
    return world_ask(&w->f, id);
}

static void as_client(struct names_world *w, const char *client)
{
    w->f.e.client = dns_world_address(client);
}

static void run(void (*fn)(struct dns_world *w))
{
    static struct names_world w;

    dns_world_init(&w.d, zone);
    world_init(&w.f);
    w.f.conf.limits.dns_time = 5 * USEC_SEC;
    w.f.e.connection_arena = w.f.e.helo_arena = &w.f.arena;
    w.f.e.resolver = w.d.resolver;
    w.f.e.lists = dns_lists_new(w.d.rt, w.d.resolver, NULL, NULL);
    dns_world_do(&w.d, fn);
    sim_run(w.d.sim, USEC_NEVER);
    dns_lists_free(w.f.e.lists);
    arena_free(&w.f.arena);
    dns_world_fini(&w.d);
}

#define assert_set(v, ...)                                                                         \
    do {                                                                                           \
        static const char *const items_[] = {__VA_ARGS__};                                         \
        const struct value set_ = (v);                                                             \
        assert_int_equal(set_.type, TYPE_SET);                                                     \
        assert_int_equal(set_.state, VALUE_KNOWN);                                                 \
        assert_int_equal(set_.source, SOURCE_DNS);                                                 \
        assert_int_equal(set_.set.count, COUNT(items_));                                           \
        for (size_t i_ = 0; i_ < COUNT(items_); i_++) {                                            \
            assert_slice(set_.set.items[i_], items_[i_]);                                          \
        }                                                                                          \
    } while (0)

static void ask_for_the_client(struct dns_world *d)
{
    struct names_world *w = (struct names_world *)d;

    assert_set(ask(w, FACT_client_ptr), "a.example", "mx.example");
    assert_text(ask(w, FACT_client_name), "mx.example");
    as_client(w, "192.0.2.2");
    assert_unknown(ask(w, FACT_client_ptr), UNKNOWN_TEMPORARY);
    assert_unknown(ask(w, FACT_client_name), UNKNOWN_TEMPORARY);
    as_client(w, "192.0.2.3");
    assert_set(ask(w, FACT_client_ptr), "slow.example");
    assert_unknown(ask(w, FACT_client_name), UNKNOWN_TIMEOUT);
    as_client(w, "192.0.2.4");
    assert_int_equal(ask(w, FACT_client_ptr).set.count, 0);
    assert_text(ask(w, FACT_client_name), "");
}

static void the_client(void **state)
{
    (void)state;
    run(ask_for_the_client);
}

static void ask_for_helo_and_sender(struct dns_world *d)
{
    struct names_world *w = (struct names_world *)d;

    assert_bool(ask(w, FACT_helo_resolves), true);
    assert_bool(ask(w, FACT_helo_matches), true);
    w->f.e.helo = SLICE_LIT("a.example");
    assert_bool(ask(w, FACT_helo_resolves), true);
    assert_bool(ask(w, FACT_helo_matches), false);
    w->f.e.helo = SLICE_LIT("fails.example");
    assert_unknown(ask(w, FACT_helo_resolves), UNKNOWN_TEMPORARY);
    assert_unknown(ask(w, FACT_helo_matches), UNKNOWN_TEMPORARY);

    assert_bool(ask(w, FACT_sender_exists), true);
    assert_bool(ask(w, FACT_sender_null_mx), false);
    w->f.e.sender = SLICE_LIT("x@null.example");
    assert_bool(ask(w, FACT_sender_exists), true);
    assert_bool(ask(w, FACT_sender_null_mx), true);
    w->f.e.sender = SLICE_LIT("\"x@sender.example\"@none.example");
    assert_bool(ask(w, FACT_sender_exists), false);
    assert_bool(ask(w, FACT_sender_null_mx), false);
    w->f.e.sender = SLICE_LIT("x@fails.example");
    assert_unknown(ask(w, FACT_sender_exists), UNKNOWN_TEMPORARY);
    assert_unknown(ask(w, FACT_sender_null_mx), UNKNOWN_TEMPORARY);
    w->f.e.sender = SLICE_LIT("");
    assert_bool(ask(w, FACT_sender_exists), true);
    assert_bool(ask(w, FACT_sender_null_mx), false);
}

static void helo_and_sender(void **state)
{
    (void)state;
    run(ask_for_helo_and_sender);
}

static void ask_lists(struct dns_world *d)
{
    struct names_world *w = (struct names_world *)d;

    assert_bool(ask_with(w, FACT_dnsbl, "list.example"), true);
    assert_bool(ask_with(w, FACT_dnsbl, "list.example=127.0.0.[2..3]"), false);
    assert_bool(ask_with(w, FACT_dnswl, "list.example=127.0.0.4"), true);
    assert_set(ask_with(w, FACT_dnsbl_answers, "list.example"), "127.0.0.4");
    assert_text(ask_with(w, FACT_dnsbl_reason, "list.example"), "a reason");
    assert_text(ask_with(w, FACT_dnsbl_reason, "list.example=127.0.0.2"), "");
    assert_bool(ask_with(w, FACT_dnsbl_helo, "list.example"), true);
    assert_bool(ask_with(w, FACT_dnsbl_helo, "list.example=127.0.1.3"), false);
    assert_bool(ask_with(w, FACT_dnsbl_sender, "list.example=127.0.1.3"), true);
    assert_unknown(ask_with(w, FACT_dnsbl, "dead.example"), UNKNOWN_TEMPORARY);
    assert_unknown(ask_with(w, FACT_dnsbl_reason, "dead.example"), UNKNOWN_TEMPORARY);
    assert_unknown(ask_with(w, FACT_dnsbl_answers, "dead.example"), UNKNOWN_TEMPORARY);
    w->f.e.sender = SLICE_LIT("");
    assert_bool(ask_with(w, FACT_dnsbl_sender, "list.example"), false);
    as_client(w, "192.0.2.4");
    assert_bool(ask_with(w, FACT_dnsbl, "list.example"), false);
    assert_int_equal(ask_with(w, FACT_dnsbl_answers, "list.example").set.count, 0);
}

static void lists(void **state)
{
    (void)state;
    run(ask_lists);
}

static void ask_for_authors(struct dns_world *d)
{
    static const struct {
        const char *header;
        int result;
        enum { NO, YES, TEMPORARY, OVER_BUDGET } expected;
    } rows[] = {
        {"From: x@sender.example\r\n\r\n", 0, YES},
        {"From: x@other.example\r\n\r\n", 0, NO},
        {"Subject: x\r\n\r\n", 0, NO},
        {"From: x@other.example, y@sender.example\r\n\r\n", 0, YES},
        {"From: x@fails.example\r\n\r\n", 0, TEMPORARY},
        {"From: x@fails.example, y@sender.example\r\n\r\n", 0, YES},
        {"From: x@fails.example, y@other.example\r\n\r\n", 0, TEMPORARY},
        {"From: x@sender.example\r\nSubject: cut", -E2BIG, YES},
        {"From: x@other.example\r\nSubject: cut", -E2BIG, OVER_BUDGET},
        {"", -EIO, TEMPORARY},
    };
    struct names_world *w = (struct names_world *)d;

    for (size_t i = 0; i < COUNT(rows); i++) {
        w->f.header = slice_of(rows[i].header);
        w->f.header_result = rows[i].result;
        const struct value v = ask_with(w, FACT_dnsbl_from, "list.example=127.0.1.3");
        const bool known = v.state == VALUE_KNOWN;
        const int found = known                             ? (v.boolean ? YES : NO)
                          : v.reason == UNKNOWN_OVER_BUDGET ? OVER_BUDGET
                                                            : TEMPORARY;
        if (found != (int)rows[i].expected) {
            fail_msg("%s: %d", rows[i].header, found);
        }
    }
    w->f.header_result = -ECANCELED;
    const struct slice list = SLICE_LIT("list.example");
    const struct fact_use use = {&facts[FACT_dnsbl_from], &list, 0};
    struct value v;
    assert_int_equal(fact_ask(&use, &w->f.e, &v), -ECANCELED);
    w->f.e.message = NULL;
    assert_unknown(ask_with(w, FACT_dnsbl_from, "list.example"), UNKNOWN_NOT_AVAILABLE);
}

static void authors(void **state)
{
    (void)state;
    run(ask_for_authors);
}

/* Without a DNS nothing is said of anybody. */
static void nothing_to_ask(void **state)
{
    static const enum fact_id all[] = {
        FACT_client_ptr,    FACT_client_name,    FACT_helo_resolves, FACT_helo_matches,
        FACT_sender_exists, FACT_sender_null_mx, FACT_dnsbl,         FACT_dnsbl_answers,
        FACT_dnsbl_reason,  FACT_dnswl,          FACT_dnsbl_helo,    FACT_dnsbl_sender,
        FACT_dnsbl_from,
    };
    static struct fact_world w;

    (void)state;
    world_init(&w);
    for (size_t i = 0; i < COUNT(all); i++) {
        assert_unknown(world_ask_with(&w, all[i], "list.example"), UNKNOWN_NOT_AVAILABLE);
    }
    arena_free(&w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client), cmocka_unit_test(helo_and_sender), cmocka_unit_test(lists),
        cmocka_unit_test(authors),    cmocka_unit_test(nothing_to_ask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
