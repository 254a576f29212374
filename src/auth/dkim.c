/* See auth/dkim.h. */
#include "auth/dkim.h"

#include <errno.h>

#include "auth/signature.h"
#include "auth/signature_keys.h"
#include "parse/header_fields.h"
#include "rt/rt.h"

/* Octets of header.b, if so many tell the signatures apart (RFC 6008 3). */
#define B_SHOWN 8

static bool is_decided(const struct dkim_result *r)
{
    return r->result != AUTH_NONE;
}

static void decide(struct dkim_result *r, enum auth_result result, const char *problem)
{
    r->result = result;
    r->problem = slice_of(problem);
}

/* The text without white space: b= is folded anywhere. */
static struct slice without_blanks(struct slice s, struct arena *arena)
{
    char *p = arena_alloc(arena, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] > ' ') {
            p[n++] = s.p[i];
        }
    }
    return (struct slice){p, n};
}

/* Cuts b to as many octets as no other signature begins with. */
static void shorten_b(struct dkim_result *results, size_t count)
{
    size_t most = B_SHOWN;

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct slice a = results[i].b, b = results[k].b;
            size_t n = 0;
            while (n < a.n && n < b.n && a.p[n] == b.p[n]) {
                n++;
            }
            most = n + 1 > most && !slice_eq(a, b) ? n + 1 : most;
        }
    }
    for (size_t i = 0; i < count; i++) {
        results[i].b.n = results[i].b.n < most ? results[i].b.n : most;
    }
}

/* ---- verification ---- */

static void finish(const struct message_signature *m, const struct signature_verdict *v,
                   struct dkim_result *ret)
{
    const char *problem = v->problem;

    ret->key_bits = v->key_bits;
    ret->testing = v->testing;
    if (v->result == AUTH_FAIL && m->body == BODY_CHANGED) {
        problem = "the body was changed";
    }
    decide(ret, v->result == AUTH_FAIL && v->testing ? AUTH_NEUTRAL : v->result, problem);
}

static int verify_all(struct signed_message *m, const struct message_signature *list,
                      const struct signature_keys *keys, const size_t *numbers,
                      struct dkim_outcome *outcome, struct dkim_result *results)
{
    bool first = true;

    for (size_t i = 0; i < outcome->count; i++) {
        struct signature_verdict v;
        struct digest hash;
        if (is_decided(&results[i])) {
            continue;
        }
        if (!first && task_yield() < 0) {
            return -ECANCELED;
        }
        first = false;
        const bool same = list[i].body == BODY_SAME;
        if (same) {
            hash = signed_message_hash(m, &list[i]);
        }
        signature_verify(&list[i].s, signature_keys_answer(keys, numbers[i]), same ? &hash : NULL,
                         &v);
        finish(&list[i], &v, &results[i]);
    }
    return 0;
}

/* ---- the whole ---- */

/* Nothing was looked at: one result for all signatures. */
static void refuse_all(struct signed_message *m, struct arena *arena, struct dkim_outcome *ret)
{
    const size_t count = header_count(signed_message_text(m), SLICE_LIT("DKIM-Signature"));

    if (count > 0) {
        struct dkim_result *result = arena_zalloc(arena, sizeof(*result));
        decide(result, AUTH_POLICY, signed_message_problem(m));
        ret->signatures = result;
        ret->count = 1;
        ret->ignored = count - 1;
    }
}

static void begin(const struct message_signature *list, const struct auth_clock *c,
                  struct arena *arena, struct signature_keys *keys, size_t *numbers,
                  struct dkim_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct dkim_signature *s = &list[i].s;
        results[i] = (struct dkim_result){
            .result = AUTH_NONE,
            .domain = s->domain,
            .selector = s->selector,
            .identity = s->identity,
            .algorithm = s->algorithm_text,
            .b = without_blanks(s->b, arena),
            .partial = list[i].partial,
        };
        struct signature_verdict v;
        if (!signature_check(&list[i], c->wall, &v)) {
            decide(&results[i], v.result, v.problem);
        } else if (signature_keys_want(keys, s, &numbers[i]) < 0) {
            decide(&results[i], AUTH_NEUTRAL, "s= and d= are no name in the DNS");
        }
    }
    shorten_b(results, count);
}

int dkim_verify(struct signed_message *m, struct resolver *r, const struct auth_clock *c,
                struct arena *arena, struct dkim_outcome *ret)
{
    const struct message_signatures found = signed_message_signatures(m, DKIM_SIGNATURE);

    *ret = (struct dkim_outcome){.count = found.count, .ignored = found.ignored};
    if (signed_message_problem(m)[0] != '\0') {
        refuse_all(m, arena, ret);
        return 0;
    }
    if (found.count == 0) {
        return 0;
    }
    struct signature_keys keys;
    size_t numbers[DKIM_SIGNATURES_MOST] = {0};
    struct dkim_result *results = arena_alloc(arena, found.count * sizeof(*results));
    signature_keys_init(&keys, found.count, arena);
    begin(found.list, c, arena, &keys, numbers, results, found.count);
    ret->signatures = results;
    if (signature_keys_ask(&keys, r, c, arena) < 0) {
        return -ECANCELED;
    }
    return verify_all(m, found.list, &keys, numbers, ret, results);
}
