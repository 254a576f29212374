/* gatepost run: serve, in the foreground. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "proc/master.h"

enum cmd_status cmd_run(const struct command *c, int argc, char **argv)
{
    const char *file;
    struct conf *conf = NULL;
    struct conf_error error;
    enum cmd_status status = cmd_take_file(c, argc, argv, &file);

    if (file == NULL) {
        return status;
    }
    if (conf_load(file, &conf, &error) < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return CMD_WRONG;
    }
    int ended = master_run(conf, file);
    (void)conf_free(conf);
    return (enum cmd_status)ended;
}
