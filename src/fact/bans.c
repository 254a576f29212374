#include "fact/bans.h"

#include <errno.h>

#include "store/ban.h"

int bans_find(struct memory *m, const struct addr *client, usec_t wall)
{
    usec_t until;

    return m != NULL ? ban_find(m, client, wall, &until) : -ENODATA;
}

void bans_add(struct memory *m, const struct addr *client, usec_t wall, usec_t until,
              struct slice why)
{
    ban_add(m, client, wall, until, why);
}

bool bans_may_hold(struct memory *m, const struct addr *client, usec_t wall)
{
    return bans_find(m, client, wall) != 0;
}
