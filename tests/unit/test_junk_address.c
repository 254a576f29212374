/* Addresses with the detail that asks for the junk folder. */
#include "route/junk_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void addresses(void **state)
{
    static const struct {
        const char *mailbox, *domain, *detail, *expected;
    } rows[] = {
        {"user@example.org", "example.org", "+Junk", "user+Junk@example.org"},
        {"user+list@example.org", "example.org", "+Junk", "user+Junk@example.org"},
        {"user+a+b@example.org", "example.org", "+Junk", "user+Junk@example.org"},
        {"user+list@example.org", "example.org", "-Junk", "user+list-Junk@example.org"},
        {"+list@example.org", "example.org", "+Junk", "+list+Junk@example.org"},
        {"++@example.org", "example.org", "+Junk", "++Junk@example.org"},
        {"\"a b\"@example.org", "example.org", "+Junk", "\"a b+Junk\"@example.org"},
        {"\"a@b+x\"@example.org", "example.org", "+Junk", "\"a@b+Junk\"@example.org"},
        {"\"a\\+x\"@example.org", "example.org", "+Junk", "\"a\\+x+Junk\"@example.org"},
        {"\"\"@example.org", "example.org", "+Junk", "\"+Junk\"@example.org"},
        {"user@[192.0.2.1]", "[192.0.2.1]", "+Junk", "user+Junk@[192.0.2.1]"},
        {"postmaster", "example.org", "+Junk", "postmaster"},
        {"@example.org", "example.org", "+Junk", "@example.org"},
        {"", "", "+Junk", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena;
        arena_init(&arena);
        const struct slice found = junk_address(slice_of(rows[i].mailbox), slice_of(rows[i].domain),
                                                rows[i].detail, &arena);
        if (!slice_eq(found, slice_of(rows[i].expected))) {
            fail_msg("%s: " SLICE_FMT, rows[i].mailbox, SLICE_ARG(found));
        }
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(addresses)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
