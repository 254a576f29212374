/* The facts of what the sender's domain authorises: what they say, what they say when nobody can
 * know, that they share their work however many ask, and that who is cancelled leaves it to the
 * next. */
#include "sender_world.h"

static uint64_t asked(const struct sender_world *s)
{
    return resolver_stats(s->d.resolver)->asked;
}

static void assert_result(struct sender_world *s, enum fact_id id, enum auth_result wanted)
{
    const struct value v = world_ask(&s->f, id);
    assert_int_equal(v.type, TYPE_RESULT);
    if (v.state != VALUE_KNOWN || v.number != (int64_t)wanted) {
        fail_msg("%s: %s, not %s", facts[id].name,
                 v.state != VALUE_KNOWN ? "unknown" : result_words[v.number], result_words[wanted]);
    }
}

static void assert_set(struct sender_world *s, enum fact_id id, const char *one, const char *two)
{
    const char *const wanted[] = {one, two};
    const struct value v = world_ask(&s->f, id);
    assert_int_equal(v.state, VALUE_KNOWN);
    assert_int_equal(v.set.count, (one != NULL) + (two != NULL));
    for (size_t i = 0; i < v.set.count; i++) {
        assert_slice(v.set.items[i], wanted[i]);
    }
}

/* ---- SPF ---- */

static void spf_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    begin(s, "192.0.2.1", "x@sender.example");
    assert_result(s, FACT_spf, AUTH_PASS);
    assert_text(world_ask(&s->f, FACT_spf_domain), "sender.example");
    assert_text(world_ask(&s->f, FACT_spf_mechanism), "ip4:192.0.2.1");
    assert_text(world_ask(&s->f, FACT_spf_explanation), "");
    assert_text(world_ask(&s->f, FACT_spf_problem), "");
    assert_int_equal(asked(s), 1); /* all from one check */

    begin(s, "192.0.2.1", "x@strict.example");
    assert_result(s, FACT_spf, AUTH_FAIL);
    assert_text(world_ask(&s->f, FACT_spf_mechanism), "-all");
    assert_text(world_ask(&s->f, FACT_spf_explanation), "ask us");

    begin(s, "192.0.2.1", "x@faulty.example");
    assert_result(s, FACT_spf, AUTH_PERMERROR);
    assert_true(world_ask(&s->f, FACT_spf_problem).text.n > 0);
    begin(s, "192.0.2.1", "x@broken.example");
    assert_result(s, FACT_spf, AUTH_TEMPERROR);
    assert_true(world_ask(&s->f, FACT_spf_problem).text.n > 0);
    begin(s, "192.0.2.1", ""); /* <>: the name in EHLO */
    assert_result(s, FACT_spf, AUTH_PASS);
    assert_text(world_ask(&s->f, FACT_spf_domain), "client.example");
}

static void spf_of_the_greeting_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    begin(s, "192.0.2.1", "x@strict.example");
    assert_result(s, FACT_spf_helo, AUTH_PASS);
    begin(s, "192.0.2.2", "x@sender.example");
    assert_result(s, FACT_spf_helo, AUTH_FAIL);
    s->f.e.checks = NULL; /* no transaction is needed */
    assert_result(s, FACT_spf_helo, AUTH_FAIL);
    s->no_sealers = true; /* then nobody can vouch, whatever the DNS would say */
    assert_bool(world_ask(&s->f, FACT_arc_trusted), false);
    assert_unknown(world_ask(&s->f, FACT_spf), UNKNOWN_NOT_AVAILABLE);
    s->f.e.resolver = NULL;
    assert_unknown(world_ask(&s->f, FACT_spf_helo), UNKNOWN_NOT_AVAILABLE);
}

/* ---- without a DNS, or a message ---- */

static const enum fact_id of_the_message[] = {
    FACT_dkim,        FACT_dkim_domains, FACT_dkim_results, FACT_arc,          FACT_arc_sealers,
    FACT_arc_trusted, FACT_dmarc,        FACT_dmarc_policy, FACT_dmarc_domain,
};

