/* The Received-SPF field (RFC 7208 9.1): one check by SPF, for readers who do not know
 * Authentication-Results. Only writes what it is given (see auth/field_writer.h). */
#pragma once

#include "auth/spf.h"
#include "base/addr.h"
#include "base/arena.h"

struct received_spf {
    struct slice receiver; /* our hostname */
    const struct spf_outcome *outcome;
    bool identity_helo; /* the HELO identity was checked, not MAIL FROM */
    struct addr client;
    struct slice sender; /* the reverse-path's mailbox; "" for the null one */
    struct slice helo;
};

/* The whole field, with CRLF at its end, in `arena`; folded as Authentication-Results is. */
struct slice received_spf_write(const struct received_spf *r, struct arena *arena);
