/* What the files of src/inspect share: one inspection under way, its limits, and how findings are
 * entered. The walk through a message's parts (parts.c) calls what knows about header and text:
 *
 *     inspect_rules_begin      once, first
 *     inspect_header           once, where there is work for it
 *     inspect_text_part        for each part that people read, and each attachment that is HTML
 *     inspect_finish_text      once, behind the last part
 *     inspect_rules_end        once, last
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/siphash.h"
#include "base/slice.h"
#include "base/time.h"
#include "inspect/inspect.h"

struct inspect_charsets;
struct inspect_magic;
struct inspect_rules;
struct text_set;

struct inspect {
    struct inspect_charsets *charsets;
    struct inspect_magic *magic;
    struct inspect_rules *rules;
    uint8_t secret[SIPHASH_SECRET];
};

enum inspect_limit {
#define INSPECT_LIMIT(ident, name, prose) LIMIT_##ident,
#include "tbl/inspect_limits.h"
#undef INSPECT_LIMIT
    INSPECT_LIMITS
};

/* One inspection. */
struct inspect_run {
    struct inspect *inspect;
    const struct inspection_request *request;
    struct slice message;
    struct arena *arena;    /* of the answer */
    struct arena scratch;   /* until the inspection ends */
    struct inspection *ret; /* TEXTS get there at the end */
    struct text_set *sets;  /* of each finding */
    bool *odd;              /* by enum anomaly: entered already */
    usec_t deadline;        /* on the monotonic clock */
    uint32_t reached;       /* bits of enum inspect_limit */
    uint64_t decoded;       /* octets made so far */
    uint64_t members;       /* of archives, so far */
    uint64_t parts;         /* of the message, so far */
    uint64_t file_parts;    /* those of them that are in messages attached as files */
    uint64_t depth;         /* of the containers around what is looked at */
    uint64_t deepest;       /* that was, so far */
    uint64_t hidden;        /* files found in texts so far; as many as parts at most */
    size_t *begins;         /* where parts of the message begin in it */
    size_t begin_count;
    uint64_t compared;           /* lines that begin as boundaries do, with each one around them */
    struct inspect_text *text;   /* the text reader's own */
    struct inspect_match *match; /* the patterns' own */
};

/* Is this work asked for? INSPECT_PATTERNS wants header and text to be read, too. */
static inline bool inspect_wants(const struct inspect_run *run, uint32_t work)
{
    return (run->request->work & work) != 0;
}

/* ---- limits (answer.c) ---- */

/* A limit was reached: what rests on all having been looked at is open. */
void inspect_reached(struct inspect_run *run, enum inspect_limit limit);

static inline bool inspect_has_reached(const struct inspect_run *run, enum inspect_limit limit)
{
    return (run->reached & 1u << limit) != 0;
}

/* Was a limit reached that may have left out what people read? A limit of archives did not. */
bool inspect_text_is_open(const struct inspect_run *run);

/* Is the time over? Asks the clock: call it now and then, not for each octet. */
bool inspect_late(struct inspect_run *run);

/* How many of `n` octets may still be made; takes them. Fewer than `n`: the limit is reached. */
size_t inspect_may_decode(struct inspect_run *run, size_t n);

/* ---- findings (answer.c) ---- */

/* To TEXTS, each text once, as UTF-8: octets that are none are replaced by U+FFFD. What is more
 * than the bounds of parse/inspection.h is cut, and the finding open. An empty text is none. */
void inspect_add(struct inspect_run *run, enum finding_id id, struct slice text);
/* Is it there already? */
bool inspect_knows(struct inspect_run *run, enum finding_id id, struct slice text);
void inspect_add_name(struct inspect_run *run, enum finding_id id, const char *name);

/* A TEXT, in the same way; the last one stays. */
void inspect_set_text(struct inspect_run *run, enum finding_id id, struct slice text);
void inspect_set_number(struct inspect_run *run, enum finding_id id, int64_t n);
void inspect_count(struct inspect_run *run, enum finding_id id);
void inspect_flag(struct inspect_run *run, enum finding_id id);
/* It may be more than is told. */
void inspect_open(struct inspect_run *run, enum finding_id id);

/* ---- the parts of the message ---- */

/* A part that is no container, for those who read text. Slices last until the call returns. */
struct inspect_part {
    struct slice type;    /* "text/html", in lower case; "text/plain" where it has none */
    struct slice charset; /* in lower case; "" where none is named */
    struct slice octets;  /* decoded, not converted */
    bool cut;             /* there would be more: a limit was reached */
    bool attached;        /* readers show it as a file, not as text */
    bool base64;          /* it came in that encoding */
};

/* ---- character sets (charset.c) ---- */

/* Those that are known now work without opening a file later. */
int inspect_charsets_new(struct inspect_charsets **ret);
struct inspect_charsets *inspect_charsets_free(struct inspect_charsets *c);

/* Appends the octets as UTF-8; what is no character becomes U+FFFD. A charset that is unknown is
 * read as UTF-8, and what is none of it as Windows-1252. `most`: octets that may be appended. False
 * when the charset is unknown. */
bool inspect_to_utf8(const struct inspect *i, struct slice charset, struct slice octets,
                     size_t most, struct buf *ret);

/* Appends the text with its encoded words decoded (parse/encoded_word.h). False, and nothing is
 * appended, when there is none in it. */
bool inspect_words(const struct inspect *i, struct slice text, struct buf *ret);

/* ---- what others fill in ---- */

/* `header`: the message's own, raw, with its folds, without the empty line (header.c). */
void inspect_header(struct inspect_run *run, struct slice header);

void inspect_text_part(struct inspect_run *run, const struct inspect_part *part); /* text.c */
void inspect_finish_text(struct inspect_run *run);

/* Patterns (rules.c). */
int inspect_rules_new(struct inspect_rules **ret);
struct inspect_rules *inspect_rules_free(struct inspect_rules *r);
int inspect_rules_set(struct inspect_rules *r, struct slice octets);
/* Makes room for the answer of each group, and looks for those of PATTERN_IN_RAW. */
void inspect_rules_begin(struct inspect_run *run);
/* Is there anything to look for in that place? */
bool inspect_rules_want(const struct inspect_run *run, enum pattern_place place);
/* Looks for the groups of that place in a text of its own; a pattern does not reach from one text
 * into the next. Of a very long text the rest is not looked at, and the groups not found are open.
 */
void inspect_rules_match(struct inspect_run *run, enum pattern_place place, struct slice text);
/* Groups that were not found, while a limit was reached, are open. */
void inspect_rules_end(struct inspect_run *run);
