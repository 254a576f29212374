/* The two halves of a transaction with an SMTP hop: the envelope (smtp_hop.c) and the message
 * (smtp_body.c). Private to src/route; the story is told in the head of smtp_hop.c. */
#pragma once

#include <sys/uio.h>

#include "base/buf.h"
#include "route/hop_conn.h"
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
    struct hop_pool *pool;
    const struct conf_limits *limits;
    const struct envelope *envelope;
    struct arena *arena;
    struct hop_conn *conn; /* NULL: none */
    enum smtp_hop_state state;
    struct hop_fault fault; /* why the last connection could not be made */
    bool lmtp;              /* RFC 2033: one answer to the message for each recipient */

    /* The envelope. */
    uint64_t transaction;       /* number of the open one */
    size_t accepted;            /* recipients the hop has in it */
    bool mail_answered;         /* MAIL of the transaction being begun has its reply */
    struct hop_forward forward; /* said in front of MAIL */
    bool refused;               /* `refusal` answers every further recipient unasked */
    struct answer refusal;

    /* The message. */
    struct message *message;
    struct spool_cursor cursor;
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

/* The answer when the hop is out of reach or talks nonsense. */
extern const struct answer smtp_hop_unavailable;

/* Drops the connection at once: nothing on it can be taken for a whole message. */
void smtp_hop_drop(struct smtp_hop *h);

/* The earlier of `deadline` and `limit` from now. */
usec_t smtp_hop_until(usec_t deadline, usec_t limit);

/* A reply as an answer: 0, with its texts in the arena; -ECONNRESET for 421, after which the hop is
 * gone; -EPROTO for what is neither yes nor no. */
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
