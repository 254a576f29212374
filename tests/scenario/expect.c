/* Statements for what must be true, and what must be true after every case. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "scenario.h"

unsigned expected_number(struct run *r, const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (end == text || *end != '\0') {
        fail(r, "not a number: \"%s\"", text);
    }
    return (unsigned)n;
}

/* ---- decision lines ---- */

/* Takes a key off the path. Names of facts have dots themselves: of several keys that fit the
 * shortest is taken. NULL when none does. */
static const json_t *json_member(const json_t *object, const char **path)
{
    char key[60];
    const json_t *found = NULL;
    size_t n = 0;
    do {
        n += strcspn(*path + n + (n > 0), ".") + (n > 0);
        snprintf(key, sizeof key, "%.*s", (int)n, *path);
        found = json_is_array(object) ? json_array_get(object, strtoul(key, NULL, 10))
                                      : json_object_get(object, key);
    } while (found == NULL && (*path)[n] != '\0');
    *path += n + ((*path)[n] == '.');
    return found;
}

/* The value at "recipients.0.code" as text into `ret`; "" when there is none. */
static void json_text(const json_t *object, const char *path, char *ret, size_t size)
{
    while (object != NULL && *path != '\0') {
        object = json_member(object, &path);
    }
    if (json_is_string(object)) {
        snprintf(ret, size, "%s", json_string_value(object));
    } else if (json_is_integer(object)) {
        snprintf(ret, size, "%lld", (long long)json_integer_value(object));
    } else if (json_is_real(object)) {
        snprintf(ret, size, "%g", json_real_value(object));
    } else {
        snprintf(ret, size, "%s",
                 json_is_true(object)    ? "true"
                 : json_is_false(object) ? "false"
                                         : "");
    }
}

/* Takes "key=value" or "key="a value"" off `*text`; false at its end. */
static bool take_pair(const char **text, char key[static 60], struct buf *value)
{
    const char *p = *text + strspn(*text, " ");
    size_t n = strcspn(p, "=");
    if (p[n] != '=') {
        return false;
    }
    snprintf(key, 60, "%.*s", (int)n, p);
    p += n + 1;
    value->n = 0;
    if (*p == '"') {
        p = text_string(value, p);
    } else {
        size_t length = strcspn(p, " ");
        text_expand(value, (struct slice){p, length});
        p += length;
    }
    buf_append(value, "", 1);
    *text = p;
    return p != NULL;
}

static bool decision_fits(const json_t *line, const char *pairs)
{
    char key[60];
    struct buf value = {0};
    bool fits = true;
    while (fits && pairs != NULL && take_pair(&pairs, key, &value)) {
        char text[1000];
        json_text(line, key, text, sizeof text);
        fits = text_matches(value.p, slice_of(text), true);
    }
    buf_free(&value);
    return fits;
}

void each_decision(struct run *r, void (*fn)(void *arg, const json_t *line), void *arg)
{
    const struct buf *all = &r->house->decisions;
    for (size_t at = 0; at < all->n;) {
        const char *p = all->p + at;
        size_t n = (size_t)((const char *)memchr(p, '\n', all->n - at) - p);
        json_t *line = n > 0 ? json_loadb(p, n, 0, NULL) : NULL;
        if (line != NULL) {
            fn(arg, line);
            json_decref(line);
        } else if (n > 0) {
            fail(r, "a decision line is no JSON: %.*s", (int)n, p);
        }
        at += n + 1;
    }
}

struct counting {
    const char *pairs;
    unsigned count;
};

static void count_decision(void *arg, const json_t *line)
{
    struct counting *c = arg;
    c->count += decision_fits(line, c->pairs);
}

/* expect decision [N] KEY=VALUE…: N lines, or at least one, are like this. */
static void st_decision(struct run *r, const char *rest)
{
    char *pairs;
    unsigned long wanted = strtoul(rest, &pairs, 10);
    bool exactly = pairs != rest;
    struct counting c = {.pairs = pairs};
    each_decision(r, count_decision, &c);
    if (exactly ? c.count != wanted : c.count == 0) {
        fail(r, "%u such decisions among:\n%.*s", c.count, (int)r->house->decisions.n,
             r->house->decisions.p != NULL ? r->house->decisions.p : "");
    }
}

/* ---- the hop ---- */

/* expect copies RECIPIENT N */
static void st_copies(struct run *r, const char *rest)
{
    char recipient[300];
    if (!text_word(&rest, recipient, sizeof recipient)) {
        fail(r, "expect copies RECIPIENT N");
        return;
    }
    struct buf expanded = {0};
    text_expand(&expanded, slice_of(recipient));
    buf_append(&expanded, "", 1);
    unsigned n = mail_hop_copies(r->hop, expanded.p);
    buf_free(&expanded);
    if (n != expected_number(r, rest)) {
        fail(r, "%s has %u copies", recipient, n);
    }
}

