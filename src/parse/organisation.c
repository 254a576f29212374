/* See parse/organisation.h. The list is the library's own, compiled in: no file is read and nobody
 * asked. */
#include "parse/organisation.h"

#include <libpsl.h>

/* RFC 1035 2.3.4, and more than any text of a name has. */
#define DOMAIN_MOST 1024

struct slice organisation_of(struct slice name)
{
    char text[DOMAIN_MOST];

    if (name.n == 0 || name.n >= sizeof text) {
        return name;
    }
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    const char *found = psl_registrable_domain(psl_builtin(), text);
    if (found == NULL) { /* it is a public suffix */
        return name;
    }
    const size_t skipped = (size_t)(found - text);
    return (struct slice){name.p + skipped, name.n - skipped};
}

bool organisation_is_tld(struct slice label)
{
    char text[64];

    if (label.n == 0 || label.n >= sizeof text || memchr(label.p, '.', label.n) != NULL) {
        return false;
    }
    memcpy(text, label.p, label.n);
    text[label.n] = '\0';
    return psl_is_public_suffix2(psl_builtin(), text, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0;
}
