/* A message as a file has it, and as a client sends it.
 *
 * What is in the file decides how it is sent, and nothing is lost on the way:
 *
 *  - A file whose first line ends in LF is taken for a Unix file: each LF gets the CR that mailers
 *    put there. One whose first line ends in CRLF is in its wire form already: a bare LF in it is
 *    one.
 *  - A CR without LF is bare in both. Bare CR and LF can only be sent by BDAT (RFC 3030).
 *  - "From " at the beginning is the line that an mbox has in front of a message, and no part of
 * it.
 *  - A last line without its end gets one, as mailers do.
 *
 * Never changes the octets it looks at, and never reads a file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct mail_text {
    struct slice octets; /* the message, without an mbox's line; borrowed */
    uint64_t wire_size;  /* octets as they are sent, line ends included, dots not doubled */
    bool lf_file;        /* each LF without CR is a line end */
    bool mixed;          /* a Unix file in which some lines end in CRLF all the same */
    bool bare;           /* holds a bare CR or LF */
    bool has_8bit;
    bool mbox_line; /* one was left out */
    bool mbox_more; /* behind it, another such line behind an empty one: further messages */
    bool unended;   /* the last line gets its end */
    bool cut;       /* the file has more octets than `octets`; wire_size is at least its size */
};

/* Looks at the whole of `file`, which must outlive *ret. `size`: octets of the whole file, of which
 * `file` may be the beginning only. */
void mail_text_look(struct slice file, uint64_t size, struct mail_text *ret);

/* Writes down what follows at *at, as it is sent, into `to`: at most `room` octets (at least 4).
 * *at is moved on; 0 at the end. With `dots`, as DATA wants it (RFC 5321 4.5.2), but for the final
 * ".". */
struct mail_cursor {
    size_t at;
    bool in_line; /* not at the beginning of a line */
    bool ended;   /* the end of an unended last line has been written */
};
size_t mail_text_wire(const struct mail_text *m, struct mail_cursor *at, bool dots, char *to,
                      size_t room);
