/* Whole conversations without a fault: each combination delivers each recipient once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proof.h"

static void test_all_ways(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 8 * PROOF_WAYS; n++) {
        struct proof_case c = {.way = (enum proof_way)(n / 8),
                               .tls = n & 1,
                               .bdat = n & 2,
                               .pipelined = n & 4,
                               .seed = n};
        struct proof_result r;
        proof_run(&c, &r);
        /* Nobody stands in the way, or: all together; those delivered; those refused and those put
         * off, each by themselves, the latter until they are not put off any more. */
        unsigned most = c.way == PROOF_SMTP || c.way == PROOF_MAILDIR ? 1 : 6;
        if (r.violated || r.awaits < 20 || r.attempts > most) {
            proof_case_print(&c, stderr);
            fail_msg("%s, %u attempts", r.why, r.attempts);
        }
        assert_false(r.exception);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_ways)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
