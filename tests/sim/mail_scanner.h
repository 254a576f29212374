/* An outside scanner: clamd, rspamd or spamd, in its own protocol, where the house's configuration
 * says that it is. What it does with a message a script decides. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "house.h"

/* What it does when it has a message as a whole. */
struct scanner_move {
    enum scanner_deed {
        SCANNER_CLEAN, /* nothing is wrong with it */
        SCANNER_FINDS, /* clamd: `text` is the signature's name */
        SCANNER_SCORES,
        SCANNER_SAYS,   /* just the octets of `text` */
        SCANNER_BREAKS, /* half of what it would say of a clean one, and the end */
        SCANNER_CLOSES, /* without a word */
        SCANNER_HANGS,  /* says nothing, until it is left alone */
        SCANNER_FLOODS, /* 100 MB without sense */
    } kind;
    struct slice text;
    const char *score;  /* SCANNER_SCORES: a number */
    const char *names;  /* symbols or rules, separated by commas */
    const char *action; /* rspamd's */
    usec_t delay;       /* it takes so long for it */
};

struct mail_scanner {
    struct house *house;
    enum conf_scanner_kind kind;
    struct sim_listener *listener; /* NULL: it is down, or not in the configuration */

    /* Asked for each message; leaves *ret zeroed for SCANNER_CLEAN. Or NULL. */
    void (*script)(void *arg, struct slice message, struct scanner_move *ret);
    void *script_arg;

    unsigned asked;      /* messages that it had as a whole */
    unsigned pinged;     /* questions whether it is there */
    unsigned given;      /* of the messages, by descriptor */
    unsigned open;       /* connections, now */
    struct buf request;  /* the last one's command, or header */
    struct buf message;  /* the last one's octets */
    char complaint[200]; /* the first thing that its client must not do, or "" */
};

struct mail_scanner *mail_scanner_new(struct house *h, enum conf_scanner_kind kind);
struct mail_scanner *mail_scanner_free(struct mail_scanner *m);

/* Stops listening, or listens again; nothing where the configuration has none of the kind. */
void mail_scanner_listen(struct mail_scanner *m, bool on);
