/* The command line of every subcommand: it takes those options that its row in main.c names. And
 * the end of its output. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

void cmd_end_with_reader(void)
{
    (void)signal(SIGPIPE, SIG_DFL);
}

enum cmd_status cmd_printed(void)
{
    const int r = fflush(stdout);

    if (r == 0 && ferror(stdout) == 0) {
        return CMD_DONE;
    }
    /* Of a write that failed before this one the reason is gone. */
    (void)fprintf(stderr, "gatepost: cannot write: %s\n",
                  r < 0 ? strerror(errno) : "the output did not take all of it");
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

/* getopt_long's numbers of a command's own options: above all characters and enum cmd_option. */
#define OWN      1024
#define OWN_MOST 16

/* What was written of the option that getopt_long has just stopped at: of a short one it tells the
 * letter alone, which may stand among others; a long one is the word before the next. */
static const char *option_given(int given, char **argv)
{
    static char letter[3] = "-";
    int name = given == '?' || given == ':' ? optopt : given;

    if (name < ' ' || name >= OWN) {
        return argv[optind - 1];
    }
    letter[1] = (char)name;
    return letter;
}

static const struct option common[] = {
    {"explain", no_argument, NULL, CMD_EXPLAIN},
    {"json", no_argument, NULL, CMD_JSON},
    {"man", no_argument, NULL, CMD_MAN},
    {"help", no_argument, NULL, 'h'},
};
#define COMMON (sizeof(common) / sizeof(common[0]))

static void list_options(const struct cmd_own_option *own,
                         struct option ret[static COMMON + OWN_MOST + 1])
{
    size_t n = COMMON;
    memcpy(ret, common, sizeof(common));
    for (size_t i = 0; own != NULL && own[i].name != NULL && i < OWN_MOST; i++) {
        int takes = own[i].has_value ? required_argument : no_argument;
        ret[n++] = (struct option){own[i].name, takes, NULL, OWN + (int)i};
    }
    ret[n] = (struct option){0};
}

/* One of those that several commands have; false when this one has not. */
static bool take_common(const struct command *c, int given, struct cmd_line *line)
{
    bool known = given != '?' && given != ':';
    unsigned option = given == 'c' ? CMD_FILE : known ? (unsigned)given : 0;
    if ((c->options & option) == 0) {
        return false;
    }
    if (option == CMD_FILE) {
        line->file = optarg;
    }
    line->options |= option;
    return true;
}

bool cmd_take_own_line(const struct command *c, int argc, char **argv,
                       const struct cmd_own_option *own,
                       bool (*take)(void *arg, size_t option, const char *value), void *arg,
                       struct cmd_line *ret, enum cmd_status *ret_status)
{
    struct option options[COMMON + OWN_MOST + 1];
    struct cmd_line line = {.file = CONF_FILE_STANDARD};
    int given;

    list_options(own, options);
    while ((given = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (given == 'h') {
            *ret_status = help(c);
            return false;
        }
        if (given >= OWN) {
            if (take == NULL || !take(arg, (size_t)(given - OWN), optarg)) {
                *ret_status = CMD_WRONG;
                return false;
            }
        } else if (!take_common(c, given, &line)) {
            *ret_status =
                cmd_wrong(c, given == ':' ? "a value is missing behind" : "there is no option",
                          option_given(given, argv));
            return false;
        }
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

bool cmd_take_line(const struct command *c, int argc, char **argv, struct cmd_line *ret,
                   enum cmd_status *ret_status)
{
    return cmd_take_own_line(c, argc, argv, NULL, NULL, NULL, ret, ret_status);
}
