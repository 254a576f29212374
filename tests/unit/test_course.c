/* What a phase's end means, and which phases are skipped: the course by itself, without a session.
 * Facts play no part: rules fire always, or by the recipient's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/course.h"
#include "policy_compiled.h"

struct world {
    struct compiled c;
    struct course course;
    struct evidence e;
    struct arena arena;
    struct ruling rcpt;
    const struct fired *by;
};

static struct world *begin(const char *policy)
{
    static struct world w;

    w = (struct world){.c = compile_good(policy)};
    arena_init(&w.arena);
    w.e = (struct evidence){.conf = w.c.conf, .arena = &w.arena};
    course_begin(&w.course, w.c.policy);
    return &w;
}

static void end(struct world *w)
{
    arena_free(&w->arena);
    compiled_free(&w->c);
}

static void walk(struct world *w, struct policy_run *run, struct ruling *ruling)
{
    w->e.doubts = &ruling->doubts;
    assert_int_equal(policy_step(run, &w->e, ruling, 0), STEP_DONE);
}

/* The end of a phase; `skipped`: its rules must not be walked. */
static enum course_outcome phase(struct world *w, enum phase phase, bool skipped)
{
    struct policy_run run;

    w->by = NULL;
    assert_int_equal(course_enter(&w->course, phase, 0, &run), !skipped);
    if (!skipped) {
        walk(w, &run, &w->course.rulings[phase]);
    }
    return course_leave(&w->course, phase, &w->by);
}

static enum course_outcome rcpt(struct world *w, const char *local_part, bool skipped)
{
    struct policy_run run;

    w->by = NULL;
    w->e.rcpt = slice_of(local_part);
    assert_int_equal(course_enter_rcpt(&w->course, &w->rcpt, w->e.rcpt, 0, &run), !skipped);
    if (!skipped) {
        walk(w, &run, &w->rcpt);
    }
    return course_leave_rcpt(&w->course, &w->rcpt, w->e.rcpt, &w->by);
}

/* A verdict that is pending is each recipient's answer, but for those that a rule lets through. */
static void pending(void **state)
{
    (void)state;
    struct world *w = begin("policy { at connect { reject \"no\" }\nat rcpt { reject \"never\"\n"
                            "pass when rcpt == \"friend\" } }");

    assert_int_equal(phase(w, PHASE_CONNECT, false), COURSE_GOES_ON);
    const struct fired *v = course_pending(&w->course);
    assert_non_null(v);
    assert_int_equal(phase(w, PHASE_HELO, true), COURSE_GOES_ON);
    assert_int_equal(phase(w, PHASE_MAIL, true), COURSE_GOES_ON);
    assert_int_equal(rcpt(w, "anna", false), COURSE_ANSWERS);
    assert_ptr_equal(w->by, v);
    assert_int_equal(rcpt(w, "friend", false), COURSE_GOES_ON);
    assert_int_equal(rcpt(w, "Postmaster", false), COURSE_GOES_ON);
    end(w);
}

/* The first one wins; mail's ends with the transaction. */
static void pending_of_mail(void **state)
{
    (void)state;
    struct world *w = begin("policy { at mail { defer \"later\" } }");

    assert_int_equal(phase(w, PHASE_CONNECT, false), COURSE_GOES_ON);
    assert_int_equal(phase(w, PHASE_HELO, false), COURSE_GOES_ON);
    assert_int_equal(phase(w, PHASE_MAIL, false), COURSE_GOES_ON);
    assert_non_null(course_pending(&w->course));
    course_forget(&w->course, PHASE_MAIL);
    assert_null(course_pending(&w->course));
    end(w);
}

/* Said at once: by `now`, by a drop, by 421, without a word. */
static void at_once(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        enum course_outcome outcome;
    } cases[] = {
        {"policy { at helo { reject now \"no\" } }", COURSE_ANSWERS},
        {"policy { at helo { defer now 421 4.7.0 \"no\" } }", COURSE_ENDS},
        {"policy { at helo { drop \"no\" } }", COURSE_ENDS},
        {"policy { at helo { drop silent } }", COURSE_VANISHES},
        {"policy { at helo { pass } }", COURSE_GOES_ON},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = begin(cases[i].policy);
        assert_int_equal(phase(w, PHASE_CONNECT, false), COURSE_GOES_ON);
        assert_int_equal(phase(w, PHASE_HELO, false), cases[i].outcome);
        assert_int_equal(w->by != NULL, cases[i].outcome != COURSE_GOES_ON);
        assert_null(course_pending(&w->course));
        end(w);
    }
}

