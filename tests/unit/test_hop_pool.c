/* Connections to hops: kept ones, their renewal, hops by name, the limit and the line, against
 * scripted hops. */
#include "hop_world.h"

#include "client/resolver.h"

#define HELLO "> 220 hop", "EHLO mx.example", "> 250-hop", "> 250 PIPELINING"
#define ONE   MAIL_A, RCPT_R, OK, OK, DATA
#define DATA  "DATA", "> 354 go", ".", OK

static const char text[] = MESSAGE_TEXT;
static const char delivered[] = DELIVERED_TEXT;

/* ---- kept connections: probes and renewal ---- */

static void deliver_after_a_rest(struct hop_world *w)
{
    world_deliver(w, 1);
    task_sleep(rt_now() + 50 * USEC_SEC);
    world_deliver(w, 1);
}

static void test_probes(void **state)
{
    (void)state;
    static script answers = {HELLO,  ONE, "NOOP", OK, "NOOP", OK, "NOOP", OK,  ONE,
                             "NOOP", OK,  "NOOP", OK, "NOOP", OK, "QUIT", NULL};
    static script mute = {HELLO, ONE, "NOOP", "!reset", NULL};
    static script cross = {HELLO, ONE, "NOOP", "> 421 4.4.2 idle", "!end", NULL};
    static script cross2 = {HELLO, ONE, "NOOP", "> 500 what", "!end", NULL};
    static script gone = {HELLO, ONE, "NOOP", "!close", NULL};
    static script fresh = {HELLO, ONE, "NOOP", OK, "NOOP", OK, "NOOP", OK, "QUIT", NULL};
    struct hop_world *w = world_new();
    w->conf.limits.hop_probe_time = 15 * USEC_SEC;
    PLAY(w, deliver_after_a_rest, answers);
    world_free(w);
    const char *const *const each[] = {mute, cross, cross2, gone};
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        w = world_new();
        w->conf.limits.hop_probe_time = 15 * USEC_SEC;
        PLAY(w, deliver_after_a_rest, each[i], fresh);
        assert_int_equal(w->got.n, 2 * strlen(delivered));
        assert_false(world_figures(w, 0).down);
        world_free(w);
    }
}

static usec_t took;

static void deliver_while_asked(struct hop_world *w)
{
    world_deliver(w, 1);
    task_sleep(rt_now() + 16 * USEC_SEC); /* NOOP has been said a second ago */
    usec_t began = rt_now();
    world_deliver(w, 1);
    took = rt_now() - began;
}

/* One whose answer is not there yet is passed over: no client waits for it. */
static void test_asked_just_now(void **state)
{
    (void)state;
    static script mute = {HELLO, ONE, "NOOP", "!reset", NULL};
    static script fresh = {HELLO, ONE, "NOOP", OK, "NOOP", OK, "NOOP", OK, "QUIT", NULL};
    struct hop_world *w = world_new();
    w->conf.limits.hop_probe_time = 15 * USEC_SEC;
    PLAY(w, deliver_while_asked, mute, fresh);
    assert_true(took < USEC_SEC);
    world_free(w);
}

static void idle_long(struct hop_world *w)
{
    world_deliver(w, 1);
}

/* Asked too often it is ended, for the hop may count. */
static void test_probes_are_limited(void **state)
{
    (void)state;
    static script one = {HELLO,  ONE, "NOOP", OK, "NOOP", OK, "NOOP", OK, "NOOP", OK,
                         "NOOP", OK,  "NOOP", OK, "NOOP", OK, "NOOP", OK, "QUIT", NULL};
    struct hop_world *w = world_new();
    w->conf.limits.hop_probe_time = USEC_SEC;
    w->conf.limits.hop_idle_time = 300 * USEC_SEC;
    PLAY(w, idle_long, one);
    world_free(w);
}

static void test_renewed_after_messages(void **state)
{
    (void)state;
    static script each = {HELLO, ONE, ONE, "QUIT", NULL};
    struct hop_world *w = world_new();
    w->conf.limits.hop_messages = 2;
    PLAY(w, deliver_six, each, each, each);
    world_free(w);
}

