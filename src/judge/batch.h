/* Many messages, a line each (parse/judge_request.h), on all processors.
 *
 * One process a processor, each with a rehearsal of its own, made after the fork. They take chunks
 * of lines by a number that they share, and write each chunk's output when it is its turn, so that
 * it comes in the order of the input. None holds more than a few MiB of output, one message and one
 * line: memory does not grow with the batch.
 *
 * A line that is no good, or a file that cannot be read, has its place in the output, and the rest
 * goes on. A process that ends otherwise than it should is a mistake of ours: the batch ends, and
 * it is told at which line. */
#pragma once

#include <stdbool.h>

#include "judge/rehearsal.h"
#include "judge/tally.h"

struct batch {
    const struct conf *conf;
    const struct policy *policy;
    const struct zone *dns; /* NULL: none */
    const char *file;       /* the batch's; names in it are relative to its folder */
    struct judge_case base; /* what no line says: listener, local, tls, early, no_esmtp; and what
                               one leaves out, as far as it is known: client, helo, sender,
                               recipients, at_wall */
    bool has_sender;        /* base.sender is known */
    bool json;
    int door;           /* to inspectors (client/inspector.h), or -1 */
    unsigned processes; /* at most; 0: one for each processor this process may use */
    int to;             /* where the output goes */
};

#define BATCH_WHY 400

/* Writes a line for each, then the totals. Returns 0 when every line was judged; 1 when some were
 * not, of which their lines tell; or a negative errno with a sentence in `ret_why`, when it could
 * not begin, or not go on. Forks: never with threads, never on an event loop. */
int batch_run(const struct batch *b, char ret_why[static BATCH_WHY]);