static void not_available_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    begin(s, "192.0.2.1", "x@sender.example");
    for (size_t i = 0; i < COUNT(of_the_message); i++) {
        assert_unknown(world_ask(&s->f, of_the_message[i]), UNKNOWN_NOT_AVAILABLE);
    }
    receive(s, SLICE_LIT(""), "x@a.example");
    s->f.e.resolver = NULL;
    for (size_t i = 0; i < COUNT(of_the_message); i++) {
        assert_unknown(world_ask(&s->f, of_the_message[i]), UNKNOWN_NOT_AVAILABLE);
    }
    assert_unknown(world_ask(&s->f, FACT_spf), UNKNOWN_NOT_AVAILABLE);
    assert_unknown(world_ask(&s->f, FACT_spf_domain), UNKNOWN_NOT_AVAILABLE);
    s->f.e.resolver = s->d.resolver;
    struct signed_message *m = s->checks.message;
    s->checks.message = NULL; /* it was not hashed */
    assert_unknown(world_ask(&s->f, FACT_dkim), UNKNOWN_NOT_AVAILABLE);
    assert_unknown(world_ask(&s->f, FACT_dmarc), UNKNOWN_NOT_AVAILABLE);
    s->checks.message = m;
    assert_int_equal(asked(s), 0);
}

/* ---- DKIM ---- */

static struct slice two(struct sender_world *s, struct slice a, struct slice b)
{
    return arena_printf(&s->f.arena, SLICE_FMT SLICE_FMT, SLICE_ARG(a), SLICE_ARG(b));
}

static void dkim_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    const char *from = "x@a.example";
    begin(s, "192.0.2.1", "");
    receive(s, SLICE_LIT(""), from);
    assert_result(s, FACT_dkim, AUTH_NONE);
    assert_set(s, FACT_dkim_domains, NULL, NULL);
    assert_set(s, FACT_dkim_results, NULL, NULL);

    /* the best of those that are aligned */
    begin(s, "192.0.2.1", "");
    receive(s,
            two(s, sign(s, "a.example", "k", from, true), sign(s, "a.example", "k", from, false)),
            from);
    assert_result(s, FACT_dkim, AUTH_PASS);
    assert_set(s, FACT_dkim_domains, "a.example", NULL);
    assert_set(s, FACT_dkim_results, "a.example=fail (the signature does not match)",
               "a.example=pass");

    /* another's pass is none of the author's */
    begin(s, "192.0.2.1", "");
    receive(s,
            two(s, sign(s, "b.example", "k", from, false), sign(s, "a.example", "k", from, true)),
            from);
    assert_result(s, FACT_dkim, AUTH_FAIL);
    assert_set(s, FACT_dkim_domains, "b.example", NULL);

    /* each domain once */
    begin(s, "192.0.2.1", "");
    receive(s,
            two(s, sign(s, "b.example", "k", from, false), sign(s, "b.example", "k", from, false)),
            from);
    assert_result(s, FACT_dkim, AUTH_NONE);
    assert_set(s, FACT_dkim_domains, "b.example", NULL);

    /* a key out of reach is better than a failure, and worse than a pass */
    begin(s, "192.0.2.1", "");
    receive(
        s, two(s, sign(s, "a.example", "k", from, true), sign(s, "a.example", "gone", from, false)),
        from);
    assert_result(s, FACT_dkim, AUTH_TEMPERROR);
    assert_set(s, FACT_dkim_domains, NULL, NULL);
}

static void dkim_of_nobody_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    const char *from = "x@a.example, y@b.example";
    begin(s, "192.0.2.1", "");
    receive(s, sign(s, "a.example", "k", from, false), from);
    assert_result(s, FACT_dkim, AUTH_NONE); /* aligned with whom? */
    assert_text(world_ask(&s->f, FACT_from_domain), "");

    /* whether it is aligned the DNS cannot say */
    from = "x@lost.example";
    begin(s, "192.0.2.1", "");
    receive(s, sign(s, "sub.lost.example", "k", from, false), from);
    assert_result(s, FACT_dkim, AUTH_TEMPERROR);
    assert_set(s, FACT_dkim_domains, "sub.lost.example", NULL);
}

