/* See auth/signature_keys.h. */
#include "auth/signature_keys.h"

#include <errno.h>

#include "auth/signature.h"
#include "base/fatal.h"
#include "rt/rt.h"

void signature_keys_init(struct signature_keys *k, size_t most, struct arena *arena)
{
    *k = (struct signature_keys){
        .questions = arena_alloc(arena, most * sizeof(k->questions[0])),
        .most = most,
    };
}

int signature_keys_want(struct signature_keys *k, const struct dkim_signature *s, size_t *ret)
{
    struct dns_name name;
    size_t i = 0;

    if (signature_key_name(s, &name) < 0) {
        return -EINVAL;
    }
    while (i < k->count && !dns_name_eq(&k->questions[i].name, &name)) {
        i++;
    }
    if (i == k->count) {
        if (k->count == k->most) {
            panic("more keys than were announced");
        }
        k->questions[k->count++] =
            (struct dns_question){.name = name, .type = DNS_TXT, .answer = {.state = DNS_FAILED}};
    }
    *ret = i;
    return 0;
}

int signature_keys_ask(struct signature_keys *k, struct resolver *r, const struct auth_clock *c,
                       struct arena *arena)
{
    const usec_t question = rt_now() + c->question_time;
    const size_t n = k->count - k->asked;

    if (r != NULL && n > 0 &&
        resolver_ask(r, k->questions + k->asked, n, question < c->deadline ? question : c->deadline,
                     arena) < 0) {
        return -ECANCELED;
    }
    k->asked = k->count;
    return 0;
}

const struct dns_answer *signature_keys_answer(const struct signature_keys *k, size_t number)
{
    return &k->questions[number].answer;
}
