/* The names of the other side: which there are, when, and what they are when the DNS cannot say. */
#include "sender_world.h"

#include "fact/known_client.h"
#include "fact/names.h"

static const char more[] =
    "8.2.0.192.in-addr.arpa. PTR MTA-7.out.Post.example.\n"
    "mta-7.out.post.example. A 192.0.2.8\n"
    "9.2.0.192.in-addr.arpa. PTR a.b.co.uk.\n"
    "a.b.co.uk. A 192.0.2.9\n"
    "10.2.0.192.in-addr.arpa. PTR co.uk.\n"
    "co.uk. A 192.0.2.10\n"
    "11.2.0.192.in-addr.arpa. PTR mx.a.xn--55qx5d.cn.\n"
    "mx.a.xn--55qx5d.cn. A 192.0.2.11\n"
    "12.2.0.192.in-addr.arpa. PTR localhost.\n"
    "localhost. A 192.0.2.12\n"
    "13.2.0.192.in-addr.arpa. PTR liar.example.\n"
    "liar.example. A 192.0.2.99\n"
    "14.2.0.192.in-addr.arpa. SERVFAIL\n"
    "wide.example. TXT \"v=spf1 ip4:192.0.2.0/24 ip4:203.0.113.0/24 -all\"\n";

static struct known_client known;

static struct sender_world *prepare(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    dns_world_add(w, more);
    s->f.e.known_client = &known;
    return s;
}

static void from(struct sender_world *s, const char *client, const char *sender)
{
    known = (struct known_client){0};
    begin(s, client, sender);
}

/* "network 192.0.2.0/24, host post.example" */
static void assert_names(struct sender_world *s, const struct names *n, const char *wanted)
{
    struct buf b = {0};
    for (size_t i = 0; i < n->count; i++) {
        buf_printf(&b, "%s%s " SLICE_FMT, i > 0 ? ", " : "", record_kind_name(n->item[i].kind),
                   SLICE_ARG(n->item[i].name));
    }
    const struct slice text = arena_copy(&s->f.arena, buf_slice(&b));
    buf_free(&b);
    if (!slice_eq(text, slice_of(wanted))) {
        fail_msg("%.*s, not %s", SLICE_ARG(text), wanted);
    }
}

static void assert_found(struct sender_world *s, const char *wanted)
{
    struct names n;
    assert_int_equal(names_find(&s->f.e, &n), 0);
    assert_names(s, &n, wanted);
}

static void assert_known(struct sender_world *s, const char *wanted)
{
    struct names n;
    names_known(&s->f.e, &n);
    assert_names(s, &n, wanted);
}

/* ---- the envelope ---- */

static void of_the_envelope_(struct dns_world *w)
{
    struct sender_world *s = prepare(w);
    from(s, "192.0.2.8", "x@Wide.example");
    assert_known(s, "network 192.0.2.0/24");
    assert_slice(names_organisation(&s->f.e), "");
    assert_found(s, "network 192.0.2.0/24, host post.example, spf wide.example");
    assert_known(s, "network 192.0.2.0/24, host post.example, spf wide.example");
    assert_slice(names_organisation(&s->f.e), "post.example");

    from(s, "192.0.2.8", "x@strict.example"); /* SPF fails */
    assert_found(s, "network 192.0.2.0/24, host post.example");
    from(s, "192.0.2.1", ""); /* <>: the name in EHLO */
    assert_found(s, "network 192.0.2.0/24, spf client.example");
    from(s, "2001:db8:1:2:3::4", "x@wide.example");
    assert_found(s, "network 2001:db8:1:2::/64");
}

static void organisations_(struct dns_world *w)
{
    struct sender_world *s = prepare(w);
    from(s, "192.0.2.9", "x@strict.example");
    assert_found(s, "network 192.0.2.0/24, host b.co.uk");
    from(s, "192.0.2.10", "x@strict.example"); /* a public suffix stands for itself */
    assert_found(s, "network 192.0.2.0/24, host co.uk");
    from(s, "192.0.2.11", "x@strict.example");
    assert_found(s, "network 192.0.2.0/24, host a.xn--55qx5d.cn");
    from(s, "192.0.2.12", "x@strict.example");
    assert_found(s, "network 192.0.2.0/24, host localhost");
    from(s, "192.0.2.13", "x@strict.example"); /* not confirmed */
    assert_found(s, "network 192.0.2.0/24");
}

/* Each is looked up once, whoever wants it. */
static void once_(struct dns_world *w)
{
    struct sender_world *s = prepare(w);
    from(s, "192.0.2.8", "x@wide.example");
    assert_found(s, "network 192.0.2.0/24, host post.example, spf wide.example");
    const uint64_t before = resolver_stats(w->resolver)->asked;
    s->f.e.wall += 86400 * USEC_SEC;
    assert_found(s, "network 192.0.2.0/24, host post.example, spf wide.example");
    (void)world_ask(&s->f, FACT_spf);
    (void)world_ask(&s->f, FACT_client_name);
    assert_int_equal(resolver_stats(w->resolver)->asked, before);

    from(s, "192.0.2.8", "x@wide.example"); /* SPF by another who asked */
    (void)world_ask(&s->f, FACT_spf);
    assert_known(s, "network 192.0.2.0/24, spf wide.example");
}

static void without_a_dns_(struct dns_world *w)
{
    struct sender_world *s = prepare(w);
    from(s, "192.0.2.14", "x@broken.example");
    assert_found(s, "network 192.0.2.0/24");
    from(s, "192.0.2.14", "x@slow.example");
    assert_found(s, "network 192.0.2.0/24");
    from(s, "192.0.2.8", "x@wide.example");
    s->f.e.resolver = NULL;
    assert_found(s, "network 192.0.2.0/24");
    assert_known(s, "network 192.0.2.0/24");
}

