/* gatepost judge: what would be decided of a message that came in now? Serves nobody, connects to
 * nobody and writes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/when.h"
#include "conf/finding.h"
#include "journal/story.h"
#include "judge/batch.h"
#include "judge/mail_file.h"
#include "judge/report.h"
#include "parse/judge_request.h"
#include "proc/inspector_own.h"

/* A larger zone file is not read. */
#define ZONE_MOST ((size_t)64 << 20)

enum own_option { IP, HELO, FROM, RCPT, AT, LISTENER, LOCAL, TLS, EARLY, NO_ESMTP, BATCH, DNS };

static const struct cmd_own_option own_options[] = {
    [IP] = {"ip", true},
    [HELO] = {"helo", true},
    [FROM] = {"from", true},
    [RCPT] = {"rcpt", true},
    [AT] = {"at", true},
    [LISTENER] = {"listener", true},
    [LOCAL] = {"local", true},
    [TLS] = {"tls", false},
    [EARLY] = {"early", false},
    [NO_ESMTP] = {"no-esmtp", false},
    [BATCH] = {"batch", true},
    [DNS] = {"dns", true},
    {0},
};

struct request {
    const struct command *command;
    struct judge_case c;
    struct slice *recipients; /* c's */
    bool has_sender;
    const char *listener; /* NULL: not given */
    const char *batch;    /* NULL: not given */
    const char *dns;      /* NULL: not given */
    struct zone *zone;    /* what it says */
};

/* ---- the line ---- */

static bool wrong(const struct request *q, const char *what, const char *given)
{
    char *harmless = xstrdup(given);
    text_clean(harmless, strlen(harmless));
    (void)cmd_wrong(q->command, what, harmless);
    free(harmless);
    return false;
}

static bool take_address(const struct request *q, const char *value, struct addr *ret)
{
    return addr_parse(slice_of(value), ret) == 0 ||
           wrong(q, "an address such as 192.0.2.7 or 2001:db8::7 is expected, not", value);
}

static bool take_sender(struct request *q, const char *value)
{
    q->c.sender = judge_mailbox(slice_of(value));
    q->has_sender = true;
    return judge_address_fits(q->c.sender, true) ||
           wrong(q, "--from: one address is expected, or '' for the null reverse-path, not", value);
}

static bool take_recipient(struct request *q, const char *value)
{
    struct slice mailbox = judge_mailbox(slice_of(value));
    if (!judge_address_fits(mailbox, false)) {
        return wrong(q, "--rcpt: one address is expected, not", value);
    }
    size_t n = q->c.recipient_count++;
    q->recipients = xrealloc(q->recipients, (n + 1) * sizeof(*q->recipients));
    q->recipients[n] = mailbox;
    q->c.recipients = q->recipients;
    return true;
}

static bool take_option(void *arg, size_t option, const char *value)
{
    struct request *q = arg;
    switch ((enum own_option)option) {
    case IP: return take_address(q, value, &q->c.client);
    case HELO:
        q->c.helo = slice_of(value);
        return judge_word_fits(q->c.helo) || wrong(q, "--helo: a name is expected, not", value);
    case FROM: return take_sender(q, value);
    case RCPT: return take_recipient(q, value);
    case AT:
        return when_parse(slice_of(value), clock_wall(), &q->c.at_wall) ||
               wrong(q, "--at: a time such as 2026-11-26T09:30:00Z is expected, not", value);
    case LISTENER: q->listener = value; return true;
    case LOCAL: return take_address(q, value, &q->c.local);
    case TLS: q->c.tls = true; return true;
    case EARLY: q->c.early = true; return true;
    case NO_ESMTP: q->c.no_esmtp = true; return true;
    case BATCH: q->batch = value; return true;
    case DNS: q->dns = value; return true;
    }
    return false;
}

/* Says what a line lacks, or has too much. */
static bool is_whole(const struct request *q, const struct cmd_line *line)
{
    if (q->batch != NULL) {
        return line->operand_count == 0 ||
               wrong(q, "--batch names the messages; there can be none beside", q->batch);
    }
    const char *missing = q->c.client.family == ADDR_NONE ? "--ip"
                          : q->c.helo.n == 0              ? "--helo"
                          : !q->has_sender                ? "--from"
                          : q->c.recipient_count == 0     ? "--rcpt"
                          : line->operand_count == 0      ? "MESSAGE, a file or -"
                          : q->c.tls && q->c.no_esmtp     ? "EHLO (--no-esmtp) for --tls"
                                                          : NULL;
    return missing == NULL || wrong(q, "there is no", missing);
}

