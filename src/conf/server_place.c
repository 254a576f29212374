/* See server_place.h. */
#include "conf/server_place.h"

#define WHAT_HOST "a host name, an IPv4 address or a bracketed IPv6 address"

/* Takes HOST[:PORT] apart: where the ":" in front of the port stands, or the end when there is
 * none. */
static size_t port_colon(struct slice text)
{
    size_t at = 0, colons = 0, colon = text.n;

    if (text.n > 0 && text.p[0] == '[') {
        while (at < text.n && text.p[at] != ']') {
            at++;
        }
    }
    bool bracketed = at > 0;
    for (; at < text.n; at++) {
        if (text.p[at] == ':' && colons++ == 0) {
            colon = at;
        }
    }
    /* Several colons and no brackets: an IPv6 address, and all of it is the host. */
    return colons > 1 && !bracketed ? text.n : colon;
}

static bool parse_port(struct slice text, uint16_t *ret)
{
    int64_t value;

    if (text.n > 5 || value_parse(VALUE_COUNT, text, &value) < 0 || value < 1 ||
        value > UINT16_MAX) {
        return false;
    }
    *ret = (uint16_t)value;
    return true;
}

/* The host: an address, or else its name. */
static bool parse_host(struct parser *p, struct slice text, struct addr *ret_addr, char **ret_host)
{
    bool bracketed = text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';
    struct slice alone = bracketed ? (struct slice){text.p + 1, text.n - 2} : text;
    bool has_colon = alone.n > 0 && memchr(alone.p, ':', alone.n) != NULL;

    if (bracketed == has_colon && addr_parse(alone, ret_addr) == 0) {
        return true;
    }
    if (!value_is_host(text)) {
        return false;
    }
    *ret_addr = (struct addr){0};
    *ret_host = parser_keep_lower(p, text);
    return true;
}

int server_place_parse(struct parser *p, const struct token *token, struct slice text,
                       uint16_t port, struct addr *ret_addr, char **ret_host)
{
    size_t colon = port_colon(text);
    bool has_port = colon < text.n;

    if (!parse_host(p, (struct slice){text.p, colon}, ret_addr, ret_host)) {
        return parser_expected(p, token, WHAT_HOST " behind \"//\"");
    }
    if (has_port && !parse_port((struct slice){text.p + colon + 1, text.n - colon - 1}, &port)) {
        return parser_expected(p, token, "a port from 1 to 65535 behind the host");
    }
    ret_addr->port = port;
    return 0;
}

int server_place_socket(struct parser *p, const struct token *token, struct slice text,
                        const char *form, char **ret_path)
{
    if (!value_is_path(text)) {
        return parser_expected(p, token, form);
    }
    if (text.n >= CONF_UNIX_PATH_MAX) {
        return parser_expected(p, token, "the path of a Unix socket, which has at most 107 octets");
    }
    *ret_path = parser_keep(p, text);
    return 0;
}
