/* Configurations from texts, for several tests. */
#pragma once

#include "conf/conf.h"

/* The three lines that are enough. */
#define MINIMAL                                                                                    \
    "hostname mx.example.org\nlisten 127.0.0.1:25\nroute example.org to smtp://127.0.0.1\n"

/* There must be no error. */
struct conf *parsed(struct slice text);
