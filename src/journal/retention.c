/* See journal/retention.h. */
#include "journal/retention.h"

/* Rows of the tables that no record bounds. */
#define HEALTH_MOST 100000
#define GAPS_MOST   100000
#define RUNS_MOST   100

/* Free pages are kept for records to come; beyond so many, and one in so many, they go. */
#define FREE_PAGES 1000
#define FREE_SHARE 4

/* Records dropped between looks at whether the file is small enough. */
#define SIZE_STEP 20

struct pages {
    int64_t all;
    int64_t free;
    int64_t octets; /* each */
};

static int count_pages(struct journal_db *d, struct pages *ret)
{
    int code = journal_db_number(journal_db_statement(d, STATEMENT_PAGES), &ret->all);

    code = code != SQLITE_OK
               ? code
               : journal_db_number(journal_db_statement(d, STATEMENT_FREE_PAGES), &ret->free);
    return code != SQLITE_OK
               ? code
               : journal_db_number(journal_db_statement(d, STATEMENT_PAGE_SIZE), &ret->octets);
}

static bool too_large(const struct journal_retention *r, const struct pages *p)
{
    return r->size > 0 && (uint64_t)((p->all - p->free) * p->octets) > r->size;
}

static bool too_empty(const struct journal_retention *r, const struct pages *p)
{
    return p->free > 0 && ((r->size > 0 && (uint64_t)(p->all * p->octets) > r->size) ||
                           (p->free > FREE_PAGES && p->free > p->all / FREE_SHARE));
}

static int drop(struct journal_db *d, int64_t n)
{
    static const enum journal_statement all[] = {STATEMENT_DROP_DECISION, STATEMENT_DROP_RECIPIENT,
                                                 STATEMENT_DROP_FIRED, STATEMENT_DROP_OBSERVED};
    int code = SQLITE_OK;

    for (size_t i = 0; code == SQLITE_OK && i < sizeof(all) / sizeof(all[0]); i++) {
        sqlite3_stmt *s = journal_db_statement(d, all[i]);
        journal_db_bind_number(s, 1, (uint64_t)n);
        code = journal_db_run(s);
    }
    return code;
}

/* Drops up to `most` records that the statement gives; how many they were is *ret_count. */
static int drop_some(struct journal_db *d, enum journal_statement which, usec_t before,
                     unsigned most, unsigned *ret_count)
{
    int64_t found[RETENTION_STEP_MOST];
    sqlite3_stmt *s = journal_db_statement(d, which);
    unsigned count = 0;
    int code;

    most = most < RETENTION_STEP_MOST ? most : RETENTION_STEP_MOST;
    if (which == STATEMENT_OF_AGE) {
        journal_db_bind_number(s, 1, (uint64_t)before);
    }
    journal_db_bind_number(s, 2, most);
    while ((code = sqlite3_step(s)) == SQLITE_ROW && count < most) {
        found[count++] = sqlite3_column_int64(s, 0);
    }
    (void)sqlite3_reset(s);
    code = code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
    for (unsigned i = 0; code == SQLITE_OK && i < count; i++) {
        code = drop(d, found[i]);
    }
    *ret_count = count;
    return code;
}

/* Drops the oldest, a few at a time, until the rest is small enough. */
static int drop_excess(const struct journal_retention *r, struct journal_db *d, unsigned most,
                       struct pages *pages, unsigned *ret_count)
{
    unsigned dropped = 1;
    int code = SQLITE_OK;

    while (code == SQLITE_OK && dropped > 0 && *ret_count < most && too_large(r, pages)) {
        code = drop_some(d, STATEMENT_FIRST, 0, SIZE_STEP, &dropped);
        *ret_count += dropped;
        code = code != SQLITE_OK ? code : count_pages(d, pages);
    }
    return code;
}