/* Refusals wear a connection: within a transaction the next recipient is asked on another one, and
 * hop_prepare puts the transaction together again. */
static void worn(struct hop_world *w)
{
    struct hop *h = begin(w);
    load(w, text);
    hop_rcpt(h, w->r[0], USEC_NEVER);
    hop_rcpt(h, w->r[1], USEC_NEVER);
    hop_rcpt(h, w->r[2], USEC_NEVER);
    w->r[0]->wanted = w->r[2]->wanted = true;
    if (prepare(w, h, 3) != 0 || commit(w, h, 3) != 0 || !w->r[0]->confirmed ||
        w->r[1]->confirmed || !w->r[2]->confirmed) {
        fail_hop(w, "not delivered");
    }
    hop_end(h);
}

static void test_renewed_after_refusals(void **state)
{
    (void)state;
    static script one = {HELLO,  MAIL_A,           RCPT_R, OK,     OK,
                         RCPT_S, "> 550 5.1.1 no", "RSET", "QUIT", NULL};
    static script refused = {HELLO, MAIL_A, RCPT_R, OK, "> 550 5.1.1 no", "RSET", "QUIT", NULL};
    static script rest = {HELLO,  MAIL_A, RCPT_T, OK, OK, "RSET", MAIL_A, RCPT_R,
                          RCPT_T, OK,     OK,     OK, OK, DATA,   "QUIT", NULL};
    struct hop_world *w = world_new();
    w->conf.limits.hop_errors = 1;
    PLAY(w, worn, one, rest);
    world_free(w);
    w = world_new();
    w->conf.limits.hop_errors = 1;
    PLAY(w, ask_one, refused);
    world_free(w);
}

/* ---- hops by name ---- */

static struct resolver *resolver;

/* The route's one hop is hop.example, and the resolver knows `table`. */
static struct hop_world *named(const char *table)
{
    struct hop_world *w = world_new();
    world_hops(w, 2); /* somebody listens at both addresses */
    w->conf.hop_count = w->route.hop_count = 1;
    w->hop.addr = (struct addr){.port = 25};
    w->hop.host = (char *)"hop.example";
    resolver = resolver_of_table(w->worker, slice_of(table));
    return w;
}

static void resolve(struct hop_world *w)
{
    hop_pools_resolve(w->pools, resolver);
}

static void named_free(struct hop_world *w)
{
    w->pools = hop_pools_free(w->pools);
    resolver_free(resolver);
    world_free(w);
}

static void deliver_by_name(struct hop_world *w)
{
    resolve(w);
    world_deliver(w, 1);
}

static void ask_by_name(struct hop_world *w)
{
    resolve(w);
    ask_one(w);
}

/* All addresses are tried, in their order. */
static void test_addresses(void **state)
{
    (void)state;
    static script bad = {"@0", "> 554 5.7.1 no", "QUIT", NULL};
    static script good = {"@1", HELLO, ONE, "QUIT", NULL};
    struct hop_world *w = named("10.0.0.5 hop.example\n10.0.0.6 hop.example\n");
    PLAY(w, deliver_by_name, bad, good);
    assert_false(world_figures(w, 0).down);
    named_free(w);
    w = named("2001:db8::5 hop.example\n10.0.0.9 hop.example\n10.0.0.6 hop.example\n");
    PLAY(w, deliver_by_name, good);
    named_free(w);
}

/* What our DNS says of a hop is never a 5xx. */
static void test_no_address(void **state)
{
    (void)state;
    struct hop_world *w = named("10.0.0.5 other.example\n");
    world_play(w, ask_by_name, NULL, 0);
    assert_answer(w->r[0], 451, "4.4.4", NULL);
    assert_string_equal(w->told.p, "!next hop smtp://10.0.0.5 is down: its name has no address\n");
    named_free(w);
    w = named("fails hop.example\n");
    world_play(w, ask_by_name, NULL, 0);
    assert_answer(w->r[0], 451, "4.4.3", NULL);
    named_free(w);
    w = named("silent hop.example\n");
    world_play(w, ask_by_name, NULL, 0);
    assert_answer(w->r[0], 451, "4.4.3", NULL);
    named_free(w);
    w = named("10.0.0.77 hop.example\n");
    world_play(w, ask_by_name, NULL, 0);
    assert_answer(w->r[0], 451, "4.4.1", NULL);
    named_free(w);
}

