/* Rows as records. A journal may have been changed by hand, or by somebody else: whatever a column
 * holds becomes some text or number, and nothing worse. */
#include <limits.h>

#include "journal/read_impl.h"

/* A row that is read from left to right. */
struct row {
    sqlite3_stmt *st;
    struct arena *arena;
    int column;
};

struct slice column_slice(sqlite3_stmt *st, int column, struct arena *arena)
{
    const char *p = (const char *)sqlite3_column_text(st, column);
    const int n = sqlite3_column_bytes(st, column);

    return p != NULL && n > 0 ? arena_copy(arena, (struct slice){p, (size_t)n})
                              : (struct slice){"", 0};
}

static struct slice next_text(struct row *row)
{
    return column_slice(row->st, row->column++, row->arena);
}

static int64_t next_number(struct row *row)
{
    return sqlite3_column_int64(row->st, row->column++);
}

/* Not negative, and no more than `most`. */
static uint64_t next_amount(struct row *row, uint64_t most)
{
    const int64_t n = next_number(row);

    return n < 0 ? 0 : (uint64_t)n > most ? most : (uint64_t)n;
}

static uint16_t next_code(struct row *row)
{
    return (uint16_t)next_amount(row, 999);
}

static usec_t next_offset(struct row *row)
{
    const bool known = sqlite3_column_type(row->st, row->column) != SQLITE_NULL;
    const int64_t n = next_number(row);

    return known && n >= 0 ? n : -1;
}

const char decision_columns[] =
    "d.n, d.id, d.time, d.run, d.worker, d.epoch, d.sequence, d.policy, d.client, d.port, d.local, "
    "d.listener, d.helo, d.protocol, d.tls, d.sender, d.size, d.phase, d.verdict, d.code, "
    "d.enhanced, d.text, d.hop, d.hop_reply, d.note, d.rule, d.doubt, d.why, d.facts, "
    "d.duration_us, "
    "d.more";

static void read_judgement(struct row *row, struct journal_judgement *ret)
{
    ret->rule = next_text(row);
    ret->doubt = next_number(row);
    ret->why = next_text(row);
    ret->facts = next_text(row);
}

static void read_connection(struct row *row, struct journal_record *ret)
{
    ret->n = next_number(row);
    ret->id = next_text(row);
    ret->time = next_number(row);
    ret->run = next_amount(row, INT64_MAX);
    ret->worker = (unsigned)next_amount(row, UINT_MAX);
    ret->epoch = (uint32_t)next_amount(row, UINT32_MAX);
    ret->sequence = next_amount(row, INT64_MAX);
    ret->policy = next_text(row);
    ret->client = next_text(row);
    ret->port = (unsigned)next_amount(row, UINT16_MAX);
    ret->local = next_text(row);
    ret->listener = next_text(row);
    ret->helo = next_text(row);
    ret->protocol = next_text(row);
    ret->tls = next_text(row);
}

void decision_row(sqlite3_stmt *st, struct arena *arena, struct journal_record *ret)
{
    struct row row = {st, arena, 0};

    *ret = (struct journal_record){0};
    read_connection(&row, ret);
    ret->has_transaction = sqlite3_column_type(st, row.column) != SQLITE_NULL;
    ret->sender = next_text(&row);
    ret->size = next_amount(&row, INT64_MAX);
    ret->phase = next_text(&row);
    ret->verdict = next_text(&row);
    ret->code = next_code(&row);
    ret->enhanced = next_text(&row);
    ret->text = next_text(&row);
    ret->hop.hop = next_text(&row);
    ret->hop_reply = next_number(&row) != 0;
    ret->note = next_text(&row);
    read_judgement(&row, &ret->judgement);
    ret->duration = next_number(&row);
    ret->more = next_text(&row);
    /* Where that is no JSON, what it would have told is not known. */
    (void)journal_record_read_more(ret, arena);
}

const char recipient_columns[] = "decision, number, mailbox, phase, verdict, code, enhanced, text, "
                                 "hop, hop_reply, at_us, rule, doubt, why, "
                                 "facts, more";

void recipient_row(sqlite3_stmt *st, struct arena *arena, struct journal_recipient *ret)
{
    struct row row = {st, arena, 1};

    *ret = (struct journal_recipient){0};
    ret->number = (unsigned)next_amount(&row, UINT_MAX);
    ret->mailbox = next_text(&row);
    ret->phase = next_text(&row);
    ret->verdict = next_text(&row);
    ret->code = next_code(&row);
    ret->enhanced = next_text(&row);
    ret->text = next_text(&row);
    ret->hop.hop = next_text(&row);
    ret->hop_reply = next_number(&row) != 0;
    ret->at = next_offset(&row);
    read_judgement(&row, &ret->judgement);
    ret->more = next_text(&row);
    (void)journal_recipient_read_more(ret, arena);
}
