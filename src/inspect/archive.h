/* Archives and packed files, opened by libarchive within the limits of the run. */
#pragma once

#include "inspect/file.h"

/* Is it one, by its first octets? */
bool archive_is(struct slice octets);

/* Looks at each member as a file. */
void archive_open(struct inspect_run *run, const struct file *f);
