#include "store/bans.h"

#include "store/timed.h"

struct bans {
    struct timed until;
};

/* The /64, or all of an IPv4 address and zeros: see base/addr.h. */
#define NETWORK_OCTETS 8

size_t bans_memory(size_t capacity)
{
    return timed_memory(capacity);
}

struct bans *bans_init(void *memory, size_t capacity)
{
    struct bans *b = memory;
    timed_init(&b->until, capacity);
    return b;
}

void bans_fini(struct bans *b)
{
    timed_fini(&b->until);
}

void bans_add(struct bans *b, const struct addr *client, usec_t until, usec_t now)
{
    if (client->family == ADDR_NONE) {
        return;
    }
    struct timed_key k = timed_key(client, NETWORK_OCTETS, 0);
    timed_lock(&b->until);
    if (timed_until(&b->until, &k, now) < until) {
        timed_set(&b->until, &k, until, now);
    }
    timed_unlock(&b->until);
}

usec_t bans_until(struct bans *b, const struct addr *client, usec_t now)
{
    if (timed_latest(&b->until) <= now) {
        return 0;
    }
    struct timed_key k = timed_key(client, NETWORK_OCTETS, 0);
    timed_lock(&b->until);
    usec_t until = timed_until(&b->until, &k, now);
    timed_unlock(&b->until);
    return until;
}

size_t bans_count(struct bans *b, usec_t now)
{
    timed_lock(&b->until);
    size_t living = timed_count(&b->until, now);
    timed_unlock(&b->until);
    return living;
}
