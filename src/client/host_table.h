/* Names of hosts with their addresses, as hosts(5) has them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/slice.h"

struct host_table;

/* What a table knows of a name. */
enum host_state { HOST_UNKNOWN, HOST_FOUND, HOST_FAILS, HOST_SILENT };

/* Takes a text in the form of hosts(5); what is no line of it is passed over. With `pretend`, for
 * the simulated world, "fails" and "silent" in place of an address name those that the DNS has no
 * answer for just now, or never any. */
struct host_table *host_table_new(struct slice text, bool pretend);
/* NULL allowed; returns NULL. */
struct host_table *host_table_free(struct host_table *t);

/* At most `max` addresses of a name, letters compared without case, IPv6 in front, otherwise in the
 * order of the text. */
enum host_state host_table_find(const struct host_table *t, struct slice name, struct addr *ret,
                                size_t max, size_t *ret_n);

size_t host_table_count(const struct host_table *t);