static void st_messages(struct run *r, const char *rest)
{
    if (r->hop->messages != expected_number(r, rest)) {
        fail(r, "the hop has taken %u messages", r->hop->messages);
    }
}

static void st_connections(struct run *r, const char *rest)
{
    if (r->hop->accepted != expected_number(r, rest)) {
        fail(r, "the hop has had %u connections", r->hop->accepted);
    }
}

static void st_handshakes(struct run *r, const char *rest)
{
    if (r->hop->handshakes != expected_number(r, rest)) {
        fail(r, "the hop has had %u TLS handshakes", r->hop->handshakes);
    }
}

static void st_resumed(struct run *r, const char *rest)
{
    if (r->hop->resumed != expected_number(r, rest)) {
        fail(r, "%u TLS sessions were resumed", r->hop->resumed);
    }
}

/* [N] PATTERN: so many of the lines, or at least one, match. */
static void count_lines(struct run *r, const char *rest, const struct buf *lines, const char *what)
{
    char *pattern;
    unsigned long wanted = strtoul(rest, &pattern, 10);
    bool exactly = pattern != rest;
    unsigned count = 0;
    struct buf expanded = {0};
    pattern += strspn(pattern, " ");
    text_expand(&expanded, slice_of(pattern));
    buf_append(&expanded, "", 1);
    for (size_t at = 0; at < lines->n;) {
        const char *p = lines->p + at;
        size_t n = (size_t)((const char *)memchr(p, '\n', lines->n - at) - p);
        count += text_matches(expanded.p, (struct slice){p, n}, false);
        at += n + 1;
    }
    buf_free(&expanded);
    if (exactly ? count != wanted : count == 0) {
        fail(r, "%s that %u times, among:\n%.*s", what, count, (int)lines->n,
             lines->p != NULL ? lines->p : "");
    }
}

/* expect heard [N] PATTERN: of the hop's command lines. */
static void st_heard(struct run *r, const char *rest)
{
    count_lines(r, rest, &r->hop->heard, "the hop has heard");
}

/* expect told [N] PATTERN: of the lines for the operator; "trouble: " is in front of warnings. */
static void st_told(struct run *r, const char *rest)
{
    count_lines(r, rest, &r->house->told, "the operator was told");
}

/* ---- messages as delivered ---- */

/* Where the field at the start of the message ends. */
static size_t field_length(struct slice message)
{
    size_t at = 0;
    do {
        const char *lf = memchr(message.p + at, '\n', message.n - at);
        if (lf == NULL) {
            return message.n;
        }
        at = (size_t)(lf - message.p) + 1;
    } while (at < message.n && (message.p[at] == '\t' || message.p[at] == ' '));
    return at;
}

/* The fields in front of our Received that tell what was found out about the sender: returns the
 * first of that name, and takes them off. */
static struct slice take_findings(struct slice *message, const char *name)
{
    static const char *const names[] = {"Authentication-Results:", "Received-SPF:"};
    struct slice found = {"", 0}, rest;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_prefix(*message, names[i], &rest)) {
            size_t n = field_length(*message);
            if (strcmp(name, names[i]) == 0) {
                found = (struct slice){message->p, n};
            }
            *message = (struct slice){message->p + n, message->n - n};
        }
    }
    return found;
}

/* Is what is below the first `fields` fields exactly the string `rest`? */
static void compare_message(struct run *r, struct slice got, unsigned fields, const char *rest)
{
    struct buf wanted = {0};
    if (text_string(&wanted, rest) == NULL) {
        fail(r, "not a string: %s", rest);
    }
    for (; fields > 0 && got.n > 0; fields--) {
        size_t n = field_length(got);
        got = (struct slice){got.p + n, got.n - n};
    }
    if (!slice_eq(buf_slice(&wanted), got)) {
        fail(r, "the message is %zu octets \"%.*s\" and not %zu octets", got.n,
             (int)(got.n < 400 ? got.n : 400), got.n > 0 ? got.p : "", wanted.n);
    }
    buf_free(&wanted);
}

/* expect message "STRING": the last one, below the Received that was added. */
static void st_message(struct run *r, const char *rest)
{
    struct slice last = buf_slice(&r->hop->last);
    (void)take_findings(&last, "");
    compare_message(r, last, 1, rest);
}

