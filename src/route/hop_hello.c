/* How a connection to a next hop begins, up to the moment when MAIL can be said:
 *
 *   connect, 220
 *   EHLO (LHLO to an LMTP server, RFC 2033), 250 and what the hop can do. Refused with 5xx: HELO,
 *        but never in LMTP, which has no such thing
 *   STARTTLS, 220, handshake, where TLS is wanted; then EHLO again, and nothing that was said in
 *        the clear counts any more (RFC 3207 4.2)
 *
 * What came in behind the 220 to STARTTLS was not the hop's (CVE-2011-0411) and ends the
 * connection.
 *
 * Opportunistic TLS that is not offered, or refused, leaves this connection in the clear. When the
 * connection is lost at STARTTLS, or in the handshake, all is said on a fresh one in the clear.
 * When the hop hangs there no time is left: the hop has failed, and for a while it is spoken to in
 * the clear at once. Where TLS is required, none of this happens: the hop has failed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "route/hop_conn.h"
#include "rt/stream.h"

/* An EHLO reply is read for its keywords, of which no server has more than some dozens. */
#define EHLO_LINES_KEPT 100
#define EHLO_TEXT_KEPT  ((size_t)8192)

/* What is wanted of the connection being opened. */
struct opening {
    const struct conf_hop *hop;
    const char *hostname;
    struct hop_tls *tls;
    usec_t deadline;
    struct hop_fault *fault;
    bool tls_failed; /* the handshake, or what belongs to it: the connection is of no use */
    char why[80];    /* why TLS failed, or is not tried */
};

/* ---- EHLO ---- */

static int ask(struct hop_conn *c, const char *verb, const char *argument, usec_t deadline,
               struct reply *ret)
{
    buf_printf(&c->out, argument[0] != '\0' ? "%s %s\r\n" : "%s%s\r\n", verb, argument);
    int rc = hop_conn_send(c, deadline);
    return rc < 0 ? rc : reply_read(&c->replies, c->stream, deadline, ret);
}

int hop_conn_hello(struct hop_conn *c, bool lmtp, const char *hostname, usec_t deadline)
{
    struct reply reply;
    c->can = (struct hop_capabilities){0};
    c->extended = false;
    c->replies.lines_max = EHLO_LINES_KEPT;
    c->replies.text_max = EHLO_TEXT_KEPT;
    int rc = ask(c, lmtp ? "LHLO" : "EHLO", hostname, deadline, &reply);
    c->replies.lines_max = REPLY_LINES_KEPT;
    c->replies.text_max = REPLY_TEXT_KEPT;
    if (rc == 0 && reply.code == 250) {
        ehlo_reply_parse(reply.text, &c->can);
        c->extended = true;
        return 0;
    }
    if (rc == 0 && reply.code >= 500 && !lmtp) {
        rc = ask(c, "HELO", hostname, deadline, &reply);
        if (rc == 0 && reply.code == 250) {
            return 0;
        }
    }
    return rc < 0 ? rc : -EPROTO;
}

/* RFC 5321 3.1: 220, or the hop wants nobody. */
static int await_greeting(struct hop_conn *c, const struct opening *o)
{
    struct reply reply;
    int rc = reply_read(&c->replies, c->stream, o->deadline, &reply);
    if (rc < 0 || reply.code == 220) {
        return rc;
    }
    o->fault->enough = reply.code == 421;
    snprintf(o->fault->why, sizeof o->fault->why, "it greets with %u " SLICE_FMT, reply.code,
             SLICE_ARG(reply.text));
    return -EPROTO;
}

/* ---- STARTTLS ---- */

/* TLS is not used on this connection: 0 where it goes on without. */
static int go_without(struct hop_conn *c, struct opening *o, const char *why)
{
    if (!o->tls->required) {
        snprintf(c->tls_unused, sizeof c->tls_unused, "%s", why);
        return 0;
    }
    o->fault->enhanced = "4.7.4";
    snprintf(o->fault->tls, sizeof o->fault->tls, "TLS %s", why);
    return -EPROTO;
}

