/* Trying something in another process, so that no crash and no endless work in it can do the master
 * harm: whether a configuration is good, and whether another program can take over. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/time.h"
#include "proc/snapshot.h"

/* A process that takes longer is killed. */
#define TRIAL_TIME (60 * USEC_SEC)

struct trial {
    pid_t pid; /* 0: none runs */
    usec_t deadline;
    bool killed;
    int files; /* where it puts the configuration's files (snapshot_write) */
    int words; /* where it says what is wrong, in lines */
};

/* Has a process read and check the configuration in `file` and look at its environment; from these
 * files where `from` is not NULL. Its `state` must be this folder. `lock` as below. 0 or a negative
 * errno. */
int trial_configuration(struct trial *t, const char *file, struct snapshot *from, const char *state,
                        int lock, usec_t now);

/* What that process does: the configuration's files go to `files`, one line of what is wrong to
 * `words`. The `state` folder has to be this one. 0 or a negative errno. */
int trial_check(const char *file, struct snapshot *from, const char *state, int files, int words);

/* What the process of a trial is to do: returns its exit status, 0 for good. */
typedef int trial_fn(void *arg, int files, int words);

/* Has a process run `fn`, without the descriptor `lock` (or -1), which is the master's alone. 0 or
 * a negative errno. */
int trial_begin(struct trial *t, trial_fn *fn, void *arg, int lock, usec_t now);

/* To be called at the deadline. */
void trial_kill(struct trial *t);

/* The process has ended with this status of waitpid. True when all is good and its files can be
 * read; else one line about what was wrong is in `ret_why`. */
bool trial_succeeded(struct trial *t, int status, char *ret_why, size_t why_size);

/* Kills it if need be, and closes. */
void trial_end(struct trial *t);
