/* The client's names, looked up once for each connection: several facts, and the
 * Authentication-Results field, want them. */
#pragma once

#include "auth/client_names.h"
#include "rt/once.h"

struct known_client {
    struct once once;
    struct client_names names; /* in the connection's arena */
};
