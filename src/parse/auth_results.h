/* What an Authentication-Results field says (RFC 8601 2.2), or the payload of an
 * ARC-Authentication-Results field behind its instance (RFC 8617 4.1.1).
 *
 * Reads it, and never believes it: whose word it is, and whether that counts, is the caller's. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

/* Further results, and further properties of a result, are left out. */
#define AUTH_RESULTS_MOST    64
#define AUTH_PROPERTIES_MOST 32

/* "header.d=example.org": type "header", name "d" */
struct auth_property {
    const struct auth_property *next;
    struct slice type, name;
    struct slice value; /* quotes undone, unless they are those of a local part */
};

/* "dkim=pass reason="good signature" header.d=example.org" */
struct auth_method {
    const struct auth_method *next;
    struct slice method, version; /* version "" where there is none */
    struct slice result;
    struct slice reason; /* "" where there is none */
    const struct auth_property *properties;
};

struct auth_results {
    struct slice id;                   /* authserv-id, quotes undone */
    struct slice version;              /* "" where there is none */
    const struct auth_method *methods; /* in their order; NULL also of "none" */
    bool none;                         /* it says that no check was made */
    bool malformed;                    /* some of it could not be read, and was passed over */
    bool cut;                          /* there was more than the bounds above */
};

/* Texts are in the payload or in `arena`. 0; -EBADMSG: there is no authserv-id, or a comment in
 * front of it does not end; or a version is not 1. */
int auth_results_parse(struct slice payload, struct arena *arena, struct auth_results *ret);

/* The value of a method's first property of that name, without case; "" where there is none. */
struct slice auth_method_property(const struct auth_method *m, struct slice type,
                                  struct slice name);

/* Does this body of an Authentication-Results field claim to be by `id`, as far as anybody might
 * read it so (RFC 8601 5)? Names of hosts compare without case, U-labels as A-labels, a dot at the
 * end does not count; the version and what follows do not matter. One whose authserv-id cannot be
 * read claims it when the name stands anywhere in it. */
bool auth_results_claim(struct slice body, struct slice id, struct arena *scratch);
