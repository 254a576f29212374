/* What spamd(8p) answers to SYMBOLS (SPAMC/1.5): a status line, fields, an empty line, and the
 * names of the rules that hit. */
#pragma once

#include <stdint.h>

#include "base/slice.h"

/* A reply that is longer is none. */
#define SPAMD_REPLY_MOST ((size_t)65536)
/* Rules that are read; of more the first so many. A name that is longer is none. */
#define SPAMD_RULES_MOST 300
#define SPAMD_RULE_MOST  100

struct spamd_reply {
    unsigned code;      /* of sysexits.h; 0: it has looked */
    struct slice said;  /* the status line behind the code, for people */
    int64_t score;      /* thousandths */
    struct slice rules; /* as they were sent, see spamd_rule_next */
};

/* `ended`: nothing more will come. 0; -EAGAIN: this is its beginning; -EPROTO. A reply with a code
 * other than 0 has no score, and one with 0 has. */
int spamd_reply_parse(struct slice octets, bool ended, struct spamd_reply *ret);

/* Takes the next name off; false when there is none. */
bool spamd_rule_next(struct slice *rules, struct slice *ret);