static void moved(struct hop_world *w)
{
    resolve(w);
    ask_one(w);
    if (w->r[0]->answer.code != 451) {
        fail_hop(w, "answered");
    }
    resolver_set_table(resolver, SLICE_LIT("10.0.0.6 hop.example\n"));
    world_deliver(w, 1);
}

static void test_moved(void **state)
{
    (void)state;
    static script good = {"@1", HELLO, ONE, "QUIT", NULL};
    struct hop_world *w = named("10.0.0.77 hop.example\n");
    PLAY(w, moved, good);
    named_free(w);
}

/* ---- the limit and the line ---- */

struct guest {
    struct hop_world *w;
    usec_t comes;
    usec_t stays; /* between RCPT and hop_end */
    bool unhurried;
    bool slowed;
    usec_t answered;
    unsigned code;
    struct hop_recipient r;
    bool done;
};

static void guest_task(void *arg)
{
    struct guest *g = arg;
    struct envelope envelope = g->w->envelope;
    envelope.unhurried = g->unhurried;
    envelope.slowed = g->slowed;
    task_sleep(g->comes);
    struct hop *h = hop_begin(g->w->pools, &g->w->route, &envelope, &g->w->arena);
    hop_rcpt(h, &g->r, rt_now() + 90 * USEC_SEC);
    g->code = g->r.answer.code;
    g->answered = rt_now() - g->comes;
    task_sleep(rt_now() + g->stays);
    hop_end(h);
    g->done = true;
}

static struct guest *guests;
static size_t guest_count;

static void invite(struct hop_world *w)
{
    for (size_t i = 0; i < guest_count; i++) {
        guests[i].w = w;
        guests[i].comes += rt_now();
        guests[i].r = *w->r[i];
        task_spawn(w->worker, rt_root_of(w->worker), guest_task, &guests[i]);
    }
    for (size_t i = 0; i < guest_count; i++) {
        while (!guests[i].done) {
            task_sleep(rt_now() + USEC_SEC / 10);
        }
    }
}

/* A world with one connection to the hop, which they all want. */
static struct hop_world *with_guests(struct guest *all, size_t count)
{
    struct hop_world *w = world_new();
    w->conf.limits.hop_connections = 1;
    guests = all;
    guest_count = count;
    return w;
}

static void assert_all_are_in(void)
{
    for (size_t i = 0; i < guest_count; i++) {
        assert_int_equal(guests[i].code, 250);
    }
}

#define ASKED(rcpt) MAIL_A, rcpt, OK, OK, "RSET", OK

/* All in use: in the order in which they came, and not for longer than connect_time. */
static void test_line(void **state)
{
    (void)state;
    static script one = {HELLO,  MAIL_A, RCPT_R,        "!rest",       OK,     OK,
                         "RSET", OK,     ASKED(RCPT_S), ASKED(RCPT_T), "QUIT", NULL};
    struct guest all[] = {{.comes = 0}, {.comes = USEC_SEC}, {.comes = 2 * USEC_SEC}};
    struct hop_world *w = with_guests(all, 3);
    PLAY(w, invite, one);
    assert_all_are_in();
    assert_true(all[1].answered > 8 * USEC_SEC && all[1].answered < 10 * USEC_SEC);
    assert_int_equal(world_figures(w, 0).waiting, 0);
    world_free(w);
}

