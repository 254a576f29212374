/* The memory that the master and all workers of the host share: marks in doubt, marks of disarmed
 * ledger entries, presence, rates, the workers' heartbeats, and the status board.
 *
 * It outlives reloads, and upgrades of the program: it is a file without a name (memfd), whose
 * descriptor the master hands over to its successor. A program that would lay it out otherwise is
 * told from one that fits by the layout's text. */
#pragma once

#include <stdatomic.h>

#include "proc/board.h"
#include "store/killers.h"
#include "store/marks.h"
#include "store/presence.h"
#include "store/rates.h"
#include "store/shm.h"

/* Of one worker slot: written by its worker alone, at every turn of its loop. */
struct heartbeat {
    _Atomic usec_t at;    /* CLOCK_MONOTONIC; 0: none yet */
    _Atomic bool retired; /* it accepts no more */
};

struct shared {
    struct marks *marks;
    struct marks *disarmed;
    struct presence *presence;
    struct rates *rates;
    struct killers *killers;
    struct heartbeat *hearts; /* by slot, OWNER_SLOTS of them */
    struct board *board;
    int fd;
    void *memory; /* private */
    size_t size;  /* private */
};

/* Names every part of the memory with its layout's version and size. To be raised with each change
 * of what a part's octets mean: the _LAYOUT of the part in shared.c. Not freed. */
const char *shared_layout(void);

/* Makes it, before the first fork. 0 or a negative errno. */
int shared_map(struct shared *ret);

/* Maps what another program of the same layout has made; `fd` becomes the struct's. 0; or a
 * negative errno, -EBADMSG for a file of another size, and `fd` is the caller's still. */
int shared_attach(int fd, struct shared *ret);

/* The next owner for a worker's slot: what the slot's worker before left behind is void. Called
 * when that worker is gone, before the next one starts. Waits for nobody, whatever workers have
 * made of the memory. */
struct owner shared_new_owner(const struct shared *s, uint16_t slot);

/* By a process that only reads the board: gives the rest back. */
void shared_keep_board(struct shared *s);

/* By the master, when all workers have ended. */
void shared_unmap(struct shared *s);
