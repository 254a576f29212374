/* The writer's thread: batches into transactions, and what is done when they fail. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "journal/insert.h"
#include "journal/retention.h"
#include "journal/writer_impl.h"

#define RETRY_TIME   USEC_SEC
#define ENDING_RETRY (50 * USEC_MSEC)
#define IDLE_TIME    (10 * USEC_SEC) /* between looks at what has become too old */
#define LOOK_TIME    USEC_SEC        /* between looks at the file's size */
#define TIDY_TIME    (60 * USEC_SEC)
/* A disk that damages each new file is not to be filled with them. */
#define ASIDE_TIME (60 * USEC_SEC)
/* Records that go for each that comes, and at least. */
#define RETENTION_FACTOR 2
#define RETENTION_LEAST  200

/* ---- what the operator is told ---- */

static void say(struct journal_writer *w, bool trouble, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct journal_writer *w, bool trouble, const char *format, ...)
{
    struct journal_writer_said said = {.trouble = trouble};
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(said.text, sizeof(said.text), format, ap);
    va_end(ap);
    pthread_mutex_lock(&w->lock);
    bool room = w->said_count < SAID_MOST;
    if (room) {
        w->said[w->said_count++] = said;
    }
    pthread_mutex_unlock(&w->lock);
    if (room && w->setup.wake != NULL) {
        w->setup.wake(w->setup.arg);
    }
}

static void begin_trouble(struct journal_writer *w, const char *why)
{
    bool first = !w->in_trouble;

    pthread_mutex_lock(&w->lock);
    (void)snprintf(w->state.trouble, sizeof(w->state.trouble), "%s", why);
    pthread_mutex_unlock(&w->lock);
    if (first) {
        w->in_trouble = true;
        w->trouble_since = clock_monotonic();
        say(w, true, "journal %s: %s; records wait, tried again each second", w->setup.path, why);
    }
}

static void end_trouble(struct journal_writer *w)
{
    if (!w->in_trouble) {
        return;
    }
    w->in_trouble = false;
    pthread_mutex_lock(&w->lock);
    w->state.trouble[0] = '\0';
    pthread_mutex_unlock(&w->lock);
    say(w, false, "journal %s: written again after %jd s", w->setup.path,
        (intmax_t)((clock_monotonic() - w->trouble_since) / USEC_SEC));
}

/* Who hands in stops a little before the room ends, and how many are lost then is not known here
 * but shows in the streams. */
static void tell_when_full(struct journal_writer *w)
{
    pthread_mutex_lock(&w->lock);
    size_t waiting = w->state.waiting;
    pthread_mutex_unlock(&w->lock);
    if (waiting < JOURNAL_WRITER_ROOM / 2) {
        w->told_full = false;
    } else if (waiting > JOURNAL_WRITER_ROOM - JOURNAL_WRITER_ROOM / 16 && !w->told_full) {
        w->told_full = true;
        say(w, true, "journal %s: %zu MiB of records wait; further ones are lost", w->setup.path,
            JOURNAL_WRITER_ROOM >> 20);
    }
}

/* ---- the file ---- */

static void publish_counts(struct journal_writer *w, uint64_t refused, size_t octets)
{
    pthread_mutex_lock(&w->lock);
    streams_sum(&w->streams, &w->state.stored, &w->state.lost);
    w->state.refused += refused;
    w->state.waiting -= octets;
    pthread_mutex_unlock(&w->lock);
}

/* A new file begins with what is known of the run; else the file's own word counts. */
static int settle_in(struct journal_writer *w)
{
    /* First: what others write from here on is caught up with. */
    int code = journal_db_number(journal_db_statement(&w->db, STATEMENT_DATA_VERSION),
                                 &w->db.data_version);

    w->db.others_wrote = false;
    w->news = w->db.fresh;
    if (code == SQLITE_OK && !w->news) {
        code = streams_load(&w->streams, &w->db);
        publish_counts(w, 0, 0);
    }
    return code;
}

