/* Reading the body of a structured header field (RFC 5322 3.2): what From and
 * Authentication-Results have in common.
 *
 * Line ends count as blanks, in whatever form: a body is one logical line. Comments nest as deep as
 * somebody likes; they are counted, not recursed into, and every octet is looked at once. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

struct field_cursor {
    const char *at;
    const char *end;
};

struct field_cursor field_cursor_of(struct slice body);

/* The next octet as an unsigned char, or -1 at the end. */
int field_peek(const struct field_cursor *c);

/* Takes that octet if it is the next one. */
bool field_skip(struct field_cursor *c, char expected);

/* What lies between `from` and the cursor. */
struct slice field_since(const struct field_cursor *c, const char *from);

/* Skips [CFWS]: blanks, line ends, comments. False when a comment does not end: the cursor is at
 * the end then. */
bool field_skip_cfws(struct field_cursor *c);

/* Takes a quoted-string: *ret is what it means, in `arena`, without quotes, line ends and the
 * backslashes of quoted pairs. False when there is none, or it does not end: the cursor stays. */
bool field_quoted(struct field_cursor *c, struct arena *arena, struct slice *ret);

/* The same, without wanting to know what it says. */
bool field_skip_quoted(struct field_cursor *c);

/* atext (RFC 5322 3.2.3), and any octet above 127 (RFC 6532 3.1; also what is no UTF-8). */
bool field_is_atext(int c);

/* Takes 1*atext. */
bool field_atom(struct field_cursor *c);
