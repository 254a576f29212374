/* What the client says of itself with EHLO or HELO, and whether it says so within TLS. */
#include "fact/fact.h"
#include "parse/helo_name.h"

const char *const helo_form_words[] = {
    [HELO_DOMAIN] = "domain",   [HELO_LABEL] = "label",     [HELO_LITERAL] = "literal",
    [HELO_ADDRESS] = "address", [HELO_INVALID] = "invalid", NULL,
};

int fact_tls(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_bool(e->tls);
    return 0;
}

int fact_tls_version(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_text(slice_of(e->tls_version != NULL ? e->tls_version : ""));
    return 0;
}

int fact_helo(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_text(e->helo);
    return 0;
}

int fact_helo_form(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    struct addr ignored;

    (void)parameters;
    *ret = value_number(TYPE_RESULT, helo_form_of(e->helo, &ignored));
    return 0;
}

int fact_helo_mine(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const struct slice hostname = helo_without_last_dot(slice_of(e->conf->hostname));
    struct addr claimed;
    enum helo_form form = helo_form_of(e->helo, &claimed);

    (void)parameters;
    if (form == HELO_LITERAL || form == HELO_ADDRESS) {
        *ret = value_bool(addr_same_host(&claimed, &e->local));
    } else {
        *ret = value_bool(slice_eq_nocase(helo_without_last_dot(e->helo), hostname));
    }
    return 0;
}
