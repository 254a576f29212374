/* See journal/streams.h. */
#include "journal/streams.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "journal/writer.h"

/* ---- gaps ---- */

/* Below a number that was seen only later ones come, but for a few that overtake each other. */
static struct stream_gap *gap_of(struct stream_account *a, uint64_t sequence)
{
    for (size_t i = a->gap_count; i > 0; i--) {
        struct stream_gap *g = &a->gaps[i - 1];
        if (g->first <= sequence && sequence <= g->last) {
            return g;
        }
    }
    return NULL;
}

static void gap_add(struct stream_account *a, const struct stream_gap *gap)
{
    if (a->gaps == NULL || a->gap_count == a->gap_room) {
        a->gap_room = a->gap_room == 0 ? 4 : 2 * a->gap_room;
        a->gaps = xrealloc(a->gaps, a->gap_room * sizeof(*a->gaps));
    }
    a->gaps[a->gap_count++] = *gap;
}

/* From a->next to below `next` all are missing. */
static void lose(struct stream_account *a, uint64_t next, usec_t now)
{
    struct stream_gap *newest = a->gap_count > 0 ? &a->gaps[a->gap_count - 1] : NULL;

    if (newest != NULL && newest->first <= newest->last && newest->last + 1 == a->next) {
        newest->last = next - 1;
        newest->changed = true;
    } else {
        const struct stream_gap gap = {0, a->next, next - 1, now, true};
        gap_add(a, &gap);
    }
    a->lost += next - a->next;
    a->next = next;
}

/* A record that lies in a gap has come: the gap begins later, ends earlier, or becomes two. */
static void fill(struct stream_account *a, struct stream_gap *g, uint64_t sequence)
{
    const struct stream_gap behind = {0, sequence + 1, g->last, g->noticed, true};
    bool two = g->first < sequence && sequence < g->last;

    if (g->first == sequence) {
        g->first++;
    } else {
        g->last = sequence - 1;
    }
    g->changed = true;
    if (two) {
        gap_add(a, &behind);
    }
    a->lost--;
    a->stored++;
}

/* ---- records ---- */

static struct stream *stream_of(struct streams *s, unsigned worker)
{
    if (worker >= JOURNAL_WORKERS_MOST) {
        return NULL;
    }
    if (worker >= s->count) {
        size_t count = worker + 1;
        s->workers = xrealloc(s->workers, count * sizeof(*s->workers));
        memset(s->workers + s->count, 0, (count - s->count) * sizeof(*s->workers));
        s->count = count;
    }
    return &s->workers[worker];
}

bool streams_take(struct streams *s, unsigned worker, uint64_t sequence, usec_t now)
{
    struct stream *stream = stream_of(s, worker);

    if (stream == NULL || sequence >= STREAM_NEXT_MOST) {
        return false;
    }
    struct stream_account *a = &stream->now;
    if (sequence < a->next) {
        struct stream_gap *g = gap_of(a, sequence);
        if (g == NULL) {
            return false;
        }
        stream->changed = true;
        fill(a, g, sequence);
        return true;
    }
    stream->changed = true;
    if (sequence > a->next) {
        lose(a, sequence, now);
    }
    a->next++;
    a->stored++;
    return true;
}

void streams_expect(struct streams *s, unsigned worker, uint64_t next, usec_t now)
{
    struct stream *stream = stream_of(s, worker);

    if (stream != NULL && next > stream->now.next && next <= STREAM_NEXT_MOST) {
        lose(&stream->now, next, now);
        stream->changed = true;
    }
}

/* ---- the file ---- */

static void copy_account(struct stream_account *to, const struct stream_account *from)
{
    struct stream_gap *gaps = to->gaps;
    size_t room = to->gap_room;

    if (room < from->gap_count) {
        room = from->gap_room;
        gaps = xrealloc(gaps, room * sizeof(*gaps));
    }
    *to = *from;
    to->gaps = gaps;
    to->gap_room = room;
    if (from->gap_count > 0) {
        memcpy(gaps, from->gaps, from->gap_count * sizeof(*gaps));
    }
}

/* All gaps are in the file. Those that are none any more go, and the oldest beyond the most that
 * are remembered. */
static void settle(struct stream_account *a)
{
    size_t count = 0;

    for (size_t i = 0; i < a->gap_count; i++) {
        if (a->gaps[i].first <= a->gaps[i].last) {
            a->gaps[count] = a->gaps[i];
            a->gaps[count++].changed = false;
        }
    }
    a->gap_count = count;
    if (count > STREAM_GAPS_MOST) {
        memmove(a->gaps, a->gaps + count - STREAM_GAPS_MOST, STREAM_GAPS_MOST * sizeof(*a->gaps));
        a->gap_count = STREAM_GAPS_MOST;
    }
}

void streams_keep(struct streams *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->workers[i].changed) {
            settle(&s->workers[i].now);
            copy_account(&s->workers[i].kept, &s->workers[i].now);
            s->workers[i].changed = false;
        }
    }
}

void streams_forget(struct streams *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->workers[i].changed) {
            copy_account(&s->workers[i].now, &s->workers[i].kept);
            s->workers[i].changed = false;
        }
    }
}

static int write_gap(const struct streams *s, unsigned worker, struct stream_gap *g,
                     struct journal_db *d)
{
    bool gone = g->first > g->last;

