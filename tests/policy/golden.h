/* Golden dialogues: cases whose transcripts are held against files. README.md says how.
 *
 * transcript.c writes down what happens, statements.c has the statements that differ from the
 * scenarios', reference.c the files with the transcripts, coverage.c which rules have fired,
 * runner.c plays all and compares. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "tests/scenario/scenario.h"

/* ---- statements.c ---- */
extern const struct statement golden_statements[];

/* ---- transcript.c ---- */

/* What can only be written down when a case has come to its end: the decisions, the facts that were
 * computed, what the hop was asked. */
void transcript_finish(struct run *r);

/* ---- reference.c ---- */

struct reference_case {
    char *name;
    struct buf text; /* lines, each ended */
};

/* Transcripts, in the order of their cases. */
struct reference {
    char *path;
    struct reference_case *cases;
    size_t count;
};

/* Of the file NAME.in those in NAME.ref; none when there is no such file. */
struct reference reference_read(const char *in_file);
void reference_free(struct reference *ref);
/* NULL when there is none. */
const struct reference_case *reference_find(const struct reference *ref, const char *name);
void reference_add(struct reference *ref, const char *name, struct slice text);
/* 0 or a negative errno. */
int reference_write(const struct reference *ref, const char *path);

/* Prints, as TAP comments, the lines of both: "-" for what only `old` has, "+" for `new`. */
void print_difference(struct slice old, struct slice new);

/* ---- coverage.c ---- */

struct covered {
    char *label; /* "standard.policy:123 reject" */
    bool fired;
};

/* Rules at message of the policy's file; nothing is noted where that is NULL. */
struct coverage {
    const char *file;
    struct covered *rules;
    size_t count;
};

/* What has fired, or would have where it is only observed, in a case that has come to its end. */
void coverage_note(struct coverage *c, struct run *r);
/* Tells of those that never fired; false when there are some, or no rule at all was seen. */
bool coverage_tell(const struct coverage *c);
void coverage_free(struct coverage *c);
