/* The subcommands: one file each. */
#pragma once

#include "proc/configuration.h"

#define CONF_FILE_STANDARD "/etc/gatepost/gatepost.conf"

/* Exit statuses of every subcommand. */
enum cmd_status { CMD_DONE = 0, CMD_NO = 1, CMD_WRONG = 2 };

/* What a command may take besides --help. */
enum cmd_option {
    CMD_FILE = 1,    /* -c FILE */
    CMD_EXPLAIN = 2, /* --explain */
    CMD_JSON = 4,    /* --json */
    CMD_MAN = 8,     /* --man */
};

struct command {
    const char *name;
    const char *synopsis; /* behind the name */
    const char *prose;
    unsigned options; /* a set of enum cmd_option */
    int operands;     /* that it takes at most */
    enum cmd_status (*run)(const struct command *c, int argc, char **argv);
};

/* What was given on a command's line. */
struct cmd_line {
    const char *file; /* CONF_FILE_STANDARD when none was named */
    unsigned options; /* a set of enum cmd_option */
    char **operands;
    int operand_count;
};

/* Reads the line of `c`. True when the command is to go on; after --help, or a complaint about
 * wrong usage, it ends with *ret_status. */
bool cmd_take_line(const struct command *c, int argc, char **argv, struct cmd_line *ret,
                   enum cmd_status *ret_status);

/* Options that one command alone has. */
struct cmd_own_option {
    const char *name; /* "--" in front of it; NULL ends a table */
    bool has_value;
};

/* The same for a command with options of its own. `take` is called for each of them as it stands on
 * the line, with its index in `own` and its value (NULL for one without); when it returns false the
 * command ends with CMD_WRONG, of which cmd_wrong has told. */
bool cmd_take_own_line(const struct command *c, int argc, char **argv,
                       const struct cmd_own_option *own,
                       bool (*take)(void *arg, size_t option, const char *value), void *arg,
                       struct cmd_line *ret, enum cmd_status *ret_status);

/* Complains about wrong usage: what is wrong, and what was given. */
enum cmd_status cmd_wrong(const struct command *c, const char *what, const char *given);

/* At a command's end: CMD_DONE when all that it printed could be written; else says why not, and
 * CMD_NO. */
enum cmd_status cmd_printed(void);

/* From now on it ends without a word when nobody reads its output any more, as of `| head`: who has
 * seen enough needs no complaint. Not where there is something to be finished. */
void cmd_end_with_reader(void);

/* Reads the configuration and compiles its policy; errors and warnings go to standard error. 0 and
 * what the caller frees, or -1. */
int cmd_load(const char *file, struct configuration **ret, size_t *ret_warnings);

enum cmd_status cmd_run(const struct command *c, int argc, char **argv);
enum cmd_status cmd_check(const struct command *c, int argc, char **argv);
enum cmd_status cmd_status(const struct command *c, int argc, char **argv);
enum cmd_status cmd_reload(const struct command *c, int argc, char **argv);
enum cmd_status cmd_upgrade(const struct command *c, int argc, char **argv);
enum cmd_status cmd_log(const struct command *c, int argc, char **argv);
enum cmd_status cmd_explain(const struct command *c, int argc, char **argv);
enum cmd_status cmd_replay(const struct command *c, int argc, char **argv);
enum cmd_status cmd_rules(const struct command *c, int argc, char **argv);
enum cmd_status cmd_judge(const struct command *c, int argc, char **argv);
enum cmd_status cmd_state(const struct command *c, int argc, char **argv);
enum cmd_status cmd_ban(const struct command *c, int argc, char **argv);
enum cmd_status cmd_unban(const struct command *c, int argc, char **argv);
enum cmd_status cmd_bans(const struct command *c, int argc, char **argv);
enum cmd_status cmd_docs(const struct command *c, int argc, char **argv);