/* Trust ends the phases through rcpt, `trust all` the message's too. */
static void trust(void **state)
{
    (void)state;
    static const char *const policies[] = {
        "policy { at helo { trust }\nat mail { reject \"no\" }\nat rcpt { reject \"no\" }\n"
        "at message { reject \"no\" } }",
        "policy { at helo { trust all }\nat rcpt { reject \"no\" }\n"
        "at message { reject \"no\" } }"};
    for (int all = 0; all < 2; all++) {
        struct world *w = begin(policies[all]);
        struct policy_run run;
        assert_int_equal(phase(w, PHASE_CONNECT, false), COURSE_GOES_ON);
        assert_int_equal(phase(w, PHASE_HELO, false), COURSE_GOES_ON);
        assert_true(course_trusts(&w->course));
        assert_int_equal(phase(w, PHASE_MAIL, true), COURSE_GOES_ON);
        assert_int_equal(rcpt(w, "anna", true), COURSE_GOES_ON);
        assert_int_equal(course_enter_message(&w->course, NULL, 0, &run), all == 0);
        if (all == 0) {
            walk(w, &run, &w->course.rulings[PHASE_MESSAGE]);
        }
        assert_int_equal(course_leave(&w->course, PHASE_MESSAGE, &w->by),
                         all == 0 ? COURSE_ANSWERS : COURSE_GOES_ON);
        end(w);
    }
}

/* Recipients whose message rules differ do not share a transaction. */
static void share(void **state)
{
    (void)state;
    struct world *w = begin("policy { at rcpt { trust all when rcpt == \"friend\" }\n"
                            "at message { reject \"no\" } }");
    struct policy_run run;

    assert_int_equal(rcpt(w, "friend", false), COURSE_GOES_ON);
    assert_true(course_fits(&w->course, &w->rcpt, true));
    course_join(&w->course, &w->rcpt);
    assert_true(course_fits(&w->course, &w->rcpt, false));
    assert_int_equal(rcpt(w, "anna", false), COURSE_GOES_ON);
    assert_false(course_fits(&w->course, &w->rcpt, false));
    assert_false(course_enter_message(&w->course, NULL, 0, &run));
    course_forget(&w->course, PHASE_MAIL);
    assert_true(course_enter_message(&w->course, NULL, 0, &run));
    end(w);
}

/* At message the doubt of the recipient that is doubted least counts, and all around it. */
static void least_doubt(void **state)
{
    (void)state;
    struct world *w = begin("policy { at connect { doubt 1 \"c\" }\nat mail { doubt 2 \"m\" }\n"
                            "at rcpt { doubt 10 \"a\" when rcpt == \"anna\"\ndoubt 5 \"b\" } }");
    struct policy_run run;
    struct ruling first;

    assert_int_equal(phase(w, PHASE_CONNECT, false), COURSE_GOES_ON);
    assert_int_equal(phase(w, PHASE_HELO, false), COURSE_GOES_ON);
    assert_int_equal(phase(w, PHASE_MAIL, false), COURSE_GOES_ON);
    assert_int_equal(rcpt(w, "anna", false), COURSE_GOES_ON);
    assert_int_equal(doubts_sum(&w->rcpt.doubts), 18);
    const struct doubts *least = course_least(NULL, &w->rcpt);
    assert_ptr_equal(least, &w->rcpt.doubts);
    ruling_copy(&first, &w->rcpt, &w->arena, w->rcpt.doubts.outer);
    least = course_least(NULL, &first);
    assert_int_equal(rcpt(w, "bert", false), COURSE_GOES_ON);
    least = course_least(least, &w->rcpt);
    assert_ptr_equal(least, &w->rcpt.doubts);
    assert_ptr_equal(course_least(least, &first), least);
    assert_true(course_enter_message(&w->course, least, 0, &run));
    assert_int_equal(doubts_sum(&w->course.rulings[PHASE_MESSAGE].doubts), 8);
    assert_true(course_enter_message(&w->course, NULL, 0, &run));
    assert_int_equal(doubts_sum(&w->course.rulings[PHASE_MESSAGE].doubts), 3);
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending), cmocka_unit_test(pending_of_mail), cmocka_unit_test(at_once),
        cmocka_unit_test(trust),   cmocka_unit_test(share),           cmocka_unit_test(least_doubt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
