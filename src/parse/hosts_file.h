/* The lines of hosts(5) and resolv.conf(5), one after the other. Lines that say nothing, or nothing
 * that is understood, are passed over. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/slice.h"

/* "ADDRESS NAME…", "#" begins a comment. */
struct hosts_line {
    struct addr address; /* ADDR_NONE where the first word is none (fe80::1%lo0) */
    struct slice word;   /* the first word as it is written */
    struct slice names;  /* for hosts_next_word */
};

/* Takes the next line with at least two words off *rest: false at the end. */
bool hosts_next_line(struct slice *rest, struct hosts_line *ret);

/* Takes the next word off *rest: false at the end. */
bool hosts_next_word(struct slice *rest, struct slice *ret);

/* Takes the next "nameserver ADDRESS" of a resolv.conf off *rest: false at the end. What stands
 * there is not looked at. */
bool resolv_conf_next_server(struct slice *rest, struct slice *ret);
