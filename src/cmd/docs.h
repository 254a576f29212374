/* The reference of the language, made from the tables (tbl/): what `gatepost docs` prints, and what
 * stands in docs/POLICY.md and gatepost-policy(5). */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "fact/fact.h"

enum docs_section {
    DOCS_FACTS,
    DOCS_MEMBERS, /* of sets whose members are all known */
    DOCS_ACTIONS,
    DOCS_LIMITS,
    DOCS_REPLIES,
    DOCS_COUNTERS,
    DOCS_STANDARD, /* the standard policy */
    DOCS_SECTION_COUNT
};

/* Appends a section: as Markdown, which can be read as text too, or as mdoc. The standard policy as
 * it is, or as a display. */
void docs_markdown(enum docs_section section, struct buf *ret);
void docs_man(enum docs_section section, struct buf *ret);

/* A section for programs: an array of its rows, or the standard policy's text. Sizes are in octets,
 * times in microseconds. */
json_t *docs_json(enum docs_section section);

/* ---- what these have in common ---- */

/* The rows of tbl/replies.h. */
struct docs_reply {
    const char *name;
    uint16_t code;
    const char *enhanced; /* "" for none */
    const char *text;
};
extern const struct docs_reply docs_replies[];
extern const size_t docs_reply_count;

/* Is the reply the same to its reader as one in front of it? */
bool docs_reply_repeated(size_t i);

/* The rows of tbl/counters.h. */
struct docs_counter {
    const char *name;
    const char *prose;
};
extern const struct docs_counter docs_counters[];
extern const size_t docs_counter_count;

/* What has to be said before a section's rows. What is literal stands in `…`, as in the tables. */
const char *docs_introduction(enum docs_section section);

/* "client.ip", "header(TEXT)" */
const char *docs_fact_name(const struct fact *f, struct arena *arena);
/* Its prose and, of a RESULT, its words. */
const char *docs_fact_prose(const struct fact *f, struct arena *arena);
/* "remembered", "live" */
const char *docs_fact_keeping(const struct fact *f);
/* "connect, helo, mail", or "all" */
const char *docs_phases(unsigned phases, struct arena *arena);

/* Columns of a line of text. */
#define DOCS_WIDTH 100

/* Appends `words` and a line feed, blanks turned into line ends where a line would be too long.
 * `column` is where the first word begins; further lines begin with `indent` blanks. */
void docs_wrap(struct buf *ret, const char *words, size_t column, size_t indent);
