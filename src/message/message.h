/* One message in transit: the octets as received, what was noticed while they came in, and the
 * edits to make on the way out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/slice.h"
#include "message/spool.h"

struct message {
    struct spool spool;
    struct digest digest; /* SHA-256 of the octets as received */
    struct slice trace;   /* the Received field we add in front, CRLF at its end */
    bool by_bdat;         /* came in by BDAT: bare CR and LF are legal */
    bool bare_cr_or_lf;   /* has a CR or LF that is not part of a CRLF */
    bool has_nul;
    bool has_leading_dot; /* some line begins with a dot: stuff it on the way out */
    bool ends_in_crlf;    /* true for an empty message too */
    bool has_8bit;        /* some octet above 127 */
    uint32_t received_count;
    uint64_t longest_line; /* octets without its CRLF */
};