    if (g->row == 0 && gone) {
        return SQLITE_OK; /* noticed and filled within one transaction */
    }
    sqlite3_stmt *to = journal_db_statement(d, g->row == 0 ? STATEMENT_GAP_ADD
                                               : gone      ? STATEMENT_GAP_DROP
                                                           : STATEMENT_GAP_SET);
    if (g->row == 0) {
        journal_db_bind_number(to, 1, s->run);
        journal_db_bind_number(to, 2, worker);
        journal_db_bind_number(to, 3, g->first);
        journal_db_bind_number(to, 4, g->last);
        journal_db_bind_number(to, 5, (uint64_t)g->noticed);
    } else {
        journal_db_bind_number(to, 1, (uint64_t)g->row);
        if (!gone) {
            journal_db_bind_number(to, 2, g->first);
            journal_db_bind_number(to, 3, g->last);
        }
    }
    int code = journal_db_run(to);
    if (code == SQLITE_OK && g->row == 0) {
        g->row = sqlite3_last_insert_rowid(d->db);
    }
    return code;
}

static int write_stream(const struct streams *s, unsigned worker, struct stream_account *a,
                        struct journal_db *d)
{
    sqlite3_stmt *to = journal_db_statement(d, STATEMENT_STREAM);
    int code = SQLITE_OK;

    journal_db_bind_number(to, 1, s->run);
    journal_db_bind_number(to, 2, worker);
    journal_db_bind_number(to, 3, a->next);
    journal_db_bind_number(to, 4, a->stored);
    journal_db_bind_number(to, 5, a->lost);
    code = journal_db_run(to);
    for (size_t i = 0; code == SQLITE_OK && i < a->gap_count; i++) {
        if (a->gaps[i].changed) {
            code = write_gap(s, worker, &a->gaps[i], d);
        }
    }
    return code;
}

int streams_write(struct streams *s, struct journal_db *d)
{
    int code = SQLITE_OK;

    for (size_t i = 0; code == SQLITE_OK && i < s->count; i++) {
        if (s->workers[i].changed) {
            code = write_stream(s, (unsigned)i, &s->workers[i].now, d);
        }
    }
    return code;
}

static uint64_t column(sqlite3_stmt *from, int at)
{
    return (uint64_t)sqlite3_column_int64(from, at);
}

/* What a file says is no better than the file: an account that cannot be is none. */
static void read_stream(struct streams *s, sqlite3_stmt *from)
{
    uint64_t worker = column(from, 0);
    struct stream *stream = worker < JOURNAL_WORKERS_MOST ? stream_of(s, (unsigned)worker) : NULL;
    uint64_t next = column(from, 1), stored = column(from, 2), lost = column(from, 3);

    if (stream != NULL && next <= STREAM_NEXT_MOST && stored <= next && stored + lost == next) {
        stream->now.next = next;
        stream->now.stored = stored;
        stream->now.lost = lost;
    }
}

static void read_gap(struct streams *s, sqlite3_stmt *from)
{
    uint64_t worker = column(from, 1);
    const struct stream_gap gap = {(int64_t)column(from, 0), column(from, 2), column(from, 3),
                                   (usec_t)column(from, 4), false};

    if (worker < s->count && gap.first <= gap.last && gap.last < s->workers[worker].now.next) {
        gap_add(&s->workers[worker].now, &gap);
    }
}

static int read_all(struct streams *s, struct journal_db *d, enum journal_statement which,
                    void (*fn)(struct streams *, sqlite3_stmt *))
{
    sqlite3_stmt *from = journal_db_statement(d, which);
    int code;

    journal_db_bind_number(from, 1, s->run);
    while ((code = sqlite3_step(from)) == SQLITE_ROW) {
        fn(s, from);
    }
    (void)sqlite3_reset(from);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int read_accounts(struct streams *s, struct journal_db *d)
{
    int code = read_all(s, d, STATEMENT_STREAMS, read_stream);

    code = code != SQLITE_OK ? code : read_all(s, d, STATEMENT_GAPS, read_gap);
    for (size_t i = 0; i < s->count; i++) {
        settle(&s->workers[i].now);
        copy_account(&s->workers[i].kept, &s->workers[i].now);
    }
    return code;
}

static void replace(struct streams *s, struct streams *by)
{
    streams_free(s);
    *s = *by;
}

int streams_load(struct streams *s, struct journal_db *d)
{
    struct streams loaded = {.run = s->run};
    int code = read_accounts(&loaded, d);

    if (code == SQLITE_OK) {
        replace(s, &loaded);
    } else {
        streams_free(&loaded);
    }
    return code;
}

static void all_changed(struct streams *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct stream *stream = &s->workers[i];
        for (size_t k = 0; k < stream->now.gap_count; k++) {
            stream->now.gaps[k].row = 0;
            stream->now.gaps[k].changed = true;
        }
        stream->changed = stream->now.next > 0;
    }
}

int streams_begin(struct streams *s, struct journal_db *d)
{
    struct streams loaded = {.run = s->run};
    int code = read_accounts(&loaded, d);

    if (code == SQLITE_OK && loaded.count > 0) {
        replace(s, &loaded);
        return code;
    }
    streams_free(&loaded);
    if (code == SQLITE_OK) {
        all_changed(s);
    }
    return code;
}

void streams_sum(const struct streams *s, uint64_t *ret_stored, uint64_t *ret_lost)
{
    *ret_stored = 0;
    *ret_lost = 0;
    for (size_t i = 0; i < s->count; i++) {
        *ret_stored += s->workers[i].kept.stored;
        *ret_lost += s->workers[i].kept.lost;
    }
}

void streams_free(struct streams *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->workers[i].now.gaps);
        free(s->workers[i].kept.gaps);
    }
    free(s->workers);
    s->workers = NULL;
    s->count = 0;
}
