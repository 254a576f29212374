/* A configuration with its policy, and the files it was read from. */
#pragma once

#include "conf/conf.h"
#include "policy/policy.h"
#include "proc/snapshot.h"

struct configuration {
    struct conf *conf;
    struct policy *policy;
    struct snapshot *files;
};

/* What was said on the way. */
struct configuration_words {
    struct buf text; /* all errors and warnings, with excerpts, as they are shown to people */
    char error[800]; /* the first error: "FILE:LINE:COLUMN: cause", or "" */
    size_t warnings;
};

/* Reads and checks the configuration in `file`: from disk, or, where `from` is not NULL, from these
 * files, which it owns then in any case. 0 and *ret; or -EINVAL with the error in *words, whose
 * text the caller frees. Blocks: never on an event loop. */
int configuration_load(const char *file, struct snapshot *from, struct configuration **ret,
                       struct configuration_words *words);

/* NULL allowed; returns NULL. */
struct configuration *configuration_free(struct configuration *c);
