/* From a query to SQL. All that comes from outside is bound, never written into the text. */
#include "base/fatal.h"
#include "conf/network.h"
#include "journal/read_impl.h"

/* The number of the parameter that gets the value: 1 and 2 are n's bounds. */
static unsigned parameter(struct query_sql *sql, struct slice v)
{
    if (sql->value_count == QUERY_VALUES_MOST) {
        panic("a query of the journal has too many values");
    }
    sql->values[sql->value_count++] = v;
    return (unsigned)sql->value_count + 2;
}

/* Adds a condition, in which each "^" stands for the value. */
static void condition(struct query_sql *sql, struct slice v, const char *text)
{
    const unsigned number = parameter(sql, v);

    buf_append_slice(&sql->where, SLICE_LIT(" AND ("));
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '^') {
            buf_printf(&sql->where, "?%u", number);
        } else {
            buf_append(&sql->where, p, 1);
        }
    }
    buf_append_slice(&sql->where, SLICE_LIT(")"));
}

/* ---- addresses ---- */

#define IS_WHOLE(column)  column " = ^ COLLATE NOCASE"
#define IS_DOMAIN(column) "lower(substr(" column ", -length(^))) = lower(^)"
/* "postmaster", or a domain. */
#define IS_EITHER(column)                                                                          \
    IS_WHOLE(column) " OR lower(substr(" column ", -length(^) - 1)) = '@' || lower(^)"
#define OF_RECIPIENT(is)                                                                           \
    "d.n IN (SELECT decision FROM recipient WHERE decision BETWEEN ?1 AND ?2 AND (" is "))"

/* How an address may be asked for: each with the condition on a sender and on recipients. */
static const struct {
    const char *sender;
    const char *recipient;
} addresses[] = {
    {IS_WHOLE("d.sender"), OF_RECIPIENT(IS_WHOLE("mailbox"))},
    {IS_DOMAIN("d.sender"), OF_RECIPIENT(IS_DOMAIN("mailbox"))},
    {IS_EITHER("d.sender"), OF_RECIPIENT(IS_EITHER("mailbox"))},
};

static size_t address_form(struct slice a)
{
    if (a.n > 0 && memchr(a.p, '@', a.n) == NULL) {
        return 2;
    }
    return a.n > 0 && a.p[0] == '@' ? 1 : 0;
}

static void sender_condition(struct query_sql *sql, struct slice a)
{
    if (slice_eq(a, SLICE_LIT("<>"))) {
        a = SLICE_LIT("");
    }
    condition(sql, a, addresses[address_form(a)].sender);
}

/* ---- clients ---- */

static void in_network(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct conf_network *network = sqlite3_user_data(context);
    const char *text = (const char *)sqlite3_value_text(values[0]);
    struct addr a;
    bool in = false;

    (void)count;
    if (network != NULL && text != NULL && addr_parse(slice_of(text), &a) == 0) {
        in = network_has(network, &a);
    }
    sqlite3_result_int(context, in);
}

static void client_condition(struct query_sql *sql, const struct conf_network *network)
{
    if (!network_is_address(network)) {
        buf_append_slice(&sql->where, SLICE_LIT(" AND in_network(d.client)"));
        return;
    }
    addr_format(&network->addr, sql->client);
    condition(sql, slice_of(sql->client), "d.client = ^");
}

/* ---- words ---- */

/* "550 5.1.1 no such user" */
#define REPLY_OF(row)                                                                              \
    "(ifnull(" row ".code || ' ', '') || ifnull(" row ".enhanced || ' ', '') || "                  \
    "ifnull(" row ".text, ''))"
#define FAILED_OF(row)                                                                             \
    "(CASE WHEN json_valid(" row ".more) THEN json_extract(" row ".more, '$.hop_failed') END)"
