/* The master: binds ports, keeps workers alive, and ends them in order. It never reads from the
 * network. */
#pragma once

#include "conf/conf.h"
#include "policy/policy.h"

/* Serves with the policy compiled from this configuration until SIGTERM or SIGINT; in the
 * foreground. `file` names the configuration in errors. Returns the exit status: 0 after an orderly
 * end, 1 when a worker did not come to it, 2 when the environment does not allow to begin, of which
 * one line on standard error has told. */
int master_run(const struct conf *conf, const struct policy *policy, const char *file);
