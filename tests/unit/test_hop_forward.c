/* XFORWARD and XCLIENT: what a hop is told of the client, and what its refusals do. */
#include "hop_world.h"

#include <stdio.h>

#define GREETING "> 220 hop", "EHLO mx.example", "> 250-hop"
#define OFFERS   GREETING, "> 250-PIPELINING"
#define ALL      "NAME ADDR PORT PROTO HELO IDENT SOURCE"
#define FORWARD                                                                                    \
    "XFORWARD NAME=[UNAVAILABLE] ADDR=192.0.2.7 PORT=1234 PROTO=ESMTP HELO=client.example "        \
    "IDENT=0123456789ABCD.3 SOURCE=REMOTE"
#define CLIENT "XCLIENT NAME=[TEMPUNAVAIL] ADDR=192.0.2.7 PORT=1234 PROTO=ESMTP HELO=client.example"
#define BODY   "DATA", "> 354 go", ".", OK

static struct slice xclient_unused;

static void send_one(struct hop_world *w)
{
    struct hop *h = begin(w);
    load(w, MESSAGE_TEXT);
    if (ask(w, h, 1) == 1 && prepare(w, h, 1) == 0) {
        (void)commit(w, h, 1);
    }
    xclient_unused = hop_story(h)->xclient_unused;
    w->r[0]->wanted = w->r[0]->committed = w->r[0]->confirmed = false;
    hop_end(h);
}

static void send_two(struct hop_world *w)
{
    send_one(w);
    send_one(w);
}

/* The second message comes from another client. */
static void send_two_clients(struct hop_world *w)
{
    send_one(w);
    w->envelope.origin.client.octets[3] = 8;
    send_one(w);
}

static struct hop_world *client_world(void)
{
    struct hop_world *w = world_new();
    w->envelope.origin = (struct origin){
        .client = {.family = ADDR_V4, .octets = {192, 0, 2, 7}, .port = 1234},
        .helo = SLICE_LIT("client.example"),
        .esmtp = true,
        .id = SLICE_LIT("0123456789ABCD.3"),
    };
    return w;
}

/* Plays it on one connection; the last message arrives. */
static void arrives(struct hop_world *w, void (*client)(struct hop_world *w), script one)
{
    world_play(w, client, &one, 1);
    assert_int_equal(w->r[0]->answer.code, 250);
    world_free(w);
}

/* ---- XFORWARD ---- */

/* It goes out with MAIL and RCPT, in front of each transaction. */
static void test_forward(void **state)
{
    (void)state;
    static script one = {OFFERS,  "> 250 XFORWARD " ALL,
                         FORWARD, MAIL_A,
                         RCPT_R,  OK,
                         OK,      OK,
                         BODY,    FORWARD,
                         MAIL_A,  RCPT_R,
                         OK,      OK,
                         OK,      BODY,
                         "QUIT",  NULL};
    arrives(client_world(), send_two, one);
}

static void test_forward_lock_step(void **state)
{
    (void)state;
    static script one = {GREETING, "> 250 XFORWARD " ALL,
                         FORWARD,  "!quiet",
                         OK,       MAIL_A,
                         "!quiet", OK,
                         RCPT_R,   OK,
                         BODY,     "QUIT",
                         NULL};
    arrives(client_world(), send_one, one);
}

/* Only what the hop takes; an IPv6 address has its prefix. */
static void test_forward_some(void **state)
{
    (void)state;
    static script one = {OFFERS,
                         "> 250 XFORWARD addr source X-NEW proto",
                         "XFORWARD ADDR=IPV6:2001:db8::1 PROTO=SMTP SOURCE=REMOTE",
                         MAIL_A,
                         RCPT_R,
                         OK,
                         OK,
                         OK,
                         BODY,
                         "QUIT",
                         NULL};
    struct hop_world *w = client_world();
    w->envelope.origin.esmtp = false;
    assert_int_equal(addr_parse(SLICE_LIT("2001:db8::1"), &w->envelope.origin.client), 0);
    PLAY(w, send_one, one);
    world_free(w);
}

/* A refusal does no harm, and is not provoked again on the same connection. */
static void test_forward_refused(void **state)
{
    (void)state;
    static script one = {OFFERS,  "> 250 XFORWARD " ALL,
                         FORWARD, MAIL_A,
                         RCPT_R,  "> 550 5.7.1 not you",
                         OK,      OK,
                         BODY,    MAIL_A,
                         RCPT_R,  OK,
                         OK,      BODY,
                         "QUIT",  NULL};
    arrives(client_world(), send_two, one);
}

