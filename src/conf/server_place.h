/* HOST[:PORT]: where a server is that connections are made to. Internal to src/conf. */
#pragma once

#include "conf/parser.h"

/* Takes `text`, a part of `token`, apart. 0 with its address in *ret_addr, or with its name (in
 * lower case, as long as the configuration) in *ret_host and the port alone in *ret_addr; -EINVAL,
 * the error set. `port`: where none is written. */
int server_place_parse(struct parser *p, const struct token *token, struct slice text,
                       uint16_t port, struct addr *ret_addr, char **ret_host);

/* Is it the path of a Unix socket, absolute and short enough? 0 and *ret_path; -EINVAL, the error
 * set. `form`: how it is written, for the error. */
int server_place_socket(struct parser *p, const struct token *token, struct slice text,
                        const char *form, char **ret_path);
