/* Text of a header field as people are shown it: encoded words (RFC 2047) decoded, all in UTF-8.
 *
 * As lenient as mail readers are: an encoded word may stand within other text or in quotes, may be
 * longer than allowed, and may hold blanks. What cannot be decoded stays as it is. */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* Who knows charsets: appends `octets`, which are of `charset` (its name as somebody wrote it), in
 * UTF-8. Of a charset that it does not know, it makes the best. */
struct charset_reader {
    void (*read)(void *arg, struct slice charset, struct slice octets, struct buf *to);
    void *arg;
};

/* What was remarkable about it. */
struct encoded_words {
    size_t count;   /* encoded words */
    bool needless;  /* one of them holds nothing that had to be encoded */
    bool bare_8bit; /* octets above 127 outside of them */
};

/* Appends the text of a field's body: unfolded, blanks at both ends and between encoded words
 * removed, control characters turned into blanks. Octets outside of encoded words are UTF-8 or,
 * where they are not, of charset "windows-1252". `ret_found` may be NULL. Time and what is appended
 * are linear in the body's length. */
void encoded_text_decode(struct slice body, const struct charset_reader *charsets, struct buf *to,
                         struct encoded_words *ret_found);
