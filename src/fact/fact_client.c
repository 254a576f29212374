/* The connection: who connected, from where, and how it behaved before it said a word of SMTP. */
#include <errno.h>
#include <time.h>

#include "fact/fact.h"
#include "fact/remembered.h"

int fact_client_ip(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_address(&e->client);
    return 0;
}

int fact_client_port(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_number(TYPE_NUMBER, e->client.port);
    return 0;
}

int fact_client_early(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    *ret = value_bool(e->early);
    return 0;
}

int fact_client_unpipelined(const struct evidence *e, const struct slice *parameters,
                            struct value *ret)
{
    (void)parameters;
    *ret = value_bool(e->unpipelined);
    return 0;
}

int fact_client_sessions(const struct evidence *e, const struct slice *parameters,
                         struct value *ret)
{
    (void)parameters;
    if (e->ops == NULL || e->ops->client_sessions == NULL) {
        *ret = value_unknown(TYPE_NUMBER, UNKNOWN_NOT_AVAILABLE);
    } else {
        *ret = value_number(TYPE_NUMBER, e->ops->client_sessions(e));
    }
    return 0;
}

int fact_client_network_sessions(const struct evidence *e, const struct slice *parameters,
                                 struct value *ret)
{
    (void)parameters;
    if (e->ops == NULL || e->ops->client_network_sessions == NULL) {
        *ret = value_unknown(TYPE_NUMBER, UNKNOWN_NOT_AVAILABLE);
    } else {
        *ret = value_number(TYPE_NUMBER, e->ops->client_network_sessions(e));
    }
    return 0;
}

int fact_client_banned(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    const bool available = e->ops != NULL && e->ops->client_banned != NULL;
    const int banned = available ? e->ops->client_banned(e) : -ENODATA;
    if (banned < 0) {
        return remembered_without(banned, TYPE_BOOL, ret);
    }
    *ret = value_bool(banned > 0);
    return 0;
}

int fact_listener(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    (void)parameters;
    if (e->listener == NULL) {
        *ret = value_unknown(TYPE_TEXT, UNKNOWN_NOT_AVAILABLE);
    } else {
        *ret = value_text(slice_of(e->listener));
    }
    return 0;
}

int fact_time_hour(const struct evidence *e, const struct slice *parameters, struct value *ret)
{
    const time_t seconds = e->wall / USEC_SEC;
    struct tm local;

    (void)parameters;
    if (localtime_r(&seconds, &local) == NULL) {
        *ret = value_unknown(TYPE_NUMBER, UNKNOWN_NOT_AVAILABLE);
    } else {
        *ret = value_number(TYPE_NUMBER, local.tm_hour);
    }
    return 0;
}
