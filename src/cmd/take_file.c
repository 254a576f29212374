/* The command line of commands that take -c FILE. */
#include <getopt.h>
#include <stdio.h>

#include "cmd/cmd.h"

static enum cmd_status wrong(const struct command *c)
{
    (void)fprintf(stderr, "usage: gatepost %s %s\n", c->name, c->synopsis);
    return CMD_WRONG;
}

enum cmd_status cmd_take_file(const struct command *c, int argc, char **argv, const char **ret_file)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    const char *file = CONF_FILE_STANDARD;
    int option;

    *ret_file = NULL;
    opterr = 0; /* one line of ours says it all */
    while ((option = getopt_long(argc, argv, "+c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': file = optarg; break;
        case 'h':
            (void)printf("usage: gatepost %s %s\n\n%s\n", c->name, c->synopsis, c->prose);
            return fflush(stdout) == 0 ? CMD_DONE : CMD_NO;
        default: return wrong(c);
        }
    }
    if (optind != argc) {
        return wrong(c);
    }
    *ret_file = file;
    return CMD_DONE;
}
