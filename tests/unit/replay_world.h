/* Records judged by policies: what the tests of replay share. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/replay_range.h"
#include "journal/replay_tally.h"
#include "policy_compiled.h"

#define HEAD                                                                                       \
    "{\"id\":\"0123456789ABCD.1\",\"time\":\"2026-11-22T04:49:30.000Z\",\"run\":1,\"worker\":0,"   \
    "\"epoch\":1,\"sequence\":0,\"policy\":\"p\",\"client\":\"192.0.2.7\",\"port\":4321,"          \
    "\"local\":\"192.0.2.250\",\"listener\":\"127.0.0.1:25\",\"protocol\":\"ESMTP\","
#define HELO     "\"helo\":\"client.example\","
#define SENDER   "\"sender\":\"from@example.net\",\"size\":0,"
#define TO       "\"recipients\":[{\"recipient\":\"anna@example.org\",\"at_us\":3000000,"
#define ACCEPTED TO "\"verdict\":\"accepted\",\"code\":250,\"text\":\"taken\""
#define MESSAGE                                                                                    \
    "\"message\":{\"received\":2,\"longest_line\":78},\"phase\":\"commit\","                       \
    "\"verdict\":\"accepted\",\"code\":250,\"text\":\"taken\",\"hop_reply\":true,"
#define TIMES                                                                                      \
    "\"duration_us\":1,\"timeline_us\":{\"greeted\":1000000,\"helo\":2000000,\"mail\":2500000,"    \
    "\"received\":3500000,\"decided\":4000000}}"
#define LOBBY "\"duration_us\":1,\"timeline_us\":{\"decided\":4000000}}"

struct world {
    struct compiled c;
    struct replay *replay;
    struct arena arena;
    struct journal_record record;
    struct replay_outcomes then;
    struct replay_outcomes now;
};

static unsigned read_phases; /* in which that policy read client.sessions */

static inline unsigned read_in(void *arg, struct slice policy, const struct fact *fact)
{
    assert_null(arg);
    assert_slice(policy, "p");
    assert_string_equal(fact->name, "client.sessions");
    return read_phases;
}

/* Judges the record by the policy. */
static inline struct world judge_by(const char *policy, const char *line, bool has_conf)
{
    static struct world w; /* what replay_setup points to must stay where it is */
    const char *why = "";

    w = (struct world){.c = compile_good(policy)};
    const struct replay_setup setup = {
        .policy = w.c.policy, .conf = has_conf ? w.c.conf : NULL, .read_in = read_in, .arg = NULL};
    arena_init(&w.arena);
    w.replay = replay_new(&setup);
    if (journal_record_parse(slice_of(line), &w.arena, &w.record, &why) < 0) {
        fail_msg("%s", why);
    }
    replay_recorded(&w.record, &w.arena, &w.then);
    replay_judge(w.replay, &w.record, &w.now);
    return w;
}

static inline void end(struct world *w)
{
    assert_null(replay_free(w->replay));
    arena_free(&w->arena);
    compiled_free(&w->c);
}

static inline void assert_outcome(const struct replay_outcome *o, enum replay_verdict verdict,
                                  const char *rule)
{
    assert_string_equal(replay_verdict_name(o->verdict), replay_verdict_name(verdict));
    assert_slice(o->rule, rule);
}

static inline void assert_doubt(const struct world *w, const char *fact, enum replay_gap gap)
{
    size_t count;
    const struct replay_doubt *doubts = replay_doubts(w->replay, &count);

    assert_int_equal(count, 1);
    assert_string_equal(doubts[0].fact, fact);
    assert_int_equal(doubts[0].gap, gap);
}

static inline void assert_no_doubt(const struct world *w)
{
    size_t count;

    (void)replay_doubts(w->replay, &count);
    assert_int_equal(count, 0);
}
