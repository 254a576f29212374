/* The pair of sockets on which decision records go from all workers to the clerk. Made by the
 * master before its first fork and kept to its end, over reloads, upgrades and any number of
 * clerks: what one clerk has not read waits for the next. */
#pragma once

#include <stdint.h>

#include "base/time.h"
#include "conf/conf.h"

enum records_end { RECORDS_WORKERS, RECORDS_CLERK };

struct records {
    int ends[2];   /* by records_end; -1 */
    uint64_t run;  /* of the newest configuration's workers; 0: there are none yet */
    char *journal; /* where their records go; "": nowhere */
};

/* 0 or a negative errno. */
int records_open(struct records *ret);

/* Those of the program before this one. */
void records_adopt(struct records *ret, const int ends[2], uint64_t run, const char *journal);

/* What `run` is in the records of workers of this configuration, microseconds since 1970: another
 * one than before where their records go elsewhere, so that none counts as lost there which was
 * never meant to come. */
uint64_t records_run(struct records *r, const struct conf *conf, usec_t wall);

void records_close(struct records *r);
