/* Names of the DNS: what is parsed can be told and parsed again, and comes apart into its labels.
 */
#include "fuzz.h"

#include <errno.h>

#include "parse/dns_name.h"

static void check_name(const struct dns_name *name)
{
    char text[DNS_NAME_TEXT_MAX];
    size_t n = dns_name_format(name, text);
    unsigned labels = 0, expected = dns_name_labels(name);
    struct dns_name at = *name, built;
    FUZZ_CHECK(name->n >= 1 && name->wire[name->n - 1] == 0 && text[n] == '\0' &&
               strlen(text) == n);
    dns_name_root(&built);
    do {
        FUZZ_CHECK(dns_name_is_below(name, &at));
        FUZZ_CHECK(dns_name_eq(name, &at) || !dns_name_is_below(&at, name));
        struct slice first = dns_name_first(&at);
        FUZZ_CHECK(first.n == 0 || dns_name_append(&built, first) == 0);
    } while (dns_name_parent(&at) && ++labels);
    FUZZ_CHECK(labels == expected && at.n == 1 && dns_name_eq(&built, name));
    /* Where no octet had to be escaped the text is the name's. */
    if (strchr(text, '\\') == NULL) {
        FUZZ_CHECK(dns_name_parse((struct slice){text, n}, &built) == 0);
        FUZZ_CHECK(dns_name_eq(&built, name));
    }
    int r = dns_name_join(&built, name);
    FUZZ_CHECK(r == 0 ? built.n == 2 * name->n - 1
                      : r == -EINVAL && 2 * name->n - 1 > DNS_NAME_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size};
    struct dns_name name = {.n = 77}, idn = {.n = 77};
    bool ascii = true;
    for (size_t i = 0; i < size; i++) {
        ascii = ascii && data[i] < 0x80;
    }
    int r = dns_name_parse(text, &name);
    FUZZ_CHECK(r == 0 || (r == -EINVAL && name.n == 77));
    if (r == 0) {
        check_name(&name);
    }
    int s = dns_name_parse_idn(text, &idn);
    FUZZ_CHECK(s == 0 || (s == -EINVAL && idn.n == 77));
    FUZZ_CHECK(!ascii || (s == r && (r < 0 || dns_name_eq(&idn, &name))));
    if (s == 0) {
        check_name(&idn);
        for (size_t i = 0; i < idn.n; i++) {
            FUZZ_CHECK(idn.wire[i] < 0x80);
        }
    }
    free((char *)text.p);
    return 0;
}
