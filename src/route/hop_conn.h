/* One SMTP or LMTP connection to a next hop: commands out, replies in (RFC 5321, client side); how
 * it begins is told in hop_hello.c. Knows nothing of messages and recipients; route/smtp_hop.c
 * does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/time.h"
#include "conf/conf.h"
#include "parse/ehlo_reply.h"
#include "route/answer.h"
#include "route/hop_tls.h"
#include "route/reply_reader.h"
#include "rt/rt.h"

struct hop_pool;
struct stream;

/* Room for what was wrong, in words. */
#define HOP_FAULT_TEXT_MAX 160

/* Why a connection could not be made. */
struct hop_fault {
    const char *enhanced; /* RFC 3463, static: it was TLS; NULL: something else */
    char tls[80];         /* TLS, for a reply and the decision: printable ASCII */
    enum reply_name
        reply;   /* else what the client is told; REPLY_OK: that the hop is out of reach */
    bool enough; /* the hop takes no more connections just now: 421 */
    char why[HOP_FAULT_TEXT_MAX]; /* in words, for the operator; "": the error says it */
};

struct hop_conn {
    struct stream *stream;
    struct reply_reader replies;
    struct buf out; /* commands put together for one write */
    struct hop_capabilities can;
    bool extended;        /* it took EHLO or LHLO */
    struct buf client;    /* the XCLIENT lines that the hop has taken */
    bool forward_refused; /* XFORWARD, XCLIENT: not tried again */
    bool client_refused;
    char tls[80]; /* "TLSv1.3 TLS_AES_256_GCM_SHA384", empty in the clear */
    bool tls_resumed;
    char tls_unused[80]; /* why not, where TLS was wanted */
    unsigned owed;       /* replies to RSET and NOOP that come before the next reply asked for */
    bool used;           /* has waited since its last command: it may have died unnoticed */
    unsigned mails;      /* MAIL commands the hop has answered */
    unsigned refusals;   /* 4xx and 5xx it has answered */

    /* Its pool's, which hears of its end; NULL while it is being made. */
    struct hop_pool *pool;
    bool kept;
    bool probing; /* kept: an answer is awaited that tells whether it is still there */
    unsigned probes;
    usec_t idle_until;
    struct list link;
    struct rt_timer idle;
};

/* Connects to `hop` at `to`, or to its Unix socket, reads the greeting, says EHLO `hostname`, and
 * begins TLS as `tls` wants it (route/hop_hello.c). 0 and *ret; -ECONNREFUSED and other errors of
 * connecting; -EPROTO when the hop does not want us, or does not speak SMTP; -EKEYREJECTED when its
 * certificate is not good; -ETIMEDOUT, -ECANCELED. *ret_fault is set in any case. */
int hop_conn_open(const struct conf_hop *hop, const struct addr *to, struct hop_tls *tls,
                  const char *hostname, usec_t deadline, struct hop_conn **ret,
                  struct hop_fault *ret_fault);

/* Says EHLO (LHLO; HELO where EHLO is refused with 5xx) and learns what the hop can do: 0; -EPROTO
 * when it wants neither; or an error of the connection. For the beginning, and after commands that
 * set the hop's session back to it. */
int hop_conn_hello(struct hop_conn *c, bool lmtp, const char *hostname, usec_t deadline);

/* What was wrong, in words: the fault's own, or those of the error. Returns `ret_text`. */
const char *hop_fault_text(const struct hop_fault *fault, int error,
                           char ret_text[static HOP_FAULT_TEXT_MAX]);

/* False when the hop has closed it, or has said something that nobody asked for. Never waits. */
bool hop_conn_alive(struct hop_conn *c);

/* Puts RSET, or NOOP, in front of the next commands. Its reply is read and checked by whoever reads
 * next. */
void hop_conn_put_reset(struct hop_conn *c);
void hop_conn_put_noop(struct hop_conn *c);

/* Writes what stands in c->out. */
int hop_conn_send(struct hop_conn *c, usec_t deadline);

/* Writes what stands in c->out without waiting; false when it did not go out as a whole. */
bool hop_conn_send_now(struct hop_conn *c);

/* Says RSET for whoever has the connection next, without waiting. False when the hop has gone, or
 * has said something that would be taken for the reply. */
bool hop_conn_reset_now(struct hop_conn *c);

/* Reads the replies owed to earlier RSETs and NOOPs: 0; -ECONNRESET when one was not a yes. */
int hop_conn_settle(struct hop_conn *c, usec_t deadline);

/* The reply to the next command; those owed come off first. Like reply_read. */
int hop_conn_reply(struct hop_conn *c, usec_t deadline, struct reply *ret);

/* End it and free: with a QUIT whose reply nobody waits for; or at once with a reset, so that the
 * hop can never take what it has for a whole message. NULL is allowed. Neither waits. Return
 * NULL. */
struct hop_conn *hop_conn_quit(struct hop_conn *c);
struct hop_conn *hop_conn_close(struct hop_conn *c);
struct hop_conn *hop_conn_abort(struct hop_conn *c);
