/* Internet addresses with a port, as values. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

enum addr_family { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6 };

struct addr {
    uint8_t octets[16]; /* network order; IPv4 uses the first four, the rest are zero */
    uint16_t port;      /* host order */
    uint8_t family;     /* enum addr_family */
};

/* Room for addr_format and addr_format_port with the terminating NUL. */
#define ADDR_TEXT_MAX 64

/* Parses "192.0.2.1" or "2001:db8::1" (no brackets, no port); 0 or -EINVAL. The port becomes 0. */
int addr_parse(struct slice text, struct addr *ret);

/* Parses "192.0.2.1:25" or "[2001:db8::1]:25"; the port is required; 0 or -EINVAL. */
int addr_parse_port(struct slice text, struct addr *ret);

/* The address alone, RFC 5952 form. An IPv4-mapped IPv6 address is never produced: see
 * addr_from_sockaddr. Returns `ret_text`. */
const char *addr_format(const struct addr *a, char ret_text[static ADDR_TEXT_MAX]);

/* Address and port, "192.0.2.1:25" or "[2001:db8::1]:25". Returns `ret_text`. */
const char *addr_format_port(const struct addr *a, char ret_text[static ADDR_TEXT_MAX]);

/* From and to the socket API; an IPv4-mapped address becomes IPv4. Other families give
 * ADDR_NONE. addr_to_sockaddr returns the length to pass to the kernel. */
struct addr addr_from_sockaddr(const struct sockaddr_storage *ss);
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ret);

/* Same address, the port not looked at. */
bool addr_same_host(const struct addr *a, const struct addr *b);

/* The network a client is known by: the /24 of an IPv4, the /64 of an IPv6 address; port 0. */
struct addr addr_network(const struct addr *a);