static enum journal_outcome open_file(struct journal_writer *w, char why[static JOURNAL_WHY])
{
    enum journal_outcome outcome = journal_db_open(&w->db, why);

    if (outcome != JOURNAL_DONE) {
        return outcome;
    }
    outcome = journal_db_outcome(settle_in(w));
    if (outcome != JOURNAL_DONE) {
        (void)snprintf(why, JOURNAL_WHY, "%s", sqlite3_errmsg(w->db.db));
        journal_db_close(&w->db);
    }
    return outcome;
}

/* The file is open afterwards, and it is the one of that name. */
static enum journal_outcome ensure_open(struct journal_writer *w, char why[static JOURNAL_WHY])
{
    if (w->db.db != NULL && !journal_db_in_place(&w->db)) {
        journal_db_leave(&w->db);
        say(w, true, "journal %s: it was taken away; it is opened or begun anew", w->setup.path);
    }
    return w->db.db != NULL ? JOURNAL_DONE : open_file(w, why);
}

/* Out of the way with it, and a new one is begun. */
static enum journal_outcome replace_file(struct journal_writer *w, char why[static JOURNAL_WHY])
{
    char name[ASIDE_NAME_MAX], reason[JOURNAL_WHY];
    usec_t now = clock_monotonic();

    if (w->aside_time > 0 && now - w->aside_time < ASIDE_TIME) {
        journal_db_close(&w->db);
        return JOURNAL_LATER;
    }
    if (w->streams.count == 0 && journal_db_prepare_accounts(&w->db)) {
        (void)streams_load(&w->streams, &w->db); /* the run goes on, perhaps */
    }
    memcpy(reason, why, sizeof(reason));
    int r = journal_db_put_aside(&w->db, clock_wall(), name, sizeof(name));
    if (r < 0) {
        (void)snprintf(why, JOURNAL_WHY, "%.120s, and it cannot be renamed: %s", reason,
                       strerrordesc_np(-r));
        return JOURNAL_LATER;
    }
    w->aside_time = now;
    say(w, true, "journal %s: %s; it is kept as %s, and a new one is begun", w->setup.path, reason,
        name);
    return open_file(w, why);
}

/* ---- a transaction ---- */

struct attempt {
    struct item *item; /* under way */
    uint64_t refused;
    const char *why; /* one of them was */
};

static void refuse(struct attempt *a, const char *why)
{
    a->refused++;
    a->why = why;
}

static int store_line(struct journal_writer *w, struct attempt *a, struct item *item)
{
    struct journal_record record;
    const char *why = NULL;

    if (item->refused) {
        refuse(a, "SQLite does not take it");
        return SQLITE_OK;
    }
    arena_reset(&w->arena);
    if (journal_record_parse(item->line, &w->arena, &record, &why) < 0) {
        refuse(a, why);
        return SQLITE_OK;
    }
    if (record.run != w->streams.run) {
        refuse(a, "it is of another run");
        return SQLITE_OK;
    }
    if (!streams_take(&w->streams, record.worker, record.sequence, clock_wall())) {
        refuse(a, "its number has been there before");
        return SQLITE_OK;
    }
    return journal_insert(&w->db, &record);
}

static int store(struct journal_writer *w, struct attempt *a, struct item *item)
{
    switch (item->kind) {
    case ITEM_LINE: return store_line(w, a, item);
    case ITEM_EXPECT:
        streams_expect(&w->streams, item->expect.worker, item->expect.next, clock_wall());
        return SQLITE_OK;
    case ITEM_POLICY:
        return journal_insert_policy(&w->db, item->policy.digest, item->policy.rules,
                                     item->policy.count, clock_wall());
    case ITEM_HEALTH:
        return journal_insert_health(&w->db, item->health.name, item->health.state,
                                     item->health.detail, item->health.time);
    }
    return SQLITE_OK;
}

/* Has another process written to the file, such as a clerk that ends while this one begins? Then
 * its account of the streams counts. */
static int catch_up(struct journal_writer *w)
{
    int code = w->db.others_wrote ? streams_load(&w->streams, &w->db) : SQLITE_OK;

    w->db.others_wrote = w->db.others_wrote && code != SQLITE_OK;
    return code;
}

