#include "store/rates.h"

#include "store/timed.h"

#define WINDOW  (60 * USEC_SEC)
#define NETWORK 0x100 /* in a key's kind */

/* Until when a client's or network's bucket still has something in it. */
struct rates {
    struct timed filled;
};

size_t rates_memory(size_t capacity)
{
    return timed_memory(capacity);
}

struct rates *rates_init(void *memory, size_t capacity)
{
    struct rates *r = memory;
    timed_init(&r->filled, capacity);
    return r;
}

void rates_fini(struct rates *r)
{
    timed_fini(&r->filled);
}

/* One key's share of a connection. */
struct share {
    struct timed_key key;
    unsigned a_minute; /* 0: no limit */
    usec_t until;      /* the bucket is empty then; `now`: it is */
};

static usec_t interval(const struct share *s)
{
    return WINDOW / s->a_minute;
}

/* Looks the share up; false when it has been used. */
static bool has_room(struct rates *r, struct share *s, usec_t now)
{
    if (s->a_minute == 0) {
        return true;
    }
    usec_t until = timed_until(&r->filled, &s->key, now);
    s->until = until > now ? until : now;
    return s->until - now <= WINDOW - interval(s);
}

static void count(struct rates *r, const struct share *s, usec_t now)
{
    if (s->a_minute > 0) {
        timed_set(&r->filled, &s->key, s->until + interval(s), now);
    }
}

static enum rates_answer take(struct rates *r, struct share *client, struct share *network,
                              usec_t now)
{
    if (!has_room(r, client, now)) {
        return RATES_CLIENT;
    }
    if (!has_room(r, network, now)) {
        return RATES_NETWORK;
    }
    count(r, client, now);
    count(r, network, now);
    return RATES_OK;
}

enum rates_answer rates_take(struct rates *r, const struct addr *client, unsigned per_client,
                             unsigned per_network, usec_t now)
{
    struct addr net = addr_network(client);
    struct share of_client = {.key = timed_key(client, sizeof(client->octets), 0),
                              .a_minute = per_client};
    struct share of_network = {.key = timed_key(&net, sizeof(net.octets), NETWORK),
                               .a_minute = per_network};
    if (per_client == 0 && per_network == 0) {
        return RATES_OK;
    }
    timed_lock(&r->filled);
    enum rates_answer answer = take(r, &of_client, &of_network, now);
    timed_unlock(&r->filled);
    return answer;
}

size_t rates_count(struct rates *r, usec_t now)
{
    timed_lock(&r->filled);
    size_t living = timed_count(&r->filled, now);
    timed_unlock(&r->filled);
    return living;
}
