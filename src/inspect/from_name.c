/* See inspect/from_name.h. */
#include "inspect/from_name.h"

#include "parse/ascii.h"
#include "parse/organisation.h"

/* Of a longer name the rest is not looked at. */
#define NAME_MOST 1024

/* Letters that are left of a host's name's last dot at least, so that it is none of a person. */
#define LABEL_LEAST 3

static bool is_host_octet(char c)
{
    return ascii_is_let_dig(c) || c == '-' || c == '.';
}

static struct slice first_label(struct slice name)
{
    const char *dot = memchr(name.p, '.', name.n);

    return dot == NULL ? name : (struct slice){name.p, (size_t)(dot - name.p)};
}

static struct slice last_label(struct slice name)
{
    const char *dot = memrchr(name.p, '.', name.n);

    return dot == NULL ? name : (struct slice){dot + 1, (size_t)(name.p + name.n - dot - 1)};
}

/* Is `host` a name under a top-level domain that exists, and not of the organisation `own`? */
static bool is_other(struct slice host, struct slice own)
{
    while (host.n > 0 && (host.p[host.n - 1] == '.' || host.p[host.n - 1] == '-')) {
        host.n--;
    }
    if (memchr(host.p, '.', host.n) == NULL || !organisation_is_tld(last_label(host))) {
        return false;
    }
    const struct slice organisation = organisation_of(host);
    return first_label(organisation).n >= LABEL_LEAST &&
           !slice_eq(first_label(organisation), first_label(own));
}

/* Takes the next run of octets that a host's name has off *rest; `*ret_address`: an "@" stands
 * before it. */
static bool take_host(struct slice *rest, struct slice *ret, bool *ret_address)
{
    size_t at = 0;

    while (at < rest->n && !ascii_is_let_dig(rest->p[at])) {
        at++;
    }
    const size_t start = at;
    while (at < rest->n && is_host_octet(rest->p[at])) {
        at++;
    }
    *ret = (struct slice){rest->p + start, at - start};
    *ret_address = start > 0 && rest->p[start - 1] == '@';
    const bool local =
        at < rest->n && (rest->p[at] == '@' || rest->p[at] == '_' || rest->p[at] == '+');
    *rest = (struct slice){rest->p + at, rest->n - at};
    if (local) {
        ret->n = 0; /* what stands before an "@" is no host */
    }
    return at > start;
}

bool from_name_is_other(struct slice name, struct slice domain)
{
    char lower[NAME_MOST];
    const struct slice own = organisation_of(domain);
    struct slice rest = {lower, name.n < NAME_MOST ? name.n : NAME_MOST};
    struct slice host;
    bool address;

    if (domain.n == 0 || name.n == 0) {
        return false;
    }
    ascii_lower_copy(lower, name.p, rest.n);
    while (take_host(&rest, &host, &address)) {
        if (host.n > 0 && is_other(host, own)) {
            return memmem(rest.p, rest.n, " via ", 5) == NULL;
        }
    }
    return false;
}