/* The step within its transaction. */
static int step(const struct journal_retention *r, struct journal_db *d, usec_t now, unsigned most,
                bool *ret_more)
{
    struct pages pages = {0};
    unsigned old = 0, excess = 0;
    int code = SQLITE_OK;

    if (r->age > 0) {
        code = drop_some(d, STATEMENT_OF_AGE, now - r->age, most, &old);
    }
    code = code != SQLITE_OK ? code : count_pages(d, &pages);
    if (code == SQLITE_OK && old < most) {
        code = drop_excess(r, d, most - old, &pages, &excess);
    }
    *ret_more = old + excess > 0;
    if (code == SQLITE_OK && too_empty(r, &pages)) {
        code = journal_db_run(journal_db_statement(d, STATEMENT_VACUUM));
        *ret_more = true;
    }
    return code;
}

static enum journal_outcome end(struct journal_db *d, int code)
{
    if (code == SQLITE_OK) {
        code = journal_db_run(journal_db_statement(d, STATEMENT_COMMIT));
    }
    if (code != SQLITE_OK && !sqlite3_get_autocommit(d->db)) {
        (void)journal_db_run(journal_db_statement(d, STATEMENT_ROLLBACK));
    }
    return journal_db_outcome(code);
}

/* Is there anything to do? Looks only. */
static int look(const struct journal_retention *r, struct journal_db *d, usec_t now, bool *ret)
{
    struct pages pages = {0};
    sqlite3_stmt *s = journal_db_statement(d, STATEMENT_OF_AGE);
    int64_t n = 0;
    int code = count_pages(d, &pages);

    if (code == SQLITE_OK && r->age > 0) {
        journal_db_bind_number(s, 1, (uint64_t)(now - r->age));
        journal_db_bind_number(s, 2, 1);
        code = journal_db_number(s, &n);
    }
    *ret = n > 0 || too_large(r, &pages) || too_empty(r, &pages);
    return code;
}

enum journal_outcome journal_retention_step(const struct journal_retention *r, struct journal_db *d,
                                            usec_t now, unsigned most, bool *ret_more)
{
    bool more = false;
    int code = look(r, d, now, &more);

    *ret_more = false;
    if (code != SQLITE_OK || !more) {
        return journal_db_outcome(code);
    }
    code = journal_db_begin(d);
    return end(d, code != SQLITE_OK ? code : step(r, d, now, most, ret_more));
}

/* ---- what belongs to no record ---- */

static int drop_before(struct journal_db *d, enum journal_statement which, usec_t before,
                       uint64_t most)
{
    sqlite3_stmt *s = journal_db_statement(d, which);

    journal_db_bind_number(s, 1, (uint64_t)before);
    if (most > 0) {
        journal_db_bind_number(s, 2, most);
    }
    return journal_db_run(s);
}

static int tidy(const struct journal_retention *r, struct journal_db *d, usec_t now,
                struct slice digest)
{
    sqlite3_stmt *s = journal_db_statement(d, STATEMENT_POLICY_SEEN);
    int64_t oldest = 0;
    int code = journal_db_number(journal_db_statement(d, STATEMENT_OLDEST), &oldest);

    oldest = oldest <= now ? oldest : 0; /* of the future: the clock was set back, nothing goes */
    if (code == SQLITE_OK) {
        journal_db_bind_always(s, 1, digest);
        journal_db_bind_number(s, 2, (uint64_t)now);
        code = journal_db_run(s);
    }
    code = code != SQLITE_OK ? code : drop_before(d, STATEMENT_DROP_RULES, oldest, 0);
    code = code != SQLITE_OK ? code : drop_before(d, STATEMENT_DROP_POLICIES, oldest, 0);
    code = code != SQLITE_OK ? code : drop_before(d, STATEMENT_DROP_HEALTH, oldest, HEALTH_MOST);
    code = code != SQLITE_OK ? code : drop_before(d, STATEMENT_DROP_GAPS, oldest, GAPS_MOST);
    return code != SQLITE_OK ? code
                             : drop_before(d, STATEMENT_DROP_STREAMS, (usec_t)r->run, RUNS_MOST);
}

enum journal_outcome journal_retention_tidy(const struct journal_retention *r, struct journal_db *d,
                                            usec_t now, struct slice digest)
{
    int code = journal_db_begin(d);

    return end(d, code != SQLITE_OK ? code : tidy(r, d, now, digest));
}
