/* A first look at a message's header while it passes: how often some fields occur. Handed the
 * message in pieces; costs nothing once the header has ended. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parse/field_names.h"

struct header_counter {
    uint32_t received; /* Received fields (RFC 5321 6.3) */
    uint32_t results;  /* Authentication-Results fields (RFC 8601), and those of further names */
    bool begins_blank; /* the message's first octet is a blank: its first line is nobody's fold */
    bool done;         /* the empty line was seen */
    uint8_t state;     /* private */
    struct field_names ours;
    struct field_names others;
};

void header_counter_init(struct header_counter *h);
/* Before anything is fed: fields of these names are counted among the results, too. The names must
 * outlive the counter. */
void header_counter_add(struct header_counter *h, const struct slice *more, size_t count);
void header_counter_feed(struct header_counter *h, const char *p, size_t n);
