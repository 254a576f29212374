/* gatepost explain: one decision of the journal in plain language. Which one is found out from an
 * id, or from whatever text has one in it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/journal_at.h"
#include "journal/story.h"
#include "parse/decision_mention.h"

/* What may be an id in one text, and records of one connection that are told of. */
#define MENTIONS_MOST 200
#define RECORDS_MOST  1000

/* The journal may be another machine's. */
#define CLOCKS_DIFFER (24 * 3600 * USEC_SEC)

enum explain_option { EXPLAIN_JOURNAL };

static const struct cmd_own_option own_options[] = {[EXPLAIN_JOURNAL] = {"journal", true},
                                                    {NULL, false}};

struct explaining {
    const char *path; /* of the journal, where it is named */
    bool json;
    struct journal *journal;
    struct conf *conf; /* NULL: not known, as is the policy */
    struct policy *policy;
    struct arena arena;
    /* What was found of the connection: */
    struct journal_record records[RECORDS_MOST]; /* with what is told of others, and no more */
    size_t count;
    int error;
};

/* ---- the text ---- */

static bool take(void *arg, size_t option, const char *value)
{
    struct explaining *x = arg;

    if (option == EXPLAIN_JOURNAL) {
        x->path = value;
    }
    return true;
}

static bool read_text(struct buf *ret)
{
    ssize_t n = 1;

    while (n > 0 && ret->n < DECISION_MENTION_TEXT_MOST) {
        n = read(STDIN_FILENO, buf_reserve(ret, 65536), 65536);
        if (n < 0 && errno == EINTR) {
            n = 1;
        } else if (n > 0) {
            ret->n += (size_t)n;
        }
    }
    if (n < 0) {
        (void)fprintf(stderr, "gatepost: cannot read: %s\n", strerror(errno));
    }
    return n >= 0;
}

/* The words of the line are one text, as when a text was pasted without quotes. */
static bool take_text(const struct cmd_line *line, struct buf *ret)
{
    if (line->operand_count == 1 && strcmp(line->operands[0], "-") == 0) {
        return read_text(ret);
    }
    for (int i = 0; i < line->operand_count; i++) {
        buf_append_slice(ret, slice_of(line->operands[i]));
        buf_append(ret, " ", 1);
    }
    return true;
}

/* ---- the records of a connection ---- */

static int keep(void *arg, const struct journal_record *r)
{
    struct explaining *x = arg;

    if (x->count == RECORDS_MOST) {
        return 1;
    }
    x->records[x->count++] = (struct journal_record){
        .n = r->n,
        .id = arena_copy(&x->arena, r->id),
        .time = r->time,
        .verdict = arena_copy(&x->arena, r->verdict),
        .phase = arena_copy(&x->arena, r->phase),
        .has_transaction = r->has_transaction,
        .sender = arena_copy(&x->arena, r->sender),
        .recipient_count = r->recipient_count,
    };
    return 0;
}

/* Are there records of the mentioned connection? */
static bool find_connection(struct explaining *x, const struct decision_mention *m)
{
    const struct journal_query q = {.id = slice_of(m->connection), .without_fired = true};

    arena_reset(&x->arena);
    x->count = 0;
    x->error = journal_each(x->journal, &q, keep, x);
    return x->error >= 0 && x->count > 0;
}

static bool has_number(const struct journal_record *r, unsigned transaction)
{
    char end[16];
    const int n = snprintf(end, sizeof(end), ".%u", transaction);

    return r->id.n == DECISION_ID_LEN + (size_t)n &&
           memcmp(r->id.p + DECISION_ID_LEN, end, (size_t)n) == 0;
}

static bool is_no(const struct journal_record *r)
{
    return slice_eq(r->verdict, SLICE_LIT("refused")) ||
           slice_eq(r->verdict, SLICE_LIT("deferred"));
}

/* The record that is meant: the transaction that is named, the newest where an id came twice; of a
 * connection alone the last that was answered with a no, or else the last. NULL: none. */
static const struct journal_record *choose(const struct explaining *x,
                                           const struct decision_mention *m)
{
    const struct journal_record *found = NULL;

    for (size_t i = 0; i < x->count; i++) {
        const struct journal_record *r = &x->records[i];
        if (m->has_transaction ? has_number(r, m->transaction)
                               : found == NULL || is_no(r) || !is_no(found)) {
            found = r;
        }
    }
    return found;
}

/* ---- telling ---- */

struct tell {
    struct explaining *x;
    const struct decision_mention *mention;
};

static int find_rule(void *arg, struct slice policy, struct slice place, struct arena *arena,
                     struct journal_rule *ret)
{
    const struct explaining *x = arg;

    return journal_rule(x->journal, policy, place, arena, ret);
}

static bool has_recipient(const struct journal_record *r, unsigned number)
{
    for (size_t i = 0; i < r->recipient_count; i++) {
        if (r->recipients[i].number == number) {
            return true;
        }
    }
    return false;
}

static void print_story(const struct explaining *x, const json_t *story)
{
    struct buf text = {0};

    if (x->json) {
        (void)json_dumpf(story, stdout,
                         JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12));
        (void)putchar('\n');
        return;
    }
    story_print(story, &text);
    (void)fwrite(text.p, 1, text.n, stdout);
    buf_free(&text);
}

static int tell(void *arg, const struct journal_record *r)
{
    const struct tell *t = arg;
    const unsigned recipient = t->mention->recipient;
    const struct story s = {
        .record = r,
        .recipient = has_recipient(r, recipient) ? recipient : 0,
        .policy = t->x->policy,
        .find_rule = find_rule,
        .arg = t->x,
        .connection = t->x->records,
        .connection_count = t->x->count,
    };
    json_t *story = story_tell(&s);

    if (recipient > 0 && s.recipient == 0) {
        (void)fprintf(stderr, "gatepost: there is no recipient %u; this is all of it\n", recipient);
    }
    print_story(t->x, story);
    json_decref(story);
    return 0;
}

