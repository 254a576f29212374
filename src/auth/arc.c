/* RFC 8617 5.2, step by step. See auth/arc.h. */
#include "auth/arc.h"

#include <errno.h>

#include "auth/signature.h"
#include "auth/signature_keys.h"
#include "base/buf.h"
#include "parse/arc_set.h"
#include "parse/canonical.h"
#include "rt/rt.h"

#define NO_KEY SIZE_MAX

/* A chain under way. What is of set i stands at i - 1. */
struct validation {
    struct signed_message *m;
    struct resolver *resolver;
    const struct auth_clock *clock;
    struct arena *arena;
    struct arc_chain chain;
    const struct message_signature *signatures[ARC_SETS_MOST];
    struct digest seal_hashes[ARC_SETS_MOST];
    size_t seal_keys[ARC_SETS_MOST], signature_keys[ARC_SETS_MOST]; /* numbers, or NO_KEY */
    struct signature_keys keys;
    struct arc_set *sets; /* the newest first */
    bool verified_any;
    bool unsure; /* a key could not be looked up */
    struct arc_outcome *ret;
};

static struct arc_set *set_of(struct validation *v, unsigned instance)
{
    return &v->sets[v->chain.count - instance];
}

/* ---- steps 1 to 3: the fields ---- */

/* 0; 1: there is nothing to validate, and the outcome says why. */
static int read_chain(struct validation *v)
{
    const char *cut = signed_message_problem(v->m);
    int rc = arc_chain_parse(signed_message_text(v->m), &v->chain);

    if (rc == -ENOENT) {
        return 1;
    }
    v->ret->result = AUTH_FAIL;
    if (cut[0] != '\0') {
        v->ret->problem = slice_of(cut);
        return 1;
    }
    if (rc < 0) {
        v->ret->problem = v->chain.instance > 0 ? arena_printf(v->arena, "set %u: %s",
                                                               v->chain.instance, v->chain.problem)
                                                : slice_of(v->chain.problem);
        return 1;
    }
    return 0;
}

static void make_sets(struct validation *v)
{
    const struct message_signatures all = signed_message_signatures(v->m, ARC_MESSAGE_SIGNATURE);

    for (size_t i = 0; i < all.count; i++) {
        v->signatures[all.list[i].s.instance - 1] = &all.list[i];
    }
    v->sets = arena_alloc(v->arena, v->chain.count * sizeof(v->sets[0]));
    for (unsigned i = 1; i <= v->chain.count; i++) {
        struct dkim_signature seal;
        dkim_signature_parse(v->chain.sets[i - 1].body[ARC_PART_SEAL], ARC_SEAL, &seal);
        *set_of(v, i) = (struct arc_set){
            .instance = i,
            .domain = seal.domain,
            .selector = seal.selector,
            .results = v->chain.sets[i - 1].results,
            .seal = AUTH_NONE,
            .message = AUTH_NONE,
        };
    }
    v->ret->sets = v->sets;
    v->ret->count = v->chain.count;
    signature_keys_init(&v->keys, v->chain.count + 1 + ARC_OLDER_MOST, v->arena);
}

/* ---- what seals sign (5.1.1) ---- */

static void hash_field(struct digest_stream *d, struct buf *scratch, struct slice field,
                       struct slice hole, bool last)
{
    scratch->n = 0;
    canonical_field(scratch, CANONICAL_RELAXED, field, hole);
    if (!last) {
        buf_append(scratch, "\r\n", 2);
    }
    digest_stream_update(d, scratch->p, scratch->n);
}

/* Seal i signs the sets 1 to i, itself without b= at the end. Each set is hashed once, and the hash
 * of those below is gone on with. */
static void hash_seals(struct validation *v)
{
    static const struct slice none = {NULL, 0};
    struct digest_stream *below = digest_stream_new(), *d = digest_stream_new();
    struct buf scratch = {0};

    digest_stream_init(below);
    for (unsigned i = 0; i < v->chain.count; i++) {
        const struct slice *field = v->chain.sets[i].field;
        struct dkim_signature seal;
        dkim_signature_parse(v->chain.sets[i].body[ARC_PART_SEAL], ARC_SEAL, &seal);
        hash_field(below, &scratch, field[ARC_PART_RESULTS], none, false);
        hash_field(below, &scratch, field[ARC_PART_SIGNATURE], none, false);
        digest_stream_copy(d, below);
        hash_field(d, &scratch, field[ARC_PART_SEAL], seal.hole, true);
        v->seal_hashes[i] = digest_stream_finish(d);
        hash_field(below, &scratch, field[ARC_PART_SEAL], none, false);
    }
    buf_free(&scratch);
    digest_stream_free(below);
    digest_stream_free(d);
}

