/* Making octets of unknown origin fit to be shown to a person. */
#pragma once

#include <stddef.h>

/* Replaces by "?" what a terminal would interpret: control characters (C0, DEL, C1) and octets that
 * are not UTF-8. The length stays the same. */
void text_clean(char *p, size_t n);

/* How many octets at the start of `p` text_clean would leave alone; `n` when all are clean. */
size_t text_clean_length(const char *p, size_t n);
