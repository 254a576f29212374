/* What an inspector answers about a message, as a struct and as the octets that it sends to the
 * worker: the rows of tbl/findings.h, and which patterns were found.
 *
 * Both ends are the same program on the same host, but what has just taken a stranger's message
 * apart is not to be believed: reading takes nothing for granted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

enum finding_kind { FINDING_FLAG, FINDING_NUMBER, FINDING_TEXT, FINDING_TEXTS };

enum finding_id {
#define FINDING(ident, kind, work) FINDING_OF_##ident,
#include "tbl/findings.h"
#undef FINDING
    FINDINGS
};

/* Work that an inspector is asked to do; INSPECT_PATTERNS where there are any. */
enum inspect_work {
    INSPECT_HEADER = 1,
    INSPECT_PARTS = 2,
    INSPECT_TEXT = 4,
    INSPECT_PATTERNS = 8,
};

/* What the finding MESSAGE_ID_FORM is. */
enum message_id_form {
    MESSAGE_ID_NONE, /* no such field */
    MESSAGE_ID_NORMAL,
    MESSAGE_ID_ADDRESS, /* the right side is an address in brackets */
    MESSAGE_ID_BARE,    /* there is no dot in it, or no right side */
    MESSAGE_ID_MALFORMED,
    MESSAGE_ID_SEVERAL, /* fields */
    MESSAGE_ID_FORMS
};

struct finding_row {
    enum finding_kind kind;
    enum inspect_work work;
};

extern const struct finding_row finding_rows[FINDINGS];

/* All zero is an answer too: no, 0, "", or none. DATE_SKEW is in microseconds, the Date field's
 * time less the request's `wall`. */
struct finding {
    bool open;                 /* a limit was reached before it was certain: it may be more */
    int64_t number;            /* of a FLAG 0 or 1 */
    struct slice text;         /* of a TEXT, in UTF-8 */
    const struct slice *texts; /* of TEXTS, in UTF-8 */
    size_t count;
};

/* Of TEXTS, and octets of each: what is more is cut, and the finding open. */
#define FINDING_TEXTS_MOST  1000
#define FINDING_OCTETS_MOST ((size_t)1024)

/* What became of a pattern group (parse/inspection_request.h): which of its patterns was found
 * first, counted from 1. */
#define PATTERNS_NONE 0
#define PATTERNS_OPEN (-1) /* a limit was reached */

struct inspection {
    struct finding of[FINDINGS];
    const int32_t *groups; /* by group, as asked */
    size_t group_count;
};

/* Octets of an answer at most. */
#define INSPECTION_MOST ((size_t)4 << 20)

/* Appends the octets. */
void inspection_write(const struct inspection *i, struct buf *to);

/* Reads them; texts are in `octets`, the rest in `arena`. `group_count`: how many were asked for.
 * 0; or -EBADMSG, and *ret is untouched. */
int inspection_read(struct slice octets, size_t group_count, struct arena *arena,
                    struct inspection *ret);
