/* Making octets of unknown origin fit to be shown to a person. */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/* Replaces by "?" what a terminal would interpret: control characters (C0, DEL, C1) and octets that
 * are not UTF-8. The length stays the same. */
void text_clean(char *p, size_t n);

/* How many octets at the start of `p` text_clean would leave alone; `n` when all are clean. */
size_t text_clean_length(const char *p, size_t n);

/* Appends text of unknown origin as a person may read it on a terminal: what text_clean would
 * replace is "?", and so are characters that turn the text around them (bidirectional controls) or
 * are not seen at all; a line feed is " | ". At most `most` octets, then "..." and how many there
 * were. */
void text_show(struct buf *ret, struct slice text, size_t most);