/* ---- one signature or seal ---- */

/* What its verdict means for the chain. Only what fails for good fails it. */
static enum auth_result weigh(struct validation *v, unsigned instance, const char *part,
                              const struct signature_verdict *verdict)
{
    if (verdict->result == AUTH_PASS) {
        return AUTH_PASS;
    }
    const bool temporary = verdict->result == AUTH_TEMPERROR;
    if (!temporary || !v->unsure) { /* of several the newest, and what fails before all */
        v->ret->problem = arena_printf(v->arena, "set %u%s: %s", instance, part, verdict->problem);
    }
    if (temporary) {
        v->unsure = true;
        return AUTH_TEMPERROR;
    }
    return AUTH_FAIL;
}

/* Others have their turn. 0 or -ECANCELED. */
static int take_turn(struct validation *v)
{
    bool first = !v->verified_any;

    v->verified_any = true;
    return first ? 0 : task_yield();
}

/* May signature i hold, as far as can be told without its key? Then its key is wanted. */
static bool want_signature(struct validation *v, unsigned i, struct signature_verdict *ret)
{
    const struct message_signature *m = v->signatures[i - 1];

    if (!signature_check(m, v->clock->wall, ret)) {
        return false;
    }
    if (m->body == BODY_CHANGED) {
        *ret = (struct signature_verdict){.result = AUTH_FAIL, .problem = "the body was changed"};
        return false;
    }
    if (signature_keys_want(&v->keys, &m->s, &v->signature_keys[i - 1]) < 0) {
        *ret = (struct signature_verdict){.result = AUTH_FAIL, .problem = "s= and d= are no name"};
        return false;
    }
    return true;
}

static int verify_signature(struct validation *v, unsigned i, struct signature_verdict *ret)
{
    const struct message_signature *m = v->signatures[i - 1];
    struct digest hash;

    if (take_turn(v) < 0) {
        return -ECANCELED;
    }
    hash = signed_message_hash(v->m, m);
    signature_verify(&m->s, signature_keys_answer(&v->keys, v->signature_keys[i - 1]), &hash, ret);
    return 0;
}

static bool want_seal(struct validation *v, unsigned i, struct signature_verdict *ret)
{
    struct dkim_signature seal;

    dkim_signature_parse(v->chain.sets[i - 1].body[ARC_PART_SEAL], ARC_SEAL, &seal);
    *ret = (struct signature_verdict){.result = AUTH_FAIL};
    if (seal.algorithm == DKIM_RSA_SHA1) {
        ret->problem = "rsa-sha1 is not used any more";
    } else if (signature_keys_want(&v->keys, &seal, &v->seal_keys[i - 1]) < 0) {
        ret->problem = "s= and d= are no name in the DNS";
    } else {
        return true;
    }
    return false;
}

static int verify_seal(struct validation *v, unsigned i, struct signature_verdict *ret)
{
    struct dkim_signature seal;

    if (take_turn(v) < 0) {
        return -ECANCELED;
    }
    dkim_signature_parse(v->chain.sets[i - 1].body[ARC_PART_SEAL], ARC_SEAL, &seal);
    signature_verify(&seal, signature_keys_answer(&v->keys, v->seal_keys[i - 1]),
                     &v->seal_hashes[i - 1], ret);
    return 0;
}

/* ---- steps 4 to 7. 0; 1: the status is settled; -ECANCELED ---- */

static int settle(struct validation *v, enum auth_result status)
{
    v->ret->result = status;
    return 1;
}

