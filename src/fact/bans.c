#include "fact/bans.h"

#include "store/ban.h"

bool bans_may_hold(struct memory *m, const struct addr *client, usec_t wall)
{
    usec_t until;

    return m == NULL || ban_find(m, client, wall, &until) != 0;
}