static void test_forward_goes_away(void **state)
{
    (void)state;
    static script one = {OFFERS, "> 250 XFORWARD " ALL, FORWARD,  MAIL_A,
                         RCPT_R, "> 421 4.3.2 bye",     "!reset", NULL};
    struct hop_world *w = client_world();
    PLAY(w, send_one, one);
    assert_int_equal(w->r[0]->answer.code, 451);
    world_free(w);
}

static void test_forward_nobody(void **state)
{
    (void)state;
    static script one = {OFFERS, "> 250 XFORWARD " ALL, MAIL_A, RCPT_R, OK, OK, BODY, "QUIT", NULL};
    struct hop_world *w = client_world();
    w->envelope.origin = (struct origin){0};
    PLAY(w, send_one, one);
    world_free(w);
}

/* 255 octets that all must be encoded: cut, and no command is injected. */
static void test_forward_hostile_helo(void **state)
{
    (void)state;
    char helo[255], line[600];
    memset(helo, '=', sizeof helo);
    memcpy(helo, "\r\nMAIL", 6);
    size_t n = (size_t)snprintf(line, sizeof line, "XFORWARD ADDR=192.0.2.7 HELO=+0D+0AMAIL");
    for (size_t left = 256 - 10; left >= 3; left -= 3) {
        n += (size_t)snprintf(line + n, sizeof line - n, "+3D");
    }
    struct hop_world *w = client_world();
    w->envelope.origin.helo = (struct slice){helo, sizeof helo};
    const char *fits[] = {
        OFFERS, "> 250 XFORWARD ADDR HELO", line, MAIL_A, RCPT_R, OK, OK, OK, BODY, "QUIT", NULL};
    assert_true(strlen(line) + 2 <= 512);
    arrives(w, send_one, fits);
}

/* A second line where one is not enough. */
static void test_forward_two_lines(void **state)
{
    (void)state;
    char helo[255], id[255], first[600], second[600];
    const char *one[] = {OFFERS, "> 250 XFORWARD HELO IDENT",
                         first,  second,
                         MAIL_A, RCPT_R,
                         OK,     OK,
                         OK,     OK,
                         BODY,   "QUIT",
                         NULL};
    memset(helo, 'h', sizeof helo);
    memset(id, 'i', sizeof id);
    snprintf(first, sizeof first, "XFORWARD HELO=%.255s", helo);
    snprintf(second, sizeof second, "XFORWARD IDENT=%.255s", id);
    struct hop_world *w = client_world();
    w->envelope.origin.helo = (struct slice){helo, sizeof helo};
    w->envelope.origin.id = (struct slice){id, sizeof id};
    arrives(w, send_one, one);
}

/* ---- XCLIENT ---- */

#define XCLIENT_OFFER OFFERS, "> 250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR"
#define XCLIENT_TAKEN                                                                              \
    CLIENT, "> 220 hop", "EHLO mx.example", "> 250-hop", "> 250-PIPELINING",                       \
        "> 250 XCLIENT NAME ADDR PORT PROTO HELO"

static struct hop_world *xclient_world(void)
{
    struct hop_world *w = client_world();
    w->hop.xclient = true;
    return w;
}

/* Once for as long as the client stays the same. */
static void test_xclient(void **state)
{
    (void)state;
    static script one = {XCLIENT_OFFER, XCLIENT_TAKEN, MAIL_A, RCPT_R, OK,   OK,     BODY,
                         MAIL_A,        RCPT_R,        OK,     OK,     BODY, "QUIT", NULL};
    struct hop_world *w = xclient_world();
    PLAY(w, send_two, one);
    assert_int_equal(w->r[0]->answer.code, 250);
    assert_int_equal(xclient_unused.n, 0);
    world_free(w);
}

static void test_xclient_other(void **state)
{
    (void)state;
    static script one = {
        XCLIENT_OFFER,
        XCLIENT_TAKEN,
        MAIL_A,
        RCPT_R,
        OK,
        OK,
        BODY,
        "XCLIENT NAME=[TEMPUNAVAIL] ADDR=192.0.2.8 PORT=1234 PROTO=ESMTP HELO=client.example",
        "> 220 hop",
        "EHLO mx.example",
        "> 250-hop",
        "> 250 PIPELINING",
        MAIL_A,
        RCPT_R,
        OK,
        OK,
        BODY,
        "QUIT",
        NULL};
    struct hop_world *w = xclient_world();
    arrives(w, send_two_clients, one);
}

static void assert_unused(const char *why)
{
    if (!slice_eq(xclient_unused, slice_of(why))) {
        fail_msg("\"" SLICE_FMT "\" is not \"%s\"", SLICE_ARG(xclient_unused), why);
    }
}