/* The author cannot be read, since the header does not end within what is read. */
static void dkim_of_a_cut_header_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    const char *from = "x@a.example";
    begin(s, "192.0.2.1", "");
    receive(s, sign(s, "a.example", "k", from, true), from);
    s->f.header_result = -E2BIG;
    assert_unknown(world_ask(&s->f, FACT_from_domain), UNKNOWN_OVER_BUDGET);
    assert_result(s, FACT_dkim, AUTH_FAIL); /* whoever it is, nothing passes */
    begin(s, "192.0.2.1", "");
    receive(s, SLICE_LIT(""), from);
    s->f.header_result = -E2BIG;
    assert_result(s, FACT_dkim, AUTH_NONE);
    begin(s, "192.0.2.1", "");
    receive(s, sign(s, "a.example", "k", from, false), from);
    s->f.header_result = -E2BIG;
    assert_unknown(world_ask(&s->f, FACT_dkim), UNKNOWN_OVER_BUDGET);
    begin(s, "192.0.2.1", "");
    receive(s, sign(s, "a.example", "gone", from, false), from);
    s->f.header_result = -EIO;
    assert_unknown(world_ask(&s->f, FACT_dkim), UNKNOWN_TEMPORARY);
}

/* ---- ARC ---- */

static void arc_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    static const struct arc_set sets[] = {
        {.domain = SLICE_LIT("list.example"), .results = SLICE_LIT("x; dmarc=pass")},
        {.domain = SLICE_LIT("other.example"), .results = SLICE_LIT("x; none")},
        {.domain = SLICE_LIT("list.example"), .results = SLICE_LIT("x; none")},
    };
    begin(s, "192.0.2.1", "");
    receive(s, SLICE_LIT(""), "x@a.example");
    assert_result(s, FACT_arc, AUTH_NONE);
    assert_set(s, FACT_arc_sealers, NULL, NULL);
    assert_bool(world_ask(&s->f, FACT_arc_trusted), false);

    s->checks.arc = (struct arc_outcome){
        .result = AUTH_PASS, .from_signed = true, .sets = sets, .count = COUNT(sets)};
    assert_result(s, FACT_arc, AUTH_PASS);
    assert_set(s, FACT_arc_sealers, "list.example", "other.example"); /* each once */
    assert_bool(world_ask(&s->f, FACT_arc_trusted), true);

    s->checks.arc.result = AUTH_TEMPERROR;
    assert_set(s, FACT_arc_sealers, NULL, NULL); /* none has shown that it sealed */
    assert_unknown(world_ask(&s->f, FACT_arc_trusted), UNKNOWN_TEMPORARY);
    s->checks.arc.sets = sets + 1; /* a stranger, who may have broken his own DNS */
    s->checks.arc.count = 1;
    assert_bool(world_ask(&s->f, FACT_arc_trusted), false);
    s->checks.arc.result = AUTH_FAIL;
    assert_result(s, FACT_arc, AUTH_FAIL);
}

/* ---- DMARC ---- */

static void dmarc_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    const char *from = "x@a.example";
    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, sign(s, "a.example", "k", from, false), from);
    assert_result(s, FACT_dmarc, AUTH_PASS);
    assert_int_equal(world_ask(&s->f, FACT_dmarc_policy).number, DMARC_REJECT);
    assert_text(world_ask(&s->f, FACT_dmarc_domain), "a.example");

    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, SLICE_LIT(""), from);
    assert_result(s, FACT_dmarc, AUTH_FAIL);
    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, SLICE_LIT(""), "x@b.example");
    assert_result(s, FACT_dmarc, AUTH_NONE);
    assert_int_equal(world_ask(&s->f, FACT_dmarc_policy).number, DMARC_NO_POLICY);
    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, SLICE_LIT(""), "x@lost.example");
    assert_result(s, FACT_dmarc, AUTH_TEMPERROR);
    assert_unknown(world_ask(&s->f, FACT_dmarc_policy), UNKNOWN_TEMPORARY);
}

