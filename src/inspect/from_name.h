/* Does the name beside an author's address say another address? */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

/* `name`: decoded. `domain`: the author's, A-labels in lower case, "" when there is none. True when
 * the name holds a mail address, or a host's name, of another organisation. Names of hosts that are
 * only like those people have ("St.John", "J.R.") do not count, nor do those of the same
 * organisation under another suffix ("example.co.uk" with example.com). What mailing lists write,
 * "somebody@example.org via the list", names the author as he is. */
bool from_name_is_other(struct slice name, struct slice domain);
