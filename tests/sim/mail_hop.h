/* A next hop in the outside: speaks SMTP as a server does, and remembers what it has taken
 * responsibility for. */
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

struct mail_hop {
    struct house *house;
    struct sim_listener *listener;
    bool chunking;
    unsigned leniency;
    usec_t slow;            /* it thinks this long before it answers the next end of data; once */
    const char *data_reply; /* its answer to the end of data instead of 250, or NULL */

    /* What it has accepted: "RECIPIENT\n" once for each copy, and all messages' octets. */
    struct buf copies;
    struct buf content;
    unsigned messages;
    unsigned commands; /* lines that were no part of a message */
};

struct mail_hop *mail_hop_new(struct house *h);
struct mail_hop *mail_hop_free(struct mail_hop *m);

/* Copies that `recipient` has got. */
unsigned mail_hop_copies(const struct mail_hop *m, const char *recipient);
