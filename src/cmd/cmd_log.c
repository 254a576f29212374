/* gatepost log: decisions of the journal, found by what is known of them, a line for each. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/journal_at.h"
#include "cmd/when.h"
#include "conf/network.h"
#include "conf/value.h"
#include "journal/record_json.h"

/* How often --follow looks for more. */
#define LOOK_MSEC 250
/* With --follow alone, the records to begin with. */
#define FOLLOW_BEGIN 10
/* Recipients that a line names, and octets of a text that it shows. */
#define RECIPIENTS_SHOWN 4
#define TEXT_SHOWN       ((size_t)300)

enum log_option {
    LOG_JOURNAL,
    LOG_SENDER,
    LOG_RECIPIENT,
    LOG_CLIENT,
    LOG_VERDICT,
    LOG_PHASE,
    LOG_RULE,
    LOG_REPLY,
    LOG_HOP,
    LOG_SINCE,
    LOG_UNTIL,
    LOG_LIMIT,
    LOG_FOLLOW,
};

static const struct cmd_own_option own_options[] = {
    [LOG_JOURNAL] = {"journal", true},
    [LOG_SENDER] = {"sender", true},
    [LOG_RECIPIENT] = {"recipient", true},
    [LOG_CLIENT] = {"client", true},
    [LOG_VERDICT] = {"verdict", true},
    [LOG_PHASE] = {"phase", true},
    [LOG_RULE] = {"rule", true},
    [LOG_REPLY] = {"reply", true},
    [LOG_HOP] = {"hop", true},
    [LOG_SINCE] = {"since", true},
    [LOG_UNTIL] = {"until", true},
    [LOG_LIMIT] = {"limit", true},
    [LOG_FOLLOW] = {"follow", false},
    {NULL, false},
};

struct log {
    const struct command *command;
    struct cmd_line line;
    const char *journal; /* NULL: the configuration's */
    struct journal_query query;
    struct conf_network client;
    bool json;
    bool follow;
    usec_t now; /* when it was called */
    uint64_t found;
};

/* ---- the command's line ---- */

static bool wrong(const struct log *l, const char *what, const char *given)
{
    (void)cmd_wrong(l->command, what, given);
    return false;
}

/* One of the words that a decision line may have. */
static bool take_word(const struct log *l, const char *const *words, const char *value,
                      const char *what, struct slice *ret)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(value, words[i]) == 0) {
            *ret = slice_of(value);
            return true;
        }
    }
    return wrong(l, what, value);
}

static bool take_client(struct log *l, const char *value)
{
    if (network_parse(slice_of(value), &l->client) < 0) {
        return wrong(l, "expected an address or a network such as 192.0.2.0/24, found", value);
    }
    l->client = network_base(&l->client);
    l->query.client = &l->client;
    return true;
}

static bool take_time(const struct log *l, const char *value, usec_t *ret)
{
    return when_parse(slice_of(value), l->now, ret) ||
           wrong(l, "expected a time such as 2h, 7d, 2026-11-22 or 2026-11-22T04:49:30Z, found",
                 value);
}

static bool take_limit(struct log *l, const char *value)
{
    int64_t limit;

    if (value_parse(VALUE_COUNT, slice_of(value), &limit) < 0 || limit <= 0) {
        return wrong(l, "expected a number from 1, found", value);
    }
    l->query.limit = (uint64_t)limit;
    return true;
}

static bool take_text(const struct log *l, const char *value, struct slice *ret)
{
    *ret = slice_of(value);
    return ret->n > 0 || wrong(l, "expected a text, found", "an empty one");
}

static bool take(void *arg, size_t option, const char *value)
{
    static const char *const verdicts[] = {"accepted", "refused", "deferred",
                                           "gone",     "ended",   NULL};
    static const char *const phases[] = {"connect", "helo",    "mail",   "rcpt",
                                         "data",    "message", "commit", NULL};
    struct log *l = arg;
    struct journal_query *q = &l->query;

    switch ((enum log_option)option) {
    case LOG_JOURNAL: l->journal = value; return true;
    case LOG_SENDER: return take_text(l, value, &q->sender);
    case LOG_RECIPIENT: return take_text(l, value, &q->recipient);
    case LOG_CLIENT: return take_client(l, value);
    case LOG_VERDICT:
        return take_word(l, verdicts, value,
                         "expected accepted, refused, deferred, gone or ended, found", &q->verdict);
    case LOG_PHASE:
        return take_word(l, phases, value,
                         "expected connect, helo, mail, rcpt, data, message or commit, found",
                         &q->phase);
    case LOG_RULE: return take_text(l, value, &q->rule);
    case LOG_REPLY: return take_text(l, value, &q->reply);
    case LOG_HOP: return take_text(l, value, &q->hop);
    case LOG_SINCE: return take_time(l, value, &q->since);
    case LOG_UNTIL: return take_time(l, value, &q->until);
    case LOG_LIMIT: return take_limit(l, value);
    case LOG_FOLLOW: l->follow = true; return true;
    }
    return false;
}

/* ---- a line for people ---- */

static void show(struct buf *line, const char *before, struct slice text, const char *behind)
{
    buf_append_slice(line, slice_of(before));
    text_show(line, text, TEXT_SHOWN);
    buf_append_slice(line, slice_of(behind));
}

