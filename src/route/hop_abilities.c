#include "route/hop_abilities.h"

#include <string.h>

#include "route/hop.h"
#include "route/hop_pool.h"
#include "store/store.h"

/* A hop that nobody has spoken to for so long is a stranger again. */
#define KEPT_FOR (30 * 86400 * USEC_SEC)
/* What has not changed is written again so often, for it would expire. */
#define KEEP_EVERY (86400 * USEC_SEC)
/* What other workers have learned is looked up this often. */
#define LOOK_EVERY USEC_SEC

/* ---- as octets: version, flags, size limit with its lowest octet first ---- */

#define VERSION 1
#define LENGTH  10

enum flag { FLAG_8BITMIME = 1, FLAG_SMTPUTF8 = 2, FLAG_CHUNKING = 4, FLAG_DSN = 8, FLAG_SIZE = 16 };

static void encode(const struct hop_capabilities *can, uint8_t ret[static LENGTH])
{
    ret[0] = VERSION;
    ret[1] = (uint8_t)((can->eightbitmime ? FLAG_8BITMIME : 0) |
                       (can->smtputf8 ? FLAG_SMTPUTF8 : 0) | (can->chunking ? FLAG_CHUNKING : 0) |
                       (can->dsn ? FLAG_DSN : 0) | (can->size ? FLAG_SIZE : 0));
    for (unsigned i = 0; i < 8; i++) {
        ret[2 + i] = (uint8_t)(can->size_limit >> (8 * i));
    }
}

static bool decode(const uint8_t *p, size_t n, struct hop_capabilities *ret)
{
    if (n != LENGTH || p[0] != VERSION) {
        return false;
    }
    *ret = (struct hop_capabilities){
        .eightbitmime = (p[1] & FLAG_8BITMIME) != 0,
        .smtputf8 = (p[1] & FLAG_SMTPUTF8) != 0,
        .chunking = (p[1] & FLAG_CHUNKING) != 0,
        .dsn = (p[1] & FLAG_DSN) != 0,
        .size = (p[1] & FLAG_SIZE) != 0,
    };
    for (unsigned i = 0; i < 8; i++) {
        ret->size_limit |= (uint64_t)p[2 + i] << (8 * i);
    }
    return true;
}

/* ---- the note ---- */

/* The same server may say something else over TLS. */
static struct digest key_of(const struct hop_pool *p)
{
    static const char *const tls[] = {
        [CONF_HOP_TLS_OPPORTUNISTIC] = "opportunistic",
        [CONF_HOP_TLS_VERIFIED] = "verified",
        [CONF_HOP_TLS_NONE] = "none",
    };
    struct slice fields[] = {slice_of(p->hop->name), slice_of(tls[p->hop->tls])};
    return note_key(fields, 2);
}

static bool find(struct hop_pool *p, struct hop_capabilities *ret)
{
    uint8_t octets[LENGTH];
    size_t n;
    struct digest key = key_of(p);
    p->abilities.looked = rt_now();
    return note_find(p->pools->store, NOTE_ABILITIES, &key, rt_wall(), octets, sizeof octets, &n) ==
               1 &&
           decode(octets, n, ret);
}

static bool same(const struct hop_capabilities *a, const struct hop_capabilities *b)
{
    uint8_t x[LENGTH], y[LENGTH];
    encode(a, x);
    encode(b, y);
    return memcmp(x, y, sizeof x) == 0;
}

static void keep(struct hop_pool *p)
{
    struct hop_capabilities before;
    uint8_t octets[LENGTH];
    usec_t wall = rt_wall();
    if (find(p, &before) && same(&before, &p->abilities.can) &&
        wall - p->abilities.kept < KEEP_EVERY) {
        return;
    }
    struct digest key = key_of(p);
    encode(&p->abilities.can, octets);
    note_keep(p->pools->store, NOTE_ABILITIES, &key, octets, sizeof octets, wall, wall + KEPT_FOR);
    p->abilities.kept = wall;
}

/* ---- asking ---- */

void hop_abilities_learn(struct hop_pool *p, const struct hop_capabilities *can)
{
    p->abilities.known = true;
    p->abilities.can = *can;
    p->abilities.heard = rt_now();
    if (p->pools->store != NULL) {
        keep(p);
    }
}

const struct hop_capabilities *hop_abilities_known(struct hop_pool *p)
{
    struct hop_abilities *a = &p->abilities;
    struct hop_capabilities can;
    bool due = a->looked == 0 || rt_now() - a->looked >= LOOK_EVERY;
    if (p->pools->store != NULL && due && find(p, &can)) {
        a->known = true;
        a->can = can;
    }
    return a->known ? &a->can : NULL;
}

bool hop_abilities_fresh(const struct hop_pool *p)
{
    const struct hop_abilities *a = &p->abilities;
    return a->heard != 0 && rt_now() - a->heard < HOP_ABILITIES_FRESH;
}

/* ---- all hops ---- */

void hop_pools_remember(struct hop_pools *p, struct store *store)
{
    p->store = store;
}

static bool route_offers_dsn(struct hop_pools *p, const struct conf_route *route)
{
    for (size_t i = 0; i < route->hop_count; i++) {
        const struct hop_capabilities *can =
            hop_abilities_known(hop_pool_of(p, route->hops[i].hop));
        if (can == NULL || !can->dsn) {
            return false;
        }
    }
    return route->hop_count > 0; /* a Maildir has none */
}

bool hop_pools_offer_dsn(struct hop_pools *p)
{
    bool any = false;
    for (size_t i = 0; i < p->conf->route_count; i++) {
        const struct conf_route *route = p->conf->routes[i];
        if (route->takes_mail && !route_offers_dsn(p, route)) {
            return false;
        }
        any |= route->takes_mail;
    }
    return any;
}