/* What fails in the part of a header that can be read, fails; what passes there may not. */
static void dmarc_of_a_cut_header_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    const char *from = "x@a.example";
    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, SLICE_LIT(""), from);
    s->f.header_result = -E2BIG;
    assert_result(s, FACT_dmarc, AUTH_FAIL);
    assert_int_equal(world_ask(&s->f, FACT_dmarc_policy).number, DMARC_REJECT);
    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, sign(s, "a.example", "k", from, false), from);
    s->f.header_result = -E2BIG;
    assert_result(s, FACT_dmarc, AUTH_PERMERROR);
    assert_int_equal(world_ask(&s->f, FACT_dmarc_policy).number, DMARC_NO_POLICY);
    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, SLICE_LIT(""), "x@b.example");
    s->f.header_result = -E2BIG;
    assert_result(s, FACT_dmarc, AUTH_PERMERROR);
    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, SLICE_LIT(""), from);
    s->f.header_result = -EIO; /* our own trouble */
    assert_result(s, FACT_dmarc, AUTH_TEMPERROR);
    assert_unknown(world_ask(&s->f, FACT_dmarc_policy), UNKNOWN_TEMPORARY);
}

/* ---- forwarders ---- */

#define RECEIVED(host) SLICE_LIT("Received: from gw (gw [" host "])\r\n\tby mx.relay.example\r\n")

static void assert_address(struct value v, const char *wanted)
{
    char text[ADDR_TEXT_MAX];
    assert_int_equal(v.type, TYPE_ADDRESS);
    assert_int_equal(v.state, VALUE_KNOWN);
    assert_string_equal(addr_format(&v.address, text), wanted);
}

static void forwarder_by_address_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    begin(s, "203.0.113.9", "x@sender.example");
    s->by_name = true; /* which need not be asked for */
    assert_bool(world_ask(&s->f, FACT_client_forwarder), true);
    assert_unknown(world_ask(&s->f, FACT_spf), UNKNOWN_NOT_AVAILABLE);
    assert_true(s->checks.awaits_origin);
    assert_int_equal(asked(s), 0);
    receive(s, RECEIVED("192.0.2.1"), "x@a.example");
    assert_result(s, FACT_spf, AUTH_PASS);
    assert_address(world_ask(&s->f, FACT_client_origin), "192.0.2.1");
    assert_int_equal(world_ask(&s->f, FACT_client_origin).source, SOURCE_MESSAGE);

    begin(s, "203.0.113.9", "x@sender.example");
    receive(s, RECEIVED("192.0.2.2"), "x@a.example");
    assert_result(s, FACT_spf, AUTH_FAIL);
    begin(s, "203.0.113.9", "x@sender.example");
    receive(s, SLICE_LIT(""), "x@a.example");
    assert_result(s, FACT_spf, AUTH_NONE); /* he does not say */
    assert_true(world_ask(&s->f, FACT_spf_problem).text.n > 0);
    assert_unknown(world_ask(&s->f, FACT_client_origin), UNKNOWN_NOT_AVAILABLE);

    begin(s, "192.0.2.1", "x@sender.example"); /* a stranger's Received is not looked at */
    receive(s, RECEIVED("203.0.113.5"), "x@a.example");
    assert_bool(world_ask(&s->f, FACT_client_forwarder), false);
    assert_address(world_ask(&s->f, FACT_client_origin), "192.0.2.1");
    assert_false(s->checks.awaits_origin);
}

