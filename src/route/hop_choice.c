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

/* The richest of the hops in `best`, once each has its weight; -1 when there is none. */
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

/* The best there are. With `busy_too` it does not matter whether they have a connection to spare.
 */
static hop_set find_best(struct hop_pools *p, const struct conf_route *route, hop_set passed_over,
                         bool busy_too)
{
    enum fitness top = FIT_NOT;
    hop_set best = 0;
    for (size_t i = 0; i < route->hop_count; i++) {
        enum fitness fit = fitness(p, route, i, passed_over);
        hop_health_look(&p->pool[route->hops[i].hop->index]);
        fit = busy_too && fit == FIT_BUSY ? FIT_WELL : fit;
        if (fit > top) {
            top = fit;
            best = 0;
        }
        if (fit == top && fit != FIT_NOT) {
            best |= hop_set_of(i);
        }
    }
    return best;
}

int hop_choose(struct hop_pools *p, const struct conf_route *route, hop_set passed_over)
{
    int64_t *wealth = p->wealth[route->index];
    if (route->hop_count == 1) {
        return passed_over == 0 ? 0 : -1;
    }
    hop_set best = find_best(p, route, passed_over, false);
    int chosen = richest(wealth, route, best);
    if (chosen >= 0) {
        pay(wealth, route, best, chosen);
    }
    return chosen;
}

hop_set hop_serving(struct hop_pools *p, const struct conf_route *route)
{
    return route->hop_count == 1 ? hop_set_of(0) : find_best(p, route, 0, true);
}

unsigned hop_choices(const struct hop_pools *p, const struct conf_route *route, hop_set passed_over)
{
    unsigned n = 0;
    for (size_t i = 0; i < route->hop_count; i++) {
        n += (passed_over & hop_set_of(i)) == 0 && !p->pool[route->hops[i].hop->index].health.down;
    }
    return n;
}
