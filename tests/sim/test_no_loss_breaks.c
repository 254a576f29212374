/* The no-loss proof must see what it is there to see: three deliberate breaks, put between the
 * callers and the real functions by the linker (--wrap), and each must be caught. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proof.h"
#include "route/hop.h"
#include "store/marks.h"
#include "store/store.h"

static enum { WHOLE, EARLY_YES, NO_LEDGER, NO_MARKS } broken;

int __real_hop_commit(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline);
int __wrap_hop_commit(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline);
int __real_ledger_arm(struct store *s, const struct digest *keys, size_t count, usec_t wall,
                      usec_t deadline);
int __wrap_ledger_arm(struct store *s, const struct digest *keys, size_t count, usec_t wall,
                      usec_t deadline);
int __real_marks_place(struct marks *m, struct owner who, const struct digest *keys, size_t count,
                       usec_t now, usec_t expires);
int __wrap_marks_place(struct marks *m, struct owner who, const struct digest *keys, size_t count,
                       usec_t now, usec_t expires);

/* 250 before the hop's: the answer is made up, and the dot not sent. */
int __wrap_hop_commit(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline)
{
    if (broken != EARLY_YES) {
        return __real_hop_commit(h, r, count, deadline);
    }
    for (size_t i = 0; i < count; i++) {
        r[i]->committed = r[i]->confirmed = r[i]->wanted;
        r[i]->answer = reply_answer(REPLY_OK);
    }
    return 0;
}

int __wrap_ledger_arm(struct store *s, const struct digest *keys, size_t count, usec_t wall,
                      usec_t deadline)
{
    return broken == NO_LEDGER ? 0 : __real_ledger_arm(s, keys, count, wall, deadline);
}

int __wrap_marks_place(struct marks *m, struct owner who, const struct digest *keys, size_t count,
                       usec_t now, usec_t expires)
{
    return broken == NO_MARKS ? 0 : __real_marks_place(m, who, keys, count, now, expires);
}

/* Violations over every fault at every await of plain SMTP, stepwise. */
static unsigned count_violations(void)
{
    struct proof_case c = {.seed = 1};
    struct proof_result r;
    unsigned violations = 0;
    proof_run(&c, &r);
    violations += r.violated;
    uint64_t awaits = r.awaits;
    for (unsigned fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        c.fault = (enum proof_fault)fault;
        for (c.at = 1; c.at <= awaits; c.at++) {
            proof_run(&c, &r);
            violations += r.violated;
        }
    }
    return violations;
}

static void test_whole(void **state)
{
    (void)state;
    broken = WHOLE;
    assert_int_equal(count_violations(), 0);
}

static void test_early_yes(void **state)
{
    (void)state;
    broken = EARLY_YES;
    assert_true(count_violations() > 0);
}

static void test_no_ledger(void **state)
{
    (void)state;
    broken = NO_LEDGER;
    assert_true(count_violations() > 0);
}

static void test_no_marks(void **state)
{
    (void)state;
    broken = NO_MARKS;
    assert_true(count_violations() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_early_yes),
        cmocka_unit_test(test_no_ledger),
        cmocka_unit_test(test_no_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
