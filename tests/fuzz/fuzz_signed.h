/* A signed message and its key through a check. The input: sizes of pieces, the key's record, a
 * NUL, the message. The record is that of every name below "example". */
#pragma once

#include "fuzz.h"

#include "auth/clock.h"
#include "auth/signed_message.h"
#include "client/resolver.h"
#include "client/zone.h"
#include "rt/sim.h"

struct fuzz_signed {
    /* Set by the caller; runs in a task of the simulated world. */
    void (*check)(struct signed_message *m, struct resolver *r, const struct auth_clock *clock,
                  struct arena *arena);

    struct slice message;
    struct fuzz_pieces pieces;
    struct zone *zone;
    struct rt *rt;
};

static inline void fuzz_signed_task(void *arg)
{
    struct fuzz_signed *f = arg;
    const struct auth_clock clock = {.wall = (usec_t)1600000000 * USEC_SEC,
                                     .question_time = 5 * USEC_SEC,
                                     .deadline = rt_now() + 20 * USEC_SEC};
    struct resolver *resolver = resolver_of_zone(f->rt, f->zone);
    struct arena arena;

    arena_init(&arena);
    struct signed_message *m = signed_message_new(&arena);
    for (size_t at = 0, n; at < f->message.n; at += n) {
        n = fuzz_pieces_next(&f->pieces, f->message.n - at);
        char *piece = fuzz_copy(f->message.p + at, n);
        signed_message_feed(m, piece, n);
        free(piece);
    }
    signed_message_end(m);
    f->check(m, resolver, &clock, &arena);
    signed_message_free(m);
    arena_free(&arena);
    resolver_free(resolver);
}

static inline void fuzz_signed_add_key(struct zone *zone, struct slice record)
{
    struct zone_entry entry = {
        .kind = ZONE_RECORD, .type = DNS_TXT, .ttl = 60, .record.text = record};

    FUZZ_CHECK(dns_name_parse(SLICE_LIT("*.example"), &entry.owner) == 0);
    zone_add(zone, &entry);
}

static inline void fuzz_signed_run(struct fuzz_signed f, const uint8_t *data, size_t size)
{
    fuzz_pieces_take(&data, &size, &f.pieces);
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    if (nul == NULL) {
        return;
    }
    const size_t n = (size_t)(nul - data);
    f.zone = zone_new();
    fuzz_signed_add_key(f.zone, (struct slice){(const char *)data, n});
    f.message = (struct slice){(const char *)nul + 1, size - n - 1};
    struct sim *sim = sim_new(1);
    f.rt = sim_rt(sim);
    FUZZ_CHECK(task_spawn(f.rt, rt_root_of(f.rt), fuzz_signed_task, &f) == 0);
    sim_run(sim, USEC_NEVER);
    sim_rt_free(f.rt);
    sim_free(sim);
    zone_free(f.zone);
}
