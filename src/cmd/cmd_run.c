/* gatepost run: serve, in the foreground. */
#include "cmd/cmd.h"
#include "proc/master.h"

enum cmd_status cmd_run(const struct command *c, int argc, char **argv)
{
    struct cmd_line line;
    struct configuration *configuration = NULL;
    size_t warnings;
    enum cmd_status status;

    if (!cmd_take_line(c, argc, argv, &line, &status)) {
        return status;
    }
    if (cmd_load(line.file, &configuration, &warnings) < 0) {
        return CMD_WRONG;
    }
    return (enum cmd_status)master_run(configuration, line.file, argv - 1);
}
