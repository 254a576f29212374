/* What a server says it can do, in its reply to EHLO or LHLO (RFC 5321 4.1.1.1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Attributes of a client that Postfix's XFORWARD and XCLIENT commands can tell. */
enum client_attribute {
    CLIENT_NAME = 1,
    CLIENT_ADDR = 2,
    CLIENT_PORT = 4,
    CLIENT_PROTO = 8,
    CLIENT_HELO = 16,
    CLIENT_IDENT = 32,
    CLIENT_SOURCE = 64,
};

struct hop_capabilities {
    bool pipelining;     /* RFC 2920 */
    bool eightbitmime;   /* RFC 6152 */
    bool smtputf8;       /* RFC 6531 */
    bool chunking;       /* RFC 3030 */
    bool enhanced_codes; /* RFC 2034 */
    bool starttls;       /* RFC 3207 */
    bool dsn;            /* RFC 3461 */
    bool size;           /* RFC 1870 */
    uint64_t size_limit; /* 0: none was said */
    unsigned xforward;   /* enum client_attribute, those that the server takes; 0: not offered */
    unsigned xclient;
};

/* Reads `text`, whose lines end in '\n' but the last: the first is the server's name, each other
 * one a keyword with its parameters. What is not known is skipped; nothing is an error. */
void ehlo_reply_parse(struct slice text, struct hop_capabilities *ret);
