/* Answers of the DNS, as A and as AAAA: nothing is read beyond them, and no more is found than
 * fits. */
#include "fuzz.h"

#include <errno.h>

#include "parse/dns_answer.h"

#define MOST 3

static void check(struct slice packet, enum dns_type type)
{
    struct addr all[64], few[MOST];
    size_t all_n = 99, few_n = 99;
    unsigned rcode = 99, again = 99;
    int r = dns_answer_addresses(packet, type, all, 64, &all_n, &rcode);

    FUZZ_CHECK(r == 0 || (r == -EBADMSG && all_n == 99 && rcode == 99));
    if (r < 0) {
        return;
    }
    FUZZ_CHECK(all_n <= 64 && rcode < 16 && packet.n >= 12 + all_n * (type == DNS_A ? 15 : 27));
    for (size_t i = 0; i < all_n; i++) {
        FUZZ_CHECK(all[i].family == (type == DNS_A ? ADDR_V4 : ADDR_V6) && all[i].port == 0);
    }
    FUZZ_CHECK(dns_answer_addresses(packet, type, few, MOST, &few_n, &again) == 0);
    FUZZ_CHECK(few_n == (all_n < MOST ? all_n : MOST) && again == rcode);
    FUZZ_CHECK(few_n == 0 || addr_same_host(&few[few_n - 1], &all[few_n - 1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice packet = {fuzz_copy(data, size), size};

    check(packet, DNS_A);
    check(packet, DNS_AAAA);
    free((char *)packet.p);
    return 0;
}
