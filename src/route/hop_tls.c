#include "route/hop_tls.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"

/* Those of hops that ask for the same are the same one. */
struct hop_trust {
    struct tls_context *opportunistic;
    size_t count;
    struct hop_trusted {
        const struct conf_hop *hop;
        struct tls_context *context; /* NULL: none of its own */
        bool owned;
    } hops[];
};

static bool same_issuers(const struct conf_hop *a, const struct conf_hop *b)
{
    return a->tls_ca == b->tls_ca ||
           (a->tls_ca != NULL && b->tls_ca != NULL && strcmp(a->tls_ca, b->tls_ca) == 0);
}

static int find_context(struct hop_trust *t, size_t i, char *ret_why, size_t why_size)
{
    struct hop_trusted *entry = &t->hops[i];
    if (entry->hop->tls != CONF_HOP_TLS_VERIFIED) {
        return 0;
    }
    for (size_t k = 0; k < i; k++) {
        if (t->hops[k].context != NULL && same_issuers(t->hops[k].hop, entry->hop)) {
            entry->context = t->hops[k].context;
            return 0;
        }
    }
    entry->owned = true;
    return tls_context_verifying(entry->hop->tls_ca, &entry->context, ret_why, why_size);
}

int hop_trust_new(const struct conf *conf, struct hop_trust **ret, const struct conf_hop **ret_hop,
                  char *ret_why, size_t why_size)
{
    struct hop_trust *t = xcalloc(1, sizeof *t + conf->hop_count * sizeof t->hops[0]);
    t->opportunistic = tls_context_client();
    for (; t->count < conf->hop_count; t->count++) {
        t->hops[t->count].hop = conf->hops[t->count];
        int r = find_context(t, t->count, ret_why, why_size);
        if (r < 0) {
            *ret_hop = conf->hops[t->count];
            hop_trust_free(t);
            return r;
        }
    }
    *ret = t;
    return 0;
}

struct hop_trust *hop_trust_free(struct hop_trust *t)
{
    if (t != NULL) {
        for (size_t i = 0; i < t->count; i++) {
            if (t->hops[i].owned) {
                tls_context_free(t->hops[i].context);
            }
        }
        tls_context_free(t->opportunistic);
        free(t);
    }
    return NULL;
}

void hop_tls_init(struct hop_tls *t, const struct hop_trust *trust, const struct conf_hop *hop)
{
    *t = (struct hop_tls){0};
    if (hop->tls == CONF_HOP_TLS_NONE) {
        return;
    }
    t->required = hop->tls == CONF_HOP_TLS_VERIFIED;
    t->context = t->required ? trust->hops[hop->index].context : trust->opportunistic;
    t->peer = (struct tls_peer){
        .name = hop->tls_name,
        .only_tls13 = hop->only_tls13,
        .memory = tls_memory_new(),
    };
}

void hop_tls_fini(struct hop_tls *t)
{
    tls_memory_free(t->peer.memory);
    *t = (struct hop_tls){0};
}
