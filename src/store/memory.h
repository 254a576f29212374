/* The memory: what was learned of others, and may be forgotten (DESIGN "memory"). All workers of
 * the host share it. It lies apart from the ledger (store/store.h), so that nothing that a botnet
 * can make it remember takes room or trust away from that.
 *
 * Reads are immediate, never wait, and see this handle's own queued changes. Changes are queued and
 * applied in batches by the store thread; they may be lost (a full queue, a full disk, a process
 * that is killed within some milliseconds). Records of no more use go by themselves; when the
 * memory is full those of least worth make room (record_worth). */
#pragma once

#include "base/addr.h"
#include "store/record.h"

struct rt;
struct memory;

/* Where what is remembered changes: */
struct memory_setup {
    struct record_rules rules;
    uint64_t size; /* octets on disk, at most */
};

/* Opens it in FOLDER/memory, for the runtime `rt`; one handle for each process, opened after the
 * fork. Where `rt` is NULL there is no loop, and changes are applied by memory_flush. What is
 * damaged, or was written by a newer version, is moved aside to FOLDER/memory.damaged-SECONDS or
 * .newer-SECONDS and a new one begun, which *ret_note (static or NULL) tells. 0 or a negative
 * errno, and then there is no memory. */
int memory_open_lmdb(struct rt *rt, const char *folder, const struct memory_setup *setup,
                     struct memory **ret, const char **ret_note);

enum memory_use {
    MEMORY_TO_LOOK, /* what is there is looked through first; no file is changed but LMDB's lock */
    MEMORY_TO_CHANGE, /* what is there */
    MEMORY_TO_MAKE,   /* the same, or one that is begun where there is none */
};

/* Opens it without a loop, for a command that somebody gives by hand. What cannot be used stays as
 * it is: -ENOENT where there is none, or no folder for it; -EUCLEAN where it is damaged,
 * -EPROTONOSUPPORT where a newer version wrote it. 0, or these or another negative errno. */
int memory_open_by_hand(const char *folder, const struct memory_setup *setup, enum memory_use use,
                        struct memory **ret);

/* One in plain memory, for the simulated world and tests. `shared` is what several handles have in
 * common: created when *shared is NULL, freed by memory_shared_free after the last was closed. */
struct memory_shared;
struct memory *memory_open_plain(struct rt *rt, const struct memory_setup *setup,
                                 struct memory_shared **shared);
void memory_shared_free(struct memory_shared *s);

/* Applies what is queued, waiting for it, and frees; NULL allowed. memory_abandon loses it, as when
 * a process is killed. Both return NULL. */
struct memory *memory_close(struct memory *m);
struct memory *memory_abandon(struct memory *m);

const struct record_rules *memory_rules(const struct memory *m);

/* What is remembered of that name, brought to `wall`: 1; 0 where there is nothing, or nothing of
 * use any more; or a negative errno, also while changes cannot be kept (a full disk): then what
 * there is cannot be relied on. Letters are taken as they are: callers lower them where case means
 * nothing. */
int memory_find(struct memory *m, enum record_kind kind, struct slice name, usec_t wall,
                struct record *ret);

/* The same, but what decays is as it was when the record was last seen, which record->last tells.
 */
int memory_look(struct memory *m, enum record_kind kind, struct slice name, usec_t wall,
                struct record *ret);

/* Queues the adding of `delta` (its kind, name and what has happened; delta->last is now); never
 * waits. */
void memory_add(struct memory *m, const struct record *delta);

/* Queues a record in place of any other: what an operator has edited or imported. */
void memory_put(struct memory *m, const struct record *r);

/* Queues the removal of a record; never waits. */
void memory_forget(struct memory *m, enum record_kind kind, struct slice name);

/* Waits in the calling thread until all that is queued is applied: 0 or the first error. For
 * commands, which have no loop. */
int memory_flush(struct memory *m);

/* Calls `fn` with each record that is of use at `wall`, in no order, until it returns other than 0,
 * which is returned. For commands: it may take long. `kind` 0: of all kinds. */
int memory_each(struct memory *m, enum record_kind kind, usec_t wall,
                int (*fn)(void *arg, const struct record *r), void *arg);

struct memory_stats {
    uint64_t changes; /* applied */
    uint64_t lost;    /* that could not be */
    uint64_t evicted; /* records that made room */
    uint64_t records; /* there are; 0 when that is not known */
    uint64_t octets;  /* on disk */
    int error;        /* why changes cannot be kept just now: a negative errno; 0: they can */
};
/* Just the error of these. */
int memory_error(const struct memory *m);
void memory_stats(const struct memory *m, struct memory_stats *ret);

/* ---- names as records have them ---- */

#define MEMORY_ADDRESS_MAX (ADDR_TEXT_MAX + 4)

/* The name of a client (of IPv6 its /64) and of its network, "192.0.2.0/24". */
struct slice memory_client_name(const struct addr *client, char ret[static MEMORY_ADDRESS_MAX]);
struct slice memory_network_name(const struct addr *client, char ret[static MEMORY_ADDRESS_MAX]);
