/* A message's parts, found in one pass over its lines: no recursion into them, and no copy.
 *
 * Where readers differ on where a part begins or ends, this one takes each possibility for true:
 * several boundaries of one multipart all count, and a multipart that was closed may go on. */
#pragma once

#include "inspect/mime_head.h"
#include "inspect/mime_value.h"

/* Scans a message: that of the run, or where run->depth is not 0 one that was found in it. */
void mime_scan(struct inspect_run *run, struct slice octets);

/* What it finds goes to parts.c: each part that is no container, with its type as it is taken to
 * be; and the text before the first and behind the last part of a multipart. */
void inspect_leaf(struct inspect_run *run, const struct mime_head *head, struct slice type,
                  struct slice body);
void inspect_container(struct inspect_run *run, const struct mime_head *head);
void inspect_outside(struct inspect_run *run, struct slice text, bool epilogue);
