/* How many messages of which label had which verdict, by which rule. Lives in memory that several
 * processes map: holds no pointer, takes no lock (each has its own), and is bounded: what finds no
 * room is counted by its verdict alone. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define TALLY_TEXT   160
#define TALLY_ROWS   1000
#define TALLY_OTHERS "(others)"

struct tally_row {
    char label[64];        /* "" without */
    char verdict[16];      /* "error": it was not judged */
    char rule[TALLY_TEXT]; /* that decided, else the reply's code: "550 5.1.1"; "" */
    uint64_t count;
};

struct tally {
    size_t count;
    struct tally_row rows[TALLY_ROWS];
};

/* Counts `n` more; texts that are too long are cut. */
void tally_add(struct tally *t, struct slice label, struct slice verdict, struct slice rule,
               uint64_t n);

/* Adds all of `from`. */
void tally_merge(struct tally *t, const struct tally *from);

/* As one line of JSON, an object with its member "totals"; and as a table for people, with texts
 * made harmless. */
void tally_json(const struct tally *t, struct buf *to);
void tally_table(const struct tally *t, struct buf *to);
