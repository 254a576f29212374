/* A second reader of the message, GMime: what it takes for a part and the scan
 * (inspect/mime_scan.h) does not is looked at, too, and the message called ambiguous. */
#pragma once

#include "inspect/inspect_impl.h"

/* Behind the scan, where that has reached no limit: GMime has none of its own. */
void second_read(struct inspect_run *run);
