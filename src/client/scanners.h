/* Outside scanners: clamd, rspamd and spamd. One set for each worker.
 *
 * A scanner gets so many messages at a time (limit scan_connections); further ones wait. Messages
 * that are the same are scanned once: those that come meanwhile share the scan, later ones get what
 * it said for as long as limit scan_memory_time says (scan_memory.h).
 *
 * One that cannot be reached is *down*, and so is one that three times in succession gave nothing
 * that could be used. Then nobody waits for it: what it would say is unknown at once. It is tried
 * again beside that, by a question that every kind of scanner has for this purpose, one at a time
 * and only when somebody wants it: after a second at first, then after twice as long each time, up
 * to half a minute. Down, and well again, are told once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/time.h"
#include "conf/conf.h"
#include "message/message.h"

struct resolver;
struct rt;
struct scanners;

/* A message, and what is known of how it came in. All of it lasts as long as the scan. */
struct scan_request {
    struct message *message; /* which is only read */
    struct addr client;
    struct slice client_name; /* confirmed by the DNS; "" */
    struct slice helo;
    struct slice sender; /* mailbox; "" for <> */
    const struct slice *recipients;
    size_t recipient_count;
    struct slice id;         /* the decision's */
    const char *tls_version; /* NULL: without TLS */
    usec_t wall;             /* when it came in, since 1970 UTC */
};

enum scan_state {
    SCAN_KNOWN,
    SCAN_TIMED_OUT,
    SCAN_FAILED,    /* the scanner is down, or gave nothing that could be used */
    SCAN_TOO_LARGE, /* for the scanner, or by limit scan_size */
};

/* What a scanner said. */
struct scan_result {
    enum scan_state state;
    bool kept;                 /* it was said of the same message a while ago */
    int64_t score;             /* rspamd, spamassassin: thousandths */
    struct slice text;         /* clamd: the signature's name, "" when clean; rspamd: the action */
    const struct slice *names; /* rspamd: symbols; spamassassin: rules */
    size_t name_count;
};

/* A line for the operator; `trouble`: a warning. */
typedef void scanners_tell(void *arg, bool trouble, const char *line);

/* Those of the configuration. `resolver`, which may be NULL, gives addresses to names; `tell`,
 * which may be NULL too, is called on the loop. */
struct scanners *scanners_new(struct rt *rt, const struct conf *conf, struct resolver *resolver,
                              scanners_tell *tell, void *arg);

/* No more trials: those under way end soon. */
void scanners_drain(struct scanners *s);

/* Is nothing under way that outlives who asked for it? */
bool scanners_rest(const struct scanners *s);

/* Nobody asks any more, and scanners_rest. NULL is allowed. Returns NULL. */
struct scanners *scanners_free(struct scanners *s);

/* Has a scanner of the configuration look at a message, in the time that its limit says. What *ret
 * points to is in `arena`. Suspends. 0, or -ECANCELED. */
int scanners_scan(struct scanners *s, enum conf_scanner_kind kind, const struct scan_request *q,
                  struct arena *arena, struct scan_result *ret);

/* How one of them is, and what it did. */
struct scanner_figures {
    const char *name;  /* as the configuration has it */
    const char *error; /* the last one; "" */
    bool down;
    usec_t since; /* when it went down */
    unsigned in_use;
    unsigned waiting;
    uint64_t scanned; /* messages that it looked at */
    uint64_t kept;    /* that were known from before, or shared a scan */
    uint64_t unknown; /* of which it said nothing */
};

/* False where the configuration has none of that kind. */
bool scanners_figures(const struct scanners *s, enum conf_scanner_kind kind,
                      struct scanner_figures *ret);
