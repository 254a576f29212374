/* gatepost run: serve, in the foreground. */
#include "cmd/cmd.h"
#include "proc/master.h"
#include "proc/upgrade.h"

enum cmd_status cmd_run(const struct command *c, int argc, char **argv)
{
    struct cmd_line line;
    struct configuration *configuration = NULL;
    size_t warnings;
    enum cmd_status status;

    if (!cmd_take_line(c, argc, argv, &line, &status)) {
        return status;
    }
    if (upgrade_is_handed_over()) {
        return (enum cmd_status)upgrade_take_over(line.file, argv - 1);
    }
    if (cmd_load(line.file, &configuration, &warnings) < 0) {
        return CMD_WRONG;
    }
    return (enum cmd_status)master_run(configuration, line.file, argv - 1);
}
