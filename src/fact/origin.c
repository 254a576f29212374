/* See fact/origin.h. */
#include "fact/origin.h"

#include <errno.h>

#include "conf/network.h"
#include "parse/header_fields.h"
#include "parse/received.h"

/* Hosts of an organisation's own, which nobody outside can be. */
static bool is_private(const struct addr *a)
{
    static const struct conf_network networks[] = {
        {{.family = ADDR_V4, .octets = {10}}, 8},
        {{.family = ADDR_V4, .octets = {172, 16}}, 12},
        {{.family = ADDR_V4, .octets = {192, 168}}, 16},
        {{.family = ADDR_V4, .octets = {169, 254}}, 16},
        {{.family = ADDR_V4, .octets = {100, 64}}, 10},
        {{.family = ADDR_V4, .octets = {127}}, 8},
        {{.family = ADDR_V6, .octets = {[15] = 1}}, 128},
        {{.family = ADDR_V6, .octets = {0xfc}}, 7},
        {{.family = ADDR_V6, .octets = {0xfe, 0x80}}, 10},
    };

    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        if (network_has(&networks[i], a)) {
            return true;
        }
    }
    return false;
}

static bool next_received(struct slice *rest, struct received_from *ret)
{
    struct header_field field;

    while (header_next(rest, &field)) {
        if (slice_eq_nocase(field.name, SLICE_LIT("Received"))) {
            return received_from_parse(field.body, ret) && ret->address.family != ADDR_NONE;
        }
    }
    return false;
}

int origin_read(const struct evidence *e, struct message_origin *ret)
{
    struct received_from from;
    struct slice rest;
    int r = e->ops->message_header != NULL ? e->ops->message_header(e, &rest) : -ENODATA;

    *ret = (struct message_origin){.known = false};
    if (r == -ECANCELED) {
        return r;
    }
    if (r < 0 && r != -E2BIG) {
        return 0;
    }
    for (unsigned hops = 0; hops < ORIGIN_HOPS_MOST && next_received(&rest, &from); hops++) {
        if (!is_private(&from.address) &&
            !e->ops->table_has_address(e, FACT_TABLE_FORWARDERS, &from.address)) {
            *ret = (struct message_origin){
                .known = true, .forwarded = true, .host = from.address, .helo = from.helo};
            return 0;
        }
    }
    return 0;
}
