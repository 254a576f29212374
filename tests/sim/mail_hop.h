/* A next hop in the outside: speaks SMTP and LMTP as a server does, each behind doors of its own,
 * and remembers what it has taken responsibility for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "house.h"

/* What it takes for the end of the data, besides CRLF.CRLF: one letter for each, as some servers
 * did. */
enum hop_leniency {
    HOP_STRICT = 0,
    HOP_LF_DOT_LF = 1,
    HOP_LF_DOT_CRLF = 2,
    HOP_CRLF_DOT_LF = 4,
    HOP_CR_DOT_CR = 8,
};

/* Where a script may act in the hop's stead. */
#define HOP_POINTS(X)                                                                              \
    X(GREETING)                                                                                    \
    X(EHLO)                                                                                        \
    X(HELO)                                                                                        \
    X(MAIL)                                                                                        \
    X(RCPT)                                                                                        \
    X(DATA)                                                                                        \
    X(BODY)  /* while the octets behind 354 come in */                                             \
    X(CHUNK) /* the answer to a BDAT that is not the last */                                       \
    X(END) /* the answer to the final dot, or to BDAT LAST; in LMTP each recipient's, as `line` */ \
    X(RSET)                                                                                        \
    X(NOOP)                                                                                        \
    X(QUIT)                                                                                        \
    X(STARTTLS)                                                                                    \
    X(HANDSHAKE) /* behind the 220 to STARTTLS */                                                  \
    X(XFORWARD)                                                                                    \
    X(XCLIENT)                                                                                     \
    X(OTHER)

enum hop_point {
#define X(name) HOP_##name,
    HOP_POINTS(X)
#undef X
        HOP_POINT_COUNT
};

struct hop_move {
    enum { HOP_AS_USUAL, HOP_SAY, HOP_MUTE, HOP_CLOSE, HOP_RESET, HOP_SILENT } kind;
    const char *reply; /* HOP_SAY: without its last CRLF */
    usec_t delay;      /* thinks this long before it does it */
    size_t after;      /* HOP_BODY: when so many octets have come */
    bool take;         /* HOP_END: has taken the message, whatever it says */
};

/* Where it listens for LMTP: over TCP, and at a Unix socket. */
#define HOUSE_LMTP      "192.0.2.25:24"
#define HOUSE_LMTP_PATH "/run/lmtp"

struct hop_door {
    struct mail_hop *hop;
    struct sim_listener *listener; /* NULL: closed */
    bool lmtp;
};

#define HOP_DOORS 3

struct mail_hop {
    struct house *house;
    unsigned number;
    struct hop_door doors[HOP_DOORS];
    bool chunking;
    unsigned leniency;
    usec_t slow;             /* it thinks this long before it answers the next end of data; once */
    const char *data_reply;  /* its answer to the end of data instead of 250, or NULL */
    struct tls_context *tls; /* it can begin TLS with this certificate; NULL: it cannot */
    const char *offers;      /* its whole answer to EHLO instead of the usual one, or NULL */

    /* Asked before each answer of the hop; leaves *ret zeroed for the usual one. Or NULL. */
    void (*script)(void *arg, enum hop_point point, const char *line, struct hop_move *ret);
    void *script_arg;

    /* What it has accepted: "RECIPIENT\n" once for each copy, all messages' octets as they came,
     * and the last message alone, dots unstuffed. */
    struct buf copies;
    struct buf content;
    struct buf last;
    unsigned messages;
    unsigned commands; /* lines that were no part of a message */
    struct buf heard;  /* these lines, with LF ends */

    unsigned handshakes; /* TLS: succeeded, of these resumed, and failed */
    unsigned resumed;
    unsigned handshakes_failed;
    struct list sessions; /* open now */
    unsigned connections; /* these */
    unsigned accepted;    /* ever */
    char complaint[200];  /* the first breach of order by its client, or "" */
};

/* Other hops, with two doors. */
#define HOUSE_HOP_2  "192.0.2.26:25"
#define HOUSE_LMTP_2 "192.0.2.26:24"
#define HOUSE_HOP_3  "192.0.2.27:25"
#define HOUSE_LMTP_3 "192.0.2.27:24"

/* At HOUSE_HOP, HOUSE_LMTP and HOUSE_LMTP_PATH; or number 1 at HOUSE_HOP_2 and HOUSE_LMTP_2, number
 * 2 at HOUSE_HOP_3 and HOUSE_LMTP_3. */
#define MAIL_HOPS 3
struct mail_hop *mail_hop_new(struct house *h);
struct mail_hop *mail_hop_new_number(struct house *h, unsigned number);
struct mail_hop *mail_hop_free(struct mail_hop *m);

/* Stops listening, or listens again. */
void mail_hop_listen(struct mail_hop *m, bool on);

/* Cuts its connections; what it has sent and is still under way is lost. */
void mail_hop_cut(struct mail_hop *m);

/* Copies that `recipient` has got. */
unsigned mail_hop_copies(const struct mail_hop *m, const char *recipient);
