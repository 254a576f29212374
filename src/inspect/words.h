/* What is remarkable about a text that people read, whatever it was written in. */
#pragma once

#include "inspect/inspect_impl.h"

/* Appends UTF-8 text with each run of blanks and line ends made one blank, so that where a line
 * ends does not matter; a blank at the beginning is left out where one was there before. At most
 * `most` octets are in `to` then: false when that was not enough. */
bool words_append(struct buf *to, struct slice text, size_t most);

/* Enters members of text.traits. */
void words_look(struct inspect_run *run, struct slice text);

/* Letters of any script. */
size_t words_letters(struct slice text);

/* Are most of the longer words of `b` not in `a`? Never of short texts. */
bool words_differ(struct slice a, struct slice b);