/* Without it mail flows, and the decision says so. */
static void test_xclient_not_offered(void **state)
{
    (void)state;
    static script one = {OFFERS,
                         "> 250 XFORWARD ADDR",
                         "XFORWARD ADDR=192.0.2.7",
                         MAIL_A,
                         RCPT_R,
                         OK,
                         OK,
                         OK,
                         BODY,
                         "QUIT",
                         NULL};
    struct hop_world *w = xclient_world();
    PLAY(w, send_one, one);
    assert_int_equal(w->r[0]->answer.code, 250);
    assert_unused("not offered");
    world_free(w);
}

static void test_xclient_refused(void **state)
{
    (void)state;
    static script one = {XCLIENT_OFFER,
                         CLIENT,
                         "> 550 5.7.1 not you",
                         MAIL_A,
                         RCPT_R,
                         OK,
                         OK,
                         BODY,
                         MAIL_A,
                         RCPT_R,
                         OK,
                         OK,
                         BODY,
                         "QUIT",
                         NULL};
    struct hop_world *w = xclient_world();
    PLAY(w, send_one,
         (const char *const[]){XCLIENT_OFFER, CLIENT, "> 550 5.7.1 not you", MAIL_A, RCPT_R, OK, OK,
                               BODY, "QUIT", NULL});
    assert_unused("refused: 550 not you");
    world_free(w);
    w = xclient_world();
    PLAY(w, send_two, one);
    assert_unused("refused before");
    world_free(w);
}

/* What we ask on our own account is not asked as the client whose message went before. */
static void send_one_then_ask(struct hop_world *w)
{
    send_one(w);
    w->envelope.origin = (struct origin){0};
    struct hop *h = begin(w);
    (void)ask(w, h, 1);
    hop_end(h);
}

static void test_xclient_nobody(void **state)
{
    (void)state;
    static script one = {XCLIENT_OFFER, XCLIENT_TAKEN, MAIL_A, RCPT_R, OK, OK,
                         BODY,          "!reset",      NULL};
    static script two = {XCLIENT_OFFER, MAIL_A, RCPT_R, OK, OK, "RSET", OK, "QUIT", NULL};
    struct hop_world *w = xclient_world();
    PLAY(w, send_one_then_ask, one, two);
    assert_int_equal(w->r[0]->answer.code, 250);
    world_free(w);
}

/* A session that is one client's is never another's: refused then, a fresh connection is made. */
static void test_xclient_not_twice(void **state)
{
    (void)state;
    static script one = {
        XCLIENT_OFFER,
        XCLIENT_TAKEN,
        MAIL_A,
        RCPT_R,
        OK,
        OK,
        BODY,
        "XCLIENT NAME=[TEMPUNAVAIL] ADDR=192.0.2.8 PORT=1234 PROTO=ESMTP HELO=client.example",
        "> 503 5.5.1 once is enough",
        "!reset",
        NULL};
    static script two = {
        XCLIENT_OFFER,
        "XCLIENT NAME=[TEMPUNAVAIL] ADDR=192.0.2.8 PORT=1234 PROTO=ESMTP HELO=client.example",
        "> 220 hop",
        "EHLO mx.example",
        "> 250-hop",
        "> 250 PIPELINING",
        MAIL_A,
        RCPT_R,
        OK,
        OK,
        BODY,
        "QUIT",
        NULL};
    struct hop_world *w = xclient_world();
    PLAY(w, send_two_clients, one, two);
    assert_int_equal(w->r[0]->answer.code, 250);
    world_free(w);
}

/* Not asked for: not said, whatever is offered. */
static void test_xclient_not_wanted(void **state)
{
    (void)state;
    static script one = {XCLIENT_OFFER, MAIL_A, RCPT_R, OK, OK, BODY, "QUIT", NULL};
    struct hop_world *w = client_world();
    PLAY(w, send_one, one);
    assert_unused("");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_forward_lock_step),
        cmocka_unit_test(test_forward_some),
        cmocka_unit_test(test_forward_refused),
        cmocka_unit_test(test_forward_goes_away),
        cmocka_unit_test(test_forward_nobody),
        cmocka_unit_test(test_forward_hostile_helo),
        cmocka_unit_test(test_forward_two_lines),
        cmocka_unit_test(test_xclient),
        cmocka_unit_test(test_xclient_other),
        cmocka_unit_test(test_xclient_not_offered),
        cmocka_unit_test(test_xclient_refused),
        cmocka_unit_test(test_xclient_nobody),
        cmocka_unit_test(test_xclient_not_twice),
        cmocka_unit_test(test_xclient_not_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
