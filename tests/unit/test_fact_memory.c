/* Facts that rest on the memory: what each tells of whom, that what was never seen is false, 0 or
 * "", and that without a memory they are unknown. */
#include "remembered_world.h"

#include "fact/deferral.h"
#include "fact/known_client.h"
#include "fact/sender_checks.h"

static const enum fact_id all_ids[] = {
    FACT_client_known,
    FACT_client_harvester,
    FACT_sender_correspondent,
    FACT_identity,
    FACT_identity_kind,
    FACT_identity_age,
    FACT_identity_good,
    FACT_identity_bad,
    FACT_identity_proven,
    FACT_identity_returned,
    FACT_deferral_age,
    FACT_deferral_wait,
    FACT_rate_client_connections,
    FACT_rate_client_messages,
    FACT_rate_client_recipients,
    FACT_rate_client_bytes,
    FACT_rate_client_unknown_recipients,
    FACT_rate_rcpt_messages,
    FACT_rate_rcpt_bytes,
    FACT_rate_identity_messages,
    FACT_rate_identity_recipients,
    FACT_rate_identity_bytes,
    FACT_rate_identity_unknown_recipients,
};

/* A transaction whose names have been looked up: the network of 192.0.2.1 and these. */
static void with_names(struct memory_world *w, const char *host, const char *spf, const char *dkim)
{
    static struct sender_checks checks;
    struct names *n = &checks.names;

    checks = (struct sender_checks){
        .envelope_names_once.done = true,
        .message_names_once.done = true,
        .names = {1, {{RECORD_NETWORK, SLICE_LIT("192.0.2.0/24")}}},
    };
    const struct {
        enum record_kind kind;
        const char *name;
    } more[] = {{RECORD_HOST, host}, {RECORD_SPF, spf}, {RECORD_DKIM, dkim}};
    for (size_t i = 0; i < COUNT(more); i++) {
        if (more[i].name != NULL) {
            n->item[n->count].kind = more[i].kind;
            n->item[n->count++].name = slice_of(more[i].name);
        }
    }
    w->f.e.checks = &checks;
}

static struct value ask(struct memory_world *w, enum fact_id id)
{
    const struct value v = world_ask(&w->f, id);
    assert_int_equal(v.source, SOURCE_MEMORY);
    return v;
}

static void assert_identity(struct memory_world *w, const char *kind, const char *name)
{
    const struct value v = ask(w, FACT_identity_kind);
    assert_int_equal(v.state, VALUE_KNOWN);
    assert_string_equal(identity_kind_words[v.number], kind);
    assert_text(ask(w, FACT_identity), name);
}

/* ---- never seen; no memory ---- */

static void never_seen(void **state)
{
    struct memory_world *w = *state;
    with_names(w, "post.example", "sender.example", NULL);
    for (size_t i = 0; i < COUNT(all_ids); i++) {
        const struct value v = ask(w, all_ids[i]);
        assert_int_equal(v.state, VALUE_KNOWN);
        if (v.type == TYPE_BOOL) {
            assert_false(v.boolean);
        } else if (v.type == TYPE_TEXT) {
            assert_int_equal(v.text.n, 0);
        } else {
            assert_int_equal(v.number, all_ids[i] == FACT_deferral_wait ? MINUTE : 0);
        }
    }
    assert_identity(w, "none", "");
}

static void without_memory(void **state)
{
    struct memory_world *w = *state;
    struct memory *m = w->f.e.memory;
    with_names(w, "post.example", "sender.example", NULL);
    w->f.e.memory = NULL;
    for (size_t i = 0; i < COUNT(all_ids); i++) {
        assert_unknown(world_ask(&w->f, all_ids[i]), UNKNOWN_NOT_AVAILABLE);
        w->f.e.sender = SLICE_LIT("");
    }
    w->f.e.memory = m;
}

/* ---- the client ---- */

static void client_known_by_its_network(void **state)
{
    struct memory_world *w = *state;
    struct record r = seen(w, RECORD_NETWORK, "192.0.2.0/24");
    r.days = 5; /* a network is never proven */
    r.day = (uint32_t)(MEMORY_WALL / DAY);
    add_record(w, r);
    assert_bool(ask(w, FACT_client_known), false);
    r.returned = MEMORY_WALL;
    add_record(w, r);
    assert_bool(ask(w, FACT_client_known), true);
    w->f.e.wall += 36 * DAY;
    assert_bool(ask(w, FACT_client_known), false);
}

