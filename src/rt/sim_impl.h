/* What the files of the simulated world share. */
#pragma once

#include "base/buf.h"
#include "rt/rt_impl.h"
#include "rt/sim.h"

struct sim {
    usec_t now;
    usec_t wall_base;
    uint64_t seed;
    struct list rts;       /* struct sim_world */
    struct list listeners; /* struct sim_listener */
    struct rt clock;       /* carries the heap of network and thread events */
};

struct sim_world {
    struct rt rt; /* first */
    struct list link;
    struct sim *sim;
    struct addr address;
    int connect_error; /* 0, or what stream_connect fails with */
    uint16_t next_port;
    struct list ends; /* struct sim_end */
    void (*on_await)(void *arg, uint64_t n);
    void *on_await_arg;
    struct {
        int error;
        usec_t delay;
        usec_t busy_until; /* jobs of one kind are done in order */
    } calls[2];
};

/* ---- sim_net.c ---- */
int sim_net_connect(struct rt *rt, const struct addr *to, usec_t deadline, struct stream **ret);
int sim_net_connect_path(struct rt *rt, const char *path, usec_t deadline, struct stream **ret);
void sim_net_kill(struct sim_world *w);
