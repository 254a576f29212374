/* A policy that is to be tried, from a file of its own. */
#pragma once

#include "conf/conf.h"
#include "policy/policy.h"

struct other_policy {
    struct conf *conf;
    struct policy *policy;
    bool whole; /* the file is a whole configuration: its hostname and routes say something */
};

/* Reads a file that is either a whole configuration or `policy { … }` with the tables and sets it
 * needs; compiles its policy. Errors go to standard error, with their places; warnings do not, they
 * are `gatepost check`'s. 0 or -1. */
int other_policy_load(const char *file, struct other_policy *ret);
void other_policy_free(struct other_policy *p);
