/* See store/killers.h. */
#include "store/killers.h"

#include <string.h>

#include "store/timed.h"

struct killers {
    struct timed until;
};

size_t killers_memory(size_t capacity)
{
    return timed_memory(capacity);
}

struct killers *killers_init(void *memory, size_t capacity)
{
    struct killers *k = memory;

    timed_init(&k->until, capacity);
    return k;
}

void killers_fini(struct killers *k)
{
    timed_fini(&k->until);
}

/* Half of the digest is as good as all of it. */
static struct timed_key key_of(const struct digest *message)
{
    struct timed_key key = {.kind = 1};

    memcpy(key.octets, message->octets, sizeof(key.octets));
    return key;
}

void killers_add(struct killers *k, const struct digest *message, usec_t now)
{
    struct timed_key key = key_of(message);

    timed_lock(&k->until);
    timed_set(&k->until, &key, now + KILLERS_TIME, now);
    timed_unlock(&k->until);
}

bool killers_has(struct killers *k, const struct digest *message, usec_t now)
{
    struct timed_key key = key_of(message);

    timed_lock(&k->until);
    bool has = timed_until(&k->until, &key, now) > now;
    timed_unlock(&k->until);
    return has;
}
