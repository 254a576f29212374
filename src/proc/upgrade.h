/* Another program in this one's place: how the next one takes over. What the running master does
 * for it is in upgrade.c too, and declared in master_impl.h. */
#pragma once

#include <stdbool.h>

/* Was this program started by one that hands over? `gatepost check` then only tries whether it
 * could take over, `gatepost run` does it. */
bool upgrade_is_handed_over(void);

/* Tries it: reads what was handed over, the configuration in `file`, and the environment. The exit
 * status: 0 and the configuration's files where the running master wants them; or 2 with one line
 * on standard error. */
int upgrade_try(const char *file);

/* Takes over, and serves like master_run. */
int upgrade_take_over(const char *file, char **argv);
