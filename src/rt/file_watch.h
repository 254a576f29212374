/* Files that are read again when they change, in a worker: tables, lists of recipients. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "rt/rt.h"

/* What becomes of a file's text. */
struct watched_kind {
    /* In a thread: makes what `take` gets. NULL when it is no good, with the cause, which begins
     * with ":LINE: " or ": ". */
    void *(*parse)(struct slice text, char *ret_why, size_t why_size);
    /* On the loop: takes it over. False when it is what there was anyway. */
    bool (*take)(void *arg, void *content);
    /* How many entries there are now. */
    size_t (*count)(void *arg);
    /* Frees what was not taken. */
    void (*drop)(void *content);
};

struct watched_file {
    const char *what; /* "table partners", for the operator */
    const char *file; /* its path */
    size_t most;      /* octets */
    const struct watched_kind *kind;
    void *arg;
};

/* Lines for the operator, told on the loop: when a file was read anew, when it could not be and the
 * last good content stays (once for each cause), and when that is over. */
typedef void file_watch_tell(void *arg, bool trouble, const char *line);

/* How often files are looked at. What is new is taken when two looks in a row have found the same,
 * so that a file being written is let be; one that never rests, at every fifth look. */
#define FILE_LOOK_EVERY (2 * USEC_SEC)

/* Begins to watch; texts are copied. NULL when there is none. Files are looked at and read in a
 * thread (RT_CALL_FILE), never on the loop. */
struct file_watch *file_watch_new(struct rt *rt, const struct watched_file *files, size_t count,
                                  file_watch_tell *tell, void *arg);
/* NULL allowed; returns NULL. `arg` of the files may be gone then. A reading under way is waited
 * for by the runtime, not here. */
struct file_watch *file_watch_free(struct file_watch *w);

/* Reads at once, in the caller, what has changed since the files were read first; what is not good
 * leaves things as they are, without a word. */
void file_watch_refresh(const struct watched_file *files, size_t count);

/* Reads and parses one file at once, in the caller. NULL with the cause, "FILE: …" or
 * "FILE:LINE: …". */
void *file_watch_read(const struct watched_file *f, char *ret_why, size_t why_size);
