/* Is what the configuration names really there and fit for use? Asked before anything is begun, so
 * that a mistake is told in one line and not found by the first message. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/log.h"
#include "client/resolver.h"
#include "conf/conf.h"
#include "proc/identity.h"
#include "store/memory.h"

/* Checks user, certificate and key, state and spool folders and where decisions go; with `create`
 * the folders and the decisions' file are made where missing, for the workers' user. 0 and
 * *ret_who; or -EINVAL with one line in *ret_error that begins with the configuration's `file`, and
 * with line and column where it has the statement to blame. A journal that could not be written is
 * warned of, and no error; so are names of next hops that nobody will know, and answers of the DNS
 * that nobody can validate. */
int environment_check(const struct conf *conf, const char *file, bool create,
                      struct identity *ret_who, struct conf_error *ret_error);

/* Words an error of that kind, found by somebody else: `statement` is the one to blame or, where it
 * is not written, the one that would set something else. Returns -EINVAL. */
int environment_refuse(const struct conf *conf, const char *file, const char *statement,
                       struct conf_error *ret, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* How the resolver of this configuration is made. The standard's trust anchor is left out where it
 * is not there. */
struct resolver_setup environment_resolver(const struct conf *conf);

/* How the memory of this configuration is made. */
struct memory_setup environment_memory(const struct conf *conf);

/* Where the operator's log goes by this configuration, and by what standard error is. */
enum log_target environment_log(const struct conf *conf);

/* The folder that an absolute path is in, in `arena`. */
const char *environment_folder_of(const char *path, struct arena *arena);

/* Creates what is missing of the path above its last component, for all to pass through. 0 or a
 * negative errno. */
int environment_make_parents(const char *path);
