/* A rule as a journal keeps it. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

struct journal_rule {
    unsigned number; /* among all rules of its policy, from 0; the writer counts for itself */
    struct slice phase;
    struct slice place;  /* "gatepost.conf:23" */
    struct slice label;  /* "gatepost.conf:23 reject" */
    struct slice action; /* "reject" */
    struct slice text;   /* as it is written, in one line */
    bool observe;
};
