/* Who writes the journal: one thread that owns the file, fed by the clerk.
 *
 * All functions but journal_writer_start and journal_writer_end return at once whatever the disk
 * does, and may be called from any thread; whatever is handed in is copied. What is handed in is
 * stored in that order, up to 1000 records or 200 ms in one transaction. The thread is the only one
 * that opens, reads, writes or renames anything. It never talks to a worker, a socket or a log:
 * what the operator must be told is asked for.
 *
 * Counting: each worker numbers its records from 0 (`run`, `worker`, `sequence`). The account of
 * such a stream is kept in the same transaction as the records, so after any kill, at any moment
 *
 *     stored + lost = next
 *
 * holds in the file, where `next` is the number after the highest one that was seen or expected.
 * A number that is missing counts as lost from the moment a higher one is seen; should its record
 * come after all it counts as stored. A second record of a number, a line that is no record, and
 * one of another run are not stored: nobody can say which of them would be true.
 *
 * Files: a journal that cannot be used (no database, damaged, cut off, another program's, another
 * version's) is renamed FILE.aside-YYYYMMDDTHHMMSSZ, its -wal and -shm too, and a new one is begun.
 * A disk that is full, a lock that somebody else holds and errors of the disk are waited out: what
 * cannot be written waits, up to JOURNAL_WRITER_ROOM, and is tried again each second.
 *
 * A process that forks must do so before it starts a writer: SQLite's files do not survive it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"
#include "journal/rule.h"

struct journal_writer;
struct policy;

/* Octets that may wait. */
#define JOURNAL_WRITER_ROOM ((size_t)64 * 1024 * 1024)
/* The highest number of a worker, plus 1. */
#define JOURNAL_WORKERS_MOST 1024

struct journal_writer_setup {
    const char *path; /* absolute; created 0640 where missing, its folder is not */
    uint64_t run;     /* of the records to come */
    usec_t age;       /* older records go; 0: none because of its age */
    uint64_t size;    /* octets from which on the oldest records go; 0: none because of the size */
    void (*wake)(void *arg); /* called in the writer's thread when there is something new to say */
    void *arg;
};

/* Starts the thread, which opens the file by itself; 0, or a negative errno when there is no
 * thread. The thread keeps the signals that it is born with blocked. */
int journal_writer_start(const struct journal_writer_setup *setup, struct journal_writer **ret);

/* A decision line, with or without its line feed. False: no room, it was not taken; unless it is
 * offered again it will be missing from the stream. */
bool journal_writer_take(struct journal_writer *w, struct slice line);

/* "The worker's counter stands at `next`, and nothing of it is under way any more": what has not
 * been handed in before is lost. */
void journal_writer_expect(struct journal_writer *w, unsigned worker, uint64_t next);

/* The policy by which is decided from now on; `digest` as in the records. */
void journal_writer_policy(struct journal_writer *w, struct slice digest,
                           const struct journal_rule *rules, size_t count);
/* The same of a policy that is compiled. */
void journal_writer_compiled(struct journal_writer *w, const struct policy *policy);

/* What decisions depend on (`name`, such as a next hop) is now in another state. The time is now.
 */
void journal_writer_health(struct journal_writer *w, struct slice name, struct slice state,
                           struct slice detail);

struct journal_writer_state {
    uint64_t stored;    /* of this run, also by earlier writers */
    uint64_t lost;      /* of this run; grows when it is noticed */
    uint64_t refused;   /* lines that were no record, or one of a number that was there already */
    size_t waiting;     /* octets */
    char trouble[200];  /* why nothing is written at the moment; "" when all is well */
    uint64_t octets;    /* of the file and its write-ahead log */
    usec_t oldest_wall; /* the time of the oldest record; 0: there is none */
};

/* How it stood after the last transaction; `waiting` and `trouble` as of now. */
void journal_writer_state(struct journal_writer *w, struct journal_writer_state *ret);

struct journal_writer_said {
    bool trouble; /* a warning; else good news, a notice */
    char text[1000];
};

/* The next thing to be told to the operator, in order; false: there is nothing. Its text names
 * files and may have any octets in it. What nobody asks for is dropped beyond 16. */
bool journal_writer_said(struct journal_writer *w, struct journal_writer_said *ret);

/* Writes what waits, trying for at most `patience` where that fails, moves the write-ahead log into
 * the file, closes it and frees everything. What could not be written is lost; returns how many
 * lines that were. NULL allowed: 0. */
size_t journal_writer_end(struct journal_writer *w, usec_t patience);
