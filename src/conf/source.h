/* The files of a configuration: their paths, and reading them. Internal to src/conf. */
#pragma once

#include "conf/parser.h"

/* The reader of conf_parse: regular files on disk. */
extern const struct conf_reader source_disk;

/* Reads a file from disk whole. With `special` also what is no regular file, such as a pipe. 0, or
 * a negative errno: -EFBIG above 16 MiB, -ENODEV for what is no regular file. */
int source_read(const char *path, bool special, struct buf *ret);

/* A file's text without the mark (U+FEFF) that some editors put in front of UTF-8. */
struct slice source_text(struct slice whole);

/* Finds out the absolute path of the first file, `name`, for conf_read_source. */
void source_begin(struct conf_whole *w, const char *name);

/* The error of an include whose path is `path`, where conf_read_source said `error`; always
 * -EINVAL.
 */
int source_fail(struct parser *p, const struct token *path, int error);