static void forwarder_by_name_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    begin(s, "203.0.113.5", "x@sender.example");
    assert_bool(world_ask(&s->f, FACT_client_forwarder), false);
    assert_int_equal(asked(s), 0); /* no names are in the table */
    begin(s, "203.0.113.5", "x@sender.example");
    s->by_name = true;
    assert_bool(world_ask(&s->f, FACT_client_forwarder), true);
    assert_unknown(world_ask(&s->f, FACT_spf), UNKNOWN_NOT_AVAILABLE);
    receive(s, RECEIVED("192.0.2.1"), "x@a.example");
    assert_result(s, FACT_spf, AUTH_PASS);
    begin(s, "203.0.113.7", "x@sender.example");
    s->by_name = true;
    assert_bool(world_ask(&s->f, FACT_client_forwarder), false);
    assert_result(s, FACT_spf, AUTH_FAIL);
}

/* Anybody can break the reverse DNS of his own address, and write a Received field. */
static void forwarder_perhaps_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    begin(s, "203.0.113.6", "x@sender.example");
    s->by_name = true;
    assert_unknown(world_ask(&s->f, FACT_client_forwarder), UNKNOWN_TEMPORARY);
    assert_unknown(world_ask(&s->f, FACT_spf), UNKNOWN_NOT_AVAILABLE);
    receive(s, RECEIVED("192.0.2.1"), "x@sender.example");
    assert_unknown(world_ask(&s->f, FACT_client_origin), UNKNOWN_TEMPORARY);
    assert_result(s, FACT_spf, AUTH_TEMPERROR);
    assert_text(world_ask(&s->f, FACT_spf_domain), "sender.example");
    assert_true(world_ask(&s->f, FACT_spf_problem).text.n > 0);
    begin(s, "203.0.113.6", "x@a.example"); /* nor is it a failure: he may be one */
    s->by_name = true;
    receive(s, RECEIVED("192.0.2.1"), "x@a.example");
    assert_result(s, FACT_dmarc, AUTH_TEMPERROR);
    begin(s, "203.0.113.6", "");
    s->by_name = true;
    receive(s, RECEIVED("192.0.2.1"), "x@client.example");
    assert_text(world_ask(&s->f, FACT_spf_domain), "client.example");
}

/* ---- many who ask ---- */

static void ask_all(void *arg)
{
    struct sender_world *s = arg;
    static const enum fact_id ids[] = {FACT_spf, FACT_dkim_results, FACT_dmarc, FACT_arc,
                                       FACT_dkim_domains};
    for (size_t i = 0; i < COUNT(ids); i++) {
        const struct fact_use use = {&facts[ids[i]], NULL, 0};
        struct value v;
        int r = fact_ask(&use, &s->f.e, &v);
        s->result = r < 0 ? r : s->result;
        s->done += r == 0 && v.state == VALUE_KNOWN;
    }
}

static void once_for_all_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    struct scope scope;
    const char *from = "x@a.example";
    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, sign(s, "a.example", "k", from, false), from);
    scope_enter(&scope);
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(task_spawn(s->d.rt, &scope, ask_all, s), 0);
    }
    scope_join(&scope);
    scope_leave(&scope);
    assert_int_equal(s->result, 0);
    assert_int_equal(s->done, 7 * 5);
    const uint64_t before = asked(s);
    ask_all(s);
    assert_int_equal(asked(s), before);
    assert_int_equal(before, 4); /* SPF, a key, _dmarc of a.example and example */
}

/* Somebody who asks for one fact, and may go away meanwhile. */
struct asker {
    struct sender_world *world;
    enum fact_id id;
    struct scope scope;
    struct value value;
    int result;
};

static void ask_one(void *arg)
{
    struct asker *a = arg;
    const struct fact_use use = {&facts[a->id], NULL, 0};
    scope_enter(&a->scope);
    a->result = fact_ask(&use, &a->world->f.e, &a->value);
    scope_leave(&a->scope);
}

