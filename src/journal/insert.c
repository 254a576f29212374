/* Rows out of records. Parameters are numbered as the columns stand in journal/db.c; no text of a
 * record ever becomes a part of a statement. */
#include "journal/insert.h"

/* A number that says nothing where it is not there. */
static void bind_optional(sqlite3_stmt *s, int at, bool there, uint64_t number)
{
    if (there) {
        journal_db_bind_number(s, at, number);
    } else {
        (void)sqlite3_bind_null(s, at);
    }
}

static void bind_origin(sqlite3_stmt *s, const struct journal_record *r)
{
    journal_db_bind(s, 1, r->id);
    journal_db_bind_number(s, 2, (uint64_t)r->time);
    journal_db_bind_number(s, 3, r->run);
    journal_db_bind_number(s, 4, r->worker);
    journal_db_bind_number(s, 5, r->epoch);
    journal_db_bind_number(s, 6, r->sequence);
    journal_db_bind(s, 7, r->policy);
}

static void bind_conversation(sqlite3_stmt *s, const struct journal_record *r)
{
    journal_db_bind(s, 8, r->client);
    bind_optional(s, 9, r->client.n > 0, r->port);
    journal_db_bind(s, 10, r->local);
    journal_db_bind(s, 11, r->listener);
    journal_db_bind(s, 12, r->helo);
    journal_db_bind(s, 13, r->protocol);
    journal_db_bind(s, 14, r->tls);
    if (r->has_transaction) {
        journal_db_bind_always(s, 15, r->sender);
    } else {
        (void)sqlite3_bind_null(s, 15);
    }
    bind_optional(s, 16, r->has_transaction, r->size);
}

static void bind_outcome(sqlite3_stmt *s, const struct journal_record *r)
{
    journal_db_bind(s, 17, r->phase);
    journal_db_bind(s, 18, r->verdict);
    journal_db_bind(s, 19, r->judgement.rule);
    bind_optional(s, 20, r->code != 0, r->code);
    journal_db_bind(s, 21, r->enhanced);
    journal_db_bind(s, 22, r->text);
    journal_db_bind(s, 23, r->hop.hop);
    journal_db_bind_number(s, 24, r->hop_reply);
    journal_db_bind(s, 25, r->note);
    bind_optional(s, 26, r->judgement.doubt != 0, (uint64_t)r->judgement.doubt);
    journal_db_bind(s, 27, r->judgement.why);
    journal_db_bind_number(s, 28, (uint64_t)r->duration);
    journal_db_bind(s, 29, r->judgement.facts);
    journal_db_bind(s, 30, r->more);
}

static int insert_labels(struct journal_db *d, enum journal_statement which, int64_t decision,
                         unsigned recipient, const struct slice *labels, size_t count)
{
    sqlite3_stmt *s = journal_db_statement(d, which);
    int code = SQLITE_OK;

    for (size_t i = 0; code == SQLITE_OK && i < count; i++) {
        journal_db_bind_number(s, 1, (uint64_t)decision);
        journal_db_bind_number(s, 2, recipient);
        journal_db_bind_number(s, 3, i + 1);
        journal_db_bind_always(s, 4, labels[i]);
        code = journal_db_run(s);
    }
    return code;
}

/* What fired, and would have. `recipient` is 0 for the whole. */
static int insert_rules(struct journal_db *d, int64_t decision, unsigned recipient,
                        const struct journal_judgement *j)
{
    int code = insert_labels(d, STATEMENT_FIRED, decision, recipient, j->fired, j->fired_count);

    return code != SQLITE_OK ? code
                             : insert_labels(d, STATEMENT_OBSERVED, decision, recipient,
                                             j->observed, j->observed_count);
}

static int insert_recipient(struct journal_db *d, int64_t decision,
                            const struct journal_recipient *r)
{
    sqlite3_stmt *s = journal_db_statement(d, STATEMENT_RECIPIENT);

    journal_db_bind_number(s, 1, (uint64_t)decision);
    journal_db_bind_number(s, 2, r->number);
    journal_db_bind_always(s, 3, r->mailbox);
    journal_db_bind(s, 4, r->phase);
    journal_db_bind(s, 5, r->verdict);
    bind_optional(s, 6, r->code != 0, r->code);
    journal_db_bind(s, 7, r->enhanced);
    journal_db_bind(s, 8, r->text);
    journal_db_bind(s, 9, r->hop.hop);
    journal_db_bind_number(s, 10, r->hop_reply);
    journal_db_bind(s, 11, r->judgement.rule);
    bind_optional(s, 12, r->judgement.doubt != 0, (uint64_t)r->judgement.doubt);
    journal_db_bind(s, 13, r->judgement.why);
    bind_optional(s, 14, r->at >= 0, (uint64_t)r->at);
    journal_db_bind(s, 15, r->judgement.facts);
    journal_db_bind(s, 16, r->more);
    int code = journal_db_run(s);
    return code != SQLITE_OK ? code : insert_rules(d, decision, r->number, &r->judgement);
}

int journal_insert(struct journal_db *d, const struct journal_record *r)
{
    sqlite3_stmt *s = journal_db_statement(d, STATEMENT_DECISION);

    bind_origin(s, r);
    bind_conversation(s, r);
    bind_outcome(s, r);
    int code = journal_db_run(s);
    if (code != SQLITE_OK) {
        return code;
    }
    int64_t decision = sqlite3_last_insert_rowid(d->db);
    code = insert_rules(d, decision, 0, &r->judgement);
    for (size_t i = 0; code == SQLITE_OK && i < r->recipient_count; i++) {
        code = insert_recipient(d, decision, &r->recipients[i]);
    }
    return code;
}

int journal_insert_policy(struct journal_db *d, struct slice digest,
                          const struct journal_rule *rules, size_t count, usec_t now)
{
    sqlite3_stmt *s = journal_db_statement(d, STATEMENT_POLICY);

    journal_db_bind_always(s, 1, digest);
    journal_db_bind_number(s, 2, (uint64_t)now);
    int code = journal_db_run(s);
    s = journal_db_statement(d, STATEMENT_RULE);
    for (size_t i = 0; code == SQLITE_OK && i < count; i++) {
        journal_db_bind_always(s, 1, digest);
        journal_db_bind_number(s, 2, i + 1);
        journal_db_bind_always(s, 3, rules[i].phase);
        journal_db_bind_always(s, 4, rules[i].place);
        journal_db_bind_always(s, 5, rules[i].label);
        journal_db_bind_always(s, 6, rules[i].action);
        journal_db_bind_number(s, 7, rules[i].observe);
        journal_db_bind_always(s, 8, rules[i].text);
        code = journal_db_run(s);
    }
    return code;
}

int journal_insert_health(struct journal_db *d, struct slice name, struct slice state,
                          struct slice detail, usec_t now)
{
    sqlite3_stmt *s = journal_db_statement(d, STATEMENT_HEALTH);

    journal_db_bind_number(s, 1, (uint64_t)now);
    journal_db_bind_always(s, 2, name);
    journal_db_bind_always(s, 3, state);
    journal_db_bind(s, 4, detail);
    return journal_db_run(s);
}
