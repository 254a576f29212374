#include "route/hop_choice.h"

#include "route/hop_pool.h"

/* How good a hop is just now; the best are chosen from by weight. */
enum fitness {
    FIT_NOT,          /* passed over already */
    FIT_DOWN_STANDBY, /* worst of all */
    FIT_DOWN,
    FIT_STANDBY,
    FIT_BUSY, /* well, but all its connections are in use */
    FIT_WELL,
};

static enum fitness fitness(const struct hop_pools *p, const struct conf_route *route, size_t i,
                            hop_set passed_over)
{
    const struct conf_route_hop *use = &route->hops[i];
    const struct hop_pool *pool = &p->pool[use->hop->index];
    if ((passed_over & hop_set_of(i)) != 0) {
        return FIT_NOT;
    }
    if (pool->health.down) {
        return use->standby ? FIT_DOWN_STANDBY : FIT_DOWN;
    }
    if (use->standby) {
        return FIT_STANDBY;
    }
    return hop_pool_has_room(pool) ? FIT_WELL : FIT_BUSY;
}

/* The richest of the hops in `best`, of which there is one at least, once each has its weight. */
static int richest(const int64_t *wealth, const struct conf_route *route, hop_set best)
{
    int chosen = -1;
    int64_t most = 0;
    for (size_t i = 0; i < route->hop_count; i++) {
        int64_t rich = wealth[i] + route->hops[i].weight;
        if ((best & hop_set_of(i)) != 0 && (chosen < 0 || rich > most)) {
            chosen = (int)i;
            most = rich;
        }
    }
    return chosen;
}

static void pay(int64_t *wealth, const struct conf_route *route, hop_set best, int chosen)
{
    for (size_t i = 0; i < route->hop_count; i++) {
        if ((best & hop_set_of(i)) != 0) {
            wealth[i] += route->hops[i].weight;
            wealth[chosen] -= route->hops[i].weight;
        }
    }
}

int hop_choose(struct hop_pools *p, const struct conf_route *route, hop_set passed_over, bool probe)
{
    int64_t *wealth = p->wealth[route->index];
    enum fitness top = FIT_NOT;
    hop_set best = 0;
    if (route->hop_count == 1) {
        return passed_over == 0 ? 0 : -1;
    }
    for (size_t i = 0; i < route->hop_count; i++) {
        enum fitness fit = fitness(p, route, i, passed_over);
        hop_health_look(&p->pool[route->hops[i].hop->index]);
        if (fit > top) {
            top = fit;
            best = 0;
        }
        if (fit == top) {
            best |= hop_set_of(i);
        }
    }
    int chosen = top == FIT_NOT ? -1 : richest(wealth, route, best);
    if (chosen >= 0 && !probe) {
        pay(wealth, route, best, chosen);
    }
    return chosen;
}

unsigned hop_choices(const struct hop_pools *p, const struct conf_route *route, hop_set passed_over)
{
    unsigned n = 0;
    for (size_t i = 0; i < route->hop_count; i++) {
        n += (passed_over & hop_set_of(i)) == 0 && !p->pool[route->hops[i].hop->index].health.down;
    }
    return n;
}