static void client_known_by_its_organisation(void **state)
{
    struct memory_world *w = *state;
    struct record host = seen(w, RECORD_HOST, "post.example");
    struct record client = seen(w, RECORD_CLIENT, "192.0.2.1");
    host.day = (uint32_t)(MEMORY_WALL / DAY);
    host.days = 2;
    client.tally[TALLY_ACCEPTED] = 1;
    add_record(w, host);
    add_record(w, client);
    assert_bool(ask(w, FACT_client_known), false); /* it had no organisation */
    record_set_note(&client, SLICE_LIT("other.example"));
    add_record(w, client);
    assert_bool(ask(w, FACT_client_known), false);
    record_set_note(&client, SLICE_LIT("post.example"));
    add_record(w, client);
    assert_bool(ask(w, FACT_client_known), true);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.2"), &w->f.e.client), 0);
    assert_bool(ask(w, FACT_client_known), false);
}

static void harvesters(void **state)
{
    struct memory_world *w = *state;
    struct record r = seen(w, RECORD_CLIENT, "192.0.2.1");
    r.rate[RATE_UNKNOWN_RECIPIENTS] = 19;
    add_record(w, r);
    assert_bool(ask(w, FACT_client_harvester), false);
    r.rate[RATE_UNKNOWN_RECIPIENTS] = 1;
    add_record(w, r);
    assert_bool(ask(w, FACT_client_harvester), true);
    w->f.e.wall += HOUR;
    assert_bool(ask(w, FACT_client_harvester), false);
    r = seen(w, RECORD_NETWORK, "192.0.2.0/24");
    r.rate[RATE_UNKNOWN_RECIPIENTS] = 79;
    add_record(w, r);
    assert_bool(ask(w, FACT_client_harvester), false);
    r.rate[RATE_UNKNOWN_RECIPIENTS] = 1;
    add_record(w, r);
    assert_bool(ask(w, FACT_client_harvester), true);
    w->f.conf.limits.harvest_recipients = 21;
    assert_bool(ask(w, FACT_client_harvester), false);
}

static void rates_of_the_client(void **state)
{
    struct memory_world *w = *state;
    struct record r = seen(w, RECORD_CLIENT, "192.0.2.1");
    r.rate[RATE_CONNECTIONS] = 100;
    r.rate[RATE_MESSAGES] = 20;
    r.rate[RATE_RECIPIENTS] = 30;
    r.rate[RATE_OCTETS] = 4096;
    r.rate[RATE_UNKNOWN_RECIPIENTS] = 5;
    add_record(w, r);
    assert_number(ask(w, FACT_rate_client_connections), 100);
    assert_number(ask(w, FACT_rate_client_messages), 20);
    assert_number(ask(w, FACT_rate_client_recipients), 30);
    assert_number(ask(w, FACT_rate_client_bytes), 4096);
    assert_number(ask(w, FACT_rate_client_unknown_recipients), 5);
    w->f.e.wall += HOUR;
    assert_number(ask(w, FACT_rate_client_connections), 37);
    w->f.e.wall += 24 * HOUR;
    assert_number(ask(w, FACT_rate_client_connections), 0);
}

/* All of an IPv6 /64 are one. */
static void clients_of_ipv6(void **state)
{
    struct memory_world *w = *state;
    struct record r = seen(w, RECORD_CLIENT, "2001:db8:1:2::/64");
    r.rate[RATE_CONNECTIONS] = 7;
    add_record(w, r);
    assert_int_equal(addr_parse(SLICE_LIT("2001:db8:1:2:3::4"), &w->f.e.client), 0);
    assert_number(ask(w, FACT_rate_client_connections), 7);
}

/* ---- sender, recipient ---- */

static void correspondents(void **state)
{
    struct memory_world *w = *state;
    add_record(w, seen(w, RECORD_CORRESPONDENT, "anna@partner.example"));
    add_record(w, seen(w, RECORD_CORRESPONDENT, "news+us@list.example"));
    w->f.e.sender = SLICE_LIT("Anna@Partner.example");
    assert_bool(ask(w, FACT_sender_correspondent), true);
    w->f.e.sender = SLICE_LIT("prvs=1234abcdef=anna@partner.example");
    assert_bool(ask(w, FACT_sender_correspondent), true);
    w->f.e.sender = SLICE_LIT("news+us@list.example");
    assert_bool(ask(w, FACT_sender_correspondent), true);
    w->f.e.sender = SLICE_LIT("news@list.example");
    assert_bool(ask(w, FACT_sender_correspondent), false);
    w->f.e.sender = SLICE_LIT("");
    assert_bool(ask(w, FACT_sender_correspondent), false);
}

