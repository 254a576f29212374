/* The status board: what each worker, and the master, tell of themselves for `gatepost status`. In
 * memory that the master maps before it forks.
 *
 * Each cell has one writer, who puts down whole figures, and readers who hold nobody up: a number
 * that is odd while the cell is written tells them to read again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/counters.h"
#include "base/time.h"
#include "journal/courier.h"
#include "proc/sandbox.h"
#include "rt/real.h"
#include "smtp/server.h"
#include "store/shm.h"

struct board;

#define BOARD_ACCEPT_ALL 1024

/* Next hops that a worker tells of; what is further down in the configuration it does not. */
#define BOARD_HOPS 32

struct board_hop {
    char name[96];  /* as the configuration has it, perhaps cut */
    char error[96]; /* the last one; "" */
    bool down;
    usec_t since; /* when it went down */
    unsigned in_use;
    unsigned kept;
    unsigned waiting;
    uint64_t messages;
    uint64_t failures;
};

/* The DNS as a worker finds it. */
struct board_dns {
    char trouble[64]; /* that it has; "" */
    bool asked;       /* else there is none, by configuration */
    bool validates;
    bool known; /* whether it is well was found out */
    bool well;
    usec_t since; /* when it became so */
    unsigned under_way;
    unsigned waiting;
};

/* DNS lists that a worker tells of. */
#define BOARD_LISTS 32

struct board_list {
    char zone[96]; /* perhaps cut */
    char why[96];  /* it is not well; "" */
    bool domains;  /* a list of domains, not of addresses */
    bool well;
    usec_t since; /* when it became so */
};

/* An outside scanner, of which there is one of each kind. */
struct board_scanner {
    char name[128];  /* as the configuration has it, perhaps cut */
    char error[128]; /* the last one; "" */
    bool down;
    usec_t since; /* when it went down */
    unsigned in_use;
    unsigned waiting;
    uint64_t scanned; /* see scanners_figures */
    uint64_t kept;
    uint64_t unknown;
};

/* The memory as a worker finds it. */
struct board_memory_figures {
    char trouble[96]; /* why it is not kept just now; "" */
    uint64_t records;
    uint64_t octets; /* on disk */
    uint64_t limit;
};

/* What a worker is and has just now. Times are of the monotonic clock. */
struct board_worker {
    pid_t pid; /* 0: there is no worker in this slot */
    uint32_t epoch;
    uint32_t generation; /* of the configuration it serves with */
    bool draining;
    struct sandbox_level level;
    usec_t began;
    unsigned waiting; /* clients in the lobby */
    unsigned in_phase[SESSION_PHASES];
    unsigned late; /* commits whose answer is waited for without the client */
    uint64_t spool_used;
    uint64_t spool_limit;
    struct real_blocks blocks;
    uint64_t decisions_lost;
    struct counters counters;
    unsigned hop_count;
    unsigned hops_unshown; /* for which there is no room */
    struct board_hop hops[BOARD_HOPS];
    struct board_dns dns;
    struct board_memory_figures memory;
    unsigned list_count;
    unsigned lists_unshown;
    struct board_list lists[BOARD_LISTS];
    unsigned scanner_count;
    struct board_scanner scanners[CONF_SCANNERS];
    char accept_all[BOARD_ACCEPT_ALL]; /* hops that accept any address of a domain, as far as they
                                          fit: "SERVER\nDOMAIN\n" for each */
};

/* What the master tells. */
struct board_master {
    pid_t pid;
    usec_t began_wall;   /* since 1970 UTC */
    uint32_t generation; /* of the newest configuration */
    unsigned workers;    /* that are to be there */
    unsigned reloads;    /* that succeeded */
};

/* Octets to map, and the same memory made ready (once, by the master). */
size_t board_memory(void);
struct board *board_init(void *memory);

/* By a worker, for its slot; by the master, for itself. */
void board_write(struct board *b, uint16_t slot, const struct board_worker *w);
void board_write_master(struct board *b, const struct board_master *m);

/* How many decisions the workers of a slot have made; each worker writes its own. */
struct record_stream *board_stream(struct board *b, uint16_t slot);

/* By the master, before a worker begins in the slot: what `run` in its lines is, or 0 when they go
 * to no journal. Lines are counted anew where the slot's last worker had another one. */
void board_begin_stream(struct board *b, uint16_t slot, uint64_t run);

/* True and how many lines of this run there are of which nothing is on its way to the socket any
 * more; false when the slot's last worker was of another run, or of none. */
bool board_settled(const struct board *b, uint16_t slot, uint64_t run, uint64_t *ret);

/* By the master, when the worker in the slot is gone and before another begins: what it counted
 * goes into board_past, and its cell is empty. */
void board_new_epoch(struct board *b, uint16_t slot);

/* True and the worker's figures; false when the slot has none. A worker may be anybody's by now:
 * texts do end, counts and times are within their bounds, but nothing needs to be true. */
bool board_read(const struct board *b, uint16_t slot, struct board_worker *ret);
void board_read_master(const struct board *b, struct board_master *ret);

/* What workers counted that are gone, and what decision lines they lost. */
struct board_past {
    struct counters counters;
    uint64_t decisions_lost;
};
void board_read_past(const struct board *b, struct board_past *ret);

/* Counts move from a cell into the past when a worker is buried. Who reads both asks for this
 * number before, and reads again where board_has_moved says so afterwards: it may have seen them
 * twice, or not at all. board_moves waits while they are on their way, but not for long: then they
 * are so still (board_is_moving), and reading again is of no use. */
uint32_t board_moves(const struct board *b);
bool board_has_moved(const struct board *b, uint32_t moves);
static inline bool board_is_moving(uint32_t moves)
{
    return (moves & 1) != 0;
}

/* Slots there are. */
#define BOARD_SLOTS OWNER_SLOTS
