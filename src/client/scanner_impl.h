/* What the clients of the scanners have in common. Internal to src/client.
 *
 * A client speaks one protocol on a connection that is its own for one message. It knows neither
 * lines, health nor memory, which are in scanners.c. */
#pragma once

#include "base/buf.h"
#include "client/scanners.h"
#include "rt/stream.h"

/* Room for what a scanner said, or what was wrong with it, for the operator. */
#define SCAN_WHY_MOST 128

struct scan_job {
    struct stream *stream;
    const struct scan_request *request;
    const struct conf *conf;
    const struct conf_scanner *scanner;
    usec_t deadline;
    struct arena *arena;     /* for the result */
    char why[SCAN_WHY_MOST]; /* out: in words, where -EREMOTEIO is returned */
};

/* Scans: 0 and *ret, KNOWN or TOO_LARGE; -EREMOTEIO: the scanner says that it cannot; -EPROTO: it
 * says what it never would; -EIO: the message cannot be read, which is not its fault; -ETIMEDOUT,
 * -ECANCELED, or an error of the connection. */
int clamd_scan(struct scan_job *j, struct scan_result *ret);
int rspamd_scan(struct scan_job *j, struct scan_result *ret);
int spamd_scan(struct scan_job *j, struct scan_result *ret);

/* Is anybody there? 0, or an error as above. No message is needed. */
int clamd_ping(struct scan_job *j);
int rspamd_ping(struct scan_job *j);
int spamd_ping(struct scan_job *j);

/* ---- for the clients (scan_io.c) ---- */

/* Writes `head`, then the message's octets as they are. 0 or an error as above. Suspends. */
int scan_send_message(struct scan_job *j, struct slice head);

/* Writes `text`. */
int scan_send(struct scan_job *j, struct slice text);

/* Reads on: 1 when something came, 0 at the end, -EPROTO when `to` holds more than `most` octets
 * then, or an error. */
int scan_read(struct scan_job *j, struct buf *to, size_t most);

/* Reads up to the end, or until `to` holds `want`: how a ping is answered. 0; -EPROTO when it is
 * not. */
int scan_expect(struct scan_job *j, const char *want);

/* Puts what a scanner said into j->why, cleaned; always -EREMOTEIO. */
int scan_said(struct scan_job *j, struct slice text);
