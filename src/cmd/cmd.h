/* The subcommands: one file each. */
#pragma once

#include "policy/policy.h"

#define CONF_FILE_STANDARD "/etc/gatepost/gatepost.conf"

/* Exit statuses of every subcommand. */
enum cmd_status { CMD_DONE = 0, CMD_NO = 1, CMD_WRONG = 2 };

struct command {
    const char *name;
    const char *synopsis; /* behind the name */
    const char *prose;
    enum cmd_status (*run)(const struct command *c, int argc, char **argv);
};

/* For commands whose only option is -c FILE: *ret_file is the configuration's. Returns CMD_DONE
 * when the command is to go on; after --help, or a complaint about wrong usage, *ret_file is NULL
 * and the command ends with what is returned. */
enum cmd_status cmd_take_file(const struct command *c, int argc, char **argv,
                              const char **ret_file);

/* Reads the configuration and compiles its policy; errors and warnings go to standard error. 0 and
 * what the caller frees (the policy first), or -1. */
int cmd_load(const char *file, struct conf **ret_conf, struct policy **ret_policy,
             size_t *ret_warnings);

enum cmd_status cmd_run(const struct command *c, int argc, char **argv);
enum cmd_status cmd_check(const struct command *c, int argc, char **argv);