static int store_all(struct journal_writer *w, struct attempt *a)
{
    int code = journal_db_begin(&w->db);

    if (code == SQLITE_OK) {
        code = w->news ? streams_begin(&w->streams, &w->db) : catch_up(w);
    }
    if (code == SQLITE_OK && w->news && w->policy != NULL) {
        code = store(w, a, w->policy);
    }
    list_for_each (it, &w->batch) {
        if (code != SQLITE_OK) {
            break;
        }
        a->item = list_entry(it, struct item, list);
        code = store(w, a, a->item);
    }
    if (code == SQLITE_OK) {
        a->item = NULL;
        code = streams_write(&w->streams, &w->db);
    }
    return code == SQLITE_OK ? journal_db_run(journal_db_statement(&w->db, STATEMENT_COMMIT))
                             : code;
}

/* Undone: the batch is as it was. */
static void undo(struct journal_writer *w)
{
    if (!sqlite3_get_autocommit(w->db.db)) {
        (void)journal_db_run(journal_db_statement(&w->db, STATEMENT_ROLLBACK));
    }
    streams_forget(&w->streams);
}

/* Done: the batch is in the file. */
static void keep(struct journal_writer *w, const struct attempt *a)
{
    size_t octets = 0;
    struct list *it;

    streams_keep(&w->streams);
    w->news = false;
    while ((it = list_pop_front(&w->batch)) != NULL) {
        struct item *item = list_entry(it, struct item, list);
        octets += item->size;
        if (item->kind == ITEM_POLICY) {
            (void)journal_item_free(w->policy);
            w->policy = item;
        } else {
            (void)journal_item_free(item);
        }
    }
    w->batch_count = 0;
    publish_counts(w, a->refused, octets);
    if (a->refused > 0 && !w->told_refused) {
        w->told_refused = true;
        say(w, true, "journal %s: a worker's record is not stored: %s; said once, counted as lost",
            w->setup.path, a->why);
    }
}

static enum journal_outcome try_batch(struct journal_writer *w, char why[static JOURNAL_WHY])
{
    struct attempt a = {0};
    int code = store_all(w, &a);
    enum journal_outcome outcome = journal_db_outcome(code);

    if (outcome == JOURNAL_DONE) {
        keep(w, &a);
        return outcome;
    }
    (void)snprintf(why, JOURNAL_WHY, "%s",
                   sqlite3_errcode(w->db.db) != SQLITE_OK ? sqlite3_errmsg(w->db.db)
                                                          : "it was cut off");
    undo(w);
    if (outcome == JOURNAL_REFUSE && a.item != NULL && a.item->kind == ITEM_LINE) {
        a.item->refused = true;
        return JOURNAL_REFUSE;
    }
    code &= 0xff;
    if (outcome == JOURNAL_LATER && code != SQLITE_BUSY && code != SQLITE_FULL) {
        journal_db_close(&w->db); /* the next try opens it anew */
    }
    return outcome == JOURNAL_REFUSE ? JOURNAL_BAD : outcome;
}

static enum journal_outcome try_file(struct journal_writer *w, char why[static JOURNAL_WHY])
{
    enum journal_outcome outcome;

    do {
        outcome = ensure_open(w, why);
        if (outcome == JOURNAL_DONE && (w->batch_count > 0 || w->news)) {
            outcome = try_batch(w, why);
        }
    } while (outcome == JOURNAL_REFUSE);
    return outcome;
}

static enum journal_outcome write_batch(struct journal_writer *w, char why[static JOURNAL_WHY])
{
    enum journal_outcome outcome = try_file(w, why);

    if (outcome == JOURNAL_BAD) {
        outcome = replace_file(w, why);
        outcome = outcome == JOURNAL_DONE ? try_file(w, why) : outcome;
    }
    return outcome;
}

/* ---- a turn ---- */

