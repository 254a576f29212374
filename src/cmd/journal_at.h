/* Which journal a command reads: the one that is named, or the configuration's. */
#pragma once

#include "cmd/cmd.h"
#include "journal/read.h"

/* Opens the journal `given`; where that is NULL the one of the configuration `file`. CMD_DONE and
 * *ret; or CMD_WRONG, and standard error says why. */
enum cmd_status journal_at(const char *given, const char *file, struct journal **ret);

/* The journal of the configuration, which the caller frees. CMD_DONE, or as above. */
enum cmd_status journal_path(const char *file, char **ret);

/* Standard error says why a journal could not be read on. Returns CMD_WRONG. */
enum cmd_status journal_failed(const struct journal *j);