static void rates_of_the_recipient(void **state)
{
    struct memory_world *w = *state;
    struct record r = seen(w, RECORD_RECIPIENT, "b@example.org");
    r.rate[RATE_MESSAGES] = 12;
    r.rate[RATE_OCTETS] = 1e9F;
    add_record(w, r);
    w->f.e.rcpt = SLICE_LIT("B@Example.org");
    assert_number(ask(w, FACT_rate_rcpt_messages), 12);
    assert_number(ask(w, FACT_rate_rcpt_bytes), 1000000000);
    w->f.e.rcpt = SLICE_LIT("c@example.org");
    assert_number(ask(w, FACT_rate_rcpt_messages), 0);
}

/* ---- the identity ---- */

static void identity_of_the_best_history(void **state)
{
    struct memory_world *w = *state;
    struct record network = seen(w, RECORD_NETWORK, "192.0.2.0/24");
    network.first = MEMORY_WALL - 9 * DAY;
    network.tally[TALLY_ACCEPTED] = 3;
    network.tally[TALLY_REFUSED_RCPT] = 1;
    network.rate[RATE_MESSAGES] = 4;
    add_record(w, network);
    with_names(w, "post.example", NULL, NULL);
    assert_identity(w, "network", "192.0.2.0/24");
    assert_number(ask(w, FACT_identity_age), 9 * DAY);
    assert_number(ask(w, FACT_identity_good), 3);
    assert_number(ask(w, FACT_identity_bad), 1);
    assert_number(ask(w, FACT_rate_identity_messages), 4);
    assert_bool(ask(w, FACT_identity_proven), false);

    struct record host = seen(w, RECORD_HOST, "post.example"); /* as good, and younger */
    host.tally[TALLY_ACCEPTED] = 2;
    host.rate[RATE_RECIPIENTS] = 6;
    host.rate[RATE_OCTETS] = 7;
    host.rate[RATE_UNKNOWN_RECIPIENTS] = 8;
    add_record(w, host);
    with_names(w, "post.example", NULL, NULL);
    assert_identity(w, "network", "192.0.2.0/24");
    host.first = MEMORY_WALL - 9 * DAY; /* and as old */
    memory_put(w->f.e.memory, &host);
    with_names(w, "post.example", NULL, NULL);
    assert_identity(w, "host", "post.example");
    assert_number(ask(w, FACT_rate_identity_recipients), 6);
    assert_number(ask(w, FACT_rate_identity_bytes), 7);
    assert_number(ask(w, FACT_rate_identity_unknown_recipients), 8);

    struct record spf = seen(w, RECORD_SPF, "sender.example"); /* better */
    spf.tally[TALLY_ACCEPTED] = 3;
    add_record(w, spf);
    with_names(w, "post.example", "sender.example", NULL);
    assert_identity(w, "spf", "sender.example");

    network.returned = MEMORY_WALL; /* has come back, which counts for more */
    memory_put(w->f.e.memory, &network);
    with_names(w, "post.example", "sender.example", NULL);
    assert_identity(w, "network", "192.0.2.0/24");

    host.days = 2; /* is proven */
    host.day = (uint32_t)(MEMORY_WALL / DAY);
    memory_put(w->f.e.memory, &host);
    with_names(w, "post.example", "sender.example", NULL);
    assert_identity(w, "host", "post.example");
    assert_bool(ask(w, FACT_identity_proven), true);
    assert_bool(ask(w, FACT_identity_returned), true); /* one of the names has */
}

/* What the message adds is looked at when it is there. */
static void identity_at_message(void **state)
{
    struct memory_world *w = *state;
    struct record r = seen(w, RECORD_DKIM, "author.example");
    r.tally[TALLY_ACCEPTED] = 1;
    add_record(w, r);
    with_names(w, "post.example", NULL, NULL);
    assert_identity(w, "none", "");
    w->f.e.checks->names.item[2].kind = RECORD_DKIM;
    w->f.e.checks->names.item[2].name = SLICE_LIT("author.example");
    w->f.e.checks->names.count = 3;
    assert_identity(w, "none", "");
    w->f.e.message = &w->f.message;
    assert_identity(w, "dkim", "author.example");
}

/* Looked at once for the transaction: what others do meanwhile changes nothing. */
static void identity_is_one_for_the_transaction(void **state)
{
    struct memory_world *w = *state;
    with_names(w, "post.example", NULL, NULL);
    assert_identity(w, "none", "");
    add_record(w, seen(w, RECORD_HOST, "post.example"));
    assert_identity(w, "none", "");
    with_names(w, "post.example", NULL, NULL);
    assert_identity(w, "host", "post.example");
}

