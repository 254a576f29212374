/* Addresses as SMTP writes them where a name could stand (RFC 5321 4.1.3). */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/slice.h"

/* IPv4-address-literal = Snum 3("." Snum), Snum = 1*3DIGIT up to 255: leading zeros are allowed and
 * mean nothing. The port becomes 0. */
bool ipv4_literal_parse(struct slice text, struct addr *ret);

/* IPv6-addr: a text with a colon; one that maps an IPv4 address is that address. */
bool ipv6_literal_parse(struct slice text, struct addr *ret);

/* address-literal = "[" ( IPv4-address-literal / "IPv6:" IPv6-addr ) "]". No other tag has ever
 * been registered: a general literal is not told as an address. */
bool address_literal_parse(struct slice text, struct addr *ret);
