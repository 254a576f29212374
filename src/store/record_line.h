/* Records of the memory as lines of JSON, one a line: what `gatepost state export` writes and
 * `import` reads, and files of correspondents. Pure: no I/O, no clock.
 *
 *     {"kind":"spf","name":"example.org","first":"2026-11-22T04:49:30.123456Z","last":…,
 *      "day":"2026-11-26","days":4,"tally":{"accepted":12.5},"rate":{"messages":0.25}}
 *
 * A line holds all that its record has; what is 0, never or empty is left out. */
#pragma once

#include "base/buf.h"
#include "base/emit.h"
#include "store/record.h"

/* Room for a sentence that says what is wrong with a line, and what was expected. */
#define RECORD_LINE_WHY 200

/* Octets of a line; beyond that it is none. */
#define RECORD_LINE_MOST ((size_t)16384)

/* Appends the record's line, without a line feed. */
void record_line_write(struct buf *to, const struct record *r);

/* The same as members of an object that is open. */
void record_line_members(struct emit *e, const struct record *r);

/* Reads one, without its line feed. Its name must be as Gatepost has it (record_name_form), its
 * times no later than a day after `wall`, and nothing in it unknown, but for what else `state show
 * --json` tells ("good", "bad", "proven"). 0; or -EBADMSG with a sentence in `why`, then *ret is
 * untouched. */
int record_line_parse(struct slice line, usec_t wall, struct record *ret,
                      char why[static RECORD_LINE_WHY]);

/* A line of a file of correspondents: a mailbox, perhaps in <>, perhaps with a comment behind "#".
 * 1 and its name in the memory (sender_form), in `ret`; 0 for a line with nothing in it; -EBADMSG
 * with a sentence in `why`. */
int record_correspondent_parse(struct slice line, char ret[static RECORD_NAME_MAX],
                               struct slice *ret_name, char why[static RECORD_LINE_WHY]);
