/* Encoded words (RFC 2047), as they stand in header fields and, though it is forbidden, in the
 * names of files. */
#pragma once

#include "base/buf.h"
#include "inspect/inspect_impl.h"

/* Appends the text in UTF-8 with its encoded words decoded; blanks between two of them are left
 * out. False, and nothing is appended, when there is none. */
bool encoded_words_decode(const struct inspect *i, struct slice text, struct buf *ret);
