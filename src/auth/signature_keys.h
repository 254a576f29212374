/* The keys of several signatures: each asked for once, and all together. */
#pragma once

#include <stddef.h>

#include "auth/clock.h"
#include "base/arena.h"
#include "client/resolver.h"
#include "parse/dkim_signature.h"

struct signature_keys {
    struct dns_question *questions;
    size_t count, most;
    size_t asked; /* so many of them have an answer */
};

/* For at most so many different keys. */
void signature_keys_init(struct signature_keys *k, size_t most, struct arena *arena);

/* This signature's key is needed: *ret is its number. 0; or -EINVAL: there can be no such name. */
int signature_keys_want(struct signature_keys *k, const struct dkim_signature *s, size_t *ret);

/* Asks for those that were not asked for yet. Suspends, for c->question_time and until c->deadline
 * at most. With `r` NULL, all fail. 0 or -ECANCELED. */
int signature_keys_ask(struct signature_keys *k, struct resolver *r, const struct auth_clock *c,
                       struct arena *arena);

/* What the DNS says of key `number`, which has been asked for. */
const struct dns_answer *signature_keys_answer(const struct signature_keys *k, size_t number);