#define HAS(text) "instr(lower(" text "), lower(^)) > 0"
#define HOP_HAS(row, spoke)                                                                        \
    HAS(row ".hop") " OR " HAS(FAILED_OF(row)) " OR (" spoke " AND " HAS(REPLY_OF(row)) ")"
/* The whole, or one of its recipients. */
#define EITHER(of_whole, of_recipient)                                                             \
    of_whole " OR EXISTS (SELECT 1 FROM recipient r WHERE r.decision = d.n AND (" of_recipient ")" \
             ")"
#define LISTED(table)                                                                              \
    " OR EXISTS (SELECT 1 FROM " table " f WHERE f.decision = d.n AND"                             \
    " (f.rule = ^ OR substr(f.rule, 1, length(^) + 1) = ^ || ' '))"

static void words_conditions(struct query_sql *sql, const struct journal_query *q)
{
    if (q->verdict.n > 0) {
        condition(sql, q->verdict, EITHER("d.verdict = ^", "r.verdict = ^"));
    }
    if (q->phase.n > 0) {
        condition(sql, q->phase, EITHER("d.phase = ^", "r.phase = ^"));
    }
    if (q->rule.n > 0) {
        condition(sql, q->rule,
                  EITHER("d.rule = ^", "r.rule = ^") LISTED("fired") LISTED("observed"));
    }
    if (q->reply.n > 0) {
        condition(sql, q->reply, EITHER(HAS(REPLY_OF("d")), HAS(REPLY_OF("r"))));
    }
    if (q->hop.n > 0) {
        condition(sql, q->hop, EITHER(HOP_HAS("d", "d.hop_reply"), HOP_HAS("r", "r.hop_reply")));
    }
}

/* ---- all of it ---- */

/* A "+" keeps SQLite from walking by another index than n, in whose order all is read. */
static void time_conditions(struct query_sql *sql, const struct journal_query *q)
{
    if (q->since != 0) {
        buf_printf(&sql->where, " AND +d.time >= %lld", (long long)q->since);
    }
    if (q->until != 0) {
        buf_printf(&sql->where, " AND +d.time < %lld", (long long)q->until);
    }
}

void query_sql_make(const struct journal_query *q, struct query_sql *ret)
{
    *ret = (struct query_sql){0};
    buf_append_slice(&ret->where, SLICE_LIT("d.n BETWEEN ?1 AND ?2"));
    time_conditions(ret, q);
    if (q->id.n > 0) {
        condition(ret, q->id,
                  memchr(q->id.p, '.', q->id.n) != NULL
                      ? "d.n IN (SELECT n FROM decision WHERE id = ^)"
                      : "d.n IN (SELECT n FROM decision"
                        " WHERE id > ^ || '.' AND id < ^ || '/')");
    }
    if (q->sender.n > 0) {
        sender_condition(ret, q->sender);
    }
    if (q->recipient.n > 0) {
        condition(ret, q->recipient, addresses[address_form(q->recipient)].recipient);
    }
    if (q->client != NULL) {
        client_condition(ret, q->client);
    }
    words_conditions(ret, q);
}

void query_sql_free(struct query_sql *sql)
{
    buf_free(&sql->where);
}

int query_sql_bind(const struct query_sql *sql, sqlite3_stmt *st, int64_t first_n, int64_t last_n)
{
    int code = sqlite3_bind_int64(st, 1, first_n);

    code = code != SQLITE_OK ? code : sqlite3_bind_int64(st, 2, last_n);
    for (size_t i = 0; i < sql->value_count && code == SQLITE_OK; i++) {
        const struct slice *v = &sql->values[i];
        code = sqlite3_bind_text64(st, (int)i + 3, v->n > 0 ? v->p : "", v->n, SQLITE_STATIC,
                                   SQLITE_UTF8);
    }
    return code;
}

int query_functions(sqlite3 *db, const struct conf_network *network)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;

    return sqlite3_create_function_v2(db, "in_network", 1, flags, (void *)(uintptr_t)network,
                                      in_network, NULL, NULL, NULL);
}
