/* The fields of some names in a header of any length, which comes in pieces.
 *
 * parse/header_fields.h wants the header whole; here nothing is kept but the field that is being
 * read, and of that not more than was asked for. Both agree on what a field is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "parse/field_names.h"

struct field_search {
    struct field_names names;
    size_t most;
    uint64_t at;    /* octets taken so far */
    uint64_t begin; /* of the field that is being read */
    struct buf body;
    int which; /* of the names */
    uint8_t state;
    bool wanted; /* inside a field of that name, or of lines that are nobody's */
    bool cut;
    bool done; /* the empty line was there, or all is taken */
};

/* Octets n from `at` on, with the field's folds and its line end, or up to the message's end. */
struct found_field {
    uint64_t at;
    uint64_t n;
    size_t which;      /* of the names that were asked for */
    struct slice body; /* behind the colon, without the final line end; until the next call */
    bool cut;          /* it is longer than what was asked for: only its beginning is here */
    bool nobodys;      /* no field: the message begins with lines that have a blank in front, which
                        * would belong to a field that is put before them; `body` is empty */
};

/* `names`: as in parse/field_names.h; they must outlive the search. Of a body up to `most` octets
 * are kept. */
void field_search_init(struct field_search *f, const struct slice *names, size_t count,
                       size_t most);

/* Takes octets from the front of *piece up to where the next such field has ended: true, and there
 * may be more in what is left of *piece. False when all of *piece is taken, or the header has ended
 * (f->done). */
bool field_search_next(struct field_search *f, struct slice *piece, struct found_field *ret);

/* The message has ended: is the field that was being read one of them? */
bool field_search_end(struct field_search *f, struct found_field *ret);

void field_search_free(struct field_search *f);
