/* gatepost check: would `gatepost run` begin, and with what policy? Binds nothing and creates
 * nothing. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "proc/environment.h"
#include "proc/upgrade.h"

/* Would the host do? Says so on standard error when it would not. */
static bool environment_fits(const struct conf *conf, const char *file)
{
    struct conf_error error = {0};
    struct identity who;

    if (environment_check(conf, file, false, &who, &error) < 0) {
        (void)fprintf(stderr, "%s\n%s", error.text, error.excerpt);
        return false;
    }
    return true;
}

static void print_ok(const char *file, size_t warnings)
{
    if (warnings > 0) {
        (void)printf("%s: ok, with %zu warning%s\n", file, warnings, warnings == 1 ? "" : "s");
    } else {
        (void)printf("%s: ok\n", file);
    }
}

static void print_policy(const struct policy *policy)
{
    struct buf text = {0};

    policy_explain(policy, &text);
    (void)printf("\n%.*s", (int)text.n, text.p);
    buf_free(&text);
}

enum cmd_status cmd_check(const struct command *c, int argc, char **argv)
{
    struct cmd_line line;
    struct configuration *configuration = NULL;
    size_t warnings;
    enum cmd_status status;

    if (!cmd_take_line(c, argc, argv, &line, &status)) {
        return status;
    }
    if (upgrade_is_handed_over()) {
        return (enum cmd_status)upgrade_try(line.file);
    }
    if (cmd_load(line.file, &configuration, &warnings) < 0) {
        return CMD_WRONG;
    }
    status = CMD_WRONG;
    if (environment_fits(configuration->conf, line.file)) {
        print_ok(line.file, warnings);
        if ((line.options & CMD_EXPLAIN) != 0) {
            print_policy(configuration->policy);
        }
        status = cmd_printed();
    }
    (void)configuration_free(configuration);
    return status;
}
