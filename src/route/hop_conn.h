/* One SMTP connection to a next hop: greeting and EHLO, commands out, replies in (RFC 5321, client
 * side). Knows nothing of messages and recipients; route/smtp_hop.c does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/time.h"
#include "conf/conf.h"
#include "route/reply_reader.h"
#include "rt/rt.h"

struct hop_pool;
struct stream;

/* What the hop said it can do in its reply to EHLO. */
struct hop_capabilities {
    bool pipelining;     /* RFC 2920 */
    bool eightbitmime;   /* RFC 6152 */
    bool smtputf8;       /* RFC 6531 */
    bool chunking;       /* RFC 3030 */
    bool enhanced_codes; /* RFC 2034 */
    bool size;           /* RFC 1870 */
    uint64_t size_limit; /* 0: none was said */
};

struct hop_conn {
    struct stream *stream;
    struct reply_reader replies;
    struct buf out; /* commands put together for one write */
    struct hop_capabilities can;
    unsigned owed; /* replies to RSET that come before the next reply asked for */
    bool used;     /* has waited since its last command: it may have died unnoticed */

    /* While it is kept in a pool. */
    struct hop_pool *pool;
    struct list link;
    struct rt_timer idle;
};

/* Connects to `hop` at `to`, reads the greeting, says EHLO `hostname` (HELO where EHLO is refused
 * with 5xx). 0 and *ret; -ECONNREFUSED and other errors of connecting; -EPROTO when the hop does
 * not want us, or does not speak SMTP; -ETIMEDOUT, -ECANCELED. */
int hop_conn_open(const struct conf_hop *hop, const struct addr *to, const char *hostname,
                  usec_t deadline, struct hop_conn **ret);

/* False when the hop has closed it, or has said something that nobody asked for. Never waits. */
bool hop_conn_alive(struct hop_conn *c);

/* Puts RSET in front of the next commands. Its reply is read and checked by whoever reads next. */
void hop_conn_put_reset(struct hop_conn *c);

/* Writes what stands in c->out. */
int hop_conn_send(struct hop_conn *c, usec_t deadline);

/* Writes what stands in c->out without waiting; false when it did not go out as a whole. */
bool hop_conn_send_now(struct hop_conn *c);

/* Reads the replies owed to earlier RSETs: 0; -ECONNRESET when one was not a yes. */
int hop_conn_settle(struct hop_conn *c, usec_t deadline);

/* The reply to the next command; those owed come off first. Like reply_read. */
int hop_conn_reply(struct hop_conn *c, usec_t deadline, struct reply *ret);

/* End it and free: with a QUIT whose reply nobody waits for; or at once with a reset, so that the
 * hop can never take what it has for a whole message. NULL is allowed. Neither waits. Return
 * NULL. */
struct hop_conn *hop_conn_quit(struct hop_conn *c);
struct hop_conn *hop_conn_close(struct hop_conn *c);
struct hop_conn *hop_conn_abort(struct hop_conn *c);
