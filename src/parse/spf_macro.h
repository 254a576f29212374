/* The macro strings of SPF (RFC 7208 7): texts in which "%{d}" and the like stand for what is known
 * of a message.
 *
 * This file reads and expands them; it never finds out what a letter stands for, and what it writes
 * is bounded, however long the text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* RFC 7208 7.2, in the order of SPF_MACRO_LETTERS. */
enum spf_macro {
    SPF_MACRO_SENDER,
    SPF_MACRO_LOCAL_PART,
    SPF_MACRO_SENDER_DOMAIN,
    SPF_MACRO_DOMAIN,
    SPF_MACRO_IP,
    SPF_MACRO_VALIDATED, /* name of the client */
    SPF_MACRO_VERSION,   /* "in-addr" or "ip6" */
    SPF_MACRO_HELO,
    SPF_MACRO_CLIENT, /* the address as people write it; this and what follows: only in "exp" */
    SPF_MACRO_RECEIVER,
    SPF_MACRO_TIME,
    SPF_MACRO_COUNT
};

#define SPF_MACRO_LETTERS  "slodipvhcrt"
#define SPF_MACRO_BIT(m)   (1U << (m))
#define SPF_MACRO_EXP_ONLY (~0U << SPF_MACRO_CLIENT)

/* What they stand for; empty ones expand to nothing. */
struct spf_values {
    struct slice of[SPF_MACRO_COUNT];
};

enum spf_text {
    SPF_DOMAIN_SPEC,    /* ends in a toplabel or a macro */
    SPF_MACRO_STRING,   /* the value of an unknown modifier */
    SPF_EXPLAIN_STRING, /* with spaces; and only here may be the macros "c", "r" and "t" (7.2) */
};

/* So many macros a domain-spec or an explain-string may have: each stands for at least an octet, as
 * a rule, and a name has 253. A limit of our own: it bounds the work. */
#define SPF_MACROS_MOST 255

/* What is wrong, and where. */
struct spf_fault {
    const char *what; /* a phrase, static */
    const char *at;   /* within the text */
};

/* Is `text` what RFC 7208 7.1 has for this kind? 0, with the macros that stand in it as
 * SPF_MACRO_BITs; or -EINVAL, with *ret_fault. */
int spf_text_check(struct slice text, enum spf_text kind, unsigned *ret_macros,
                   struct spf_fault *ret_fault);

/* The longest name in its textual form, without the dot at the end. */
#define SPF_NAME_MOST 253

/* Expands a domain-spec that spf_text_check let pass: without a dot at the end, and cut from the
 * left, label by label, to SPF_NAME_MOST octets (7.3). Returns its length; 0 where nothing is left
 * or one label is longer than that. It need not be a name of the DNS. */
size_t spf_expand_name(struct slice spec, const struct spf_values *values,
                       char ret[static SPF_NAME_MOST]);

/* Expands an explain-string that spf_text_check let pass. What cannot be shown as US-ASCII becomes
 * "?", what is over `most` octets is left out. Returns its length. */
size_t spf_expand_explanation(struct slice text, const struct spf_values *values, char *ret,
                              size_t most);
