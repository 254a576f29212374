/* See proc/gate.h. */
#include "proc/gate.h"

#include <limits.h>

#include "rt/rt.h"

/* This part of the sessions is for clients that are trusted. */
#define RESERVED_PART 16
/* This part is the most that one with a bad standing has to leave. */
#define LEFT_PART 64

static const struct conf_limits *limits_of(const struct gate *g)
{
    return &g->server->conf->limits;
}

/* 0 stands for no limit. */
static unsigned or_any(int64_t limit)
{
    return limit > 0 ? (unsigned)limit : UINT_MAX;
}

static enum smtp_admission admission(enum presence_answer answer)
{
    switch (answer) {
    case PRESENCE_CLIENT_FULL: return SMTP_CLIENT_FULL;
    case PRESENCE_NETWORK_FULL: return SMTP_NETWORK_FULL;
    case PRESENCE_FULL: return SMTP_FULL;
    case PRESENCE_OK: break;
    }
    return SMTP_ADMITTED;
}

static enum smtp_admission check_rate(const struct gate *g, const struct addr *client)
{
    const struct conf_limits *l = limits_of(g);

    switch (rates_take(g->shared->rates, client, (unsigned)l->client_rate,
                       (unsigned)l->network_rate, rt_now_of(g->server->rt))) {
    case RATES_CLIENT: return SMTP_CLIENT_RATE;
    case RATES_NETWORK: return SMTP_NETWORK_RATE;
    case RATES_OK: break;
    }
    return SMTP_ADMITTED;
}

static enum smtp_admission enter(void *arg, const struct addr *client, bool trusted,
                                 unsigned *ret_network)
{
    const struct gate *g = arg;
    const struct conf_limits *l = limits_of(g);
    const struct presence_limits most = {
        .client = trusted ? UINT_MAX : (unsigned)l->client_sessions,
        .network = trusted ? UINT_MAX : or_any(l->network_sessions),
        .waiting = UINT_MAX,
    };
    enum smtp_admission a = trusted ? SMTP_ADMITTED : check_rate(g, client);

    *ret_network = 0;
    return a != SMTP_ADMITTED ? a
                              : admission(presence_enter(g->shared->presence, g->owner, client,
                                                         &most, ret_network));
}

/* The one that asks is counted already. */
static bool may_wait(void *arg)
{
    const struct gate *g = arg;

    return smtp_server_clients(g->server) <= g->descriptors.clients &&
           presence_waiting(g->shared->presence) <= (unsigned)limits_of(g)->lobby;
}

/* Each session is counted twice, because it will need a next hop, or a file for its message. */
static bool has_descriptors(const struct gate *g)
{
    const struct descriptors *d = &g->descriptors;

    return g->server->session_count + smtp_server_clients(g->server) <
           d->clients + (d->all - d->clients) / 2;
}

/* Places that one of this standing must leave for those that come with less: for who is one of ten
 * of its network, sixteen. */
static unsigned places_to_leave(unsigned most, uint8_t rank)
{
    unsigned cap = most / LEFT_PART;
    unsigned left = rank == 0 ? 0 : rank < 16 ? 1u << rank : cap;

    return left < cap ? left : cap;
}

static enum smtp_admission greet(void *arg, const struct addr *client, bool trusted, uint8_t rank)
{
    const struct gate *g = arg;
    unsigned most = (unsigned)limits_of(g)->sessions;

    if (!has_descriptors(g)) {
        return SMTP_FULL;
    }
    if (!trusted) {
        most -= most / RESERVED_PART;
        most -= places_to_leave(most, rank);
    }
    return admission(presence_greet(g->shared->presence, g->owner, client, most, !trusted));
}

static void leave(void *arg, const struct addr *client, bool greeted)
{
    const struct gate *g = arg;

    presence_leave(g->shared->presence, g->owner, client, greeted);
}

static unsigned sessions(void *arg, const struct addr *client)
{
    const struct gate *g = arg;

    return presence_of(g->shared->presence, client);
}

static unsigned network_sessions(void *arg, const struct addr *client)
{
    const struct gate *g = arg;

    return presence_of_network(g->shared->presence, client);
}

struct smtp_gate gate_functions(struct gate *g)
{
    return (struct smtp_gate){
        .enter = enter,
        .may_wait = may_wait,
        .greet = greet,
        .leave = leave,
        .sessions = sessions,
        .network_sessions = network_sessions,
        .arg = g,
    };
}
