#include "store/ban.h"

/* When the ban of that name ends, where it has not: 1, 0 or a negative errno. */
static int find_one(struct memory *m, struct slice name, usec_t wall, usec_t *ret)
{
    struct record r;
    int found = memory_find(m, RECORD_BAN, name, wall, &r);

    if (found <= 0 || r.until <= wall) {
        return found < 0 ? found : 0;
    }
    *ret = r.until;
    return 1;
}

int ban_find(struct memory *m, const struct addr *client, usec_t wall, usec_t *ret_until)
{
    char text[MEMORY_ADDRESS_MAX];
    usec_t until = 0, network_until = 0;

    if (client->family == ADDR_NONE) {
        return 0;
    }
    int own = find_one(m, memory_client_name(client, text), wall, &until);
    if (own < 0 || client->family == ADDR_V6) { /* whose two names are one */
        network_until = until;
    } else {
        int r = find_one(m, memory_network_name(client, text), wall, &network_until);
        own = r < 0 ? r : own | r;
    }
    if (own > 0) {
        *ret_until = until > network_until ? until : network_until;
    }
    return own;
}

void ban_add(struct memory *m, const struct addr *client, usec_t wall, usec_t until,
             struct slice why)
{
    char text[MEMORY_ADDRESS_MAX];
    struct record r;

    if (client->family == ADDR_NONE) {
        return;
    }
    record_init(&r, RECORD_BAN, memory_client_name(client, text), wall);
    r.until = until;
    record_set_note(&r, why);
    memory_add(m, &r);
}
