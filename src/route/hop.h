/* One transaction with one next hop, whatever it speaks: SMTP or LMTP (route/smtp_hop.c), or a
 * Maildir (route/maildir.c). The only way a message leaves Gatepost.
 *
 * Life of a hop transaction: hop_begin → hop_rcpt for each recipient while the client's RCPT
 * commands come in → hop_hold, where there are several hops → hop_prepare with those that are to
 * get the message → hop_commit → hop_end. hop_end may come at any point and cancels what has
 * not been committed.
 *
 * Every call may suspend, takes a deadline, and returns 0 or a negative errno; a refusal by the
 * hop is not an error but an answer. Texts of answers live in the arena given to hop_begin. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/counters.h"
#include "base/time.h"
#include "conf/conf.h"
#include "message/message.h"
#include "parse/dsn.h"
#include "route/answer.h"
#include "rt/rt.h"

struct hop;
struct leg;

/* Where a message comes from, as a next hop may be told. */
struct origin {
    struct addr client; /* ADDR_NONE: nobody in particular */
    struct slice helo;
    bool esmtp;
    struct slice id; /* of the decision that will be written */
};

/* What the client's MAIL asked for. */
struct envelope {
    struct origin origin;
    struct slice sender; /* reverse-path's mailbox, empty for <> */
    bool body_8bitmime;
    bool smtputf8;
    uint64_t size_declared; /* 0 when not declared */
    struct dsn_mail dsn;
    bool probe; /* no message will follow: what becomes of it says nothing of the hop's health */
    bool unhurried; /* nobody waits for the answers: it comes behind all mail */
    bool slowed;    /* its client is made to wait: its recipients come behind those of others */
};

struct hop_recipient {
    struct slice mailbox;
    struct slice local_part; /* unquoted */
    struct slice domain;
    struct dsn_rcpt dsn;
    struct answer answer; /* hop_rcpt's, then replaced by hop_prepare's, then by hop_commit's */
    bool wanted;          /* is to get the message: set by the caller before hop_prepare */
    bool junk;            /* into the junk folder, where the hop has one: set likewise */
    bool committed;       /* hop_commit passed this recipient's point of no return */
    bool confirmed;       /* the hop said yes to the message for this recipient */
    bool answered;        /* hop_commit has this recipient's answer, yes or no */

    /* The delivery's; zero at first. */
    struct leg *leg;
    bool marked;     /* in doubt, for all workers */
    bool settled;    /* answered, and a yes was given to the ledger */
    bool unrecorded; /* the ledger could not be written */

    /* Private to the hop; zero at first. */
    uint64_t transaction; /* SMTP: number of the transaction that has this recipient */
    size_t position;      /* SMTP: which of its accepted recipients this is, from 1 */
    bool detailed;        /* SMTP: the transaction has it by its address for junk */
    bool no_detail;       /* SMTP: the hop does not take that address */
    const char *folder;   /* Maildir: where it delivers to; in the arena */
};

/* What is told of a hop transaction in the decision. */
struct hop_story {
    struct slice route;          /* its name */
    struct slice hop;            /* of its hops the last that was tried; empty before that */
    struct slice failed;         /* hops that came to nothing: "NAME: WHY; NAME: WHY" */
    struct slice tls;            /* of the last connection: "TLSv1.3 TLS_AES_256_GCM_SHA384" */
    struct slice tls_unused;     /* why it had no TLS, where that was wanted */
    struct slice xclient_unused; /* why it was not told the client, where that was wanted */
};

/* Per worker: the connections to each next hop, and how well it is. */
struct hop_pools;
struct hop_pools *hop_pools_new(struct rt *rt, const struct conf *conf);

/* TLS is used as the configuration says; without this call never. `trust` must outlive the pools.
 */
struct hop_trust;
void hop_pools_trust(struct hop_pools *p, const struct hop_trust *trust);

/* Who looks up the names of hops. Without this call hops with a name cannot be reached. The
 * resolver must outlive the pools. */
struct resolver;
void hop_pools_resolve(struct hop_pools *p, struct resolver *resolver);

/* Calls `tell` with a line for the operator when a hop goes down or is well again, and when mail
 * cannot be stored in a Maildir. */
typedef void hop_tell(void *arg, bool trouble, const char *line);
void hop_pools_tell(struct hop_pools *p, hop_tell *tell, void *arg);

/* The part of a Maildir route's folder in front of what stands for the recipient: all that a worker
 * reaches, and nothing is made above it. */
struct slice hop_maildir_root(const char *folder);

/* From now on no hop is connected to and no Maildir looked at: whatever the route, a hop that takes
 * every recipient and every message stands in its place, and nothing goes anywhere. For a rehearsal
 * (src/judge), never for a worker. Its answers are SOURCE_ASSUMED. */
void hop_pools_assume(struct hop_pools *p);

/* Counts there: the rows hop_… of tbl/counters.h. */
void hop_pools_count_in(struct hop_pools *p, struct counters *counts);

/* What there is to be seen of a hop, by its index in the configuration. Times are on rt_now's
 * clock; texts stay valid until the next turn of the loop. Cheap. */
