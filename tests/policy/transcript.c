/* The transcript of a case: what was said, when, and what came of it. Nothing in it may depend on
 * anything but the dialogue and the policy. */
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "golden.h"

/* Of one text more than that is not shown. */
#define SHOWN_OCTETS ((size_t)300)
/* Of longer lists of recipients only the first and the last are shown. */
#define SHOWN_RECIPIENTS 20
/* Shorter delays are the network's. */
#define SHOWN_DELAY (400 * USEC_MSEC)

static void put_text(struct buf *b, struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c >= ' ' && c <= '~') {
            buf_append(b, &text.p[i], 1);
        } else {
            buf_printf(b, c == '\r' ? "\\r" : c == '\n' ? "\\n" : "\\x%02x", c);
        }
    }
}

/* The same, but not more than SHOWN_OCTETS of it. */
static void put_some(struct buf *b, struct slice text)
{
    put_text(b, text.n > SHOWN_OCTETS ? (struct slice){text.p, SHOWN_OCTETS} : text);
    if (text.n > SHOWN_OCTETS) {
        buf_printf(b, "... (%zu octets)", text.n);
    }
}

/* "[0123456789abcd.1.2]": where such an id begins, the length of its first part; else 0. */
static size_t id_at(const char *p, size_t n)
{
    static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
    if (n < DECISION_ID_LEN + 2 || p[0] != '[' || p[DECISION_ID_LEN + 1] != '.') {
        return 0;
    }
    for (size_t i = 1; i <= DECISION_ID_LEN; i++) {
        char lower = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + 32) : p[i];
        if (strchr(letters, lower) == NULL) {
            return 0;
        }
    }
    return DECISION_ID_LEN;
}

/* A reply with its decision id made "ID". What EHLO offers is not the policy's business. */
static void put_reply(struct buf *b, struct slice reply)
{
    static const struct slice offer = SLICE_LIT("250-mx.example | 250-PIPELINING");
    if (reply.n > offer.n && memcmp(reply.p, offer.p, offer.n) == 0) {
        buf_printf(b, "250-mx.example | ...");
        return;
    }
    for (size_t i = 0; i < reply.n; i++) {
        size_t id = id_at(reply.p + i, reply.n - i);
        put_text(b, (struct slice){reply.p + i, 1});
        if (id > 0) {
            buf_printf(b, "ID");
            i += id;
        }
    }
}

static void put_delay(struct buf *b, usec_t t)
{
    if (t >= SHOWN_DELAY) {
        long long tenths = (t + 50 * USEC_MSEC) / (100 * USEC_MSEC);
        buf_printf(b, tenths % 10 != 0 ? "+%lld.%llds" : "+%llds", tenths / 10, tenths % 10);
    }
}

/* ---- what the hop has taken ---- */

/* The header's fields but for our own Received, in one line. */
static void put_header(struct buf *b, struct slice message)
{
    struct buf fields = {0};
    bool first = true, shown = false; /* shown: the field that the line belongs to */
    while (message.n > 0 && message.p[0] != '\r') {
        const char *lf = memchr(message.p, '\n', message.n);
        size_t n = lf != NULL ? (size_t)(lf - message.p) + 1 : message.n;
        struct slice line = {message.p, n};
        bool folded = line.p[0] == ' ' || line.p[0] == '\t';
        if (!folded) {
            shown = strncmp(line.p, "Received: from ", 15) != 0 || !first;
            first = false;
        }
        while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) {
            line.n--;
        }
        if (shown) {
            buf_append(&fields, " | ", folded ? 0 : 3);
            buf_append_slice(&fields, line);
        }
        message = (struct slice){message.p + n, message.n - n};
    }
    put_some(b, buf_slice(&fields));
    buf_free(&fields);
}

static void note_messages(struct run *r)
{
    const struct mail_hop *hop = r->hop;
    if (hop == NULL || hop->messages == r->messages_noted) {
        return;
    }
    r->messages_noted = hop->messages;
    buf_printf(&r->log, "* taken for");
    for (size_t at = r->copies_noted; at < hop->copies.n; at++) {
        char c = hop->copies.p[at];
        if (at == r->copies_noted || hop->copies.p[at - 1] == '\n') {
            buf_printf(&r->log, " ");
        }
        if (c != '\n') {
            put_text(&r->log, (struct slice){&c, 1});
        }
    }
    r->copies_noted = hop->copies.n;
    put_header(&r->log, buf_slice(&hop->last));
    buf_printf(&r->log, "\n");
}

