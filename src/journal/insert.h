/* One record's rows. Internal to the writer. */
#pragma once

#include "journal/db.h"
#include "journal/record.h"
#include "journal/writer.h"

/* Adds a record to the transaction under way: SQLITE_OK or a code of SQLite, then a part of it may
 * have been added. */
int journal_insert(struct journal_db *d, const struct journal_record *r);

/* The same for a policy and its rules, seen `now`, since 1970. */
int journal_insert_policy(struct journal_db *d, struct slice digest,
                          const struct journal_rule *rules, size_t count, usec_t now);

int journal_insert_health(struct journal_db *d, struct slice name, struct slice state,
                          struct slice detail, usec_t now);