static void put_recipients(struct buf *line, const struct journal_record *r)
{
    for (size_t i = 0; i < r->recipient_count && i < RECIPIENTS_SHOWN; i++) {
        const struct journal_recipient *to = &r->recipients[i];
        show(line, i == 0 ? " -> <" : ", <", to->mailbox, ">");
        if (!slice_eq(to->verdict, r->verdict)) {
            show(line, " ", to->verdict, "");
        }
    }
    if (r->recipient_count > RECIPIENTS_SHOWN) {
        buf_printf(line, " and %zu more", r->recipient_count - RECIPIENTS_SHOWN);
    }
}

static void put_reply(struct buf *line, const struct journal_record *r)
{
    if (r->code != 0) {
        buf_printf(line, ": %u ", r->code);
        show(line, "", r->enhanced, r->enhanced.n > 0 ? " " : "");
        show(line, "", r->text, "");
    }
    if (r->judgement.rule.n > 0) {
        show(line, " (", r->judgement.rule, ")");
    } else if (r->hop_reply) {
        show(line, " (", r->hop.hop.n > 0 ? r->hop.hop : SLICE_LIT("next hop"), ")");
    }
    if (r->note.n > 0) {
        show(line, " (", r->note, ")");
    }
}

static void print_text(const struct journal_record *r)
{
    struct buf line = {0};
    char time[TIME_RFC3339_MAX];

    time_format_rfc3339(r->time, time);
    show(&line, time, SLICE_LIT(""), " ");
    show(&line, "", r->id, " ");
    show(&line, "", r->client, " ");
    show(&line, "", r->verdict, " at ");
    show(&line, "", r->phase, "");
    if (r->has_transaction) {
        show(&line, " <", r->sender, ">");
        put_recipients(&line, r);
    }
    put_reply(&line, r);
    buf_append(&line, "\n", 1);
    (void)fwrite(line.p, 1, line.n, stdout);
    buf_free(&line);
}

static void print_json(const struct journal_record *r)
{
    json_t *object = journal_record_json(r);

    (void)json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12));
    (void)putchar('\n');
    json_decref(object);
}

/* Stops when nobody takes what is printed. */
static int print(void *arg, const struct journal_record *r)
{
    struct log *l = arg;

    l->found++;
    if (l->json) {
        print_json(r);
    } else {
        print_text(r);
    }
    return ferror(stdout);
}

/* ---- once, and again ---- */

/* Prints what came behind the record `*seen`. */
static void print_new(struct log *l, struct journal *j, int64_t *seen)
{
    struct journal_query q = l->query;
    int64_t newest;

    if (journal_newest(j, &newest) < 0 || newest <= *seen) {
        return; /* an error is seen again, or is over at the next look */
    }
    q.limit = 0;
    q.first_n = *seen + 1;
    q.last_n = newest;
    if (journal_each(j, &q, print, l) == 0) {
        *seen = newest;
    }
}

/* Until nobody takes what is printed, or a signal ends us. A journal that was set aside is read to
 * its end, and then the one that was begun in its place. */
static enum cmd_status follow(struct log *l, const char *path, struct journal *j, int64_t seen)
{
    char why[JOURNAL_WHY];

    while (fflush(stdout) == 0 && ferror(stdout) == 0) {
        (void)poll(NULL, 0, LOOK_MSEC);
        const bool current = journal_is_current(j);
        struct journal *next = NULL;
        print_new(l, j, &seen);
        if (!current && journal_open(path, &next, why) == 0) {
            (void)journal_close(j);
            j = next;
            seen = 0;
        }
    }
    (void)journal_close(j);
    return cmd_printed();
}

static enum cmd_status search(struct log *l, const char *path)
{
    struct journal *j = NULL;
    char why[JOURNAL_WHY];
    int64_t newest = 0;

    if (journal_open(path, &j, why) < 0) {
        (void)fprintf(stderr, "gatepost: %s\n", why);
        return CMD_WRONG;
    }
    int r = journal_newest(j, &newest);
    l->query.last_n = newest;
    if (r == 0 && newest > 0) {
        r = journal_each(j, &l->query, print, l);
    }
    if (r < 0) {
        (void)fprintf(stderr, "gatepost: %s\n", journal_why(j));
    } else if (l->follow) {
        return follow(l, path, j, newest);
    }
    (void)journal_close(j);
    const enum cmd_status printed = cmd_printed();
    return r < 0 ? CMD_WRONG : printed != CMD_DONE ? printed : l->found > 0 ? CMD_DONE : CMD_NO;
}

enum cmd_status cmd_log(const struct command *c, int argc, char **argv)
{
    struct log l = {.command = c, .now = clock_wall()};
    enum cmd_status status;
    char *path = NULL;

    if (!cmd_take_own_line(c, argc, argv, own_options, take, &l, &l.line, &status)) {
        return status;
    }
    if (!when_is_period(l.query.since, l.query.until)) {
        return cmd_wrong(c, "--until must be later than", "--since");
    }
    l.json = (l.line.options & CMD_JSON) != 0;
    if (l.follow && l.query.limit == 0 && l.query.since == 0) {
        l.query.limit = FOLLOW_BEGIN;
    }
    cmd_end_with_reader();
    if (l.journal == NULL) {
        status = journal_path(l.line.file, &path);
        if (status != CMD_DONE) {
            return status;
        }
    }
    status = search(&l, path != NULL ? path : l.journal);
    free(path);
    return status;
}