/* ---- the dialogue ---- */

void note(struct run *r, const char *prefix, struct slice text)
{
    const struct client *c = this_client(r);
    bool reply = strcmp(prefix, "<") == 0;
    note_messages(r);
    buf_printf(&r->log, "%s", prefix);
    if (reply) {
        put_delay(&r->log, c->replied_at - c->spoke_at);
    }
    buf_printf(&r->log, text.n > 0 ? " " : "");
    if (reply) {
        put_reply(&r->log, text);
    } else {
        put_some(&r->log, text);
    }
    buf_append(&r->log, "\n", 1);
}

/* ---- the end ---- */

static bool has_word(const char *const *words, const char *word)
{
    while (*words != NULL && strcmp(*words, word) != 0) {
        words++;
    }
    return *words != NULL;
}

static void put_value(struct buf *b, const json_t *value);

static void put_string(struct buf *b, const char *text)
{
    static const char file[] = "test.conf:";
    size_t n = sizeof file - 1;
    if (strncmp(text, file, n) == 0) {
        buf_printf(b, "line ");
        text += n;
    }
    put_some(b, slice_of(text));
}

static void put_array(struct buf *b, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        buf_printf(b, i > 0 ? ", " : "%s", "");
        put_value(b, json_array_get(array, i));
    }
}

/* A fact that had to be asked for: "true (next hop)", "unknown (timeout)". */
static void put_asked_for(struct buf *b, const json_t *fact)
{
    const json_t *reason = json_object_get(fact, "unknown");
    const json_t *cut = json_object_get(fact, "cut");
    if (reason != NULL) {
        buf_printf(b, "unknown (%s)", json_string_value(reason));
        return;
    }
    put_value(b, json_object_get(fact, "value"));
    if (cut != NULL) {
        buf_printf(b, " (of %d octets)", (int)json_integer_value(cut));
    }
    if (json_object_get(fact, "source") != NULL) {
        buf_printf(b, " (%s)", json_string_value(json_object_get(fact, "source")));
    }
}

static void put_object(struct buf *b, const json_t *object)
{
    const char *key;
    const json_t *item;
    bool first = true;
    if (json_object_get(object, "unknown") != NULL || json_object_get(object, "value") != NULL) {
        put_asked_for(b, object);
        return;
    }
    json_object_foreach((json_t *)object, key, item)
    {
        buf_printf(b, "%s%s=", first ? "" : ", ", key);
        put_value(b, item);
        first = false;
    }
}

/* A value in one line: "a, b" of a list, "name=value, name=value" of an object. The configuration's
 * file has no name here: what counts is the line of the case's policy. */
static void put_value(struct buf *b, const json_t *value)
{
    if (json_is_string(value)) {
        put_string(b, json_string_value(value));
    } else if (json_is_array(value)) {
        put_array(b, value);
    } else if (json_is_object(value)) {
        put_object(b, value);
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        buf_printf(b, "%s", text);
        free(text);
    }
}

/* "refused 550 5.7.1", of a decision or of one of its recipients. */
static void put_verdict(struct buf *b, const json_t *object)
{
    const char *verdict = json_string_value(json_object_get(object, "verdict"));
    const char *enhanced = json_string_value(json_object_get(object, "enhanced"));
    json_int_t code = json_integer_value(json_object_get(object, "code"));
    buf_printf(b, "%s", verdict != NULL ? verdict : "no verdict");
    if (code != 0) {
        buf_printf(b, " %d%s%s", (int)code, enhanced != NULL ? " " : "",
                   enhanced != NULL ? enhanced : "");
    }
}

/* Fields that say nothing of the policy, or were said already. */
static const char *const unshown[] = {
    "id",
    "time",
    "worker",
    "epoch",
    "sequence",
    "lost",
    "client",
    "port",
    "helo",
    "protocol",
    "tls",
    "sender",
    "recipients",
    "size",
    "phase",
    "verdict",
    "code",
    "enhanced",
    "text",
    "hop",
    "hop_tls_unused",
    "duration_us",
    "recipient",
    "run",
    "policy",
    "local",
    "listener",
    "size_declared",
    "failures_before",
    "message",
    "timeline_us",
    "at_us",
    "names",
    NULL,
};

/* What vouched for the other side; that it has a network is always so. */
static void put_names(struct buf *b, const json_t *names)
{
    const json_t *name;
    size_t i;
    bool first = true;
    json_array_foreach(names, i, name)
    {
        if (strncmp(json_string_value(name), "network ", sizeof("network ") - 1) != 0) {
            buf_printf(b, "%s%s", first ? "    vouched for by " : ", ", json_string_value(name));
            first = false;
        }
    }
    buf_append(b, "\n", first ? 0 : 1);
}

