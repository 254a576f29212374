/* Documents that can have macros or objects, or be encrypted: compound files of Office, RTF, PDF.
 * (Office's and OpenDocument's ZIP files are archives: inspect/archive.h.) */
#pragma once

#include "inspect/file.h"

/* Is it one, by its first octets? */
bool office_is(struct slice octets);

/* Enters what it has. */
void office_open(struct inspect_run *run, const struct file *f);
