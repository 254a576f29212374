/* The clerk: a process beside the workers that answers on the control socket and writes the
 * journal. It sees no client and no mail, holds no privileges, and may die at any time: mail flows
 * without it. */
#pragma once

#include <sys/types.h>

#include "proc/configuration.h"
#include "proc/identity.h"
#include "proc/shared.h"

struct clerk_setup {
    struct shared shared;
    const struct identity *who;
    int control;                               /* the listening control socket; -1: there is none */
    int link;                                  /* to the master (proc/clerk_link.h) */
    int records;                               /* from the workers (proc/records.h) */
    uint64_t run;                              /* of records of workers of this configuration */
    const struct configuration *configuration; /* NULL: of a program before this one */
    pid_t master;
    usec_t hang_time; /* it says more often than this that it moves */
};

/* Is a journal to be kept? */
static inline bool clerk_keeps_journal(const struct clerk_setup *setup)
{
    return setup->configuration != NULL && setup->configuration->conf->journal != NULL;
}

/* Leaves this process, which has one thread, no more than such a clerk needs; part of clerk_run. 0;
 * or a negative errno, of which the log tells. */
int clerk_confine(const struct clerk_setup *setup);

/* The whole life of a clerk, in a freshly forked process that has SIGTERM blocked, up to the exit
 * status: 0 after SIGTERM. */
int clerk_run(const struct clerk_setup *setup);