/* Mail goes before what nobody waits for, though that came earlier, and keeps what it holds. */
static void test_unhurried_comes_last(void **state)
{
    (void)state;
    static script one = {HELLO,  MAIL_A, RCPT_R,        "!rest", OK,  OK,
                         "RSET", MAIL_A, RCPT_T,        OK,      OK,  OK,
                         "RSET", OK,     ASKED(RCPT_S), "QUIT",  NULL};
    struct guest all[] = {{.stays = 5 * USEC_SEC},
                          {.comes = 1 * USEC_SEC, .unhurried = true},
                          {.comes = 14 * USEC_SEC}};
    struct hop_world *w = with_guests(all, 3);
    PLAY(w, invite, one);
    assert_all_are_in();
    assert_true(all[1].answered > 12 * USEC_SEC);
    assert_true(all[2].answered < USEC_SEC);
    assert_int_equal(world_figures(w, 0).waiting, 0);
    world_free(w);
}

/* Who is made to wait stands behind those who are not, though he came earlier. */
static void test_slowed_comes_behind(void **state)
{
    (void)state;
    static script one = {HELLO,  MAIL_A, RCPT_R,        "!rest",       OK,     OK,
                         "RSET", OK,     ASKED(RCPT_T), ASKED(RCPT_S), "QUIT", NULL};
    struct guest all[] = {
        {.comes = 0}, {.comes = 1 * USEC_SEC, .slowed = true}, {.comes = 2 * USEC_SEC}};
    struct hop_world *w = with_guests(all, 3);
    PLAY(w, invite, one);
    assert_all_are_in();
    world_free(w);
}

/* And what he holds he gives up at once, even to one like him. */
static void test_slowed_lends_at_once(void **state)
{
    (void)state;
    static script one = {HELLO, MAIL_A, RCPT_R, OK,     OK, "RSET", MAIL_A, RCPT_S,
                         OK,    OK,     OK,     "RSET", OK, "QUIT", NULL};
    struct guest all[] = {{.comes = 0, .slowed = true, .stays = 20 * USEC_SEC},
                          {.comes = USEC_SEC / 2, .slowed = true}};
    struct hop_world *w = with_guests(all, 2);
    PLAY(w, invite, one);
    assert_all_are_in();
    assert_true(all[1].answered < USEC_SEC / 4);
    world_free(w);
}

static void test_line_is_too_long(void **state)
{
    (void)state;
    static script one = {HELLO, MAIL_A, RCPT_R, "!rest", "!rest", "!rest", "!rest",
                         OK,    OK,     "RSET", OK,      "QUIT",  NULL};
    struct guest all[] = {{.comes = 0}, {.comes = USEC_SEC}};
    struct hop_world *w = with_guests(all, 2);
    PLAY(w, invite, one);
    assert_int_equal(all[0].code, 250);
    assert_int_equal(all[1].code, 451);
    assert_true(slice_eq(all[1].r.answer.enhanced, SLICE_LIT("4.4.5")));
    assert_true(all[1].answered >= 30 * USEC_SEC && all[1].answered < 31 * USEC_SEC);
    assert_false(world_figures(w, 0).down);
    world_free(w);
}

/* Another hop has room: nobody waits, and the standby is left alone. */
static void test_full_hop_is_passed_over(void **state)
{
    (void)state;
    static script one = {"@0", HELLO, MAIL_A, RCPT_R, "!rest", OK, OK, "RSET", OK, "QUIT", NULL};
    static script two = {"@1", HELLO, ASKED(RCPT_S), ASKED(RCPT_T), "QUIT", NULL};
    struct guest all[] = {{.comes = 0}, {.comes = USEC_SEC}, {.comes = 2 * USEC_SEC}};
    struct hop_world *w = world_new();
    world_hops(w, 3);
    w->route_hops[2].standby = true;
    w->conf.limits.hop_connections = 1;
    guests = all;
    guest_count = 3;
    PLAY(w, invite, one, two);
    assert_true(all[1].answered < USEC_SEC && all[2].answered < USEC_SEC);
    world_free(w);
}

