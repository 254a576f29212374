/* Deferrals: when a return counts, from whom, for how long, and what clocks do to it. */
#include "remembered_world.h"

#include "fact/deferral.h"

#define SENDER SLICE_LIT("anna@sender.example")
#define RCPT   SLICE_LIT("bert@example.org")

/* As it is of a client of 192.0.2.0/24, with an organisation and a domain that authorises it. */
static const struct names all = {
    3,
    {{RECORD_NETWORK, SLICE_LIT("192.0.2.0/24")},
     {RECORD_HOST, SLICE_LIT("post.example")},
     {RECORD_SPF, SLICE_LIT("sender.example")}},
};

static struct names only(size_t i)
{
    struct names n = {.count = 1};
    n.item[0] = all.item[i];
    return n;
}

static struct deferral find(struct memory_world *w, const struct names *n, struct slice sender,
                            struct slice rcpt)
{
    struct deferral d = {.age = 1, .wait = 1};
    assert_int_equal(deferral_find(&w->f.e, n, sender, rcpt, &d), 0);
    return d;
}

static void begin(struct memory_world *w)
{
    deferral_begin(&w->f.e, &all, SENDER, RCPT);
}

static bool end(struct memory_world *w)
{
    return deferral_end(&w->f.e, &all, SENDER, RCPT);
}

#define assert_deferral(d, age_, wait_, returned_)                                                 \
    do {                                                                                           \
        const struct deferral d_ = (d);                                                            \
        assert_int_equal(d_.age, age_);                                                            \
        assert_int_equal(d_.wait, wait_);                                                          \
        assert_int_equal(d_.returned, returned_);                                                  \
    } while (0)

static void assert_now(struct memory_world *w, usec_t age, usec_t wait, bool returned)
{
    assert_deferral(find(w, &all, SENDER, RCPT), age, wait, returned);
}

static void from_a_minute_to_a_day(void **state)
{
    struct memory_world *w = *state;
    assert_now(w, 0, MINUTE, false);
    begin(w);
    assert_now(w, 0, MINUTE, false);
    w->f.e.wall += MINUTE - 1;
    assert_now(w, MINUTE - 1, 1, false);
    w->f.e.wall += 1;
    assert_now(w, MINUTE, 0, true);
    w->f.e.wall = MEMORY_WALL + DAY - 1;
    assert_now(w, DAY - 1, 0, true);
    w->f.e.wall = MEMORY_WALL + DAY + 1;
    assert_now(w, 0, MINUTE, false);
}

/* Who tries again too soon waits since his first try all the same. */
static void tries_that_come_too_soon(void **state)
{
    struct memory_world *w = *state;
    begin(w);
    for (unsigned i = 1; i <= 5; i++) {
        w->f.e.wall += 10 * USEC_SEC;
        assert_now(w, i * 10 * USEC_SEC, MINUTE - i * 10 * USEC_SEC, false);
        assert_false(end(w));
        begin(w);
    }
    w->f.e.wall += 10 * USEC_SEC;
    assert_now(w, MINUTE, 0, true);
}

static void known_for_36_days(void **state)
{
    struct memory_world *w = *state;
    assert_false(end(w)); /* it was never deferred */
    assert_now(w, 0, MINUTE, false);
    begin(w);
    w->f.e.wall += 5 * MINUTE;
    assert_true(end(w));
    assert_false(end(w)); /* it has done so before */
    assert_now(w, 5 * MINUTE, 0, true);
    w->f.e.wall += 36 * DAY - 1;
    assert_now(w, 36 * DAY + 5 * MINUTE - 1, 0, true);
    assert_false(end(w)); /* each message renews it */
    w->f.e.wall += 36 * DAY - 1;
    assert_true(find(w, &all, SENDER, RCPT).returned);
    w->f.e.wall += 1;
    assert_now(w, 0, MINUTE, false);
    begin(w);
    assert_now(w, 0, MINUTE, false);
    w->f.e.wall += MINUTE;
    assert_now(w, MINUTE, 0, true);
}

static void after_the_window(void **state)
{
    struct memory_world *w = *state;
    begin(w);
    w->f.e.wall += DAY + MINUTE;
    assert_false(end(w));
    begin(w);
    assert_now(w, 0, MINUTE, false);
    w->f.e.wall += MINUTE;
    assert_now(w, MINUTE, 0, true);
}

/* One name in common will do: another host of the network, the organisation or the SPF domain. */
static void under_each_name(void **state)
{
    struct memory_world *w = *state;
    const struct names strangers = {
        2,
        {{RECORD_NETWORK, SLICE_LIT("198.51.100.0/24")}, {RECORD_SPF, SLICE_LIT("post.example")}}};
    begin(w);
    w->f.e.wall += MINUTE;
    for (size_t i = 0; i < all.count; i++) {
        const struct names n = only(i);
        assert_deferral(find(w, &n, SENDER, RCPT), MINUTE, 0, true);
    }
    assert_deferral(find(w, &strangers, SENDER, RCPT), 0, MINUTE, false);
    const struct names network = only(0);
    assert_true(deferral_end(&w->f.e, &network, SENDER, RCPT));
    assert_false(end(w)); /* by its network it had returned */
    w->f.e.wall += 2 * DAY;
    const struct names host = only(1);
    assert_deferral(find(w, &host, SENDER, RCPT), 2 * DAY + MINUTE, 0, true);
}

static void sender_and_recipient(void **state)
{
    struct memory_world *w = *state;
    deferral_begin(&w->f.e, &all, SLICE_LIT("bounce-12-bert=example.org@Sender.example"), RCPT);
    deferral_begin(&w->f.e, &all, SLICE_LIT(""), RCPT);
    w->f.e.wall += MINUTE;
    assert_true(find(w, &all, SLICE_LIT("bounce-13-bert=example.org@sender.example"),
                     SLICE_LIT("Bert@Example.org"))
                    .returned);
    assert_true(find(w, &all, SLICE_LIT(""), RCPT).returned);
    assert_false(find(w, &all, SENDER, RCPT).returned);
    assert_false(find(w, &all, SLICE_LIT(""), SLICE_LIT("carl@example.org")).returned);
}

/* A clock that was ahead, and is right again, defers nobody for longer. */
static void clock_set_back(void **state)
{
    struct memory_world *w = *state;
    w->f.e.wall += 400 * DAY;
    begin(w);
    w->f.e.wall -= 400 * DAY;
    assert_now(w, 0, MINUTE, false);
    begin(w);
    w->f.e.wall += MINUTE;
    assert_now(w, MINUTE, 0, true);
    assert_true(end(w));
}

static void no_time_at_all(void **state)
{
    struct memory_world *w = *state;
    w->f.conf.limits.deferral_time = 0;
    assert_now(w, 0, 0, false);
    begin(w);
    w->f.e.wall += 1;
    assert_now(w, 1, 0, true);
}

static void without_memory(void **state)
{
    struct memory_world *w = *state;
    struct memory *m = w->f.e.memory;
    struct deferral d;
    w->f.e.memory = NULL;
    assert_true(deferral_find(&w->f.e, &all, SENDER, RCPT, &d) < 0);
    begin(w);
    assert_false(end(w));
    w->f.e.memory = m;
    assert_now(w, 0, MINUTE, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_world_setup, memory_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(from_a_minute_to_a_day), TEST(tries_that_come_too_soon), TEST(known_for_36_days),
        TEST(after_the_window),       TEST(under_each_name),          TEST(sender_and_recipient),
        TEST(clock_set_back),         TEST(no_time_at_all),           TEST(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
