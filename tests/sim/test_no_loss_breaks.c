/* The no-loss proof must see what it is there to see: deliberate breaks, put between the callers
 * and the real functions by the linker (--wrap), and each must be caught. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proof.h"
#include "route/isolation.h"
#include "route/leg.h"
#include "store/marks.h"
#include "store/store.h"

static enum {
    WHOLE,
    EARLY_YES,
    NO_LEDGER,
    NO_MARKS,
    FIRST_FOR_ALL,
    ONE_LEG_FOR_ALL,
    FAILOVER_TOO_LATE,
    NO_GROUPS
} broken;

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

void __real_leg_commit(struct leg *leg);
void __wrap_leg_commit(struct leg *leg);
bool __real_isolation_turns_away(struct delivery *d, struct slice mailbox);
bool __wrap_isolation_turns_away(struct delivery *d, struct slice mailbox);

static void say_yes(struct hop_recipient *const *r, size_t count, const struct answer *a)
{
    for (size_t i = 0; i < count; i++) {
        if (r[i]->wanted) {
            r[i]->committed = r[i]->confirmed = r[i]->answered = true;
            r[i]->answer = *a;
        }
    }
}

/* Takes the first of several answers to the message for that of all. */
static void spread(struct hop_recipient *const *r, size_t count)
{
    size_t first = 0;
    while (first < count && !r[first]->wanted) {
        first++;
    }
    for (size_t i = first + 1; i < count; i++) {
        if (r[i]->wanted) {
            r[i]->confirmed = r[first]->confirmed;
            r[i]->answer = r[first]->answer;
        }
    }
}

/* Goes to another hop, or the same, although the message may have been taken. */
static int once_more(struct hop_recipient *const *r, size_t count, usec_t deadline, int error)
{
    struct delivery *d = r[0]->leg->delivery;
    struct hop *again = hop_begin(d->host->pools, r[0]->leg->route, &d->envelope, &d->arena);
    bool ready = hop_prepare(again, d->message, r, count, deadline) == 0;
    for (size_t i = 0; i < count; i++) {
        ready &= !r[i]->wanted || answer_is_yes(&r[i]->answer);
    }
    int rc = ready ? __real_hop_commit(again, r, count, deadline) : error;
    hop_end(again);
    return rc;
}

/* 250 before the hop's: the answer is made up, and the dot not sent. */
int __wrap_hop_commit(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline)
{
    struct answer yes = reply_answer(REPLY_OK);
    if (broken == EARLY_YES) {
        say_yes(r, count, &yes);
        return 0;
    }
    int rc = __real_hop_commit(h, r, count, deadline);
    if (rc == 0 && broken == FIRST_FOR_ALL) {
        spread(r, count);
    }
    if (rc < 0 && rc != -ETIMEDOUT && broken == FAILOVER_TOO_LATE) {
        return once_more(r, count, deadline, rc);
    }
    return rc;
}

/* Enters all legs of the transaction when one has answered. */
void __wrap_leg_commit(struct leg *leg)
{
    __real_leg_commit(leg);
    for (struct leg *l = leg->delivery->legs; broken == ONE_LEG_FOR_ALL && l != NULL; l = l->next) {
        if (l != leg && l->count > 0) {
            ledger_arm(leg->delivery->host->store, l->keys, l->count, rt_wall(), USEC_NEVER);
        }
    }
}

/* Nobody is to come by himself. */
bool __wrap_isolation_turns_away(struct delivery *d, struct slice mailbox)
{
    return broken != NO_GROUPS && __real_isolation_turns_away(d, mailbox);
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

/* Is there a violation by any fault at awaits of a way: at each, or at each `stride`th? Looks no
 * further than the first one. */
static bool violated(enum proof_way way, unsigned stride)
{
    struct proof_case c = {.way = way, .seed = 1};
    struct proof_result r;
    proof_run(&c, &r);
    bool found = r.violated;
    uint64_t awaits = r.awaits;
    for (unsigned fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        c.fault = (enum proof_fault)fault;
        for (c.at = 1 + fault % stride; c.at <= awaits && !found; c.at += stride) {
            proof_run(&c, &r);
            found = r.violated;
        }
    }
    return found;
}

static void test_whole(void **state)
{
    (void)state;
    broken = WHOLE;
    assert_false(violated(PROOF_SMTP, 1));
    assert_false(violated(PROOF_ROUTES, 11));
}

static void test_early_yes(void **state)
{
    (void)state;
    broken = EARLY_YES;
    assert_true(violated(PROOF_SMTP, 1));
}

static void test_no_ledger(void **state)
{
    (void)state;
    broken = NO_LEDGER;
    assert_true(violated(PROOF_SMTP, 1));
}

static void test_no_marks(void **state)
{
    (void)state;
    broken = NO_MARKS;
    assert_true(violated(PROOF_SMTP, 1));
}

static void test_first_for_all(void **state)
{
    (void)state;
    broken = FIRST_FOR_ALL;
    assert_true(violated(PROOF_LMTP, 11));
}

static void test_one_leg_for_all(void **state)
{
    (void)state;
    broken = ONE_LEG_FOR_ALL;
    assert_true(violated(PROOF_ROUTES, 11));
}

static void test_failover_too_late(void **state)
{
    (void)state;
    broken = FAILOVER_TOO_LATE;
    assert_true(violated(PROOF_SMTP, 1));
}

static void test_no_groups(void **state)
{
    (void)state;
    struct proof_case c = {.way = PROOF_LMTP, .seed = 1};
    struct proof_result r;
    broken = NO_GROUPS;
    proof_run(&c, &r);
    assert_true(r.violated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_early_yes),
        cmocka_unit_test(test_no_ledger),
        cmocka_unit_test(test_no_marks),
        cmocka_unit_test(test_first_for_all),
        cmocka_unit_test(test_one_leg_for_all),
        cmocka_unit_test(test_failover_too_late),
        cmocka_unit_test(test_no_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
