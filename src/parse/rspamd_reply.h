/* What rspamd answers to /checkv2, a JSON object: the score, the action, and the symbols. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* A reply that is longer, or whose values are deeper inside each other, is none. */
#define RSPAMD_REPLY_MOST ((size_t)262144)
#define RSPAMD_DEPTH_MOST 24
/* Symbols that are read; of more the first so many. A name that is longer is none. */
#define RSPAMD_SYMBOLS_MOST 300
#define RSPAMD_SYMBOL_MOST  100
#define RSPAMD_ACTION_MOST  40

struct rspamd_reply {
    int64_t score;       /* thousandths */
    struct slice action; /* "no action", "greylist", "add header", "reject", … */
    const struct slice *symbols;
    size_t symbol_count;
};

/* What *ret points to is in `arena`. 0, or -EPROTO. */
int rspamd_reply_parse(struct slice json, struct arena *arena, struct rspamd_reply *ret);