/* Two ask; the first goes away in the middle, the other gets what the fact says. */
static void first_goes_away(struct sender_world *s, enum fact_id id, enum auth_result wanted)
{
    struct asker askers[2] = {{.world = s, .id = id}, {.world = s, .id = id}};
    struct scope scope;
    scope_enter(&scope);
    for (size_t i = 0; i < COUNT(askers); i++) {
        assert_int_equal(task_spawn(s->d.rt, &scope, ask_one, &askers[i]), 0);
    }
    assert_int_equal(task_sleep(rt_now() + USEC_SEC), 0);
    scope_cancel(&askers[0].scope, -ECONNRESET);
    scope_join(&scope);
    scope_leave(&scope);
    assert_int_equal(askers[0].result, -ECANCELED);
    assert_int_equal(askers[1].result, 0);
    assert_int_equal(askers[1].value.state, VALUE_KNOWN);
    assert_int_equal(askers[1].value.number, wanted);
    assert_result(s, id, wanted);
}

static void cancelled_(struct dns_world *w)
{
    struct sender_world *s = (void *)w;
    const char *from = "x@a.example";
    begin(s, "192.0.2.1", "x@slow.example");
    first_goes_away(s, FACT_spf, AUTH_TEMPERROR);
    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, sign(s, "a.example", "late", from, false), from);
    first_goes_away(s, FACT_dkim, AUTH_TEMPERROR);
    begin(s, "192.0.2.1", "x@sender.example");
    receive(s, sign(s, "a.example", "late", from, false), from);
    first_goes_away(s, FACT_dmarc, AUTH_TEMPERROR); /* in the middle of DKIM */
    begin(s, "192.0.2.1", "x@slow.example");
    receive(s, sign(s, "a.example", "k", from, false), from);
    first_goes_away(s, FACT_dmarc, AUTH_PASS); /* in the middle of SPF */
}

/* Of a cancelled scope every fact that waits says so. */
static void cancelled_before_(struct dns_world *w)
{
    static const enum fact_id ids[] = {FACT_spf, FACT_spf_domain, FACT_dkim, FACT_dmarc,
                                       FACT_dkim_domains};
    struct sender_world *s = (void *)w;
    struct scope scope;
    const char *from = "x@a.example";
    begin(s, "192.0.2.1", "x@slow.example");
    receive(s, sign(s, "a.example", "late", from, false), from);
    scope_enter(&scope);
    scope_cancel(&scope, -ECONNRESET);
    for (size_t i = 0; i < COUNT(ids); i++) {
        const struct fact_use use = {&facts[ids[i]], NULL, 0};
        struct value v;
        if (fact_ask(&use, &s->f.e, &v) != -ECANCELED) {
            fail_msg("%s", facts[ids[i]].name);
        }
    }
    scope_leave(&scope);
}

/* ---- the tests ---- */

#define TEST(name)                                                                                 \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        run(name##_);                                                                              \
    }

TEST(spf)
TEST(spf_of_the_greeting)
TEST(not_available)
TEST(dkim)
TEST(dkim_of_nobody)
TEST(dkim_of_a_cut_header)
TEST(arc)
TEST(dmarc)
TEST(dmarc_of_a_cut_header)
TEST(forwarder_by_address)
TEST(forwarder_by_name)
TEST(forwarder_perhaps)
TEST(once_for_all)
TEST(cancelled)
TEST(cancelled_before)

/* Who needs the message hashed, and who does not. */
static void wants_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(of_the_message); i++) {
        assert_true(fact_wants_signatures(&facts[of_the_message[i]]));
    }
    assert_false(fact_wants_signatures(&facts[FACT_spf]));
    assert_false(fact_wants_signatures(&facts[FACT_dnsbl_from]));
    assert_false(fact_wants_signatures(&facts[FACT_client_origin]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spf),
        cmocka_unit_test(spf_of_the_greeting),
        cmocka_unit_test(not_available),
        cmocka_unit_test(dkim),
        cmocka_unit_test(dkim_of_nobody),
        cmocka_unit_test(dkim_of_a_cut_header),
        cmocka_unit_test(arc),
        cmocka_unit_test(dmarc),
        cmocka_unit_test(dmarc_of_a_cut_header),
        cmocka_unit_test(forwarder_by_address),
        cmocka_unit_test(forwarder_by_name),
        cmocka_unit_test(forwarder_perhaps),
        cmocka_unit_test(once_for_all),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(cancelled_before),
        cmocka_unit_test(wants_signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
