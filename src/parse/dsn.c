/* See parse/dsn.h.
 *
 *   ret-value    = "FULL" / "HDRS"
 *   envid        = xtext                      ; of printable ASCII (4.4)
 *   notify-value = "NEVER" / 1#notify-list-element
 *   element      = "SUCCESS" / "FAILURE" / "DELAY"
 *   orcpt-value  = addr-type ";" xtext        ; of printable ASCII (4.2)
 *   addr-type    = atom
 *
 * RFC 6533 adds the type "utf-8", whose address is written with "\x{…}" for what is no ASCII. Each
 * parameter once, each element once. */
#include "parse/dsn.h"

#include "parse/ascii.h"
#include "parse/xtext.h"

enum element { ELEMENT_SUCCESS = 1, ELEMENT_FAILURE = 2, ELEMENT_DELAY = 4, ELEMENT_NEVER = 8 };

static unsigned element_named(struct slice word)
{
    return slice_eq_nocase(word, SLICE_LIT("SUCCESS"))   ? ELEMENT_SUCCESS
           : slice_eq_nocase(word, SLICE_LIT("FAILURE")) ? ELEMENT_FAILURE
           : slice_eq_nocase(word, SLICE_LIT("DELAY"))   ? ELEMENT_DELAY
           : slice_eq_nocase(word, SLICE_LIT("NEVER"))   ? ELEMENT_NEVER
                                                         : 0;
}

static bool parse_notify(struct slice value, bool *ret_promises)
{
    unsigned found = 0;
    const char *end = value.p + value.n;

    for (const char *at = value.p; at != NULL && at <= end;) {
        const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
        const char *stop = comma != NULL ? comma : end;
        unsigned element = element_named((struct slice){at, (size_t)(stop - at)});
        if (element == 0 || (found & element) != 0) {
            return false;
        }
        found |= element;
        at = comma != NULL ? comma + 1 : NULL;
    }
    *ret_promises = (found & (ELEMENT_SUCCESS | ELEMENT_NEVER)) != 0;
    return (found & ELEMENT_NEVER) == 0 || found == ELEMENT_NEVER;
}

/* RFC 5322 atext. */
static bool is_atom(struct slice text)
{
    static const char marks[] = "!#$%&'*+-/=?^_`{|}~";

    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_let_dig(text.p[i]) && !memchr(marks, text.p[i], sizeof(marks) - 1)) {
            return false;
        }
    }
    return text.n > 0;
}

static bool is_orcpt(struct slice value)
{
    const char *semicolon = value.n > 0 ? memchr(value.p, ';', value.n) : NULL;

    if (semicolon == NULL || value.n > DSN_ORCPT_MAX) {
        return false;
    }
    size_t type = (size_t)(semicolon - value.p);
    struct slice address = {semicolon + 1, value.n - type - 1};
    return is_atom((struct slice){value.p, type}) && address.n > 0 && xtext_is_printable(address);
}

/* Keeps a value that is the first of its name and good. */
static enum dsn_param keep(const struct smtp_param *p, bool good, struct slice *to)
{
    if (!p->has_value || !good || to->n > 0) {
        return DSN_BAD;
    }
    *to = p->value;
    return DSN_TAKEN;
}

enum dsn_param dsn_take_mail(const struct smtp_param *p, struct dsn_mail *m)
{
    if (slice_eq_nocase(p->keyword, SLICE_LIT("RET"))) {
        bool good = slice_eq_nocase(p->value, SLICE_LIT("FULL")) ||
                    slice_eq_nocase(p->value, SLICE_LIT("HDRS"));
        return keep(p, good, &m->ret);
    }
    if (slice_eq_nocase(p->keyword, SLICE_LIT("ENVID"))) {
        bool good = p->value.n <= DSN_ENVID_MAX && xtext_is_printable(p->value);
        return keep(p, good, &m->envid);
    }
    return DSN_OTHER;
}

enum dsn_param dsn_take_rcpt(const struct smtp_param *p, struct dsn_rcpt *r)
{
    if (slice_eq_nocase(p->keyword, SLICE_LIT("NOTIFY"))) {
        bool promises = false;
        enum dsn_param taken = keep(p, parse_notify(p->value, &promises), &r->notify);
        r->promises |= taken == DSN_TAKEN && promises;
        return taken;
    }
    if (slice_eq_nocase(p->keyword, SLICE_LIT("ORCPT"))) {
        return keep(p, is_orcpt(p->value), &r->orcpt);
    }
    return DSN_OTHER;
}
