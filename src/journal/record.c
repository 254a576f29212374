/* Decision lines read back. Tables say which member is what and where it goes; what is left over of
 * the object is `more`. */
#include "journal/record.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/fatal.h"
#include "parse/json_depth.h"

/* ASCII, as in the line; enough digits for every number that was written with a decimal point. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))
#define LOAD_FLAGS (JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES)

enum kind {
    KIND_TEXT,
    KIND_NAME,   /* a text that is not empty */
    KIND_FLAG,   /* bool */
    KIND_CODE,   /* uint16_t, of a reply */
    KIND_COUNT,  /* unsigned, or uint32_t */
    KIND_AMOUNT, /* uint64_t */
    KIND_SIGNED, /* int64_t */
    KIND_SPAN,   /* usec_t, not negative */
    KIND_TIME,   /* usec_t since 1970, written as RFC 3339 */
};

struct member {
    const char *name;
    const char *wrong;
    size_t at; /* in what the table describes */
    enum kind kind;
    bool needed;
    bool more; /* has no column of its own */
};

#define ROW(name, kind, type, field, ...)                                                          \
    {                                                                                              \
        name, "\"" name "\" is missing or wrong", offsetof(type, field), KIND_##kind, __VA_ARGS__  \
    }
#define NEEDED                         .needed = true
#define COLUMN                         .more = false
#define MORE                           .more = true

#define RECORD(name, kind, field, ...) ROW(name, kind, struct journal_record, field, __VA_ARGS__)
#define RECIPIENT(name, kind, field, ...)                                                          \
    ROW(name, kind, struct journal_recipient, field, __VA_ARGS__)
#define JUDGEMENT(name, kind, field, ...)                                                          \
    ROW(name, kind, struct journal_judgement, field, __VA_ARGS__)
#define HOP(name, kind, field, ...) ROW(name, kind, struct journal_hop, field, __VA_ARGS__)
#define TIMELINE(name)              ROW(#name, SPAN, struct journal_timeline, name, MORE)

static const struct member record_members[] = {
    RECORD("id", NAME, id, NEEDED),
    RECORD("time", TIME, time, NEEDED),
    RECORD("run", AMOUNT, run, COLUMN),
    RECORD("worker", COUNT, worker, NEEDED),
    RECORD("epoch", COUNT, epoch, NEEDED),
    RECORD("sequence", AMOUNT, sequence, NEEDED),
    RECORD("policy", TEXT, policy, COLUMN),
    RECORD("client", TEXT, client, COLUMN),
    RECORD("port", COUNT, port, COLUMN),
    RECORD("local", TEXT, local, COLUMN),
    RECORD("listener", TEXT, listener, COLUMN),
    RECORD("helo", TEXT, helo, COLUMN),
    RECORD("protocol", TEXT, protocol, COLUMN),
    RECORD("tls", TEXT, tls, COLUMN),
    RECORD("sender", TEXT, sender, COLUMN),
    RECORD("size", AMOUNT, size, COLUMN),
    RECORD("phase", NAME, phase, NEEDED),
    RECORD("verdict", NAME, verdict, NEEDED),
    RECORD("code", CODE, code, COLUMN),
    RECORD("enhanced", TEXT, enhanced, COLUMN),
    RECORD("text", TEXT, text, COLUMN),
    RECORD("hop_reply", FLAG, hop_reply, COLUMN),
    RECORD("note", TEXT, note, COLUMN),
    RECORD("duration_us", SPAN, duration, COLUMN),
    RECORD("early", FLAG, early, MORE),
    RECORD("unpipelined", TEXT, unpipelined, MORE),
    RECORD("size_declared", AMOUNT, size_declared, MORE),
    RECORD("failures_before", COUNT, failures_before, MORE),
};

static const struct member message_members[] = {
    RECORD("received", COUNT, received, MORE),
    RECORD("longest_line", AMOUNT, longest_line, MORE),
    RECORD("binary", FLAG, binary, MORE),
    RECORD("removed", COUNT, removed, MORE),
};

