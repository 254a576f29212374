/* Networks as values: an address and how many of its leading bits count. */
#pragma once

#include <stdbool.h>

#include "conf/conf.h"

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"; an address alone counts with all its bits. Bits
 * behind the prefix are kept as written. 0 or -EINVAL. */
int network_parse(struct slice text, struct conf_network *ret);

/* Is it one address, with all its bits? */
bool network_is_address(const struct conf_network *n);

/* Is it of the size of addr_network, a /24 or /64? */
bool network_is_usual(const struct conf_network *n);

/* The same network with the bits behind the prefix cleared. */
struct conf_network network_base(const struct conf_network *n);

/* For qsort: by family and address; of those that begin with the same address the widest first, so
 * that each stands behind all that hold it. */
int network_order(const struct conf_network *a, const struct conf_network *b);

/* Is the address inside? Ports do not matter. */
bool network_has(const struct conf_network *n, const struct addr *a);

/* Room for network_format with the terminating NUL. */
#define NETWORK_TEXT_MAX (ADDR_TEXT_MAX + 4)

/* "192.0.2.0/24". Returns `ret_text`. */
const char *network_format(const struct conf_network *n, char ret_text[static NETWORK_TEXT_MAX]);
