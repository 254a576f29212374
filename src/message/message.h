/* One message in transit: the octets as received, what was noticed while they came in, and the
 * edits to make on the way out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/slice.h"
#include "message/spool.h"

/* Octets that do not go out: one or more whole lines, in the place where they were received. */
struct message_cut {
    uint64_t at;
    uint64_t n;
};

struct message {
    struct spool spool;
    struct digest digest; /* SHA-256 of the octets as received */
    struct slice trace;   /* the fields we add in front, CRLF at its end */
    /* In order, and neither empty nor side by side. Of the transaction's arena, like `trace`. */
    const struct message_cut *cuts;
    size_t cut_count;
    bool by_bdat;       /* came in by BDAT: bare CR and LF are legal */
    bool bare_cr_or_lf; /* has a CR or LF that is not part of a CRLF */
    bool has_nul;
    bool has_leading_dot; /* some line begins with a dot, perhaps one that is cut out */
    bool ends_in_crlf;    /* true for an empty message too */
    bool has_8bit;        /* some octet above 127 */
    bool begins_blank;    /* its first octet is a blank */
    uint32_t received_count;
    uint32_t results_count; /* fields of names that we write under: Authentication-Results, marks */
    uint32_t removed;       /* of them, those that are cut out as forged */
    uint64_t longest_line;  /* octets without its CRLF */
};