static const struct member recipient_members[] = {
    RECIPIENT("recipient", TEXT, mailbox, NEEDED),
    RECIPIENT("phase", TEXT, phase, COLUMN),
    RECIPIENT("verdict", NAME, verdict, NEEDED),
    RECIPIENT("code", CODE, code, COLUMN),
    RECIPIENT("enhanced", TEXT, enhanced, COLUMN),
    RECIPIENT("text", TEXT, text, COLUMN),
    RECIPIENT("at_us", SPAN, at, COLUMN),
    RECIPIENT("hop_reply", FLAG, hop_reply, COLUMN),
    RECIPIENT("delivered_before", FLAG, delivered_before, MORE),
    RECIPIENT("unpipelined", FLAG, unpipelined, MORE),
};

static const struct member judgement_members[] = {
    JUDGEMENT("rule", TEXT, rule, COLUMN),
    JUDGEMENT("doubt", SIGNED, doubt, COLUMN),
    JUDGEMENT("why", TEXT, why, COLUMN),
};

static const struct member hop_members[] = {
    HOP("hop", TEXT, hop, COLUMN),
    HOP("hop_failed", TEXT, failed, MORE),
    HOP("hop_tls", TEXT, tls, MORE),
    HOP("hop_tls_unused", TEXT, tls_unused, MORE),
    HOP("hop_xclient_unused", TEXT, xclient_unused, MORE),
};

static const struct member timeline_members[] = {
    TIMELINE(early), TIMELINE(greeted),  TIMELINE(helo),      TIMELINE(mail),
    TIMELINE(data),  TIMELINE(received), TIMELINE(committed), TIMELINE(decided),
};

/* What is being read. `why` is set by the first that fails. */
struct reading {
    struct arena *arena;
    const char *why;
    bool only_more; /* the object holds what had no column */
};

static int wrong(struct reading *g, const char *why)
{
    g->why = why;
    return -EBADMSG;
}

/* ---- values ---- */

static struct slice copied(struct reading *g, const json_t *text)
{
    return arena_copy(g->arena, (struct slice){json_string_value(text), json_string_length(text)});
}

/* The number at `value` if it lies within the bounds. */
static bool take_number(const json_t *value, int64_t least, int64_t most, int64_t *ret)
{
    if (!json_is_integer(value)) {
        return false;
    }
    int64_t n = json_integer_value(value);
    if (n < least || n > most) {
        return false;
    }
    *ret = n;
    return true;
}

static bool take_text(struct reading *g, const struct member *m, const json_t *value, void *to)
{
    if (!json_is_string(value) || (m->kind != KIND_TEXT && json_string_length(value) == 0)) {
        return false;
    }
    if (m->kind == KIND_TIME) {
        struct slice text = {json_string_value(value), json_string_length(value)};
        return time_parse_rfc3339(text, to) == 0;
    }
    *(struct slice *)to = copied(g, value);
    return true;
}

static bool take_value(struct reading *g, const struct member *m, const json_t *value, void *to)
{
    int64_t n = 0;
    bool good = false;

    switch (m->kind) {
    case KIND_TEXT:
    case KIND_NAME:
    case KIND_TIME: return take_text(g, m, value, to);
    case KIND_FLAG: *(bool *)to = json_is_true(value); return json_is_boolean(value);
    case KIND_CODE:
        good = take_number(value, 100, 999, &n);
        *(uint16_t *)to = (uint16_t)n;
        return good;
    case KIND_COUNT:
        good = take_number(value, 0, UINT32_MAX, &n);
        *(uint32_t *)to = (uint32_t)n;
        return good;
    case KIND_AMOUNT:
        good = take_number(value, 0, INT64_MAX, &n);
        *(uint64_t *)to = (uint64_t)n;
        return good;
    case KIND_SPAN: return take_number(value, 0, INT64_MAX, to);
    case KIND_SIGNED: return take_number(value, INT64_MIN, INT64_MAX, to);
    }
    return false;
}

/* ---- objects ---- */

/* Sets the fields that the table describes, and takes those with a column out of the object. */
static int take(struct reading *g, json_t *object, const struct member *table, size_t count,
                void *to)
{
    for (size_t i = 0; i < count; i++) {
        const struct member *m = &table[i];
        if (g->only_more && !m->more) {
            continue;
        }
        const json_t *value = json_object_get(object, m->name);
        if (value == NULL ? m->needed : !take_value(g, m, value, (char *)to + m->at)) {
            return wrong(g, m->wrong);
        }
        if (value != NULL && !m->more) {
            (void)json_object_del(object, m->name);
        }
    }
    return 0;
}

