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
    for (unsigned way = 0; way < 16; way++) {
        struct proof_case c = {
            .maildir = way & 1, .tls = way & 2, .bdat = way & 4, .pipelined = way & 8, .seed = way};
        struct proof_result r;
        proof_run(&c, &r);
        if (r.violated || r.awaits < 20) {
            proof_case_print(&c, stderr);
            fail_msg("%s", r.why);
        }
        assert_false(r.exception);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_ways)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
