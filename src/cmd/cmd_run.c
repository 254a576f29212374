/* gatepost run: serve, in the foreground. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "proc/master.h"

enum cmd_status cmd_run(const struct command *c, int argc, char **argv)
{
    const char *file;
    struct conf *conf = NULL;
    struct policy *policy = NULL;
    size_t warnings;
    enum cmd_status status = cmd_take_file(c, argc, argv, &file);

    if (file == NULL) {
        return status;
    }
    if (cmd_load(file, &conf, &policy, &warnings) < 0) {
        return CMD_WRONG;
    }
    int ended = master_run(conf, policy, file);
    (void)policy_free(policy);
    (void)conf_free(conf);
    return (enum cmd_status)ended;
}