/* Holds a field, in one line, against the pattern. */
static void compare_field(struct run *r, struct slice field, const char *what, const char *pattern)
{
    char text[2000];
    size_t n = 0;
    for (size_t i = 0; i < field.n && n < sizeof text - 1; i++) {
        if (field.p[i] != '\r' && field.p[i] != '\n') {
            text[n++] = field.p[i] == '\t' ? ' ' : field.p[i];
        }
    }
    text[n] = '\0';
    if (!text_matches(pattern, slice_of(text), false)) {
        fail(r, "%s is \"%s\"", what, text);
    }
}

/* expect trace PATTERN: the Received field that was added to the last message. */
static void st_trace(struct run *r, const char *rest)
{
    struct slice last = buf_slice(&r->hop->last);
    (void)take_findings(&last, "");
    compare_field(r, (struct slice){last.p, last.n > 0 ? field_length(last) : 0}, "the trace",
                  rest);
}

/* expect results PATTERN: the Authentication-Results field that was added. */
static void st_results(struct run *r, const char *rest)
{
    struct slice last = buf_slice(&r->hop->last);
    compare_field(r, take_findings(&last, "Authentication-Results:"), "Authentication-Results",
                  rest);
}

/* expect received-spf PATTERN: likewise Received-SPF. */
static void st_received_spf(struct run *r, const char *rest)
{
    struct slice last = buf_slice(&r->hop->last);
    compare_field(r, take_findings(&last, "Received-SPF:"), "Received-SPF", rest);
}

/* The folder's files; the last one's path in `ret`. */
static unsigned mailbox_files(const struct run *r, const char *name, char ret[static 600])
{
    char folder[200];
    unsigned n = 0;
    struct dirent *e;
    snprintf(folder, sizeof folder, "%s/mail/%s/new", r->house->folder, name);
    DIR *d = opendir(folder);
    while (d != NULL && (e = readdir(d)) != NULL) {
        if (e->d_name[0] != '.') {
            n++;
            snprintf(ret, 600, "%s/%s", folder, e->d_name);
        }
    }
    if (d != NULL) {
        closedir(d);
    }
    return n;
}

/* expect mailbox NAME N */
static void st_mailbox(struct run *r, const char *rest)
{
    char name[100], path[600];
    if (!text_word(&rest, name, sizeof name)) {
        fail(r, "expect mailbox NAME N");
        return;
    }
    unsigned n = mailbox_files(r, name, path);
    if (n != expected_number(r, rest)) {
        fail(r, "%s has %u messages", name, n);
    }
}

/* expect mail NAME "STRING": the only message, below Return-Path and Received. */
static void st_mail(struct run *r, const char *rest)
{
    char name[100], path[600];
    if (!text_word(&rest, name, sizeof name) || mailbox_files(r, name, path) != 1) {
        fail(r, "expect mail NAME \"STRING\", with one message there");
        return;
    }
    struct buf got = {0};
    FILE *f = fopen(path, "r");
    size_t n;
    do {
        n = fread(buf_reserve(&got, 4096), 1, 4096, f);
        got.n += n;
    } while (n > 0);
    fclose(f);
    compare_message(r, buf_slice(&got), 2, rest);
    buf_free(&got);
}

/* ---- the house ---- */

static unsigned count_sessions(const struct house *h)
{
    unsigned n = 0;
    for (unsigned i = 0; i < h->worker_count; i++) {
        n += h->workers[i]->killed ? 0 : h->workers[i]->server.session_count;
    }
    return n;
}

static void st_sessions(struct run *r, const char *rest)
{
    unsigned n = count_sessions(r->house);
    if (n != expected_number(r, rest)) {
        fail(r, "there are %u sessions", n);
    }
}

/* expect counted COUNTER N */
static void st_counted(struct run *r, const char *rest)
{
    static const char *const names[] = {
#define COUNTER(name, prose) #name,
#include "tbl/counters.h"
#undef COUNTER
    };
    const size_t n = strcspn(rest, " ");
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
        if (strlen(names[i]) == n && strncmp(names[i], rest, n) == 0) {
            const uint64_t counted = house_stat(r->house, i * sizeof(uint64_t));
            if (counted != expected_number(r, rest + n + strspn(rest + n, " "))) {
                fail(r, "%s is %llu", names[i], (unsigned long long)counted);
            }
            return;
        }
    }
    fail(r, "there is no such counter");
}

static void st_drained(struct run *r, const char *rest)
{
    bool wanted = strcmp(rest, "no") != 0;
    if (house_drained(r->house) != wanted) {
        fail(r, "the draining worker has %s", wanted ? "not ended" : "ended");
    }
}

/* ---- the end of every case ---- */

/* One connection's decisions: number 0 alone, or 1 to N, each once. */
struct connection {
    char id[16];
    unsigned count;
    unsigned highest;
};

struct ledger {
    struct run *run;
    struct connection *list;
    size_t count;
};

