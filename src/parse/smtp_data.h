/* The framing of DATA (RFC 5321 4.5.2) and the look every message gets while it comes in.
 *
 * Only CRLF.CRLF ends the data. A bare CR, bare LF or NUL is noticed and kept, and can never end
 * anything. Works on blocks: whole runs between dot-stuffed lines, never octet by octet. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* What was noticed, over all pieces so far. */
struct data_notes {
    bool bare_cr_or_lf;
    bool has_nul;
    bool has_8bit;
    bool has_leading_dot;  /* a line of the message itself begins with a dot */
    uint64_t longest_line; /* octets without its CRLF */
    uint64_t size;         /* octets of the message */
};

struct data_decoder {
    struct data_notes notes;
    uint64_t line; /* octets of the unfinished line so far, as it will stand in the message */
    uint8_t state; /* private */
};

/* DATA: starts behind the CRLF of the DATA command, so that an immediate ".CRLF" is an empty
 * message. */
void data_decoder_init(struct data_decoder *d);

/* Takes `n` octets as they came from the client, in place: afterwards p[0 … *ret_out) are the
 * message's octets among them. Returns how many input octets were taken: all `n`, or up to and
 * including the end of the data when *ret_end is set; what is behind belongs to the next command.
 * A stuffing dot is removed, and so is the CR of a line ".CR" that no LF follows: it is noted as
 * bare, and a message with a bare CR is refused anyway. */
size_t data_decode(struct data_decoder *d, char *p, size_t n, size_t *ret_out, bool *ret_end);

/* BDAT and re-reading: the same notes with no framing; nothing is changed. `data_scan_end` is
 * called once at the end of the message: a CR that nothing followed is bare. */
void data_scan(struct data_decoder *d, const char *p, size_t n);
void data_scan_end(struct data_decoder *d);
