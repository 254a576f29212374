/* gatepost check: would `gatepost run` begin? Binds nothing and creates nothing. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "proc/environment.h"

enum cmd_status cmd_check(const struct command *c, int argc, char **argv)
{
    const char *file;
    struct conf *conf = NULL;
    struct policy *policy = NULL;
    struct conf_error error = {0};
    struct identity who;
    size_t warnings;
    enum cmd_status status = cmd_take_file(c, argc, argv, &file);

    if (file == NULL) {
        return status;
    }
    if (cmd_load(file, &conf, &policy, &warnings) < 0) {
        return CMD_WRONG;
    }
    int r = environment_check(conf, file, false, &who, &error);
    (void)policy_free(policy);
    (void)conf_free(conf);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n%s", error.text, error.excerpt);
        return CMD_WRONG;
    }
    if (warnings > 0) {
        (void)printf("%s: ok, with %zu warning%s\n", file, warnings, warnings == 1 ? "" : "s");
    } else {
        (void)printf("%s: ok\n", file);
    }
    return fflush(stdout) == 0 ? CMD_DONE : CMD_NO;
}
