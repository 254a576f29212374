/* Tag=value lists (RFC 6376 3.2), in which DKIM and ARC write their signatures and keys, and DMARC
 * its policies.
 *
 * Reads in place and judges the syntax alone: what a tag means is for others to say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* A list with more tags than this is none. Signatures have about ten. */
#define TAG_LIST_MOST 100

struct tag {
    struct slice name;  /* never empty */
    struct slice value; /* without white space around it; folds may be within */
    struct slice whole; /* all between "=" and ";", as b= is left out of what it signs */
};

struct tag_list {
    size_t count;
    struct tag tags[TAG_LIST_MOST];
};

/* 0; or -EBADMSG: this is no such list (or an empty one); -EEXIST: a tag occurs twice, which makes
 * all of it invalid; -E2BIG: more than TAG_LIST_MOST tags. A semicolon behind the last tag is let
 * be. Octets above 127 may stand in values where they are UTF-8 (RFC 8616). The work grows linearly
 * with the text. */
int tag_list_parse(struct slice text, struct tag_list *ret);

/* What such an error is called, for people: "more than 100 tags". */
const char *tag_list_problem(int error);

/* The tag of that name, which is compared with case as RFC 6376 has it; NULL: there is none. */
const struct tag *tag_list_find(const struct tag_list *list, const char *name);

/* Takes the next item off a list with colons between (h=, q=, s=, t= and the like), without white
 * space around it; it may be empty. False at the end; *rest with a NULL pointer is the end. */
bool tag_next_item(struct slice *rest, struct slice *ret);

/* Without the white space (blanks, CR, LF) at both ends. */
struct slice tag_trim(struct slice s);

/* An unsigned number of 1 to `digits` digits; one over UINT64_MAX is UINT64_MAX. False: it is
 * none. */
bool tag_number(struct slice text, size_t digits, uint64_t *ret);

/* Base64 (RFC 4648 4) with white space anywhere, as tags have it. The padding may be missing.
 * 0 with *ret_n octets in `ret`; -EBADMSG: other characters, a lone one at the end, anything
 * behind the padding; -EMSGSIZE: there are more than `room`. */
int tag_base64(struct slice text, uint8_t *ret, size_t room, size_t *ret_n);