struct hop_figures {
    const char *name;
    bool down;
    usec_t since;      /* when it went down; 0 while it is well */
    usec_t retry_at;   /* when it is tried again, if somebody wants it; 0 while it is well */
    const char *error; /* the last one, also when it is well again; "" when there was none */
    unsigned in_use;   /* connections with a transaction, or being made */
    unsigned kept;     /* connections kept for the next message */
    unsigned waiting;  /* transactions that wait for a connection */
    uint64_t messages; /* handed over, up to their last piece */
    uint64_t failures; /* connections that failed, and transactions that came to nothing */
};
size_t hop_pools_count(const struct hop_pools *p);
void hop_pools_figures(const struct hop_pools *p, size_t i, struct hop_figures *ret);

/* What hops can do is kept in the store, and so known before there is a connection. */
struct store;
void hop_pools_remember(struct hop_pools *p, struct store *store);
/* Does every route offer DSN (RFC 3461), by what its hops said last? A Maildir never does. Servers
 * that are only asked about recipients do not count. */
bool hop_pools_offer_dsn(struct hop_pools *p);
/* Closes what is kept; later ones are closed at hop_end. */
void hop_pools_drain(struct hop_pools *p);
/* No hop transaction may be open. NULL allowed; returns NULL. */
struct hop_pools *hop_pools_free(struct hop_pools *p);

/* Begins: no I/O yet. `envelope` and `arena` must outlive the hop; a route of the configuration
 * given to hop_pools_new. */
struct hop *hop_begin(struct hop_pools *pools, const struct conf_route *route,
                      const struct envelope *envelope, struct arena *arena);

/* Asks about one recipient; r->answer becomes the hop's answer. An SMTP hop is chosen among the
 * route's, connected at the first call and given MAIL with it; when MAIL is refused that refusal is
 * the answer. What the hop cannot take (SMTPUTF8: 553 5.6.7, 8BITMIME: 550 5.6.3, SIZE: 552 5.3.4)
 * is answered so. A hop that cannot be asked, says 421 or talks nonsense is passed over for another
 * of the route; where there is none, or no time for it, the answer is 451 4.4.1 (4.4.3 and 4.4.4
 * when its name could not be looked up, 4.4.5 when all connections are in use), and when none could
 * even be reached, so it is for all further recipients at once. A Maildir's unknown recipient gets
 * 550 5.1.1. Returns 0, or -ECANCELED. */
int hop_rcpt(struct hop *h, struct hop_recipient *r, usec_t deadline);

/* The first half of hop_prepare, for whoever has several hops to prepare: the hop's transaction is
 * there, with exactly the recipients that have `wanted` set, and its connection is lent no more.
 * Returns like hop_prepare. hop_prepare does it where it was not done, or was lost again. */
int hop_hold(struct hop *h, struct message *m, struct hop_recipient *const *r, size_t count,
             usec_t deadline);

/* Makes ready to deliver `m` to the recipients with `wanted` set: the hop's transaction has exactly
 * these (begun anew where recipients have fallen away, or the connection was lost since; on another
 * hop of the route where this one is lost), DATA was answered 354, all but the last piece is sent;
 * or the Maildir's files are written and synced.
 *
 * Returns 0: all is ready when answer_is_yes() holds for every wanted recipient. If it does not for
 * only one, nothing may be committed and the caller calls hop_end. The answer says why, and whether
 * it is the hop's own (answer.from_hop) or ours: 451 4.4.1 the hop was lost; 550 5.6.11; 552 5.3.4;
 * 451 4.3.0 and 452 4.3.1 our own files. What refuses the whole message is the answer of all
 * wanted.
 * Or -ECANCELED, or -ETIMEDOUT when the deadline passed: nothing was delivered, call hop_end.
 *
 * A recipient's `junk` may have been set since hop_rcpt. A Maildir then has the message in its junk
 * folder, which is made where it is missing; a hop with a junk_detail is told the address with
 * that, and once more the address alone when it refuses; any other hop makes nothing of it.
 *
 * `m` and its spool must not change until hop_commit has returned, or hop_end. */
int hop_prepare(struct hop *h, struct message *m, struct hop_recipient *const *r, size_t count,
                usec_t deadline);

/* Commits: sends the final dot (or last BDAT chunk), or renames; then waits for the answers. Runs
 * in the caller's shield. From the first octet written on, every wanted recipient has `committed`
 * set (Maildir: each from its own rename on), and `answered` once its own answer is there.
 *
 * 0: each wanted recipient is answered, and `confirmed` says yes or no. One that is not
 * confirmed got nothing; `committed` is then false where we know that without the hop: the end of
 * the message could not be sent, or the rename failed. The one exception is a Maildir whose folder
 * could not be synced: committed, not confirmed, 451 4.3.0, and the message may be there.
 * -ETIMEDOUT: all was sent, not all answers have come yet; hop_commit_wait may be called to wait
 * on. Other errors: for those not answered it cannot be known any more whether the message was
 * delivered. A hop's 421 becomes 451 here, with its text. */
int hop_commit(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline);
int hop_commit_wait(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline);

/* Ends it, keeps the connection where it is clean, frees; NULL allowed; returns NULL. Works in a
 * cancelled scope too. SMTP never suspends here (RSET's answer is read by the next user); a Maildir
 * with uncommitted files does while they are unlinked. */
struct hop *hop_end(struct hop *h);

/* How the message went, for the decision: "smtp", "smtp+bdat", "lmtp", "lmtp+bdat" or "maildir".
 * Static. */
const char *hop_kind(const struct hop *h);

/* Lives in the arena, also after hop_end. */
const struct hop_story *hop_story(const struct hop *h);
