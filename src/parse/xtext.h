/* xtext (RFC 3461 section 4): printable ASCII without blanks, in which "+" and "=" and everything
 * else are written as "+" and two hexadecimal digits.
 *
 *   xtext   = *( xchar / hexchar )
 *   xchar   = any of "!" to "~" but "+" and "="
 *   hexchar = "+" and two digits, capital letters if any */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Octets that one can become at most. */
#define XTEXT_GROWS 3

/* Is it xtext that stands for printable ASCII alone, blanks included? */
bool xtext_is_printable(struct slice text);

/* Writes as many of the octets as fit into `room` as a whole; returns the length. */
size_t xtext_encode(struct slice octets, char *ret, size_t room);
