/* A trace field of ours being written: folded to lines of at most 77 characters where there is a
 * blank to fold at, and printable ASCII whatever is put into it.
 *
 * What strangers say (names, addresses, texts of records) goes through the quoting of this file
 * alone. It must never let a line end, a control character or an octet above 127 into a field, nor
 * a value end its quotes or a comment its brackets. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

/* Longer values are left out with their name: nobody has such addresses, and a part of one would be
 * another. */
#define FIELD_VALUE_MOST 320
/* Longer texts for people end in "...". */
#define FIELD_TEXT_MOST 160

struct field_writer {
    struct buf text;
    size_t column; /* of the line so far */
    bool new_line; /* the next word begins a line */
};

/* "Name:". The writer need not be initialised. */
void field_begin(struct field_writer *w, const char *name);

/* A word of our own, with a blank in front of it; may hold blanks. */
void field_word(struct field_writer *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A value alone, quoted where it is no token (RFC 2045 5.1). */
void field_value(struct field_writer *w, struct slice value);

/* "name=value": as it is when it is a token of RFC 2045 5.1 or an address (a pvalue of RFC 8601
 * 2.2), else in quotes. Empty values are left out, too. */
void field_property(struct field_writer *w, const char *name, struct slice value);

/* The same in a list of Received-SPF, with ";" behind it; as it is when it is a dot-atom (RFC 7208
 * 9.1). */
void field_pair(struct field_writer *w, const char *name, struct slice value);

/* name="text for people"; nothing when it is empty. */
void field_text(struct field_writer *w, const char *name, struct slice text);

/* "(text for people)"; nothing when it is empty. */
void field_comment(struct field_writer *w, struct slice text);

/* ";" right behind what stands there; the next word begins a line when `new_line`. */
void field_semicolon(struct field_writer *w, bool new_line);

/* The field with its CRLF, in `arena`; frees the writer's memory. */
struct slice field_end(struct field_writer *w, struct arena *arena);