static void outside_a_transaction_(struct dns_world *w)
{
    struct sender_world *s = prepare(w);
    from(s, "192.0.2.8", "x@wide.example");
    s->f.e.checks = NULL;
    assert_known(s, "network 192.0.2.0/24");
    assert_found(s, "network 192.0.2.0/24, host post.example");
    assert_known(s, "network 192.0.2.0/24, host post.example");
    s->f.e.known_client = NULL;
    assert_slice(names_organisation(&s->f.e), "");
    s->f.e.checks = &s->checks;
}

/* ---- the message ---- */

static void of_the_message_(struct dns_world *w)
{
    struct sender_world *s = prepare(w);
    from(s, "192.0.2.8", "x@wide.example");
    assert_found(s, "network 192.0.2.0/24, host post.example, spf wide.example");
    receive(s, sign(s, "a.example", "k", "x@A.example", false), "x@A.example");
    assert_known(s, "network 192.0.2.0/24, host post.example, spf wide.example");
    assert_found(s, "network 192.0.2.0/24, host post.example, spf wide.example, dkim a.example");
    assert_known(s, "network 192.0.2.0/24, host post.example, spf wide.example, dkim a.example");

    from(s, "192.0.2.8", "x@strict.example"); /* not aligned */
    receive(s, sign(s, "b.example", "k", "x@a.example", false), "x@a.example");
    assert_found(s, "network 192.0.2.0/24, host post.example");
    from(s, "192.0.2.8", "x@strict.example"); /* broken */
    receive(s, sign(s, "a.example", "k", "x@a.example", true), "x@a.example");
    assert_found(s, "network 192.0.2.0/24, host post.example");
    from(s, "192.0.2.8", "x@strict.example"); /* it was not hashed */
    s->f.e.message = &s->f.message;
    assert_found(s, "network 192.0.2.0/24, host post.example");

    from(s, "192.0.2.8", "x@strict.example"); /* DMARC by another who asked */
    receive(s, sign(s, "a.example", "k", "x@a.example", false), "x@a.example");
    (void)world_ask(&s->f, FACT_dmarc);
    (void)world_ask(&s->f, FACT_client_name);
    assert_known(s, "network 192.0.2.0/24, host post.example, dkim a.example");
}

/* ---- forwarders ---- */

static void of_a_forwarder_(struct dns_world *w)
{
    struct sender_world *s = prepare(w);
    from(s, "203.0.113.9", "x@wide.example");
    assert_found(s, "network 203.0.113.0/24");
    receive(s, sign(s, "a.example", "k", "x@a.example", false), "x@a.example");
    assert_found(s, "network 203.0.113.0/24");
    (void)world_ask(&s->f, FACT_dmarc);
    assert_known(s, "network 203.0.113.0/24");

    from(s, "203.0.113.5", "x@wide.example");
    s->by_name = true;
    assert_found(s, "network 203.0.113.0/24, host relay.example");
    from(s, "203.0.113.6", "x@wide.example"); /* perhaps it is one */
    s->by_name = true;
    assert_found(s, "network 203.0.113.0/24");
}

/* ---- several who ask, and those who go away ---- */

struct asker {
    struct sender_world *s;
    int result;
    struct names names;
};

static void ask(void *arg)
{
    struct asker *a = arg;
    a->result = names_find(&a->s->f.e, &a->names);
}

static void together_(struct dns_world *w)
{
    struct sender_world *s = prepare(w);
    static struct asker askers[3];
    struct scope scope;
    from(s, "192.0.2.8", "x@wide.example");
    scope_enter(&scope);
    for (size_t i = 0; i < COUNT(askers); i++) {
        askers[i] = (struct asker){.s = s, .result = 1};
        assert_int_equal(task_spawn(rt_self(), &scope, ask, &askers[i]), 0);
    }
    scope_join(&scope);
    scope_leave(&scope);
    for (size_t i = 0; i < COUNT(askers); i++) {
        assert_int_equal(askers[i].result, 0);
        assert_names(s, &askers[i].names,
                     "network 192.0.2.0/24, host post.example, spf wide.example");
    }
    assert_int_equal(resolver_stats(w->resolver)->asked, 3); /* PTR, A, TXT */
}

static void cancelled_(struct dns_world *w)
{
    struct sender_world *s = prepare(w);
    struct names n;
    struct scope scope;
    from(s, "192.0.2.8", "x@slow.example");
    scope_enter(&scope);
    scope_cancel(&scope, -ECONNRESET);
    assert_int_equal(names_find(&s->f.e, &n), -ECANCELED);
    scope_leave(&scope);
    s->f.e.sender = SLICE_LIT("x@wide.example");
    assert_found(s, "network 192.0.2.0/24, host post.example, spf wide.example");
}

#define TEST(name)                                                                                 \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        run(name##_);                                                                              \
    }

TEST(of_the_envelope)
TEST(organisations)
TEST(once)
TEST(without_a_dns)
TEST(outside_a_transaction)
TEST(of_the_message)
TEST(of_a_forwarder)
TEST(together)
TEST(cancelled)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_the_envelope),
        cmocka_unit_test(organisations),
        cmocka_unit_test(once),
        cmocka_unit_test(without_a_dns),
        cmocka_unit_test(outside_a_transaction),
        cmocka_unit_test(of_the_message),
        cmocka_unit_test(of_a_forwarder),
        cmocka_unit_test(together),
        cmocka_unit_test(cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
