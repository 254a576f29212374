/* A transaction whose sender's domain is to be looked into: a zone, a client, tables of forwarders
 * and sealers, and messages that are signed. */
#pragma once

#include "fact_world.h"

#include <string.h>

#include "dkim_signer.h"
#include "dns_world.h"
#include "fact/sender_checks.h"

#define WALL ((usec_t)1600000000 * USEC_SEC)
#define BODY "Hi.\r\n"

static const char sender_zone[] =
    "sender.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "strict.example. TXT \"v=spf1 ip4:203.0.113.5 -all exp=why.example\"\n"
    "why.example. TXT \"ask us\"\n"
    "faulty.example. TXT \"v=spf1 nonsense -all\"\n"
    "broken.example. SERVFAIL\n"
    "slow.example. TIMEOUT\n"
    "client.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "_dmarc.a.example. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.lost.example. SERVFAIL\n"
    "gone._domainkey.a.example. SERVFAIL\n"
    "late._domainkey.a.example. TIMEOUT\n"
    "5.113.0.203.in-addr.arpa. PTR mx.relay.example.\n"
    "mx.relay.example. A 203.0.113.5\n"
    "6.113.0.203.in-addr.arpa. SERVFAIL\n"
    "7.113.0.203.in-addr.arpa. PTR mx.other.example.\n"
    "mx.other.example. A 203.0.113.7\n";

struct sender_world {
    struct dns_world d; /* first */
    struct fact_world f;
    struct evidence_ops ops;
    struct sender_checks checks;
    bool by_name; /* the table forwarders has .relay.example, too */
    bool no_sealers;
    unsigned done;
    int result;
};

/* ---- the policy's tables: forwarders { 203.0.113.9 } and sealers { list.example } ---- */

static inline bool has_address(const struct evidence *e, enum fact_table table,
                               const struct addr *address)
{
    const struct addr forwarder = dns_world_address("203.0.113.9");
    (void)e;
    return table == FACT_TABLE_FORWARDERS && addr_same_host(address, &forwarder);
}

static inline bool has_text(const struct evidence *e, enum fact_table table, struct slice text)
{
    (void)e;
    return slice_eq(text, table == FACT_TABLE_FORWARDERS ? SLICE_LIT("mx.relay.example")
                                                         : SLICE_LIT("list.example"));
}

static inline bool has_texts(const struct evidence *e, enum fact_table table)
{
    const struct fact_world *f = e->owner;
    const struct sender_world *s =
        (const void *)((const char *)f - offsetof(struct sender_world, f));
    return table == FACT_TABLE_FORWARDERS ? s->by_name : !s->no_sealers;
}

/* ---- the world ---- */

static inline void run(void (*fn)(struct dns_world *w))
{
    static struct sender_world s;
    struct buf key = {0};
    memset(&s, 0, sizeof(s));
    dns_world_init(&s.d, sender_zone);
    const struct slice record = dkim_key_record(dkim_signer()->ed25519, "", &key);
    dns_world_add(&s.d, arena_printf(&s.d.arena,
                                     "k._domainkey.a.example. TXT \"" SLICE_FMT "\"\n"
                                     "k._domainkey.b.example. TXT \"" SLICE_FMT "\"\n"
                                     "k._domainkey.sub.lost.example. TXT \"" SLICE_FMT "\"\n",
                                     SLICE_ARG(record), SLICE_ARG(record), SLICE_ARG(record))
                            .p);
    buf_free(&key);
    world_init(&s.f);
    s.ops = world_ops;
    s.ops.table_has_address = has_address;
    s.ops.table_has_text = has_text;
    s.ops.table_has_texts = has_texts;
    s.f.conf.limits.dns_time = 5 * USEC_SEC;
    s.f.conf.limits.auth_time = 20 * USEC_SEC;
    s.f.e.ops = &s.ops;
    s.f.e.wall = WALL;
    s.f.e.connection_arena = s.f.e.helo_arena = &s.f.arena;
    s.f.e.resolver = s.d.resolver;
    s.f.e.checks = &s.checks;
    s.f.e.message = NULL;
    dns_world_do(&s.d, fn);
    s.checks.message = signed_message_free(s.checks.message);
    arena_free(&s.f.arena);
    dns_world_fini(&s.d);
}

/* Another transaction. */
static inline void begin(struct sender_world *s, const char *client, const char *sender)
{
    (void)signed_message_free(s->checks.message);
    s->checks = (struct sender_checks){.message = NULL};
    s->f.e.client = dns_world_address(client);
    s->f.e.sender = slice_of(sender);
    s->f.e.message = NULL;
    s->f.header_result = 0;
    s->by_name = false;
}

/* A signature of that domain over From and the body, or, where it is `bad`, over another From. */
static inline struct slice sign(struct sender_world *s, const char *domain, const char *selector,
                                const char *from, bool bad)
{
    struct buf field = {0}, text = {0}, b = {0};
    buf_printf(&field,
               "DKIM-Signature: v=1; a=ed25519-sha256; d=%s; s=%s; h=from; bh=" SLICE_FMT "; b=",
               domain, selector, SLICE_ARG(dkim_body_hash(BODY, &b)));
    buf_printf(&text, "From: %s%s\r\n" SLICE_FMT, from, bad ? "x" : "",
               SLICE_ARG(buf_slice(&field)));
    dkim_sign(dkim_signer()->ed25519, buf_slice(&text), &field);
    buf_printf(&field, "\r\n");
    const struct slice ret = arena_copy(&s->f.arena, buf_slice(&field));
    buf_free(&field);
    buf_free(&text);
    buf_free(&b);
    return ret;
}

/* The message comes in, with these fields above From. */
static inline void receive(struct sender_world *s, struct slice above, const char *from)
{
    s->f.header = arena_printf(&s->f.arena, SLICE_FMT "From: %s\r\n\r\n", SLICE_ARG(above), from);
    s->checks.message = signed_message_new(&s->f.arena);
    signed_message_feed(s->checks.message, s->f.header.p, s->f.header.n);
    signed_message_feed(s->checks.message, BODY, strlen(BODY));
    signed_message_end(s->checks.message);
    s->f.e.message = &s->f.message;
}
