/* Received fields: what is found lies within the field, and does not depend on what stands behind
 * the bound. */
#include "fuzz.h"

#include "parse/received.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = {fuzz_copy(data, size), size};
    struct received_from from, again;

    if (received_from_parse(body, &from)) {
        FUZZ_CHECK(from.helo.n == 0 ||
                   (from.helo.p >= body.p && from.helo.p + from.helo.n <= body.p + body.n));
        FUZZ_CHECK(from.address.port == 0);
        struct slice start = {body.p, body.n < RECEIVED_FROM_MOST ? body.n : RECEIVED_FROM_MOST};
        FUZZ_CHECK(received_from_parse(start, &again));
        FUZZ_CHECK(slice_eq(from.helo, again.helo));
        FUZZ_CHECK(addr_same_host(&from.address, &again.address));
    }
    free((char *)body.p);
    return 0;
}
