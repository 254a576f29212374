/* Taking one message apart: what an inspector does, and nothing of how it is asked.
 *
 * Uses only base and parse, and the libraries that know the formats (GMime, libmagic, libarchive,
 * PCRE2); makes no file, asks nobody, and keeps nothing of a message. What the libraries want to
 * read on the disk they read in inspect_new. */
#pragma once

#include "base/arena.h"
#include "base/slice.h"
#include "parse/inspection.h"
#include "parse/inspection_request.h"

/* What is kept from message to message: libraries made ready, and patterns compiled. One for each
 * process. */
struct inspect;

/* 0; or a negative errno with the cause in `ret_why`. */
int inspect_new(struct inspect **ret, char *ret_why, size_t why_size);
/* NULL allowed; returns NULL. */
struct inspect *inspect_free(struct inspect *i);

/* From now on these are the patterns; `octets` as pattern_groups_write made them. A pattern that
 * does not compile never matches. 0, or -EBADMSG, after which there are none. */
int inspect_set_rules(struct inspect *i, struct slice octets);

/* Does the request's work on the message, whose octets are as they were received (CRLF, no dots
 * stuffed). What *ret points to is in `arena` and in `message`. Whatever the message is, this
 * returns, within the request's limits, or the process dies of its own limits; it never fails. */
void inspect_message(struct inspect *i, struct slice message, const struct inspection_request *r,
                     struct arena *arena, struct inspection *ret);
