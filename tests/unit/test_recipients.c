/* Who knows recipients beside the next hop: what many questions at a time cost. Answers are in
 * tests/scenario/recipient_truth.smtp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "route/recipients.h"
#include "rt/sim.h"

static const char text[] = "hostname mx.example\nlisten 127.0.0.1:25\n"
                           "route . to smtp://10.0.0.1\n"
                           "recipients . from sqlite /nonexistent/users.db \"SELECT :address\"\n";

struct asker {
    struct recipients *recipients;
    const struct conf *conf;
    usec_t took;
    struct answer answer;
    bool answered;
};

static void ask(void *arg)
{
    struct asker *a = arg;
    struct arena arena;
    struct envelope envelope = {.sender = SLICE_LIT("a@x.example")};
    arena_init(&arena);
    const struct recipient_question q = {
        .route = a->conf->routes[0],
        .envelope = &envelope,
        .mailbox = SLICE_LIT("r@y.example"),
        .local_part = SLICE_LIT("r"),
        .domain = SLICE_LIT("y.example"),
        .arena = &arena,
    };
    usec_t began = rt_now();
    a->answered = recipients_before(a->recipients, &q, &a->answer) == 1;
    a->took = rt_now() - began;
    arena_free(&arena);
}

static void tell(void *arg, bool trouble, const char *line)
{
    (void)arg;
    (void)trouble;
    (void)line;
}

/* A database that does not answer: the others wait for their turn, and not for ever. */
static void test_database_is_busy(void **state)
{
    (void)state;
    struct conf *conf;
    struct conf_error error;
    assert_int_equal(conf_parse(slice_of(text), "t", &conf, &error), 0);
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    struct recipients *recipients = recipients_new(rt, conf, NULL, NULL, tell, NULL);
    struct asker askers[3];
    sim_next_call(rt, RT_CALL_FILE, 0, 60 * USEC_SEC);
    for (size_t i = 0; i < 3; i++) {
        askers[i] = (struct asker){.recipients = recipients, .conf = conf};
        assert_int_equal(task_spawn(rt, rt_root_of(rt), ask, &askers[i]), 0);
    }
    sim_run(sim, sim_now(sim) + 120 * USEC_SEC);
    for (size_t i = 0; i < 3; i++) {
        assert_true(askers[i].answered);
        assert_int_equal(askers[i].answer.code, 451);
        assert_true(i == 0 ? askers[i].took >= 60 * USEC_SEC
                           : askers[i].took >= 10 * USEC_SEC && askers[i].took < 11 * USEC_SEC);
    }
    recipients_drain(recipients);
    recipients_free(recipients);
    sim_rt_free(rt);
    sim_free(sim);
    conf_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_database_is_busy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
