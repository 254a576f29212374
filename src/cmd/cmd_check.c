/* gatepost check: would `gatepost run` begin? Binds nothing and creates nothing. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "proc/environment.h"

enum cmd_status cmd_check(const struct command *c, int argc, char **argv)
{
    const char *file;
    struct conf *conf = NULL;
    struct conf_error error;
    struct identity who;
    enum cmd_status status = cmd_take_file(c, argc, argv, &file);

    if (file == NULL) {
        return status;
    }
    int r = conf_load(file, &conf, &error);
    if (r == 0) {
        r = environment_check(conf, file, false, &who, &error);
        (void)conf_free(conf);
    }
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return CMD_WRONG;
    }
    (void)printf("%s: ok\n", file);
    return fflush(stdout) == 0 ? CMD_DONE : CMD_NO;
}