static void enter_decision(void *arg, const json_t *line)
{
    struct ledger *l = arg;
    const char *id = json_string_value(json_object_get(line, "id"));
    const char *dot = id != NULL ? strchr(id, '.') : NULL;
    if (dot == NULL || dot - id != 14) {
        fail(l->run, "a decision without a proper id");
        return;
    }
    struct connection *c = NULL;
    for (size_t i = 0; i < l->count && c == NULL; i++) {
        c = strncmp(l->list[i].id, id, 14) == 0 ? &l->list[i] : NULL;
    }
    if (c == NULL) {
        l->list = xrealloc(l->list, (l->count + 1) * sizeof *l->list);
        c = &l->list[l->count++];
        *c = (struct connection){0};
        memcpy(c->id, id, 14);
    }
    unsigned number = (unsigned)strtoul(dot + 1, NULL, 10);
    /* They come in order, so a gap or a repetition is seen here. */
    if (number != 0 ? number != c->highest + 1 || c->count != c->highest : c->count != 0) {
        fail(l->run, "decision %s is out of order", id);
    }
    c->count++;
    c->highest = number > c->highest ? number : c->highest;
}

/* Each negative reply in a transaction named a decision that was written. */
static void check_reply_ids(struct run *r, const struct ledger *l)
{
    const struct buf *ids = &r->reply_ids;
    for (size_t at = 0; at < ids->n;) {
        const char *p = ids->p + at;
        size_t n = (size_t)((const char *)memchr(p, '\n', ids->n - at) - p);
        unsigned number = n > 15 ? (unsigned)strtoul(p + 15, NULL, 10) : 0;
        bool found = false;
        for (size_t i = 0; i < l->count && !found; i++) {
            found = strncmp(l->list[i].id, p, 14) == 0 && number <= l->list[i].highest;
        }
        if (!found) {
            fail(r, "a reply names %.*s, of which there is no decision", (int)n, p);
        }
        at += n + 1;
    }
}

static void check_decisions(struct run *r)
{
    struct ledger l = {.run = r};
    each_decision(r, enter_decision, &l);
    if (!r->killed) {
        if (!r->golden && l.count != r->connects) {
            fail(r, "%u connections, but decisions of %zu", r->connects, l.count);
        }
        check_reply_ids(r, &l);
    }
    free(l.list);
}

void check_end(struct run *r)
{
    const struct house *h = r->house;
    if (count_sessions(h) > 0) {
        fail(r, "%u sessions are left", count_sessions(h));
    }
    if (presence_total(h->shared_memory.presence) > 0) {
        fail(r, "%u sessions are still counted", presence_total(h->shared_memory.presence));
    }
    if (marks_count(h->marks, sim_now(h->sim)) > 0) {
        fail(r, "%zu marks are left", marks_count(h->marks, sim_now(h->sim)));
    }
    for (unsigned i = 0; i < h->worker_count; i++) {
        const struct worker *w = h->workers[i];
        if (!w->killed && w->server.budget.used > 0) {
            fail(r, "%zu octets of the spool's budget are in use", w->server.budget.used);
        }
        if (!w->killed && w->deliveries.late_running > 0) {
            fail(r, "an answer is still waited for");
        }
        if (!w->killed && !smtp_server_rests(&w->server)) {
            fail(r, "something is still being asked for a client that has gone");
        }
        if (!w->killed && w->server.resolver != NULL &&
            resolver_stats(w->server.resolver)->under_way > 0) {
            fail(r, "a question to the DNS is still under way");
        }
    }
    for (unsigned i = 0; i < MAIL_HOPS; i++) {
        const struct mail_hop *hop = r->hops[i].hop;
        if (hop->connections > 0) {
            fail(r, "hop %u has %u connections open", i + 1, hop->connections);
        }
        if (hop->complaint[0] != '\0' && !r->killed) {
            fail(r, "hop %u complains: %s", i + 1, hop->complaint);
        }
    }
    scanners_check(r);
    check_decisions(r);
}

const struct statement expect_statements[] = {
    {"expect decision", st_decision},
    {"expect copies", st_copies},
    {"expect told", st_told},
    {"expect messages", st_messages},
    {"expect connections", st_connections},
    {"expect heard", st_heard},
    {"expect message", st_message},
    {"expect trace", st_trace},
    {"expect results", st_results},
    {"expect received-spf", st_received_spf},
    {"expect mailbox", st_mailbox},
    {"expect mail", st_mail},
    {"expect sessions", st_sessions},
    {"expect drained", st_drained},
    {"expect counted", st_counted},
    {"expect handshakes", st_handshakes},
    {"expect resumed", st_resumed},
    {NULL},
};
