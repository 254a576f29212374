/* The parts of a transaction with an SMTP hop: which hop has it (smtp_open.c), the envelope
 * (smtp_hop.c) and the message (smtp_body.c). Private to src/route; the story is told in the head
 * of smtp_hop.c. */
#pragma once

#include <sys/uio.h>

#include "base/buf.h"
#include "message/outgoing.h"
#include "route/hop_choice.h"
#include "route/hop_conn.h"
#include "route/hop_fit.h"
#include "route/hop_forward.h"
#include "route/hop_ops.h"

/* How far the transaction on the connection has come. */
enum smtp_hop_state {
    SMTP_HOP_IDLE,   /* none is open, or there is no connection */
    SMTP_HOP_OPEN,   /* MAIL was accepted */
    SMTP_HOP_BODY,   /* the message is on its way; the connection is good for nothing else */
    SMTP_HOP_ANSWER, /* the last piece is on its way, or is gone and its answer is awaited */
};

/* Pieces of one write. */
#define SMTP_HOP_IOV 32

struct smtp_hop {
    struct hop base;
    struct hop_pools *pools;
    const struct conf_route *route;
    const struct conf_limits *limits;
    const struct envelope *envelope;
    struct arena *arena;
    struct hop_conn *conn; /* NULL: none */
    enum smtp_hop_state state;
    bool lmtp; /* RFC 2033: one answer to the message for each recipient */

    /* The hop that has the transaction, or had it last. */
    struct hop_pool *pool;  /* NULL: none is chosen */
    int place;              /* in the route */
    hop_set passed_over;    /* hops that have failed since hop_rcpt or hop_prepare began */
    struct hop_fault fault; /* why the last could not be reached */
    struct hop_rest rest;   /* between two calls, while a transaction is open */

    /* The envelope. */
    uint64_t transaction;       /* number of the open one */
    size_t accepted;            /* recipients the hop has in it */
    bool mail_answered;         /* MAIL of the transaction being begun has its reply */
    struct hop_forward forward; /* said in front of MAIL */
    bool refused;               /* `refusal` answers every further recipient unasked */
    struct answer refusal;

    /* The message. */
    struct message *message; /* NULL: it is not there yet */
    struct message_cursor cursor;
    bool bdat;
    bool line_start;     /* DATA: the next octet begins a line */
    uint64_t to_come;    /* BDAT: octets before the last chunk that are not queued yet */
    uint64_t chunk_left; /* BDAT: octets of the chunk begun that are not queued yet */
    struct buf tail;     /* BDAT: the last chunk, where it is not one piece of the spool */
    char bdat_line[40];
    struct iovec iov[SMTP_HOP_IOV]; /* queued for the next write; at the end, the last piece */
    int iov_count;
    bool write_failed;
    bool closing; /* it has said 421 in place of an answer */
};

/* ---- smtp_open.c ---- */

/* MAIL and RCPT for all of `r`, on whatever connection to whatever hop of the route serves: 0 with
 * their answers set, or an error and no connection any more. */
int smtp_hop_open(struct smtp_hop *h, struct hop_recipient *const *r, size_t count, uint64_t size,
                  usec_t deadline);

/* Drops the connection: the transaction has come to nothing on it, for what `error` and `doing`
 * say. True when another hop of the route can be tried: smtp_hop_open will choose it. */
bool smtp_hop_lost(struct smtp_hop *h, int error, const char *doing, usec_t deadline);

/* The transaction, if one is open, waits for the client: its connection may be given to others,
 * with less ado where the hop has accepted no recipient in it, or the client is made to wait; and
 * is at once where none is open (MAIL was refused). And goes on: it may have none any more. */
void smtp_hop_rest(struct smtp_hop *h);
void smtp_hop_go_on(struct smtp_hop *h);

/* ---- smtp_hop.c ---- */

/* Ends an open transaction, then MAIL and RCPT for all of `r`, on the connection there is: 0 with
 * their answers set; after an error the connection is of no use. */
int smtp_hop_say(struct smtp_hop *h, struct hop_recipient *const *r, size_t count, uint64_t size,
                 usec_t deadline);

/* Drops the connection at once: nothing on it can be taken for a whole message. */
void smtp_hop_drop(struct smtp_hop *h);

/* The earlier of `deadline` and `limit` from now. */
usec_t smtp_hop_until(usec_t deadline, usec_t limit);

/* A reply as an answer: 0, with its texts in the arena; -ECONNRESET for 421 and 221, after which
 * the hop is gone; -EPROTO for what is neither yes nor no. A yes that no command has becomes 250.
 */
int smtp_hop_answer(struct smtp_hop *h, const struct reply *reply, struct answer *ret);

/* Sends all of `m` but the last piece, which is then queued. 0; 1 when the hop refused, with that
 * answer given to all wanted; or an error, after which the connection is of no use. */
int smtp_body_upload(struct smtp_hop *h, struct hop_recipient *const *r, size_t count,
                     usec_t deadline);

/* Lets go of the message: what of it is queued may not be written any more. */
void smtp_body_forget(struct smtp_hop *h);

/* Behind hop_commit and hop_commit_wait. */
int smtp_body_commit(struct hop *base, struct hop_recipient *const *r, size_t count,
                     usec_t deadline);
int smtp_body_commit_wait(struct hop *base, struct hop_recipient *const *r, size_t count,
                          usec_t deadline);
