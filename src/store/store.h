/* What outlives a connection, on this host: the ledger, remembered refusals, and notes.
 *
 * Two back ends behind one interface: LMDB, shared by all workers of the host, and plain memory for
 * the simulated world. Reads are immediate and see this store handle's own queued writes. Writes
 * are queued and applied in batches by the store thread (RT_CALL_STORE). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/digest.h"
#include "base/slice.h"
#include "base/time.h"
#include "store/marks.h"

struct rt;
struct store;

/* Opens the LMDB environment in `folder` (created 0700 where missing) for the runtime `rt`. One
 * handle for each process, opened after the fork. A damaged environment is moved aside to
 * FOLDER/damaged-SECONDS and a new one begun, which *ret_note (static or NULL) tells the operator.
 * 0 or a negative errno. */
int store_open_lmdb(struct rt *rt, const char *folder, struct store **ret, const char **ret_note);

/* A store in memory. `shared` is what several handles have in common; it is created when *shared is
 * NULL and freed by store_shared_free after the last handle was closed. */
struct store_shared;
struct store *store_open_memory(struct rt *rt, struct store_shared **shared);
void store_shared_free(struct store_shared *s);
/* Forgets all entries. */
void store_shared_clear(struct store_shared *s);

/* Waits in the calling thread for queued writes to be applied, then frees. NULL allowed. Must not
 * be called while a task waits on this store. */
struct store *store_close(struct store *s);

/* The same, but what the store thread has not begun is lost, as it is when a process is killed: for
 * the simulated world. */
struct store *store_abandon(struct store *s);

/* ---- ledger (DESIGN "Commit and ledger") ---- */

/* One entry, apart from an earlier or later one of the same key: by when it expires. Nobody arms
 * the same key twice in a microsecond, since a commit to the next hop lies between. */
struct ledger_ref {
    struct digest key;
    usec_t expires;
};

/* The key of one recipient of one message: SHA-256 over lengths and octets of the reverse-path's
 * mailbox, the forward-path's mailbox (domains in lower case) and the message's digest. */
struct digest ledger_key(struct slice sender, struct slice recipient, const struct digest *message);

/* Is there an armed, unexpired entry? `wall` is now. 1 and when it expires, 0, or a negative
 * errno. */
int ledger_find(struct store *s, const struct digest *key, usec_t wall, usec_t *ret_expires);

/* Armed entries live this long. */
#define LEDGER_ARMED_FOR (6 * 24 * 3600 * USEC_SEC)

/* When an entry that is armed at `wall` expires, for its ledger_ref. */
static inline usec_t ledger_expires(usec_t wall)
{
    return wall + LEDGER_ARMED_FOR;
}

/* Writes armed entries and waits until they are applied, at most until `deadline`: 0, -ETIMEDOUT
 * (they may still be applied), -ECANCELED (the same); -ENOSPC, -EIO and the like, -EAGAIN when
 * too much is queued already. They expire at ledger_expires(wall). */
int ledger_arm(struct store *s, const struct digest *keys, size_t count, usec_t wall,
               usec_t deadline);

/* Queues the removal of just these entries, not of newer ones under their keys; does not wait.
 * Reads of this handle see it at once, and so do all that share its table of disarmed entries. A
 * removal that fails is tried again with the next batch. */
void ledger_disarm(struct store *s, const struct ledger_ref *refs, size_t count);

/* From now on what is disarmed here is marked in `disarmed` for `who` until it is removed, at most
 * for a minute, and what any process has marked there is not armed. The table has nothing else in
 * it, and outlives the handle; NULL: none.
 *
 * Exact but for this: what is disarmed by a process that is killed before the removal is applied
 * stays armed, since its marks are void, so that the sender's next message with the same octets is
 * taken for a retry, once. */
void store_share_disarmed(struct store *s, struct marks *disarmed, struct owner who);

/* ---- remembered refusals ---- */

enum refusal_kind {
    REFUSAL_AT_RCPT, /* the hop's 5xx at delivery time for (network, sender, recipient): 6 h */
    REFUSAL_MESSAGE, /* a ledger_key whose data was refused: 1 day */
};

#define REFUSAL_TEXT_MAX 480

struct refusal {
    uint16_t code;
    char enhanced[12]; /* "5.1.1" or "" */
    char text[REFUSAL_TEXT_MAX];
};

/* The key for the first kind: client network (see addr_network), sender, recipient. */
struct digest refusal_key(const struct addr *network, struct slice sender, struct slice recipient);

/* 1 and *ret, 0 when there is none that has not expired, or a negative errno. */
int refusal_find(struct store *s, enum refusal_kind kind, const struct digest *key, usec_t wall,
                 struct refusal *ret);

/* Writes and waits like ledger_arm. */
int refusal_keep(struct store *s, enum refusal_kind kind, const struct digest *key,
                 const struct refusal *r, usec_t wall, usec_t deadline);

/* ---- notes: what was learned about others, and may be forgotten (store/notes.c) ---- */

/* Written into the store: no number is ever used again for something else. */
enum note_kind {
    NOTE_RECIPIENT = 0,  /* what a next hop says of a recipient */
    NOTE_ACCEPT_ALL = 1, /* whether a next hop accepts any address of a domain */
    NOTE_ABILITIES = 2,  /* what a next hop announced last */
    NOTE_ISOLATION = 3,  /* a recipient that is to come by itself, see route/isolation.h */
};

#define NOTE_MAX 480

/* The key of a note: SHA-256 over the fields with their lengths. */
struct digest note_key(const struct slice *fields, size_t count);

/* Is there a note that has not expired at `wall`? Copies its octets: 1 and their number, 0 when
 * there is none or none of at most `size` octets, or a negative errno. Sees this handle's own
 * queued writes at once. What the octets mean, and of which version they are, is their reader's to
 * check. */
int note_find(struct store *s, enum note_kind kind, const struct digest *key, usec_t wall,
              void *ret, size_t size, size_t *ret_n);

/* Queues a note of at most NOTE_MAX octets in place of any other under its key; never waits. It may
 * be lost: where too much is queued, where the file system is full, where the store is half full
 * (the rest is the ledger's), where the process is killed within some milliseconds. A longer one is
 * not kept (and takes away what was there). */
void note_keep(struct store *s, enum note_kind kind, const struct digest *key, const void *p,
               size_t n, usec_t wall, usec_t expires);

/* Queues the removal of whatever note is there; never waits. */
void note_drop(struct store *s, enum note_kind kind, const struct digest *key, usec_t wall);

struct store_stats {
    uint64_t batches;
    uint64_t writes;
    uint64_t failed;   /* writes that were not applied */
    uint64_t unmarked; /* removals that others do not see before they are applied */
};

const struct store_stats *store_stats(const struct store *s);
