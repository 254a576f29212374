/* A reply of HTTP/1.x (RFC 9112) to one request on a connection of its own: its code, and its body
 * without chunks. */
#pragma once

#include "base/arena.h"
#include "base/slice.h"

/* A status line and fields that are longer are none. */
#define HTTP_HEADER_MOST ((size_t)16384)

struct http_reply {
    unsigned code;
    struct slice body; /* inside the octets, or in the arena when it came in chunks */
};

/* `ended`: nothing more will come. 0; -EAGAIN: this is its beginning; -EPROTO. What stands behind a
 * whole reply is not looked at. */
int http_reply_parse(struct slice octets, bool ended, struct arena *arena, struct http_reply *ret);
