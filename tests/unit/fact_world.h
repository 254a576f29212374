/* What the tests of facts have in common: evidence that can be set at will, and questions behind it
 * that count how often they are put. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "fact/fact.h"
#include "parse/inspection.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct fact_world {
    struct evidence e;
    struct arena arena;
    struct conf conf;
    struct fact_counters counters;
    struct message message;

    /* What the questions are answered with, and how often each was put. */
    unsigned sessions;
    int banned; /* what client_banned gives */
    int recipient_result;
    struct recipient_truth truth;
    int header_result;
    struct slice header;
    int inspected_result;
    struct inspection inspection;
    unsigned calls_sessions;
    unsigned calls_banned;
    unsigned calls_recipient;
    int accepts_all_result;
    bool accepts_all;
    enum value_source accepts_all_source;
    unsigned calls_header;
    unsigned calls_inspected;
};

static inline unsigned world_sessions(const struct evidence *e)
{
    struct fact_world *w = e->owner;

    w->calls_sessions++;
    return w->sessions;
}

static inline int world_banned(const struct evidence *e)
{
    struct fact_world *w = e->owner;

    w->calls_banned++;
    return w->banned;
}

static inline int world_ask_recipient(const struct evidence *e, struct recipient_truth *ret)
{
    struct fact_world *w = e->owner;

    w->calls_recipient++;
    if (w->recipient_result == 0) {
        *ret = w->truth;
    }
    return w->recipient_result;
}

static inline int world_accepts_all(const struct evidence *e, bool *ret,
                                    enum value_source *ret_source)
{
    const struct fact_world *w = e->owner;

    if (w->accepts_all_result == 0) {
        *ret = w->accepts_all;
        *ret_source = w->accepts_all_source;
    }
    return w->accepts_all_result;
}

static inline int world_header(const struct evidence *e, struct slice *ret)
{
    struct fact_world *w = e->owner;

    w->calls_header++;
    if (w->header_result == 0 || w->header_result == -E2BIG) {
        *ret = w->header;
    }
    return w->header_result;
}

static inline int world_inspected(const struct evidence *e, const struct inspection **ret)
{
    struct fact_world *w = e->owner;

    w->calls_inspected++;
    if (w->inspected_result == 0) {
        *ret = &w->inspection;
    }
    return w->inspected_result;
}

/* Its only group. */
static inline int world_pattern_group(const struct evidence *e, enum pattern_place place,
                                      struct slice parameter)
{
    (void)e, (void)place, (void)parameter;
    return 0;
}

static inline bool world_has_text(const struct evidence *e, enum fact_table table,
                                  struct slice text)
{
    (void)e, (void)table, (void)text;
    return false;
}

static const struct evidence_ops world_ops = {
    .client_sessions = world_sessions,
    .client_network_sessions = world_sessions,
    .client_banned = world_banned,
    .table_has_text = world_has_text,
    .ask_recipient = world_ask_recipient,
    .accepts_all = world_accepts_all,
    .message_header = world_header,
    .inspected = world_inspected,
    .pattern_group = world_pattern_group,
};

/* A session like any other, up to its message; nothing is remembered. */
static inline void world_init(struct fact_world *w)
{
    static char hostname[] = "mx.example.org";
    static const int32_t groups[] = {PATTERNS_NONE};

    *w = (struct fact_world){
        .inspection = {.groups = groups, .group_count = COUNT(groups)},
        .sessions = 1,
        .header = SLICE_LIT("Subject: hello\r\n\r\n"),
    };
    arena_init(&w->arena);
    w->conf.hostname = hostname;
    w->e = (struct evidence){
        .conf = &w->conf,
        .ops = &world_ops,
        .owner = w,
        .counters = &w->counters,
        .listener = "0.0.0.0:25",
        .helo = SLICE_LIT("client.example"),
        .sender = SLICE_LIT("a@sender.example"),
        .rcpt = SLICE_LIT("b@example.org"),
        .rcpt_domain = SLICE_LIT("example.org"),
        .message = &w->message,
        .arena = &w->arena,
    };
    assert_int_equal(addr_parse_port(SLICE_LIT("192.0.2.1:40000"), &w->e.client), 0);
    assert_int_equal(addr_parse_port(SLICE_LIT("198.51.100.1:25"), &w->e.local), 0);
}

static inline int world_setup(void **state)
{
    static struct fact_world w;

    world_init(&w);
    *state = &w;
    return 0;
}

static inline int world_teardown(void **state)
{
    struct fact_world *w = *state;

    arena_free(&w->arena);
    return 0;
}

/* The parameter of facts that take one; the others ignore it. */
static inline struct value world_ask_with(struct fact_world *w, enum fact_id id,
                                          const char *parameter)
{
    const struct slice text = slice_of(parameter);
    const struct fact_use use = {&facts[id], &text, 0};
    struct value v = {0};

    assert_int_equal(fact_ask(&use, &w->e, &v), 0);
    assert_int_equal(v.type, facts[id].type);
    return v;
}

static inline struct value world_ask(struct fact_world *w, enum fact_id id)
{
    return world_ask_with(w, id, "");
}

#define assert_slice(s, expected)                                                                  \
    do {                                                                                           \
        const struct slice slice_ = (s);                                                           \
        assert_int_equal(slice_.n, strlen(expected));                                              \
        assert_memory_equal(slice_.n > 0 ? slice_.p : "", expected, slice_.n);                     \
    } while (0)

#define assert_bool(v, expected)                                                                   \
    do {                                                                                           \
        const struct value value_ = (v);                                                           \
        assert_int_equal(value_.type, TYPE_BOOL);                                                  \
        assert_int_equal(value_.state, VALUE_KNOWN);                                               \
        assert_int_equal(value_.boolean, expected);                                                \
    } while (0)

#define assert_number(v, expected)                                                                 \
    do {                                                                                           \
        const struct value value_ = (v);                                                           \
        assert_int_equal(value_.state, VALUE_KNOWN);                                               \
        assert_true(value_.number == (expected));                                                  \
    } while (0)

#define assert_text(v, expected)                                                                   \
    do {                                                                                           \
        const struct value value_ = (v);                                                           \
        assert_int_equal(value_.type, TYPE_TEXT);                                                  \
        assert_int_equal(value_.state, VALUE_KNOWN);                                               \
        assert_slice(value_.text, expected);                                                       \
    } while (0)

#define assert_unknown(v, expected)                                                                \
    do {                                                                                           \
        const struct value value_ = (v);                                                           \
        assert_int_equal(value_.state, VALUE_UNKNOWN);                                             \
        assert_int_equal(value_.reason, expected);                                                 \
    } while (0)
