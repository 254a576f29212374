/* What is told of a message that was judged: one line, as JSON or for people. Texts of strangers
 * are made harmless here for terminals. Prints nothing itself. */
#pragma once

#include "base/buf.h"
#include "judge/rehearsal.h"

struct judged {
    uint64_t number;    /* of the line in a batch, from 1; 0: it is not from one */
    struct slice file;  /* as it was named */
    struct slice label; /* "" without */
    const struct mail_text *mail;
    const struct judge_outcome *outcome;
};

/* How the file was taken, where that is not a matter of course: "the mbox's line in front was left
 * out" and the like. At most so many; returns how many. */
#define REPORT_NOTES_MOST 8
size_t report_notes(const struct mail_text *m, const char *ret[static REPORT_NOTES_MOST]);

/* Appends one line with its line feed: the decision line, with `line`, `file` and `label` in front
 * where it is from a batch, and `notes` and `reply` behind where there are any. */
void report_json(struct buf *to, const struct judged *j);
/* "FILE: refused, 550 5.7.1 text (gatepost.conf:23 reject)". */
void report_short(struct buf *to, const struct judged *j);

/* The same for a line of a batch that could not be judged; `file` and `label` may be "". */
void report_error_json(struct buf *to, const struct judged *j, const char *why);
void report_error_short(struct buf *to, const struct judged *j, const char *why);

/* The reply that mattered: the decision's, or where it has none the last that was no yes. */
void report_reply(struct buf *to, const struct judge_outcome *o);

/* Appends text of any octets, harmless for a terminal. */
void report_clean(struct buf *to, struct slice text);
