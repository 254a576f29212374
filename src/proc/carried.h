/* What one program hands over to the next when it is upgraded: a text (JSON) that names descriptors
 * and processes. It is read by a program that may be younger or older than the one that wrote it,
 * and refused where anything in it is not understood. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/time.h"

/* Raised when what is written would be misunderstood by a program that knows the version before. */
#define CARRIED_VERSION 3

struct carried_listener {
    int fd;
    bool inherited;
};

struct carried_generation {
    unsigned number;
    bool serving;
    bool told_to_end;
    usec_t deadline; /* CLOCK_MONOTONIC */
    usec_t hang_time;
};

struct carried_worker {
    unsigned generation;
    uint16_t slot;
    pid_t pid;
};

struct carried {
    const char *program; /* path of the program that is to follow this one */
    const char *state;   /* the store's folder */
    int state_lock;      /* its descriptor with the lock, or -1 */
    const char *layout;  /* shared_layout */
    int shared;          /* the shared memory */
    int control;         /* the listening control socket, or -1 */
    const char *control_path;
    pid_t clerk;         /* 0: there is none */
    int records[2];      /* the sockets for decision records: the workers', the clerk's */
    uint64_t run;        /* of these records, 0: none yet */
    const char *journal; /* the file that they go to; "": none */
    int files;           /* the configuration's files: to be written by a trial, then read */
    unsigned generation_count;
    struct carried_listener *listeners;
    size_t listener_count;
    struct carried_generation *generations;
    size_t generations_n;
    struct carried_worker *workers;
    size_t worker_count;
};

void carried_print(const struct carried *c, struct buf *ret);

/* 0 and *ret, with all it points to in `arena`; or -EBADMSG with a sentence in `ret_why`. */
int carried_parse(struct slice text, struct arena *arena, struct carried *ret, char *ret_why,
                  size_t why_size);
