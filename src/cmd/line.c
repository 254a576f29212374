/* The command line of every subcommand: it takes those options that its row in main.c names. And
 * the end of its output. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

enum cmd_status cmd_printed(void)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return CMD_DONE;
    }
    (void)fprintf(stderr, "gatepost: cannot write: %s\n", strerror(errno));
    return CMD_NO;
}

static enum cmd_status help(const struct command *c)
{
    (void)printf("usage: gatepost %s %s\n\n%s\n", c->name, c->synopsis, c->prose);
    return cmd_printed();
}

static enum cmd_status wrong(const struct command *c)
{
    (void)fprintf(stderr, "usage: gatepost %s %s\n", c->name, c->synopsis);
    return CMD_WRONG;
}

bool cmd_take_line(const struct command *c, int argc, char **argv, struct cmd_line *ret,
                   enum cmd_status *ret_status)
{
    static const struct option options[] = {
        {"explain", no_argument, NULL, CMD_EXPLAIN},
        {"json", no_argument, NULL, CMD_JSON},
        {"man", no_argument, NULL, CMD_MAN},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct cmd_line line = {.file = CONF_FILE_STANDARD};
    int given;

    opterr = 0; /* one line of ours says it all */
    while ((given = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (given == 'h') {
            *ret_status = help(c);
            return false;
        }
        unsigned option = given == 'c' ? CMD_FILE : given == '?' ? 0 : (unsigned)given;
        if ((c->options & option) == 0) {
            *ret_status = wrong(c);
            return false;
        }
        if (option == CMD_FILE) {
            line.file = optarg;
        }
        line.options |= option;
    }
    line.operands = argv + optind;
    line.operand_count = argc - optind;
    if (line.operand_count > c->operands) {
        *ret_status = wrong(c);
        return false;
    }
    *ret = line;
    return true;
}
