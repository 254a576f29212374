/* A file of lines, in chunks that several processes may read at the same time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct batch_chunk {
    uint64_t offset; /* in the file */
    uint64_t line;   /* number of its first, from 1 */
};

struct batch_lines {
    int fd;
    struct batch_chunk *chunks; /* and one behind the last, at the file's end */
    size_t count;
    size_t cap;
};

/* Finds the chunks' bounds: some lines each, and not much more than `line_most` octets, unless one
 * line alone has more. 0, or a negative errno: -ENOTSUP for what is no regular file. */
int batch_lines_open(const char *file, size_t line_most, struct batch_lines *ret);
void batch_lines_close(struct batch_lines *l);

/* Reads chunk `i` into `to`, which is emptied first, but of each chunk at most `most` octets. 0, or
 * a negative errno: -EIO where the file has become shorter. */
int batch_lines_read(const struct batch_lines *l, size_t i, size_t most, struct buf *to);
