/* One next hop of a route: where it is, and the options behind it. Internal to src/conf.
 *
 *   hop    = HOP { option } ;
 *   option = "weight" NUMBER | "standby" | "tls" MODE | "name" NAME | "ca" FILE |
 *            "tls_minimum" VERSION | "xclient" | "junk_detail" DETAIL ;
 *
 * Each option at most once, in any order; what they mean together is judged when all are read. */
#pragma once

#include "conf/parser.h"

#define NEXT_HOP_WHAT "smtp://HOST, lmtp://HOST, lmtp:PATH or maildir:FOLDER"

enum next_hop_option {
    OPTION_CA,
    OPTION_JUNK_DETAIL,
    OPTION_NAME,
    OPTION_STANDBY,
    OPTION_TLS,
    OPTION_TLS_MINIMUM,
    OPTION_WEIGHT,
    OPTION_XCLIENT,
    OPTION_COUNT
};

/* What has been read of it. */
struct next_hop {
    struct conf_hop hop;
    struct conf_route_hop use;
    struct token token;                 /* HOP */
    struct token options[OPTION_COUNT]; /* as found, line 0 for none */
    struct token tls;                   /* the word behind "tls" */
};

/* Takes h->token apart: 0 with its kind and place in h->hop. */
int next_hop_place(struct parser *p, struct next_hop *h);

/* Takes one option, which stands next. */
int next_hop_option(struct parser *p, struct next_hop *h);

/* Behind the last one: what they mean together, and what holds without them. */
int next_hop_settle(struct parser *p, struct next_hop *h);

/* The configuration's hop that is the same and talked to in the same way; a new one if need be. */
const struct conf_hop *next_hop_keep(struct parser *p, const struct next_hop *h);

/* The same server? */
bool next_hop_same_place(const struct conf_hop *a, const struct conf_hop *b);

/* Both NULL, or the same text. */
bool next_hop_same_text(const char *a, const char *b);