/* TLS was begun and failed: this connection is lost. */
static int give_up(struct opening *o, int error, const char *why)
{
    o->tls_failed = error != -ECANCELED;
    snprintf(o->why, sizeof o->why, "%s", why);
    snprintf(o->fault->tls, sizeof o->fault->tls, "%s", why);
    if (o->tls->required) {
        o->fault->enhanced = "4.7.5";
    } else if (error == -ETIMEDOUT) {
        o->tls->plain_until = rt_now() + HOP_TLS_PLAIN_TIME;
    }
    return error;
}

static int shake_hands(struct hop_conn *c, struct opening *o)
{
    struct stream *secure;
    char why[80];
    int rc = tls_connect(o->tls->context, c->stream, &o->tls->peer, o->deadline, &secure, why,
                         sizeof why);
    if (rc < 0) {
        return give_up(o, rc, why);
    }
    c->stream = secure;
    c->tls_resumed = tls_resumed(secure);
    snprintf(c->tls, sizeof c->tls, "%s %s", tls_version(secure), tls_cipher(secure));
    return hop_conn_hello(c, o->hop->kind == CONF_HOP_LMTP, o->hostname, o->deadline);
}

static int start_tls(struct hop_conn *c, struct opening *o)
{
    struct reply reply;
    char why[80];
    if (!c->can.starttls) {
        return go_without(c, o, "not offered");
    }
    int rc = ask(c, "STARTTLS", "", o->deadline, &reply);
    if (rc < 0) {
        return give_up(o, rc, "connection lost at STARTTLS");
    }
    if (reply.code == 421) {
        return -ECONNRESET;
    }
    if (reply.code != 220) {
        snprintf(why, sizeof why, "refused: %u " SLICE_FMT, reply.code, SLICE_ARG(reply.text));
        return go_without(c, o, why);
    }
    if (reply_reader_busy(&c->replies)) {
        return give_up(o, -EPROTO, "octets in the clear behind the reply to STARTTLS");
    }
    return shake_hands(c, o);
}

/* ---- the whole beginning ---- */

static int introduce(struct hop_conn *c, struct opening *o)
{
    int rc = await_greeting(c, o);
    if (rc == 0) {
        rc = hop_conn_hello(c, o->hop->kind == CONF_HOP_LMTP, o->hostname, o->deadline);
        if (rc == -EPROTO) {
            snprintf(o->fault->why, sizeof o->fault->why, "it does not take our EHLO");
        }
    }
    if (rc < 0 || o->tls->context == NULL) {
        return rc;
    }
    return o->why[0] != '\0' ? go_without(c, o, o->why) : start_tls(c, o);
}

static int try_once(struct opening *o, const struct addr *to, struct hop_conn **ret)
{
    struct stream *stream;
    int rc = o->hop->path != NULL ? stream_connect_path(o->hop->path, o->deadline, &stream)
                                  : stream_connect(to, o->deadline, &stream);
    if (rc < 0) {
        return rc;
    }
    struct hop_conn *c = xcalloc(1, sizeof *c);
    c->stream = stream;
    list_init(&c->link);
    reply_reader_init(&c->replies);
    rc = introduce(c, o);
    if (rc < 0) {
        rc == -EPROTO && !o->tls_failed ? hop_conn_quit(c) : hop_conn_abort(c);
        return rc;
    }
    *ret = c;
    return 0;
}

int hop_conn_open(const struct conf_hop *hop, const struct addr *to, struct hop_tls *tls,
                  const char *hostname, usec_t deadline, struct hop_conn **ret,
                  struct hop_fault *ret_fault)
{
    struct opening o = {
        .hop = hop, .hostname = hostname, .tls = tls, .deadline = deadline, .fault = ret_fault};
    *ret_fault = (struct hop_fault){0};
    if (rt_now() < tls->plain_until) {
        snprintf(o.why, sizeof o.why, "handshakes took too long before");
    }
    int rc = try_once(&o, to, ret);
    if (o.tls_failed && !tls->required && rc != -ETIMEDOUT) {
        o.tls_failed = false;
        rc = try_once(&o, to, ret);
    }
    return rc;
}
