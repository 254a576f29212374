/* The master: binds ports, keeps workers alive, replaces them by others on a changed configuration
 * or of a new program, and ends them in order. It never reads from the network. */
#pragma once

#include "proc/configuration.h"

struct master;

/* Serves on this configuration, which becomes the master's, until SIGTERM or SIGINT; in the
 * foreground. `file` names the configuration, `argv` is this program's command line. Returns the
 * exit status: 0 after an orderly end, 1 when a worker did not come to it, 2 when the environment
 * does not allow to begin, of which one line on standard error has told. */
int master_run(struct configuration *configuration, const char *file, char **argv);

enum master_outcome {
    MASTER_DONE,    /* the new workers serve, or the new program takes over */
    MASTER_WAITS,   /* it will be done when there is room; nobody is told again */
    MASTER_REFUSED, /* all is as before */
};

/* Told once what became of a reload; `why` is one line, NULL for MASTER_DONE. */
typedef void master_done(void *arg, enum master_outcome outcome, const char *why);

/* Asks for new workers on the configuration as it is now, as SIGHUP does. Returns at once. `done`
 * may be NULL. What is asked for while one is under way is done after it, once. */
void master_reload(struct master *m, master_done *done, void *arg);

/* Asks for the program that is at this one's path now to take this one's place, as SIGUSR2 does.
 * `done` is called when it does not. */
void master_upgrade(struct master *m, master_done *done, void *arg);