/* The newest signature, and its set's seal, whose key is as a rule the same. */
static int check_newest(struct validation *v)
{
    const unsigned n = v->chain.count;
    struct arc_set *set = set_of(v, n);
    struct signature_verdict verdict;

    if (!want_signature(v, n, &verdict)) {
        set->message = weigh(v, n, "", &verdict);
        return settle(v, AUTH_FAIL);
    }
    if (!want_seal(v, n, &verdict)) {
        set->seal = weigh(v, n, ", the seal", &verdict);
        return settle(v, AUTH_FAIL);
    }
    if (signature_keys_ask(&v->keys, v->resolver, v->clock, v->arena) < 0 ||
        verify_signature(v, n, &verdict) < 0) {
        return -ECANCELED;
    }
    set->message = weigh(v, n, "", &verdict);
    if (set->message == AUTH_FAIL) {
        return settle(v, AUTH_FAIL);
    }
    /* Also of a signature whose key, which may be anybody's, could not be looked up. */
    if (verify_seal(v, n, &verdict) < 0) {
        return -ECANCELED;
    }
    set->seal = weigh(v, n, ", the seal", &verdict);
    if (set->seal == AUTH_FAIL) {
        return settle(v, AUTH_FAIL);
    }
    return v->unsure ? settle(v, AUTH_TEMPERROR) : 0;
}

/* Asks for all other keys that are needed. */
static int ask_for_rest(struct validation *v)
{
    const unsigned n = v->chain.count;
    struct signature_verdict verdict;

    for (unsigned i = n - 1; i >= 1; i--) {
        if (!want_seal(v, i, &verdict)) {
            set_of(v, i)->seal = weigh(v, i, ", the seal", &verdict);
            return settle(v, AUTH_FAIL);
        }
    }
    for (unsigned i = n - 1; i >= 1 && n - i <= ARC_OLDER_MOST; i--) {
        if (!want_signature(v, i, &verdict)) {
            set_of(v, i)->message = AUTH_FAIL;
            break;
        }
    }
    return signature_keys_ask(&v->keys, v->resolver, v->clock, v->arena);
}

static int check_seals(struct validation *v)
{
    struct signature_verdict verdict;

    for (unsigned i = v->chain.count - 1; i >= 1; i--) {
        if (verify_seal(v, i, &verdict) < 0) {
            return -ECANCELED;
        }
        set_of(v, i)->seal = weigh(v, i, ", the seal", &verdict);
        if (set_of(v, i)->seal == AUTH_FAIL) {
            return settle(v, AUTH_FAIL);
        }
    }
    return v->unsure ? settle(v, AUTH_TEMPERROR) : 0;
}

static int find_oldest_pass(struct validation *v)
{
    unsigned oldest = v->chain.count;
    struct signature_verdict verdict;

    for (unsigned i = oldest - 1; i >= 1 && v->signature_keys[i - 1] != NO_KEY; i--) {
        if (verify_signature(v, i, &verdict) < 0) {
            return -ECANCELED;
        }
        if (verdict.result != AUTH_PASS) {
            set_of(v, i)->message = verdict.result == AUTH_TEMPERROR ? AUTH_TEMPERROR : AUTH_FAIL;
            break;
        }
        set_of(v, i)->message = AUTH_PASS;
        oldest = i;
    }
    v->ret->oldest_pass = oldest == 1 ? 0 : oldest;
    return settle(v, AUTH_PASS);
}

int arc_verify(struct signed_message *m, struct resolver *r, const struct auth_clock *c,
               struct arena *arena, struct arc_outcome *ret)
{
    int (*const steps[])(struct validation * v) = {check_newest, ask_for_rest, check_seals,
                                                   find_oldest_pass};
    struct validation *v = arena_zalloc(arena, sizeof(*v));
    int rc = 0;

    *ret = (struct arc_outcome){.result = AUTH_NONE, .problem = SLICE_LIT("")};
    v->m = m;
    v->resolver = r;
    v->clock = c;
    v->arena = arena;
    v->ret = ret;
    if (read_chain(v) != 0) {
        return 0;
    }
    for (size_t i = 0; i < ARC_SETS_MOST; i++) {
        v->seal_keys[i] = v->signature_keys[i] = NO_KEY;
    }
    make_sets(v);
    hash_seals(v);
    ret->from_signed = v->signatures[v->chain.count - 1]->s.signs_from;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == 0; i++) {
        rc = steps[i](v);
    }
    return rc < 0 ? rc : 0;
}
