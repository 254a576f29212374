/* To whom a name of the DNS belongs, by the list of public suffixes (publicsuffix.org). */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* The name's organisational domain: its public suffix and one label more; all of the name where it
 * is a public suffix itself, or too long for a name. `name` in lower case, as A-labels; the result
 * lies in it. */
struct slice organisation_of(struct slice name);

/* Is there such a top-level domain? Without a dot, in lower case. */
bool organisation_is_tld(struct slice label);
