/* The account of each worker's numbered records: which have come, which are missing. Kept in memory
 * and, in the same transaction as the records, in the tables `stream` and `gap`. Internal to the
 * writer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "journal/db.h"

/* Gaps of a worker that are remembered, the newest; a record that comes late after all and lies in
 * an older one is refused. */
#define STREAM_GAPS_MOST 1000
/* Numbers are below. */
#define STREAM_NEXT_MOST ((uint64_t)1 << 62)

struct stream_gap {
    int64_t row; /* in `gap`; 0: none yet */
    uint64_t first;
    uint64_t last; /* below `first`: there is no gap any more */
    usec_t noticed;
    bool changed;
};

/* stored + lost = next */
struct stream_account {
    uint64_t next;
    uint64_t stored;
    uint64_t lost;
    struct stream_gap *gaps;
    size_t gap_count;
    size_t gap_room;
};

struct stream {
    struct stream_account now;
    struct stream_account kept; /* as it is in the file */
    bool changed;
};

struct streams {
    uint64_t run;
    struct stream *workers; /* by number */
    size_t count;
};

/* The record of this number has come, `now` since 1970: it is to be stored. False: there is one of
 * that number already, or there cannot be one. */
bool streams_take(struct streams *s, unsigned worker, uint64_t sequence, usec_t now);

/* All below `next` that have not come are lost. */
void streams_expect(struct streams *s, unsigned worker, uint64_t next, usec_t now);

/* Writes what has changed; SQLITE_OK or a code of SQLite. */
int streams_write(struct streams *s, struct journal_db *d);

/* The transaction was committed; or was not, then all is as it was before. */
void streams_keep(struct streams *s);
void streams_forget(struct streams *s);

/* Reads the run's from the file instead of what is kept; SQLITE_OK or a code of SQLite, then
 * nothing has changed. Not during changes. */
int streams_load(struct streams *s, struct journal_db *d);

/* The first in the first transaction with a new file: all are to be written to it; but where
 * somebody else has been faster, what he says counts. SQLITE_OK or a code of SQLite. */
int streams_begin(struct streams *s, struct journal_db *d);

/* Of all workers, as kept. */
void streams_sum(const struct streams *s, uint64_t *ret_stored, uint64_t *ret_lost);

void streams_free(struct streams *s);
