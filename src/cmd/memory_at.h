/* The memory that a configuration names, for commands that look into it or change it by hand, also
 * while Gatepost runs. */
#pragma once

#include "cmd/cmd.h"
#include "store/memory.h"

struct memory_at {
    struct configuration *configuration;
    struct memory *memory; /* NULL: none was opened */
    usec_t wall;           /* when the command began */
};

/* Reads the configuration and opens its memory. Started as root this process becomes the workers'
 * user for good, so that what it makes is that user's: files of others are to be open before.
 * CMD_NO: there is none, or no state folder to make it in; CMD_WRONG: it cannot be used. Standard
 * error says why. Ended by memory_at_close in any case. */
enum cmd_status memory_at_open(const char *file, enum memory_use use, struct memory_at *ret);

/* Applies what was changed, and closes. What is given back is `status`, or CMD_WRONG where it could
 * not be applied, of which standard error tells then. */
enum cmd_status memory_at_close(struct memory_at *m, enum cmd_status status);

/* After a negative errno of a function of the memory: says so; CMD_WRONG. */
enum cmd_status memory_at_failed(const struct memory_at *m, int error);
