/* Reading the journal: queries, and records one after the other, whole. What `gatepost log`,
 * `explain`, `replay` and `rules` read with.
 *
 * Never writes, never keeps the clerk from writing, and holds no snapshot of the database while the
 * caller works with a record: they are read in portions. Texts of a record are what came in from
 * outside; whoever prints them cleans them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "base/time.h"
#include "conf/conf.h"
#include "journal/record.h"
#include "journal/rule.h"

struct journal;

/* Room for a sentence that says why a journal cannot be read. */
#define JOURNAL_WHY 1024

/* Opens the journal `path` to read it. A journal on a read-only file system can be read, and so can
 * one without its -wal and -shm. 0 and *ret; or a negative errno with a sentence in `why` that
 * names the file: -ENOENT it is not there, -EACCES who may read it, -EBUSY locked, -EUCLEAN no
 * database or damaged, -EMEDIUMTYPE a database but no journal, -EPROTONOSUPPORT a journal of
 * another version. */
int journal_open(const char *path, struct journal **ret, char why[static JOURNAL_WHY]);

/* NULL allowed; returns NULL. */
struct journal *journal_close(struct journal *j);

/* After an error of one of the functions below: why, in a sentence that names the file. */
const char *journal_why(const struct journal *j);

/* Is the file at the path still the one that is open? It is not when it was set aside. */
bool journal_is_current(const struct journal *j);

/* Which records. A record fits when all that is asked for fits; a member that is zero asks for
 * nothing. Letters of addresses and texts are compared without case. */
struct journal_query {
    int64_t first_n, last_n; /* both included */
    usec_t since, until;     /* decided then or later; before */
    struct slice id;         /* the 14 characters of a connection, with ".1" or without */
    struct slice sender;     /* "jo@example.org", "@example.org" its domain, "<>" the null one */
    struct slice recipient;  /* the same */
    const struct conf_network *client; /* NULL: any */
    struct slice verdict;              /* of the whole, or of a recipient; as the next three */
    struct slice phase;
    struct slice rule;  /* "gatepost.conf:23": decided, fired or observed */
    struct slice reply; /* is somewhere in "550 5.1.1 no such user" */
    struct slice hop;   /* is somewhere in a next hop's name, its failures or its own words */
    bool newest_first;
    uint64_t limit;     /* the newest of those that fit; 0: all */
    bool without_fired; /* fired and observed are not wanted: they stay empty */
};

/* Calls `fn` with each record that fits, in the order of n. The record is valid during the call.
 * `fn` returns 0 to go on; another value ends it and is returned. 0 when there are no more; or a
 * negative errno, see journal_why. */
int journal_each(struct journal *j, const struct journal_query *q,
                 int (*fn)(void *arg, const struct journal_record *r), void *arg);

/* The records that were decided at `since` (0: ever) or later: the first n, the last n, and how
 * many there are; zeros for none. 0 or a negative errno. */
int journal_bounds(struct journal *j, usec_t since, int64_t *ret_first_n, int64_t *ret_last_n,
                   int64_t *ret_count);

/* The newest record's n, 0 for none; cheap. 0 or a negative errno. */
int journal_newest(struct journal *j, int64_t *ret_last_n);

/* Calls `fn` with each rule of that policy, in their order. `fn` and the result are as journal_each
 * has them. */
int journal_each_rule(struct journal *j, struct slice policy,
                      int (*fn)(void *arg, const struct journal_rule *rule), void *arg);

/* The rule of that policy (its digest) at that place, in `arena`. 0; -ENOENT when the journal does
 * not have it; or another negative errno. */
int journal_rule(struct journal *j, struct slice policy, struct slice place, struct arena *arena,
                 struct journal_rule *ret);
