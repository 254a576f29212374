/* What clamd(8) answers to INSTREAM and FILDES: "stream: OK", "fd[10]: NAME FOUND", "… ERROR". */
#pragma once

#include "base/slice.h"

/* A reply that is longer is none. */
#define CLAMD_REPLY_MOST 1024
/* The longest name of a signature; a longer one is cut. */
#define CLAMD_NAME_MOST 200

enum clamd_verdict {
    CLAMD_CLEAN,
    CLAMD_FOUND,
    CLAMD_TOO_LARGE, /* the message is beyond its StreamMaxLength */
    CLAMD_FAILED,    /* it could not look */
};

struct clamd_reply {
    enum clamd_verdict verdict;
    struct slice text; /* FOUND: the signature's name; FAILED: what it says; inside the reply */
};

/* `reply` is without the NUL at its end. 0; -EPROTO for what clamd never says. */
int clamd_reply_parse(struct slice reply, struct clamd_reply *ret);
