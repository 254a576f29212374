#include "route/hop_abilities.h"

#include <string.h>

#include "base/octets.h"
#include "route/hop.h"
#include "route/hop_pool.h"
#include "store/store.h"

/* A hop that nobody has spoken to for so long is a stranger again. */
#define KEPT_FOR (30 * 86400 * USEC_SEC)
/* What has not changed is written again so often: when it was heard counts. */
#define KEEP_EVERY HOP_ABILITIES_FRESH
/* What other workers have learned is looked up this often. */
#define LOOK_EVERY USEC_SEC

/* ---- as octets: version, flags, size limit, when it was said ---- */

#define VERSION 2
#define LENGTH  18
#define SAID    10 /* so many of them are what the hop has said */

enum flag { FLAG_8BITMIME = 1, FLAG_SMTPUTF8 = 2, FLAG_CHUNKING = 4, FLAG_DSN = 8, FLAG_SIZE = 16 };

static void encode(const struct hop_capabilities *can, usec_t told, uint8_t ret[static LENGTH])
{
    ret[0] = VERSION;
    ret[1] = (uint8_t)((can->eightbitmime ? FLAG_8BITMIME : 0) |
                       (can->smtputf8 ? FLAG_SMTPUTF8 : 0) | (can->chunking ? FLAG_CHUNKING : 0) |
                       (can->dsn ? FLAG_DSN : 0) | (can->size ? FLAG_SIZE : 0));
    octets_put(ret + 2, 8, can->size_limit);
    octets_put(ret + SAID, 8, (uint64_t)told);
}

static bool decode(const uint8_t *p, size_t n, struct hop_capabilities *ret, usec_t *ret_told)
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
        .size_limit = octets_get(p + 2, 8),
    };
    *ret_told = (usec_t)octets_get(p + SAID, 8);
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

static bool find(struct hop_pool *p, struct hop_capabilities *ret, usec_t *ret_told)
{
    uint8_t octets[LENGTH];
    size_t n;
    struct digest key = key_of(p);
    p->abilities.looked = rt_now();
    return note_find(p->pools->store, NOTE_ABILITIES, &key, rt_wall(), octets, sizeof octets, &n) ==
               1 &&
           decode(octets, n, ret, ret_told);
}

static bool same(const struct hop_capabilities *a, const struct hop_capabilities *b)
{
    uint8_t x[LENGTH], y[LENGTH];
    encode(a, 0, x);
    encode(b, 0, y);
    return memcmp(x, y, SAID) == 0;
}

/* Not in the future, where the clock was set back. */
static bool is_within(usec_t told, usec_t wall, usec_t time)
{
    return told <= wall && wall - told < time;
}

static void keep(struct hop_pool *p)
{
    struct hop_capabilities before;
    uint8_t octets[LENGTH];
    usec_t told, wall = p->abilities.told;
    if (find(p, &before, &told) && same(&before, &p->abilities.can) &&
        is_within(told, wall, KEEP_EVERY)) {
        return;
    }
    struct digest key = key_of(p);
    encode(&p->abilities.can, wall, octets);
    note_keep(p->pools->store, NOTE_ABILITIES, &key, octets, sizeof octets, wall, wall + KEPT_FOR);
}

/* ---- asking ---- */

void hop_abilities_learn(struct hop_pool *p, const struct hop_capabilities *can)
{
    p->abilities.known = true;
    p->abilities.can = *can;
    p->abilities.heard = rt_now();
    p->abilities.told = rt_wall();
    if (p->pools->store != NULL) {
        keep(p);
    }
}

const struct hop_capabilities *hop_abilities_known(struct hop_pool *p)
{
    struct hop_abilities *a = &p->abilities;
    struct hop_capabilities can;
    usec_t told;
    bool due = a->looked == 0 || rt_now() - a->looked >= LOOK_EVERY;
    if (p->pools->store != NULL && due && find(p, &can, &told) && (!a->known || told > a->told)) {
        a->known = true;
        a->can = can;
        a->told = told;
    }
    return a->known ? &a->can : NULL;
}

const struct hop_capabilities *hop_abilities_good(struct hop_pool *p)
{
    const struct hop_capabilities *can = hop_abilities_known(p);
    return is_within(p->abilities.told, rt_wall(), HOP_ABILITIES_GOOD) ? can : NULL;
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
