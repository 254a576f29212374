/* A hop that takes every recipient and every message, for a rehearsal: see hop_pools_assume.
 *
 * It stands where a real one would, so that a message takes the same way through delivery and
 * commit. It never connects, never reads or writes a file, and keeps nothing of the message. Its
 * answers are ours, not a hop's: nobody has said them. */
#include "route/hop_ops.h"

struct assumed_hop {
    struct hop base;
    const struct envelope *envelope;
};

static int assumed_rcpt(struct hop *base, struct hop_recipient *r, usec_t deadline)
{
    struct assumed_hop *h = container_of(base, struct assumed_hop, base);
    (void)deadline;
    if (hop_address_safe(h->envelope, r, &r->answer)) {
        r->answer = answer_ours(250, "2.1.5", "assumed: the next hop was not asked");
        r->answer.source = SOURCE_ASSUMED;
    }
    h->base.story.hop = SLICE_LIT("assumed");
    return 0;
}

static int assumed_prepare(struct hop *base, struct message *m, struct hop_recipient *const *r,
                           size_t count, usec_t deadline)
{
    (void)base;
    (void)m;
    (void)deadline;
    const struct answer ready = answer_ours(250, "2.1.5", "assumed");
    hop_answer_all(r, count, &ready);
    return 0;
}

static int assumed_commit(struct hop *base, struct hop_recipient *const *r, size_t count,
                          usec_t deadline)
{
    const struct answer taken = answer_ours(250, "2.0.0", "assumed: the next hop was not asked");
    (void)base;
    (void)deadline;
    for (size_t i = 0; i < count; i++) {
        if (r[i]->wanted) {
            r[i]->committed = r[i]->confirmed = r[i]->answered = true;
            r[i]->answer = taken;
        }
    }
    return 0;
}

static void assumed_end(struct hop *base)
{
    (void)base; /* all of it is the arena's */
}

static const char *assumed_kind(const struct hop *base)
{
    (void)base;
    return "assumed";
}

static const struct hop_ops assumed_ops = {
    .rcpt = assumed_rcpt,
    .prepare = assumed_prepare,
    .commit = assumed_commit,
    .commit_wait = assumed_commit, /* never called: commit has every answer */
    .end = assumed_end,
    .kind = assumed_kind,
};

struct hop *assumed_hop_begin(const struct envelope *envelope, struct arena *arena)
{
    struct assumed_hop *h = arena_zalloc(arena, sizeof(*h));
    h->base.ops = &assumed_ops;
    h->envelope = envelope;
    return &h->base;
}
