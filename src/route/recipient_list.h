/* A list of recipients as a file has it, one in each line:
 *
 *   anna@example.org     this address
 *   @example.net         every address of the domain
 *   postmaster           this local part, in every domain that the list is for
 *
 * "#" at the beginning of a line makes it a comment. What stands behind an entry and blanks is not
 * looked at, nor are lines that begin with a blank behind such an entry, so that the source of a
 * Postfix relay_recipient_maps is such a file. Letters are compared without case. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

#define RECIPIENT_LIST_MOST ((size_t)64 << 20)

/* Made whole, then never changed. */
struct recipient_list;

/* NULL with the cause, which begins with ":LINE: " or ": ". May be called in any thread. */
struct recipient_list *recipient_list_parse(struct slice text, char *ret_why, size_t why_size);
/* NULL allowed; returns NULL. */
struct recipient_list *recipient_list_free(struct recipient_list *l);

/* Is the recipient in it? `local_part` is unquoted. What a local part has from the first of
 * `delimiters` on, but not at its beginning, may be missing in the list. */
bool recipient_list_has(const struct recipient_list *l, struct slice local_part,
                        struct slice domain, const char *delimiters);

size_t recipient_list_count(const struct recipient_list *l);

/* Were both made from the same text? */
bool recipient_list_same(const struct recipient_list *a, const struct recipient_list *b);