static void look(struct journal_writer *w)
{
    uint64_t octets = journal_db_octets(&w->db);
    int64_t oldest = 0;

    (void)journal_db_number(journal_db_statement(&w->db, STATEMENT_OLDEST), &oldest);
    pthread_mutex_lock(&w->lock);
    w->state.octets = octets;
    w->state.oldest_wall = oldest;
    pthread_mutex_unlock(&w->lock);
}

/* True: there is more to do. What fails here will fail for the next records too, and be told then;
 * but for damage that only this comes upon. */
static bool retain(struct journal_writer *w, size_t stored)
{
    const struct journal_retention r = {w->setup.age, w->setup.size, w->setup.run};
    struct slice digest = w->policy != NULL ? w->policy->policy.digest : SLICE_LIT("");
    usec_t now = clock_monotonic();
    size_t most = stored * RETENTION_FACTOR;
    bool more = false;

    most = most > RETENTION_LEAST ? most : RETENTION_LEAST;
    enum journal_outcome outcome =
        journal_retention_step(&r, &w->db, clock_wall(), (unsigned)most, &more);
    if (outcome == JOURNAL_DONE && (now - w->tidy_time >= TIDY_TIME || w->tidy_time == 0)) {
        w->tidy_time = now;
        outcome = journal_retention_tidy(&r, &w->db, clock_wall(), digest);
    }
    if (outcome == JOURNAL_BAD) {
        char why[JOURNAL_WHY] = "it is damaged";
        (void)replace_file(w, why);
        return true;
    }
    if (now - w->look_time >= LOOK_TIME || w->look_time == 0) {
        w->look_time = now;
        look(w);
    }
    return more;
}

/* Returns when to go on at the latest, on the monotonic clock. */
static usec_t turn(struct journal_writer *w, bool ending)
{
    char why[JOURNAL_WHY] = "";
    size_t count = w->batch_count;
    enum journal_outcome outcome = write_batch(w, why);
    usec_t now = clock_monotonic();

    if (outcome != JOURNAL_DONE) {
        begin_trouble(w, why);
        tell_when_full(w);
        return now + (ending ? ENDING_RETRY : RETRY_TIME);
    }
    end_trouble(w);
    tell_when_full(w);
    return !ending && retain(w, count) ? now + BATCH_TIME : now + IDLE_TIME;
}

static void wait_until(struct journal_writer *w, usec_t until)
{
    const struct timespec at = {until / USEC_SEC, until % USEC_SEC * 1000};

    (void)pthread_cond_timedwait(&w->work, &w->lock, &at);
}

/* Waits for a batch, or for `until`, and takes it. Returns whether this is the end. */
static bool gather(struct journal_writer *w, usec_t until)
{
    pthread_mutex_lock(&w->lock);
    for (;;) {
        usec_t now = clock_monotonic(), next = until;
        if (!w->in_trouble && w->queued > 0 && w->first_time + BATCH_TIME < next) {
            next = w->first_time + BATCH_TIME;
        }
        if (now >= next || (!w->in_trouble && (w->ending || w->queued >= BATCH_MOST))) {
            break;
        }
        wait_until(w, next);
    }
    while (w->queued > 0 && w->batch_count < BATCH_MOST) {
        list_push_back(&w->batch, list_pop_front(&w->queue));
        w->queued--;
        w->batch_count++;
    }
    w->first_time = clock_monotonic();
    bool ending = w->ending;
    pthread_mutex_unlock(&w->lock);
    return ending;
}

/* Is there nothing left, or no time? */
static bool is_over(struct journal_writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool over =
        w->batch_count + w->queued == 0 || (w->in_trouble && clock_monotonic() >= w->end_by);
    pthread_mutex_unlock(&w->lock);
    return over;
}

void *journal_writer_run(void *arg)
{
    struct journal_writer *w = arg;
    usec_t until = 0;
    bool ending;

    pthread_setname_np(pthread_self(), "journal");
    do {
        ending = gather(w, until);
        until = turn(w, ending);
    } while (!ending || !is_over(w));
    if (w->db.db != NULL) {
        journal_db_leave(&w->db);
    }
    return NULL;
}
