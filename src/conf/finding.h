/* What is wrong, or doubtful, in a configuration: with its place, its line and what to do. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "conf/lexer.h"

enum severity { FINDING_ERROR, FINDING_WARNING };

struct conf_finding {
    enum severity severity;
    struct place place;
    const char *text;   /* "unknown fact "client.erly", did you mean "client.early"?" */
    const char *advice; /* what to do, or "" where the text says it */
};

struct findings {
    struct conf_finding *items; /* in the order of adding */
    size_t count;
    size_t cap;
    size_t errors;
    struct arena arena;
};

void findings_init(struct findings *f);
void findings_free(struct findings *f);
void findings_sort(struct findings *f); /* by file (in order of reading), line, column */

/* Adds one, unless it is there; `advice` may be NULL. Texts are copied. At most FINDINGS_MOST are
 * kept. */
#define FINDINGS_MOST 200
void finding_add(struct findings *f, enum severity severity, struct place place, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* "FILE:LINE:COLUMN: error: TEXT", the line, a caret below the column, and the advice; every line
 * ended. Octets that a terminal would interpret are replaced. */
void finding_format(const struct conf_finding *x, struct buf *ret);

/* The line of a place and a caret below its column, four blanks in front of both. Nothing for a
 * place without a source. Long lines are shown around the column. */
void place_excerpt(struct place place, struct buf *ret);
