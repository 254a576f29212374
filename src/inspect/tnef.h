/* winmail.dat ([MS-OXTNEF]): the files that Outlook packs together, with their names. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

struct tnef_file {
    struct slice title; /* attAttachTitle, without its NUL; "" when there is none */
    struct slice name;  /* PidTagAttachLongFilename, UTF-16LE or octets; "" when there is none */
    bool wide;          /* `name` is UTF-16LE */
    struct slice octets;
};

struct tnef {
    struct slice rest; /* attributes that are still to be read */
    bool broken;       /* it did not end where an attribute does */
};

/* False: it is none. */
bool tnef_open(struct slice octets, struct tnef *ret);

/* The next file; false when there is none. */
bool tnef_next(struct tnef *t, struct tnef_file *ret);
