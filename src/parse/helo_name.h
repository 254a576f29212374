/* What kind of name a client gives with EHLO or HELO.
 *
 * Parser and session let any name pass that can be written down; what it is, and whether it can be
 * one at all, is told here for facts to judge. */
#pragma once

#include "base/addr.h"
#include "base/slice.h"

enum helo_form {
    HELO_DOMAIN,  /* with a dot */
    HELO_LABEL,   /* without one */
    HELO_LITERAL, /* [192.0.2.1], [IPv6:2001:db8::1] */
    HELO_ADDRESS, /* the same without brackets */
    HELO_INVALID, /* no host name by RFC 5321 4.1.2, though an underscore is let pass */
};

/* A dot at the end does not count. *ret is the address of a LITERAL and an ADDRESS, else untouched.
 */
enum helo_form helo_form_of(struct slice helo, struct addr *ret);

/* The name without a dot at its end, which only says that it is whole. */
struct slice helo_without_last_dot(struct slice name);