/* A hop that has enough of our connections is not down: we wait for one of those. */
static void test_enough(void **state)
{
    (void)state;
    static script one = {HELLO,  MAIL_A, RCPT_R,        "!rest", OK,  OK,
                         "RSET", OK,     ASKED(RCPT_S), "QUIT",  NULL};
    static script enough = {"> 421 4.7.0 too many connections from you", "QUIT", NULL};
    struct guest all[] = {{.comes = 0}, {.comes = 5 * USEC_SEC}};
    struct hop_world *w = world_new();
    guests = all;
    guest_count = 2;
    PLAY(w, invite, one, enough);
    assert_int_equal(all[1].code, 250);
    assert_true(all[1].answered > 4 * USEC_SEC && all[1].answered < 6 * USEC_SEC);
    assert_false(world_figures(w, 0).down);
    world_free(w);
}

static void fresh_though_enough(struct hop_world *w)
{
    struct hop *one = begin(w), *two = begin(w);
    ask(w, one, 1);
    ask(w, two, 1);
    hop_end(one);
    hop_end(two); /* the newest: it has died by now */
    task_sleep(rt_now() + USEC_SEC);
    usec_t began = rt_now();
    w->r[0]->wanted = false;
    world_deliver(w, 1);
    took = rt_now() - began;
}

/* A kept connection turns out to be dead, and the hop takes no other: the next kept one serves, and
 * the hop is not asked over and over. */
static void test_enough_of_kept(void **state)
{
    (void)state;
    static script one = {HELLO, MAIL_A, RCPT_R, OK, OK, "RSET", OK, ONE, "QUIT", NULL};
    static script two = {HELLO, MAIL_A, RCPT_R, OK, OK, "RSET", OK, MAIL_A, "!cut", NULL};
    static script enough = {"> 421 4.7.0 too many connections from you", "QUIT", NULL};
    struct hop_world *w = world_new();
    PLAY(w, fresh_though_enough, one, two, enough);
    assert_true(took < USEC_SEC);
    assert_got(w, delivered);
    assert_false(world_figures(w, 0).down);
    world_free(w);
}

static void two_refused(struct hop_world *w)
{
    struct hop *one = begin(w), *two = begin(w);
    ask(w, one, 1);
    usec_t began = rt_now();
    ask(w, two, 1);
    took = rt_now() - began;
    hop_end(one);
    hop_end(two);
}

/* Whose sender is refused has no transaction, and keeps no connection from others. */
static void test_refused_sender_holds_none(void **state)
{
    (void)state;
    static script one = {HELLO,
                         MAIL_A,
                         RCPT_R,
                         "> 550 5.7.1 no",
                         "> 503 5.5.1 MAIL first",
                         MAIL_A,
                         RCPT_R,
                         OK,
                         OK,
                         "RSET",
                         OK,
                         "QUIT",
                         NULL};
    struct hop_world *w = world_new();
    w->conf.limits.hop_connections = 1;
    PLAY(w, two_refused, one);
    assert_answer(w->r[0], 250, "2.0.0", NULL);
    assert_true(took < USEC_SEC);
    world_free(w);
}

/* A client that takes its time lends its connection, and gets one again for its message. */
static void slow_sender(struct hop_world *w)
{
    struct guest other = {.w = w, .comes = rt_now() + 3 * USEC_SEC};
    other.r = *w->r[1];
    task_spawn(w->worker, rt_root_of(w->worker), guest_task, &other);
    struct hop *h = begin(w);
    load(w, text);
    ask(w, h, 1);
    task_sleep(rt_now() + 60 * USEC_SEC);
    if (!other.done || other.code != 250 || other.answered > USEC_SEC) {
        fail_hop(w, "the other waited for %lld", (long long)other.answered);
    }
    world_finish(w, h, 1);
    hop_end(h);
}

static void test_lent(void **state)
{
    (void)state;
    static script one = {HELLO, MAIL_A, RCPT_R, OK,     OK, "RSET", MAIL_A, RCPT_S,
                         OK,    OK,     OK,     "RSET", OK, ONE,    "QUIT", NULL};
    struct hop_world *w = world_new();
    w->conf.limits.hop_connections = 1;
    PLAY(w, slow_sender, one);
    assert_got(w, delivered);
    world_free(w);
}

