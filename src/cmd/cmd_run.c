/* gatepost run: serve, in the foreground. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "proc/master.h"

enum cmd_status cmd_run(const struct command *c, int argc, char **argv)
{
    struct cmd_line line;
    struct conf *conf = NULL;
    struct policy *policy = NULL;
    size_t warnings;
    enum cmd_status status;

    if (!cmd_take_line(c, argc, argv, &line, &status)) {
        return status;
    }
    if (cmd_load(line.file, &conf, &policy, &warnings) < 0) {
        return CMD_WRONG;
    }
    int ended = master_run(conf, policy, line.file);
    (void)policy_free(policy);
    (void)conf_free(conf);
    return (enum cmd_status)ended;
}
