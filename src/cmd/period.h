/* Which journal a command reads, and which part of it: what `replay` and `rules` have in common. */
#pragma once

#include "cmd/cmd.h"
#include "journal/replay_range.h"
#include "journal/rule_history.h"

struct period {
    const char *path; /* of the journal */
    usec_t since;     /* 0: from its beginning */
    usec_t until;     /* 0: to its end */
};

/* What a line may say of it, as it stands there; NULL: not given. */
struct period_words {
    const char *since;
    const char *until;
    const char *journal;
};

/* Reads the times. False: cmd_wrong has told what is wrong with them. */
bool period_take(const struct command *c, const struct period_words *w, struct period *ret);

/* The journal is the one of the line, or else that of the configuration read from `file`. False:
 * standard error says that it keeps none. */
bool period_find_journal(const struct period_words *w, const struct conf *conf, const char *file,
                         struct period *p);

/* Judges all of the period, as `range` says but for its path, bounds and lines; these go to
 * standard output, the numbers to *ret. False: standard error says why. An empty period is none. */
bool period_judge(const struct period *p, const struct replay_range *range, bool lines,
                  struct replay_tally *ret);

/* The same for `rules`, with what came of those whom rules hit. */
bool period_rules(const struct period *p, const struct replay_range *range, usec_t window,
                  struct replay_tally *ret, struct rule_history *ret_history);
