/* A DMARC Policy Record, taken apart (RFC 9989 4.7 and 4.8). */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

enum dmarc_policy {
    DMARC_NO_POLICY, /* none is known */
    DMARC_NONE,
    DMARC_QUARANTINE,
    DMARC_REJECT,
    DMARC_POLICY_COUNT
};

/* "none", "quarantine", "reject"; "" for no policy. */
const char *dmarc_policy_name(enum dmarc_policy policy);

enum dmarc_psd { DMARC_PSD_U, DMARC_PSD_Y, DMARC_PSD_N };

/* Of a tag that is absent, or whose value is not by the grammar, the default. */
struct dmarc_record {
    enum dmarc_policy p;  /* NONE without the tag; NO_POLICY when `unusable` */
    enum dmarc_policy sp; /* NO_POLICY: not given */
    enum dmarc_policy np; /* NO_POLICY: not given */
    enum dmarc_psd psd;
    bool strict_dkim; /* adkim=s */
    bool strict_spf;  /* aspf=s */
    bool testing;     /* t=y */
    bool reportable;  /* rua has a URI that is one (RFC 3986 3) */
    bool unusable;    /* p, sp or np is none of the three words, and nobody can be told of it: no
                       * DMARC processing (4.10.1). With `reportable` it counts as p=none instead,
                       * and sp and np as not given. */
};

/* Is the text of a TXT record (its strings joined) a DMARC Policy Record: does it begin with a tag
 * "v" that says DMARC1? If not, *ret is untouched. All else that is wrong in it is passed over. */
bool dmarc_record_parse(struct slice text, struct dmarc_record *ret);
