/* The Authentication-Results field that we add (RFC 8601): what was checked, and how it came out.
 *
 * Only writes what it is given; never judges, and lets nothing in that was not quoted
 * (auth/field_writer.h). */
#pragma once

#include "auth/arc.h"
#include "auth/dkim.h"
#include "auth/dmarc.h"
#include "auth/spf.h"
#include "base/addr.h"
#include "base/arena.h"

/* Reverse DNS, confirmed forwards (RFC 8601 3). */
struct auth_iprev {
    enum auth_result result;
    struct addr client;
    struct slice name; /* the confirmed one; "" without */
};

/* Each check that is NULL was not made, and is not told of. */
struct auth_report {
    struct slice id; /* authserv-id: our hostname */
    const struct auth_iprev *iprev;
    const struct spf_outcome *spf;      /* of the reverse-path, or of HELO when that is null */
    struct slice sender;                /* the reverse-path's mailbox; "" for the null one */
    const struct spf_outcome *spf_helo; /* of the HELO identity beside it */
    struct slice helo;
    const struct dkim_outcome *dkim;
    const struct arc_outcome *arc;
    const struct dmarc_outcome *dmarc;
};

/* The whole field, with CRLF at its end, in `arena`: printable ASCII, in lines of at most 77
 * characters where there is a blank to fold at, of 998 always. Without any check it says "none". */
struct slice auth_results_write(const struct auth_report *r, struct arena *arena);