/* What the hop has said while nobody asked keeps its connection from being lent. */
static void test_not_lent(void **state)
{
    (void)state;
    static script one = {HELLO,    MAIL_A, RCPT_R, OK, OK, "!quiet", "> 250 2.0.0 and more",
                         "!reset", NULL};
    static script two = {HELLO, ASKED(RCPT_S), ONE, "QUIT", NULL};
    struct hop_world *w = world_new();
    w->conf.limits.hop_connections = 1;
    PLAY(w, slow_sender, one, two);
    assert_got(w, delivered);
    world_free(w);
}

/* Who has a whole message goes before those who only ask. */
static void urgent_client(struct hop_world *w)
{
    struct hop *first = begin(w);
    load(w, "Subject: hi\r\n\r\nhello\r\n");
    ask(w, first, 1);
    task_sleep(rt_now() + 2 * USEC_SEC);
    struct guest other[] = {{.w = w, .comes = rt_now(), .stays = 5 * USEC_SEC},
                            {.w = w, .comes = rt_now() + USEC_SEC / 2}};
    other[0].r = *w->r[1]; /* takes the resting connection */
    other[1].r = *w->r[2]; /* stands in line for it */
    task_spawn(w->worker, rt_root_of(w->worker), guest_task, &other[0]);
    task_spawn(w->worker, rt_root_of(w->worker), guest_task, &other[1]);
    task_sleep(rt_now() + USEC_SEC * 7 / 10);
    world_finish(w, first, 1); /* comes last, and is served before the one in line */
    hop_end(first);
    while (!other[1].done || !other[0].done) {
        task_sleep(rt_now() + USEC_SEC / 10);
    }
    if (other[1].code != 250) {
        fail_hop(w, "not asked");
    }
}

static void test_urgent(void **state)
{
    (void)state;
    static script one = {
        HELLO,  MAIL_A, RCPT_R, OK, OK, "RSET", MAIL_A, RCPT_S,        OK,     OK,  OK,
        "RSET", MAIL_A, RCPT_R, OK, OK, OK,     DATA,   ASKED(RCPT_T), "QUIT", NULL};
    struct hop_world *w = world_new();
    w->conf.limits.hop_connections = 1;
    PLAY(w, urgent_client, one);
    assert_got(w, delivered);
    world_free(w);
}

static void cancelled_in_line(struct hop_world *w)
{
    struct hop *one = begin(w);
    ask(w, one, 1);
    struct guest other = {.w = w, .comes = rt_now()};
    other.r = *w->r[1];
    struct scope scope;
    scope_enter(&scope);
    task_spawn(w->worker, &scope, guest_task, &other);
    task_sleep(rt_now() + USEC_SEC / 2);
    scope_cancel(&scope, -ECONNRESET);
    scope_join(&scope);
    scope_leave(&scope);
    if (!other.done) {
        fail_hop(w, "it still waits");
    }
    hop_end(one);
}

static void test_cancelled_in_line(void **state)
{
    (void)state;
    static script one = {HELLO, ASKED(RCPT_R), "QUIT", NULL};
    struct hop_world *w = world_new();
    w->conf.limits.hop_connections = 1;
    PLAY(w, cancelled_in_line, one);
    assert_int_equal(world_figures(w, 0).waiting, 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probes),
        cmocka_unit_test(test_asked_just_now),
        cmocka_unit_test(test_probes_are_limited),
        cmocka_unit_test(test_renewed_after_messages),
        cmocka_unit_test(test_renewed_after_refusals),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_no_address),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_unhurried_comes_last),
        cmocka_unit_test(test_slowed_comes_behind),
        cmocka_unit_test(test_slowed_lends_at_once),
        cmocka_unit_test(test_line_is_too_long),
        cmocka_unit_test(test_full_hop_is_passed_over),
        cmocka_unit_test(test_enough),
        cmocka_unit_test(test_enough_of_kept),
        cmocka_unit_test(test_refused_sender_holds_none),
        cmocka_unit_test(test_lent),
        cmocka_unit_test(test_not_lent),
        cmocka_unit_test(test_urgent),
        cmocka_unit_test(test_cancelled_in_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
