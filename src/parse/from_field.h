/* Who a message says has written it: the From field (RFC 5322 3.6.2 with the obsolete forms of
 * 4.4, groups by RFC 6854, UTF-8 by RFC 6532).
 *
 * Two readers of a malformed field see two authors, and that is what forgers live on. So this file
 * must never choose: it names every address that somebody might see, and says what is wrong. */
#pragma once

#include "base/arena.h"
#include "base/slice.h"

/* Of so many addresses the parser tells. */
#define FROM_ADDRESSES_MOST 32

struct from_address {
    struct slice mailbox; /* as it is written, without comments and blanks around its parts */
    struct slice domain;  /* behind the "@"; of an address literal with its brackets */
};

struct from_field {
    size_t fields; /* From fields in the header */
    struct from_address addresses[FROM_ADDRESSES_MOST];
    size_t count;
    bool cut;            /* there were more addresses */
    const char *problem; /* one plain phrase when it is not exactly one field that can be read and
                          * names somebody; else NULL */
};

/* Reads the From fields of a header (as in parse/header_fields.h). Addresses of all of them are in
 * *ret, which points into the header and `arena`. In a field that cannot be read, whatever looks
 * like an address counts as one; so does one that stands without quotes where the name should
 * be. */
void from_field_parse(struct slice header, struct arena *arena, struct from_field *ret);