static enum cmd_status explain(struct explaining *x, const struct decision_mention *m,
                               const struct journal_record *chosen)
{
    const struct journal_query q = {.first_n = chosen->n, .last_n = chosen->n};
    struct tell t = {x, m};

    if (journal_each(x->journal, &q, tell, &t) < 0) {
        return journal_failed(x->journal);
    }
    return cmd_printed();
}

/* A transaction that is not on record, of a connection that is: as ".0" of one that had some. */
static enum cmd_status others(const struct explaining *x, const struct decision_mention *m)
{
    (void)fprintf(stderr,
                  "gatepost: %s.%u is not in the journal, but of the same connection there %s\n",
                  m->connection, m->transaction, x->count == 1 ? "is" : "are");
    for (size_t i = 0; i < x->count; i++) {
        struct buf id = {0};
        text_show(&id, x->records[i].id, 64);
        (void)fprintf(stderr, "  %.*s\n", SLICE_ARG(buf_slice(&id)));
        buf_free(&id);
    }
    return CMD_NO;
}

/* Not of a time to come, as most of what only looks like an id would be. */
static bool is_of_the_past(const struct decision_mention *m)
{
    return decision_id_wall(m->connection) < clock_wall() + CLOCKS_DIFFER;
}

/* Which of them to speak of when none is on record; what was typed alone was meant to be one. NULL:
 * it seems that there is none. */
static const struct decision_mention *most_likely(const struct decision_mention *m, size_t count,
                                                  bool alone)
{
    for (size_t i = 0; i < count; i++) {
        if (alone || (m[i].has_transaction && is_of_the_past(&m[i]))) {
            return &m[i];
        }
    }
    return NULL;
}

/* What was meant is not there: the journal may not go back so far. */
static enum cmd_status nothing(struct explaining *x, const struct decision_mention *m, size_t count,
                               bool alone)
{
    const struct decision_mention *likely = most_likely(m, count, alone);
    char time[TIME_RFC3339_MAX];

    if (x->error < 0) {
        return journal_failed(x->journal);
    }
    if (likely == NULL) {
        (void)fprintf(
            stderr,
            "gatepost: there is no decision id in this text: fourteen letters and digits, a "
            "dot and a number, such as 3M0Z2QW8R10001.1\n");
        return CMD_NO;
    }
    const bool past = is_of_the_past(likely);
    time_format_rfc3339(decision_id_wall(likely->connection), time);
    (void)fprintf(stderr, "gatepost: the journal has no decision %s, which %s of %s%s; %s\n",
                  likely->connection, past ? "is" : "would be", time,
                  count > 1 ? ", nor another one of this text" : "",
                  past ? "it may be older than what is kept, or of another host"
                       : "a letter of it may be wrong");
    return CMD_NO;
}

/* One word, as it is typed. */
static bool is_alone(struct slice text)
{
    while (text.n > 0 && strchr(" \r\n", text.p[text.n - 1]) != NULL) {
        text.n--;
    }
    return text.n > 0 && memchr(text.p, ' ', text.n) == NULL &&
           memchr(text.p, '\n', text.n) == NULL;
}

/* The first that the journal knows; what may be ids comes in the order of likelihood. */
static enum cmd_status explain_text(struct explaining *x, struct slice text)
{
    static struct decision_mention mentions[MENTIONS_MOST];
    const size_t count = decision_mentions(text, mentions, MENTIONS_MOST);
    const struct decision_mention *known = NULL;

    for (size_t i = 0; i < count; i++) {
        if (!find_connection(x, &mentions[i])) {
            if (x->error < 0) {
                break;
            }
            continue;
        }
        const struct journal_record *chosen = choose(x, &mentions[i]);
        if (chosen != NULL) {
            return explain(x, &mentions[i], chosen);
        }
        known = known != NULL ? known : &mentions[i];
    }
    if (known != NULL && x->error >= 0 && find_connection(x, known)) {
        return others(x, known);
    }
    return nothing(x, mentions, count, is_alone(text));
}

/* ---- the command ---- */

/* The policy of now tells what a rule's condition was, if it still is the same. Its faults are not
 * what was asked about. */
static void load_policy(struct explaining *x, const char *file)
{
    struct conf_error error;
    struct findings findings;

    findings_init(&findings);
    if (conf_load(file, &x->conf, &error) == 0) {
        (void)policy_compile(x->conf, &findings, &x->policy);
    }
    findings_free(&findings);
}

enum cmd_status cmd_explain(const struct command *c, int argc, char **argv)
{
    static struct explaining x;
    struct cmd_line line;
    struct buf text = {0};
    enum cmd_status status;

    if (!cmd_take_own_line(c, argc, argv, own_options, take, &x, &line, &status)) {
        return status;
    }
    if (line.operand_count == 0) {
        return cmd_wrong(c, "expected an id, a text with one in it, or", "-");
    }
    x.json = (line.options & CMD_JSON) != 0;
    if (!take_text(&line, &text)) {
        buf_free(&text);
        return CMD_WRONG;
    }
    arena_init(&x.arena);
    status = journal_at(x.path, line.file, &x.journal);
    if (status == CMD_DONE) {
        if (x.path == NULL || (line.options & CMD_FILE) != 0) {
            load_policy(&x, line.file);
        }
        status = explain_text(&x, buf_slice(&text));
    }
    (void)journal_close(x.journal);
    (void)policy_free(x.policy);
    (void)conf_free(x.conf);
    arena_free(&x.arena);
    buf_free(&text);
    return status;
}
