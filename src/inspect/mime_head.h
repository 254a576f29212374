/* What MIME reads of the header of a message or of a part. */
#pragma once

#include "inspect/inspect_impl.h"

/* Fields of one name that are looked at; there should be one. */
#define MIME_SAME_MOST 4

struct mime_same {
    struct slice bodies[MIME_SAME_MOST];
    size_t count;
};

struct mime_head {
    struct slice raw; /* without the empty line */
    struct mime_same types;
    struct mime_same encodings;
    struct mime_same dispositions;
    bool version;
    bool top; /* it is the message's own */
};

/* Reads it, and enters what is odd. */
void mime_head_read(struct inspect_run *run, struct slice raw, bool top, struct mime_head *ret);