#define TAKE(g, object, table, to) take(g, object, table, sizeof(table) / sizeof((table)[0]), to)

/* The object's text; empty where there is nothing in it. */
static struct slice dumped(struct reading *g, const json_t *object)
{
    size_t n = 1000, room;
    char *p;

    if (json_object_size(object) == 0) {
        return (struct slice){"", 0};
    }
    do {
        room = n;
        p = arena_alloc(g->arena, room + 1);
        n = json_dumpb(object, p, room, DUMP_FLAGS);
        if (n == 0) {
            fatal("out of memory for a record");
        }
    } while (n > room);
    p[n] = '\0';
    return (struct slice){p, n};
}

/* An array of texts, such as the rules that fired. */
static int take_labels(struct reading *g, json_t *object, const char *key, const struct slice **ret,
                       size_t *ret_count)
{
    const json_t *array = json_object_get(object, key);
    size_t count = json_array_size(array);

    if (array == NULL) {
        return 0;
    }
    if (!json_is_array(array)) {
        return wrong(g, "\"fired\" or \"observed\" is no array");
    }
    struct slice *labels = arena_alloc(g->arena, count * sizeof(*labels));
    for (size_t i = 0; i < count; i++) {
        const json_t *label = json_array_get(array, i);
        if (!json_is_string(label)) {
            return wrong(g, "a rule's label is no text");
        }
        labels[i] = copied(g, label);
    }
    (void)json_object_del(object, key);
    *ret = labels;
    *ret_count = count;
    return 0;
}

static int take_judgement(struct reading *g, json_t *object, struct journal_judgement *j)
{
    if (TAKE(g, object, judgement_members, j) < 0 ||
        take_labels(g, object, "fired", &j->fired, &j->fired_count) < 0 ||
        take_labels(g, object, "observed", &j->observed, &j->observed_count) < 0) {
        return -EBADMSG;
    }
    const json_t *facts = json_object_get(object, "facts");
    if (facts == NULL) {
        return 0;
    }
    if (!json_is_object(facts)) {
        return wrong(g, "\"facts\" is no object");
    }
    j->facts = dumped(g, facts);
    (void)json_object_del(object, "facts");
    return 0;
}

static int take_recipient(struct reading *g, json_t *object, struct journal_recipient *r)
{
    if (!json_is_object(object)) {
        return wrong(g, "a recipient is no object");
    }
    r->at = -1;
    if (TAKE(g, object, recipient_members, r) < 0 || TAKE(g, object, hop_members, &r->hop) < 0 ||
        take_judgement(g, object, &r->judgement) < 0) {
        return -EBADMSG;
    }
    r->more = dumped(g, object);
    return 0;
}

static int take_recipients(struct reading *g, json_t *object, struct journal_record *r)
{
    json_t *array = json_object_get(object, "recipients");
    size_t count = json_array_size(array);

    if (!r->has_transaction && array == NULL) {
        return 0;
    }
    if (!r->has_transaction || !json_is_array(array)) {
        return wrong(g, "\"sender\" and \"recipients\" do not fit together");
    }
    struct journal_recipient *recipients = arena_zalloc(g->arena, count * sizeof(*recipients));
    for (size_t i = 0; i < count; i++) {
        recipients[i].number = (unsigned)i + 1;
        if (take_recipient(g, json_array_get(array, i), &recipients[i]) < 0) {
            return -EBADMSG;
        }
    }
    (void)json_object_del(object, "recipients");
    r->recipients = recipients;
    r->recipient_count = count;
    return 0;
}

/* ---- a record ---- */

static const struct journal_timeline nothing_happened = {-1, -1, -1, -1, -1, -1, -1, -1};

/* What has no column, but for the hop. */
static int take_message_and_timeline(struct reading *g, json_t *object, struct journal_record *r)
{
    json_t *message = json_object_get(object, "message");
    json_t *timeline = json_object_get(object, "timeline_us");

    r->timeline = nothing_happened;
    if ((message != NULL && !json_is_object(message)) ||
        (timeline != NULL && !json_is_object(timeline))) {
        return wrong(g, "\"message\" or \"timeline_us\" is no object");
    }
    r->has_message = message != NULL;
    if ((message != NULL && TAKE(g, message, message_members, r) < 0) ||
        (timeline != NULL && TAKE(g, timeline, timeline_members, &r->timeline) < 0)) {
        return -EBADMSG;
    }
    return 0;
}

