/* What the name of a file says. */
#pragma once

#include "inspect/anomaly.h"

/* Enters the name, its extension and what is odd about it; a dangerous extension makes it
 * attachment.executable. `name` is in UTF-8. */
void file_name(struct inspect_run *run, struct slice name);

/* The extension in lower case, without the dot, as Windows sees it: blanks and dots at the end do
 * not count. "" when there is none. In `out`, which has room for name.n octets. */
struct slice file_extension(struct slice name, char *out);

/* Why such a file may do harm when it is opened; NULL when it is not known to. */
const char *file_extension_runs(struct slice extension);