/* ---- the listener ---- */

/* By name, or the first one that the client could connect to. */
static bool find_listener(struct request *q, const struct conf *conf)
{
    char text[ADDR_TEXT_MAX];
    uint8_t family = q->c.local.family != ADDR_NONE ? q->c.local.family : q->c.client.family;
    for (size_t i = 0; i < conf->listen_count; i++) {
        bool fits = q->listener != NULL
                        ? strcmp(addr_format_port(&conf->listen[i], text), q->listener) == 0
                        : conf->listen[i].family == family;
        if (fits) {
            q->c.listener = i;
            return true;
        }
    }
    return q->listener == NULL || wrong(q, "--listener: `listen` names no", q->listener);
}

/* ---- the DNS ---- */

static void complain(const char *about, const char *what)
{
    struct buf line = {0};
    report_clean(&line, slice_of(about));
    (void)fprintf(stderr, "gatepost judge: %.*s: %s\n", (int)line.n, line.p, what);
    buf_free(&line);
}

/* As a mistake in a configuration is told. */
static void tell_problem(const char *file, struct slice text, const struct zone_problem *problem)
{
    const struct source source = {.name = file, .text = text};
    const struct conf_finding finding = {
        .severity = FINDING_ERROR,
        .place = {problem->line, problem->column, &source},
        .text = problem->text,
        .advice = "",
    };
    struct buf told = {0};
    finding_format(&finding, &told);
    (void)fwrite(told.p, 1, told.n, stderr);
    buf_free(&told);
}

/* Reads --dns: true where it is not given, too. */
static bool read_zone(struct request *q)
{
    struct buf text = {0};
    struct zone_problem problem;
    uint64_t size = 0;
    bool good = true;
    if (q->dns == NULL) {
        return true;
    }
    int r = mail_file_read(AT_FDCWD, q->dns, false, ZONE_MOST + 1, &text, &size);
    if (r < 0 || text.n > ZONE_MOST) {
        complain(q->dns, r < 0 ? strerror(-r) : "a zone file has 64 MiB at most");
        good = false;
    } else {
        q->zone = zone_new();
        good = zone_read(q->zone, buf_slice(&text), &problem) == 0;
        if (!good) {
            tell_problem(q->dns, buf_slice(&text), &problem);
        }
    }
    buf_free(&text);
    return good;
}

/* ---- one message ---- */

static int read_message(struct request *q, const char *name, size_t most, struct buf *text)
{
    uint64_t size = 0;
    int r = strcmp(name, "-") == 0 ? mail_file_read_fd(STDIN_FILENO, false, most, text, &size)
                                   : mail_file_read(AT_FDCWD, name, false, most, text, &size);
    if (r == 0) {
        mail_text_look(buf_slice(text), size, &q->c.mail);
    }
    return r;
}

static void tell(void *arg, bool trouble, const char *line)
{
    (void)arg;
    (void)trouble;
    (void)fprintf(stderr, "gatepost judge: %s\n", line);
}

static void tell_story(const struct policy *policy, const struct judged *judged, struct buf *to)
{
    struct journal_record record;
    struct arena arena;
    const char *why;
    arena_init(&arena);
    if (journal_record_parse(judged->outcome->line, &arena, &record, &why) == 0) {
        const struct story story = {.record = &record, .policy = policy};
        json_t *told = story_tell(&story);
        story_print(told, to);
        json_decref(told);
    } else {
        report_short(to, judged); /* longer than any record may be: thousands of recipients */
    }
    arena_free(&arena);
}

/* What else there is to say of it. */
static void tell_more(const struct request *q, const struct judged *judged, struct buf *to)
{
    const char *notes[REPORT_NOTES_MOST];
    size_t count = report_notes(judged->mail, notes);
    if (judged->outcome->code == 0 && judged->outcome->reply.n > 0) {
        buf_append_slice(to, SLICE_LIT("\nWhat went wrong was answered: "));
        report_clean(to, judged->outcome->reply);
        buf_append(to, "\n", 1);
    }
    buf_append_slice(to,
                     SLICE_LIT("\nOnly judged, by gatepost judge: nothing was sent to anybody, and "
                               "nothing is on record.\nAssumed: the next hop takes every "
                               "recipient and message; no other mail came before;\n         "));
    if (q->dns != NULL) {
        buf_append_slice(to, SLICE_LIT("the DNS says what stands in "));
        report_clean(to, slice_of(q->dns));
    } else {
        buf_append_slice(to, SLICE_LIT("there is no DNS (--dns FILE says what it says)"));
    }
    buf_append_slice(to, SLICE_LIT(".\n"));
    for (size_t i = 0; i < count; i++) {
        buf_printf(to, "%s %s\n", i == 0 ? "The file:" : "         ", notes[i]);
    }
}

