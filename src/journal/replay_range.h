/* Judging a range of the journal's records anew, one after the other: the work of one process. */
#pragma once

#include <stdio.h>

#include "journal/read.h"
#include "journal/replay_tally.h"

struct replay_range {
    const char *path; /* of the journal */
    int64_t first_n;  /* both included */
    int64_t last_n;
    usec_t since; /* only what was decided then or later… */
    usec_t until; /* … and before; 0: all */

    const struct policy *policy; /* NULL: nothing is judged anew, only counted */
    const struct conf *conf;     /* as replay_setup has it */

    /* For `replay`: where each record goes that would end otherwise, NULL: nowhere; as a line for
     * people or as JSON. */
    FILE *changes;
    bool json;

    /* For `rules`: of records by this very policy, which rules decided that no other would have
     * followed; and how long facts took. */
    bool unique;
    bool times;
    FILE *events;          /* where what rule_history.h is made of goes; NULL: nowhere */
    const uint8_t *secret; /* of the hashes in it */
};

/* 0, with all counted in *ret; or a negative errno, with a sentence in `why`. */
int replay_range_judge(const struct replay_range *range, struct replay_tally *ret,
                       char why[static JOURNAL_WHY]);

/* ---- replay_line.c ---- */

/* A record that would end otherwise, with its line feed. */
void replay_line(struct buf *to, const struct replay *p, const struct journal_record *r,
                 const struct replay_outcomes *then, const struct replay_outcomes *now);
void replay_line_json(struct buf *to, const struct replay *p, const struct journal_record *r,
                      const struct replay_outcomes *then, const struct replay_outcomes *now);