static void put_further(struct buf *b, const char *indent, const json_t *object)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (!has_word(unshown, key)) {
            buf_printf(b, "%s%s ", indent, key);
            put_value(b, value);
            buf_append(b, "\n", 1);
        }
    }
}

static void put_recipient(struct buf *b, const json_t *recipient)
{
    buf_printf(b, "  to ");
    put_value(b, json_object_get(recipient, "recipient"));
    buf_printf(b, ": ");
    put_verdict(b, recipient);
    buf_append(b, "\n", 1);
    put_further(b, "    ", recipient);
}

static void put_decision(void *arg, const json_t *line)
{
    struct buf *b = &((struct run *)arg)->log;
    const char *id = json_string_value(json_object_get(line, "id"));
    const char *phase = json_string_value(json_object_get(line, "phase"));
    const json_t *recipients = json_object_get(line, "recipients");
    const char *dot = id != NULL ? strchr(id, '.') : NULL;
    size_t count = json_array_size(recipients);
    buf_printf(b, "= decision %s at %s: ", dot != NULL ? dot : "without an id", phase);
    put_verdict(b, line);
    buf_append(b, "\n", 1);
    put_names(b, json_object_get(line, "names"));
    put_further(b, "    ", line);
    for (size_t i = 0; i < count; i++) {
        if (count <= SHOWN_RECIPIENTS || i == 0 || i + 1 == count) {
            put_recipient(b, json_array_get(recipients, i));
        } else if (i == 1) {
            buf_printf(b, "  and %zu more, to the last\n", count - 2);
        }
    }
}

/* How often the hop was asked for a recipient. */
static void put_asked(struct run *r)
{
    unsigned asked = 0;
    struct slice heard = buf_slice(&r->hop->heard);
    while (heard.n > 0) {
        size_t n = (size_t)((const char *)memchr(heard.p, '\n', heard.n) - heard.p) + 1;
        asked += n > 5 && strncmp(heard.p, "RCPT ", 5) == 0;
        heard = (struct slice){heard.p + n, heard.n - n};
    }
    if (asked > 0) {
        buf_printf(&r->log, "= recipients asked of the hop: %u\n", asked);
    }
}

/* How often facts were computed that cost something, over all workers. */
static void put_computed(struct run *r)
{
    uint64_t limits = 0;
    const char *before = "= computed: ";
    for (unsigned f = 0; f < FACT_COUNT; f++) {
        uint64_t computed = 0, unknown = 0;
        for (unsigned i = 0; i < r->house->worker_count; i++) {
            computed += r->house->workers[i]->server.counters.computed[f];
            unknown += r->house->workers[i]->server.counters.unknown[f];
        }
        if (computed > 0 && facts[f].cost > COST_FREE) {
            buf_printf(&r->log, "%s%s %llu", before, facts[f].name, (unsigned long long)computed);
            if (unknown > 0) {
                buf_printf(&r->log, " (%llu unknown)", (unsigned long long)unknown);
            }
            before = ", ";
        }
    }
    if (before[0] == ',') {
        buf_append(&r->log, "\n", 1);
    }
    for (unsigned i = 0; i < r->house->worker_count; i++) {
        limits += r->house->workers[i]->server.counters.pattern_limits;
    }
    if (limits > 0) {
        buf_printf(&r->log, "= patterns stopped: %llu\n", (unsigned long long)limits);
    }
}

/* What the operator was told of tables' files. */
static void put_told(struct run *r)
{
    struct slice told = buf_slice(&r->house->told);
    size_t folder = strlen(r->folder);
    while (told.n > 0) {
        size_t n = (size_t)((const char *)memchr(told.p, '\n', told.n) - told.p) + 1;
        buf_printf(&r->log, "= told: ");
        for (size_t i = 0; i < n; i++) {
            bool path = folder > 0 && n - i > folder && memcmp(told.p + i, r->folder, folder) == 0;
            buf_printf(&r->log, path ? "@FILES@" : "%c", told.p[i]);
            i += path ? folder - 1 : 0;
        }
        told = (struct slice){told.p + n, told.n - n};
    }
}

void transcript_finish(struct run *r)
{
    note_messages(r);
    each_decision(r, put_decision, r);
    put_asked(r);
    put_computed(r);
    put_told(r);
}