static enum cmd_status print_decision(const struct request *q, const struct policy *policy,
                                      const struct judged *judged, bool json)
{
    struct buf text = {0};
    if (json) {
        report_json(&text, judged);
    } else {
        tell_story(policy, judged, &text);
        tell_more(q, judged, &text);
    }
    (void)fwrite(text.p, 1, text.n, stdout);
    buf_free(&text);
    return cmd_printed();
}

/* Where the policy asks for what they find out; NULL where there are none. */
static struct inspector_own *start_inspectors(const struct configuration *c, unsigned count)
{
    struct inspector_own *inspectors = NULL;
    if (c->policy->inspect_work != 0 && c->conf->inspectors > 0) {
        int r = inspector_own_new(c->conf, count, &inspectors);
        if (r < 0) {
            complain("cannot start an inspector", strerror(-r));
        }
    }
    return inspectors;
}

static int door_to(const struct inspector_own *inspectors)
{
    return inspectors != NULL ? inspector_own_door(inspectors) : -1;
}

static enum cmd_status judge_one(struct request *q, const struct configuration *c, const char *name,
                                 bool json)
{
    struct buf text = {0};
    struct judge_outcome outcome;
    enum cmd_status status = CMD_NO;
    int r = read_message(q, name, (size_t)c->conf->limits.message_size + 1, &text);
    if (r < 0) {
        complain(name, strerror(-r));
    } else {
        struct inspector_own *inspectors = start_inspectors(c, 1);
        struct rehearsal *rehearsal =
            rehearsal_new(c->conf, c->policy, q->zone, door_to(inspectors), tell, NULL);
        if (rehearsal_run(rehearsal, &q->c, &outcome) < 0) {
            panic("a rehearsal without a decision");
        }
        const struct judged judged = {
            .file = slice_of(name), .mail = &q->c.mail, .outcome = &outcome};
        status = print_decision(q, c->policy, &judged, json);
        (void)rehearsal_free(rehearsal);
        (void)inspector_own_free(inspectors);
    }
    buf_free(&text);
    return status;
}

/* ---- many ---- */

static enum cmd_status judge_many(const struct request *q, const struct configuration *c, bool json)
{
    struct inspector_own *inspectors = start_inspectors(c, c->conf->workers);
    const struct batch batch = {
        .conf = c->conf,
        .policy = c->policy,
        .dns = q->zone,
        .file = q->batch,
        .base = q->c,
        .has_sender = q->has_sender,
        .json = json,
        .door = door_to(inspectors),
        .to = STDOUT_FILENO,
    };
    char why[BATCH_WHY];
    int r = batch_run(&batch, why);
    if (batch.door >= 0) {
        close(batch.door);
    }
    (void)inspector_own_free(inspectors);
    if (r < 0) {
        complain(q->batch, why);
    }
    return r == 0 ? CMD_DONE : CMD_NO;
}

enum cmd_status cmd_judge(const struct command *command, int argc, char **argv)
{
    struct request q = {.command = command, .c = {.at_wall = clock_wall()}};
    struct cmd_line line;
    struct configuration *c = NULL;
    size_t warnings;
    enum cmd_status status = CMD_WRONG;
    if (cmd_take_own_line(command, argc, argv, own_options, take_option, &q, &line, &status) &&
        is_whole(&q, &line) && read_zone(&q) && cmd_load(line.file, &c, &warnings) == 0 &&
        find_listener(&q, c->conf)) {
        bool json = (line.options & CMD_JSON) != 0;
        status =
            q.batch != NULL ? judge_many(&q, c, json) : judge_one(&q, c, line.operands[0], json);
    }
    (void)configuration_free(c);
    (void)zone_free(q.zone);
    free(q.recipients);
    return status;
}
