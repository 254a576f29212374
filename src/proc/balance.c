/* See proc/balance.h. */
#include "proc/balance.h"

/* While it leaves connections to others it looks so often whether there is anybody: one that was
 * killed says nothing. */
#define LOOK_AGAIN (100 * USEC_MSEC)

static void hold(struct balance *b, bool holding)
{
    b->holding = holding;
    for (size_t i = 0; i < b->listener_count; i++) {
        real_listener_hold(b->listeners[i], holding);
    }
}

static void nothing(void *arg)
{
    (void)arg; /* the turn itself is what is wanted */
}

void balance_begin(struct balance *b)
{
    b->again = (struct rt_timer){.fn = nothing};
    presence_accept(b->shared->presence, b->owner, true);
}

void balance_end(struct balance *b)
{
    presence_accept(b->shared->presence, b->owner, false);
    rt_timer_clear(b->server->rt, &b->again);
    b->listener_count = 0;
}

static void resume(struct balance *b)
{
    presence_accept(b->shared->presence, b->owner, true);
    rt_timer_clear(b->server->rt, &b->again);
    hold(b, false);
}

void balance_look(struct balance *b)
{
    unsigned clients = smtp_server_clients(b->server);
    unsigned full = b->clients_most - b->clients_most / 16;
    if (b->listener_count == 0) {
        return;
    }
    if (!b->holding && clients >= full && presence_stand_back(b->shared->presence, b->owner)) {
        hold(b, true);
    }
    if (!b->holding) {
        return;
    }
    if (clients < full - full / 16 || !presence_anybody_accepts(b->shared->presence)) {
        resume(b);
    } else {
        rt_timer_set(b->server->rt, &b->again, rt_now_of(b->server->rt) + LOOK_AGAIN);
    }
}
