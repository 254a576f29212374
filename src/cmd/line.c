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

enum cmd_status cmd_wrong(const struct command *c, const char *what, const char *given)
{
    (void)fprintf(stderr, "gatepost %s: %s %s\nusage: gatepost %s %s\n", c->name, what, given,
                  c->name, c->synopsis);
    return CMD_WRONG;
}

/* What was written of the option that getopt_long has just stopped at: of a short one it tells the
 * letter alone, which may stand among others; a long one is the word before the next. */
static const char *option_given(int given, char **argv)
{
    static char letter[3] = "-";
    int name = given == '?' || given == ':' ? optopt : given;

    if (name < ' ') {
        return argv[optind - 1];
    }
    letter[1] = (char)name;
    return letter;
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

    while ((given = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (given == 'h') {
            *ret_status = help(c);
            return false;
        }
        bool known = given != '?' && given != ':';
        unsigned option = given == 'c' ? CMD_FILE : known ? (unsigned)given : 0;
        if ((c->options & option) == 0) {
            *ret_status =
                cmd_wrong(c, given == ':' ? "a value is missing behind" : "there is no option",
                          option_given(given, argv));
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
        *ret_status = cmd_wrong(c, "one word too many:", line.operands[c->operands]);
        return false;
    }
    *ret = line;
    return true;
}