/* ---- deferrals ---- */

static void defer(struct memory_world *w, const char *rcpt)
{
    deferral_begin(&w->f.e, &w->f.e.checks->names, w->f.e.sender, slice_of(rcpt));
}

static void deferral_of_one(void **state)
{
    struct memory_world *w = *state;
    with_names(w, "post.example", NULL, NULL);
    defer(w, "b@example.org");
    w->f.e.wall += 20 * USEC_SEC;
    assert_number(ask(w, FACT_deferral_age), 20 * USEC_SEC);
    assert_number(ask(w, FACT_deferral_wait), 40 * USEC_SEC);
    assert_bool(ask(w, FACT_identity_returned), false);
    w->f.e.wall += 40 * USEC_SEC;
    assert_number(ask(w, FACT_deferral_age), MINUTE);
    assert_number(ask(w, FACT_deferral_wait), 0);
    assert_bool(ask(w, FACT_identity_returned), true);
    w->f.e.rcpt = SLICE_LIT("c@example.org");
    assert_bool(ask(w, FACT_identity_returned), false);
}

/* Times are for people: not shown to the microsecond, and nobody is told to come back too soon. */
static void times_are_round(void **state)
{
    static const struct {
        usec_t passed, age;
    } rows[] = {
        {1, 0},
        {USEC_SEC + 5, USEC_SEC},
        {2 * HOUR - 1, 2 * HOUR - USEC_SEC},
        {2 * HOUR + MINUTE - 1, 2 * HOUR},
        {2 * DAY + HOUR - 1, 2 * DAY},
    };
    struct memory_world *w = *state;
    add_record(w, seen(w, RECORD_NETWORK, "192.0.2.0/24"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        w->f.e.wall = MEMORY_WALL + rows[i].passed;
        with_names(w, NULL, NULL, NULL);
        assert_number(ask(w, FACT_identity_age), rows[i].age);
    }
    w->f.e.wall = MEMORY_WALL;
    defer(w, "b@example.org");
    w->f.e.wall += 20 * USEC_SEC + 5;
    assert_number(ask(w, FACT_deferral_age), 20 * USEC_SEC);
    assert_number(ask(w, FACT_deferral_wait), 40 * USEC_SEC);
    w->f.e.wall = MEMORY_WALL + MINUTE - 1;
    assert_number(ask(w, FACT_deferral_wait), USEC_SEC);
    w->f.conf.limits.deferral_time = 3 * HOUR;
    assert_number(ask(w, FACT_deferral_wait), 3 * HOUR);
}

static void deferral_of_all(void **state)
{
    static const struct slice both[] = {SLICE_LIT("b@example.org"), SLICE_LIT("c@example.org")};
    struct memory_world *w = *state;
    with_names(w, "post.example", NULL, NULL);
    w->f.e.message = &w->f.message;
    w->f.e.recipients = both;
    w->f.e.recipient_count = 2;
    defer(w, "b@example.org");
    w->f.e.wall += 50 * USEC_SEC;
    assert_number(ask(w, FACT_deferral_age), 0); /* the other one was not */
    assert_number(ask(w, FACT_deferral_wait), MINUTE);
    defer(w, "c@example.org");
    w->f.e.wall += 10 * USEC_SEC;
    assert_number(ask(w, FACT_deferral_age), 10 * USEC_SEC);
    assert_number(ask(w, FACT_deferral_wait), 50 * USEC_SEC);
    assert_bool(ask(w, FACT_identity_returned), false);
    w->f.e.wall += 50 * USEC_SEC;
    assert_number(ask(w, FACT_deferral_wait), 0);
    assert_bool(ask(w, FACT_identity_returned), true);
    w->f.e.recipient_count = 0;
    assert_bool(ask(w, FACT_identity_returned), false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_world_setup, memory_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(never_seen),
        TEST(without_memory),
        TEST(client_known_by_its_network),
        TEST(client_known_by_its_organisation),
        TEST(harvesters),
        TEST(rates_of_the_client),
        TEST(clients_of_ipv6),
        TEST(correspondents),
        TEST(rates_of_the_recipient),
        TEST(identity_of_the_best_history),
        TEST(identity_at_message),
        TEST(identity_is_one_for_the_transaction),
        TEST(deferral_of_one),
        TEST(times_are_round),
        TEST(deferral_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
