/* A message and its key record through the whole of DKIM: fed in pieces, every result has its
 * reason, and what passes says who signed it. */
#include "fuzz.h"

#include "auth/dkim.h"
#include "client/zone.h"
#include "rt/sim.h"

struct play {
    struct slice message;
    struct fuzz_pieces pieces;
    const struct zone *zone;
    struct rt *rt;
};

static void check(const struct dkim_result *r, const struct dkim_outcome *o)
{
    FUZZ_CHECK(r->result != AUTH_NONE && r->result != AUTH_SOFTFAIL);
    FUZZ_CHECK((r->result == AUTH_PASS) == (r->problem.n == 0));
    FUZZ_CHECK(r->result != AUTH_PASS || r->key_bits >= 256); /* the least of any kind */
    FUZZ_CHECK(r->result != AUTH_PASS || (r->domain.n > 0 && r->identity.n > r->domain.n));
    FUZZ_CHECK(o->count <= DKIM_SIGNATURES_MOST);
}

static void verify(void *arg)
{
    struct play *p = arg;
    const struct auth_clock clock = {.wall = (usec_t)1600000000 * USEC_SEC,
                                     .question_time = 5 * USEC_SEC,
                                     .deadline = rt_now() + 20 * USEC_SEC};
    struct resolver *resolver = resolver_of_zone(p->rt, p->zone);
    struct arena arena;
    struct dkim_outcome outcome;

    arena_init(&arena);
    struct signed_message *m = signed_message_new(&arena);
    for (size_t at = 0, n; at < p->message.n; at += n) {
        n = fuzz_pieces_next(&p->pieces, p->message.n - at);
        char *piece = fuzz_copy(p->message.p + at, n);
        signed_message_feed(m, piece, n);
        free(piece);
    }
    signed_message_end(m);
    FUZZ_CHECK(dkim_verify(m, resolver, &clock, &arena, &outcome) == 0);
    for (size_t i = 0; i < outcome.count; i++) {
        check(&outcome.signatures[i], &outcome);
    }
    /* ARC's are hashed, too. */
    const struct message_signatures arc = signed_message_signatures(m, ARC_MESSAGE_SIGNATURE);
    for (size_t i = 0; i < arc.count; i++) {
        if (arc.list[i].error == 0) {
            (void)signed_message_hash(m, &arc.list[i]);
        }
    }
    signed_message_free(m);
    arena_free(&arena);
    resolver_free(resolver);
}

/* The record, up to a NUL, is the key of every name. */
static void add_key(struct zone *zone, struct slice record)
{
    struct zone_entry entry = {
        .kind = ZONE_RECORD, .type = DNS_TXT, .ttl = 60, .record.text = record};

    FUZZ_CHECK(dns_name_parse(SLICE_LIT("*.example"), &entry.owner) == 0);
    zone_add(zone, &entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p = {0};

    fuzz_pieces_take(&data, &size, &p.pieces);
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    if (nul == NULL) {
        return 0;
    }
    const size_t n = (size_t)(nul - data);
    struct zone *zone = zone_new();
    add_key(zone, (struct slice){(const char *)data, n});
    p.message = (struct slice){(const char *)nul + 1, size - n - 1};
    p.zone = zone;
    struct sim *sim = sim_new(1);
    p.rt = sim_rt(sim);
    FUZZ_CHECK(task_spawn(p.rt, rt_root_of(p.rt), verify, &p) == 0);
    sim_run(sim, USEC_NEVER);
    sim_rt_free(p.rt);
    sim_free(sim);
    zone_free(zone);
    return 0;
}
