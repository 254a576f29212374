/* Recipients by a query to an SQLite database that others keep. Read only; any row means that the
 * recipient is known. The query may have the parameters
 *
 *   :address      the mailbox, its local part as the client wrote it but unquoted, its domain in
 *                 lower case
 *   :local_part   what is in front of its last "@"
 *   :domain       and behind it
 *
 * and has one of them. The database may be replaced by another file of its name at any time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct recipient_sql;

/* Nothing is opened yet; texts are copied. */
struct recipient_sql *recipient_sql_new(const char *path, const char *query);
/* NULL allowed; returns NULL. No query may be under way. */
struct recipient_sql *recipient_sql_free(struct recipient_sql *q);

/* Room for a cause. */
#define RECIPIENT_SQL_WHY 256

/* All that follow block (run them in RT_CALL_FILE), and may be called in several threads. */

/* Opens and prepares, if that has not been done: 0; or a negative errno with the cause. *ret_offset
 * is then where in the query it is, or -1 when it is not the query's fault. */
int recipient_sql_prepare(struct recipient_sql *q, char ret_why[static RECIPIENT_SQL_WHY],
                          int *ret_offset);

/* Is the recipient known? 1, 0, or a negative errno with the cause: -EBUSY for a database that
 * stays locked for a second, -ETIMEDOUT for a query that takes more than three, -EUCLEAN for a
 * damaged one, and others. */
int recipient_sql_has(struct recipient_sql *q, struct slice local_part, struct slice domain,
                      char ret_why[static RECIPIENT_SQL_WHY]);
