/* One transaction with one next hop, whatever it speaks: SMTP (route/smtp_hop.c) or a Maildir
 * (route/maildir.c). The only way a message leaves Gatepost.
 *
 * Life of a hop transaction: hop_begin → hop_rcpt for each recipient while the client's RCPT
 * commands come in → hop_prepare with those that are to get the message → hop_commit → hop_end.
 * hop_end may come at any point and cancels what has not been committed.
 *
 * Every call may suspend, takes a deadline, and returns 0 or a negative errno; a refusal by the
 * hop is not an error but an answer. Texts of answers live in the arena given to hop_begin. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/time.h"
#include "conf/conf.h"
#include "message/message.h"
#include "route/answer.h"
#include "rt/rt.h"

struct hop;

/* What the client's MAIL asked for. */
struct envelope {
    struct slice sender;        /* reverse-path's mailbox, empty for <> */
    bool body_8bitmime;
    bool smtputf8;
    uint64_t size_declared;     /* 0 when not declared */
};

struct hop_recipient {
    struct slice mailbox;
    struct slice local_part; /* unquoted */
    struct slice domain;
    struct answer answer;  /* hop_rcpt's, then replaced by hop_prepare's, then by hop_commit's */
    bool wanted;           /* is to get the message: set by the caller before hop_prepare */
    bool committed;        /* hop_commit passed this recipient's point of no return */
    bool confirmed;        /* the hop said yes to the message for this recipient */
};

/* Per worker: connections kept to each next hop. */
struct hop_pools;
struct hop_pools *hop_pools_new(struct rt *rt, const struct conf *conf);
/* Closes what is kept; later ones are closed at hop_end. */
void hop_pools_drain(struct hop_pools *p);
struct hop_pools *hop_pools_free(struct hop_pools *p);

/* Begins: no I/O yet. `envelope` and `arena` must outlive the hop. */
struct hop *hop_begin(struct hop_pools *pools, const struct conf_route *route,
                      const struct envelope *envelope, struct arena *arena);

/* Asks about one recipient; r->answer becomes the hop's answer. An SMTP hop is connected at the
 * first call and given MAIL with it; when MAIL is refused that refusal is the answer. What the hop
 * cannot take (SMTPUTF8: 553 5.6.7, 8BITMIME: 550 5.6.3, SIZE: 552 5.3.4) is answered so. A hop
 * that cannot be asked gives 451 4.4.1. Returns 0, or -ECANCELED. */
int hop_rcpt(struct hop *h, struct hop_recipient *r, usec_t deadline);

/* Makes ready to deliver `m` to the recipients with `wanted` set: the hop's transaction has exactly
 * these (begun anew where recipients have fallen away, or the connection was lost since), DATA was
 * answered 354, all but the last piece is sent; or the Maildir's files are written and synced.
 * Every wanted recipient's answer is set: 250 when all is ready. If one is refused nothing may be
 * committed, and the caller calls hop_end. Returns 0; or -ECANCELED, -ETIMEDOUT and other errors,
 * which mean nothing was delivered. */
int hop_prepare(struct hop *h, struct message *m, struct hop_recipient *const *r, size_t count,
                usec_t deadline);

/* Commits: sends the final dot (or last BDAT chunk), or renames; then waits for the answer. Runs in
 * the caller's shield. From the first octet written on, every wanted recipient has `committed` set.
 * 0: each wanted recipient's answer is the hop's and `confirmed` says yes or no. -ETIMEDOUT: no
 * answer yet; hop_commit_wait may be called to wait on. Other errors: whether the message was
 * delivered cannot be known any more. */
int hop_commit(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline);
int hop_commit_wait(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline);

/* Ends it, keeps the connection where it is clean, frees; NULL allowed; returns NULL. May suspend
 * shortly (RSET's answer is read by the next user, not here). */
struct hop *hop_end(struct hop *h);

/* Was there a connection over BDAT, TLS…: for the decision. Static text such as "smtp", "maildir". */
const char *hop_kind(const struct hop *h);
