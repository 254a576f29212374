/* What the writer's two files share: those who hand in (writer.c) and the thread that stores
 * (writer_thread.c). Internal to the writer. */
#pragma once

#include <pthread.h>

#include "base/arena.h"
#include "base/list.h"
#include "journal/db.h"
#include "journal/streams.h"
#include "journal/writer.h"

/* A transaction is as large as one of them allows. */
#define BATCH_MOST 1000
#define BATCH_TIME (200 * USEC_MSEC)

#define SAID_MOST  16

enum item_kind { ITEM_LINE, ITEM_EXPECT, ITEM_POLICY, ITEM_HEALTH };

struct item {
    struct list list;
    enum item_kind kind;
    bool refused; /* SQLite will not have it */
    size_t size;  /* octets that it takes */
    union {
        struct slice line; /* lies behind the item */
        struct {
            unsigned worker;
            uint64_t next;
        } expect;
        struct {
            struct slice digest;
            const struct journal_rule *rules;
            size_t count;
        } policy;
        struct {
            struct slice name;
            struct slice state;
            struct slice detail;
            usec_t time;
        } health;
    };
    struct arena arena; /* what a policy and a health point to */
};

struct journal_writer {
    struct journal_writer_setup setup; /* its path is ours */
    pthread_t thread;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t work;
    struct list queue;
    size_t queued;     /* items in it */
    usec_t first_time; /* when it began to have any, on the monotonic clock */
    bool ending;
    usec_t end_by; /* on the monotonic clock */
    struct journal_writer_state state;
    struct journal_writer_said said[SAID_MOST];
    unsigned said_count;

    /* The thread's own. */
    struct journal_db db;
    struct streams streams;
    struct list batch; /* what the next transaction stores */
    size_t batch_count;
    struct item *policy; /* the newest that was stored; a new file gets it too */
    struct arena arena;
    bool news;         /* the file lacks what every file is to have */
    bool told_refused; /* once for ever */
    bool told_full;    /* until it is half empty */
    bool in_trouble;
    usec_t trouble_since; /* all on the monotonic clock */
    usec_t aside_time;
    usec_t look_time;
    usec_t tidy_time;
};

/* The thread's function; `arg` is the writer. */
void *journal_writer_run(void *arg);

/* NULL allowed; returns NULL. */
struct item *journal_item_free(struct item *item);
