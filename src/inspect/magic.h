/* What a file is by its content: libmagic, asked about its beginning only. */
#pragma once

#include "base/slice.h"

struct inspect_magic;

/* 0; or a negative errno with the cause in `ret_why`. The database is read here, and never again.
 */
int inspect_magic_new(struct inspect_magic **ret, char *ret_why, size_t why_size);
/* NULL allowed; returns NULL. */
struct inspect_magic *inspect_magic_free(struct inspect_magic *m);

/* The MIME type, valid until the next call; "application/octet-stream" for what nobody knows. */
struct slice inspect_magic_type(struct inspect_magic *m, struct slice octets);
