/* What mail does to a text on its way, undone: encodings, folding, quoting.
 *
 * For texts that were pasted, of which nobody says how they were encoded: what is not encoded that
 * way stays as it is (quoted-printable, folding) or is left out (base64). All work in time linear
 * in the text, and append to `ret`. */
#pragma once

#include "base/buf.h"

/* "=5B" becomes "[", and "=" at a line's end goes, with the line end and the marks of quoting on
 * the next line (RFC 2045 6.7). */
void mail_undo_quoted_printable(struct slice text, struct buf *ret);

/* What lines in base64 (RFC 2045 6.8) stand for, each run of such lines as a text of its own, with
 * a line end behind it. Whatever looks like one is decoded. */
void mail_undo_base64(struct slice text, struct buf *ret);

/* Takes out line ends, with the blanks and the marks of quoting at the beginning of the next line.
 */
void mail_undo_lines(struct slice text, struct buf *ret);