/* A kind, a blank, and a name. */
static bool is_name(struct slice text)
{
    const char *blank = text.n > 0 ? memchr(text.p, ' ', text.n) : NULL;

    return blank != NULL && blank > text.p && blank + 1 < text.p + text.n;
}

/* They have no column, and stay in the object. */
static int take_names(struct reading *g, const json_t *object, struct journal_record *r)
{
    const json_t *array = json_object_get(object, "names");
    const size_t count = json_array_size(array);

    if (array == NULL) {
        return 0;
    }
    if (!json_is_array(array) || count > JOURNAL_NAMES_MOST) {
        return wrong(g, "\"names\" is no array, or too long");
    }
    struct slice *names = arena_alloc(g->arena, count * sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        const json_t *name = json_array_get(array, i);
        names[i] = json_is_string(name) ? copied(g, name) : (struct slice){"", 0};
        if (!is_name(names[i])) {
            return wrong(g, "one of \"names\" is no kind with a name");
        }
    }
    r->names = names;
    r->name_count = count;
    return 0;
}

static int take_record(struct reading *g, json_t *object, struct journal_record *r)
{
    if (!json_is_object(object)) {
        return wrong(g, "it is no object");
    }
    r->has_transaction = json_object_get(object, "sender") != NULL;
    if (TAKE(g, object, record_members, r) < 0 || TAKE(g, object, hop_members, &r->hop) < 0 ||
        take_message_and_timeline(g, object, r) < 0 || take_names(g, object, r) < 0 ||
        take_judgement(g, object, &r->judgement) < 0 || take_recipients(g, object, r) < 0) {
        return -EBADMSG;
    }
    r->more = dumped(g, object);
    return 0;
}

/* The JSON of `text`, or NULL after saying why not. */
static json_t *load(struct reading *g, struct slice text)
{
    json_error_t error;

    if (text.n > JOURNAL_LINE_MOST) {
        (void)wrong(g, "it is too long");
        return NULL;
    }
    if (json_is_deeper(text, JOURNAL_DEPTH_MOST)) {
        (void)wrong(g, "it is nested too deeply");
        return NULL;
    }
    json_t *value = json_loadb(text.p != NULL ? text.p : "", text.n, LOAD_FLAGS, &error);
    if (value == NULL) {
        if (json_error_code(&error) == json_error_out_of_memory) {
            fatal("out of memory for a record");
        }
        (void)wrong(g, "it is no JSON");
    }
    return value;
}

int journal_record_parse(struct slice line, struct arena *arena, struct journal_record *ret,
                         const char **ret_why)
{
    struct reading g = {.arena = arena};
    struct journal_record record = {0};
    json_t *object = load(&g, line);
    int r = object == NULL ? -EBADMSG : take_record(&g, object, &record);

    json_decref(object);
    if (r < 0) {
        *ret_why = g.why;
        return r;
    }
    *ret = record;
    return 0;
}

/* ---- back from the journal ---- */

int journal_record_read_more(struct journal_record *r, struct arena *arena)
{
    struct reading g = {.arena = arena, .only_more = true};
    struct journal_record whole = *r;

    r->timeline = nothing_happened;
    if (r->more.n == 0) {
        return 0;
    }
    json_t *object = load(&g, r->more);
    bool good = json_is_object(object) && TAKE(&g, object, record_members, &whole) == 0 &&
                TAKE(&g, object, hop_members, &whole.hop) == 0 &&
                take_message_and_timeline(&g, object, &whole) == 0 &&
                take_names(&g, object, &whole) == 0;
    json_decref(object);
    if (!good) {
        return -EBADMSG;
    }
    *r = whole;
    return 0;
}

int journal_recipient_read_more(struct journal_recipient *r, struct arena *arena)
{
    struct reading g = {.arena = arena, .only_more = true};
    struct journal_recipient whole = *r;

    if (r->more.n == 0) {
        return 0;
    }
    json_t *object = load(&g, r->more);
    bool good = json_is_object(object) && TAKE(&g, object, recipient_members, &whole) == 0 &&
                TAKE(&g, object, hop_members, &whole.hop) == 0;
    json_decref(object);
    if (!good) {
        return -EBADMSG;
    }
    *r = whole;
    return 0;
}
