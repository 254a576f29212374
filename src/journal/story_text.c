/* A story as text for people. Everything that is printed goes through text_show, whoever wrote it.
 */
#include <stdlib.h>

#include "base/text.h"
#include "conf/value.h"
#include "journal/story_impl.h"

#define WIDTH      78
#define INDENT     2
#define LABEL_WIDE 13
/* Octets of one text that are shown. */
#define TEXT_MOST ((size_t)1000)

/* ---- texts ---- */

static struct slice string_of(const json_t *value)
{
    return (struct slice){json_string_value(value), json_string_length(value)};
}

static struct slice member(const json_t *object, const char *key)
{
    return string_of(json_object_get(object, key));
}

static bool has(const json_t *object, const char *key)
{
    return json_object_get(object, key) != NULL;
}

static void show_member(struct buf *ret, const json_t *object, const char *key)
{
    text_show(ret, member(object, key), TEXT_MOST);
}

/* A value of any type. */
static void show_value(struct buf *ret, const json_t *value)
{
    if (json_is_string(value)) {
        buf_append_slice(ret, SLICE_LIT("\""));
        text_show(ret, string_of(value), TEXT_MOST);
        buf_append_slice(ret, SLICE_LIT("\""));
        return;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII |
                                       JSON_REAL_PRECISION(12));
    text_show(ret, slice_of(text != NULL ? text : "?"), TEXT_MOST);
    free(text);
}

/* Columns that a text takes: about one for each character. */
static size_t columns(struct slice text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    }
    return n;
}

/* Appends the text broken at blanks into lines; the first begins at column `at`, others are
 * indented by `indent`. Ends the line. */
static void put_wrapped(struct buf *ret, struct slice text, size_t at, size_t indent)
{
    bool first = true;

    while (text.n > 0) {
        const char *blank = memchr(text.p, ' ', text.n);
        const struct slice word = {text.p, blank != NULL ? (size_t)(blank - text.p) : text.n};
        if (!first && at + 1 + columns(word) > WIDTH) {
            buf_printf(ret, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            buf_append(ret, " ", 1);
            at++;
        }
        buf_append_slice(ret, word);
        at += columns(word);
        first = false;
        text.p += word.n + (blank != NULL);
        text.n -= word.n + (blank != NULL);
    }
    buf_append(ret, "\n", 1);
}

/* "  LABEL        TEXT", what is in `text` being taken. */
static void put_line(struct buf *ret, const char *label, struct buf *text)
{
    const size_t indent = INDENT + LABEL_WIDE;
    size_t at = INDENT + strlen(label);

    buf_printf(ret, "%*s%s", INDENT, "", label);
    buf_printf(ret, "%*s", (int)(at < indent ? indent - at : 1), "");
    put_wrapped(ret, buf_slice(text), at < indent ? indent : at + 1, indent);
    text->n = 0;
}

/* A line of a part, indented once, and further where it goes on. Empties it. */
static void put_item(struct buf *ret, struct buf *line)
{
    buf_printf(ret, "%*s", INDENT, "");
    put_wrapped(ret, buf_slice(line), INDENT, 2 * INDENT);
    line->n = 0;
}

static void put_head(struct buf *ret, const char *head)
{
    buf_printf(ret, "\n%s\n", head);
}

/* ---- who ---- */

/* "network 192.0.2.0/24, spf example.org" */
static void put_names(struct buf *line, const json_t *names)
{
    const json_t *name;
    size_t i;

    json_array_foreach(names, i, name)
    {
        buf_append(line, ", ", i > 0 ? 2 : 0);
        text_show(line, string_of(name), TEXT_MOST);
    }
}

static void put_client(struct buf *ret, const json_t *client, struct buf *line)
{
    show_member(line, client, "address");
    if (has(client, "port")) {
        buf_printf(line, " port %lld",
                   (long long)json_integer_value(json_object_get(client, "port")));
    }
    if (has(client, "local")) {
        buf_append_slice(line, SLICE_LIT(", connected to "));
        show_member(line, client, "local");
    }
    put_line(ret, "client", line);
    if (has(client, "helo")) {
        show_member(line, client, "helo");
        buf_append_slice(line, SLICE_LIT(" ("));
        show_member(line, client, "protocol");
        buf_append_slice(line, SLICE_LIT(", "));
        if (has(client, "tls")) {
            show_member(line, client, "tls");
        } else {
            buf_append_slice(line, SLICE_LIT("no TLS"));
        }
        buf_append_slice(line, SLICE_LIT(")"));
        put_line(ret, "calls itself", line);
    }
    if (has(client, "names")) {
        put_names(line, json_object_get(client, "names"));
        put_line(ret, "is known by", line);
    }
    if (has(client, "early")) {
        buf_append_slice(line, SLICE_LIT("it spoke before it was greeted"));
        put_line(ret, "manners", line);
    }
    if (has(client, "unpipelined")) {
        buf_append_slice(line, SLICE_LIT("it sent commands ahead of our replies, first seen at "));
        show_member(line, client, "unpipelined");
        put_line(ret, "manners", line);
    }
}

static void put_address(struct buf *line, struct slice address)
{
    buf_append(line, "<", 1);
    text_show(line, address, TEXT_MOST);
    buf_append(line, ">", 1);
}

static void put_recipient(struct buf *ret, const json_t *to, struct buf *line)
{
    char label[32];

    (void)snprintf(label, sizeof(label), "recipient %lld",
                   (long long)json_integer_value(json_object_get(to, "number")));
    put_address(line, member(to, "recipient"));
    buf_append_slice(line, SLICE_LIT(" "));
    show_member(line, to, "verdict");
    if (has(to, "reply")) {
        buf_append_slice(line, SLICE_LIT(": "));
        show_member(line, to, "reply");
        buf_append_slice(line, SLICE_LIT(" (by "));
        show_member(line, to, has(to, "rule") ? "rule" : "by");
        buf_append_slice(line, SLICE_LIT(")"));
    } else if (has(to, "rule")) {
        buf_append_slice(line, SLICE_LIT(" by "));
        show_member(line, to, "rule");
    }
    if (has(to, "delivered_before")) {
        buf_append_slice(line, SLICE_LIT("; it had the message from an earlier try"));
    }
    put_line(ret, label, line);
}

static void put_who(struct buf *ret, const json_t *story, struct buf *line)
{
    const json_t *to;
    size_t i;

    put_head(ret, "Who");
    put_client(ret, json_object_get(story, "client"), line);
    if (!has(story, "sender")) {
        return;
    }
    put_address(line, member(story, "sender"));
    put_line(ret, "sender", line);
    json_array_foreach(json_object_get(story, "recipients"), i, to)
    {
        put_recipient(ret, to, line);
    }
    if (has(story, "recipients_unshown")) {
        show_value(line, json_object_get(story, "recipients_unshown"));
        buf_append_slice(line, SLICE_LIT(" more recipients, which are not shown"));
        put_line(ret, "and", line);
    }
}

/* ---- when ---- */

static void put_timeline(struct buf *ret, const json_t *story, struct buf *line)
{
    const json_t *step;
    size_t i;

    put_head(ret, "When");
    json_array_foreach(json_object_get(story, "timeline"), i, step)
    {
        const double at = (double)json_integer_value(json_object_get(step, "at_us"));
        char label[32];
        (void)snprintf(label, sizeof(label), "%10.3fs", at / USEC_SEC);
        show_member(line, step, "what");
        put_line(ret, label, line);
    }
}

/* ---- facts ---- */

static void put_where_from(struct buf *line, const json_t *fact)
{
    if (has(fact, "source")) {
        buf_append_slice(line, SLICE_LIT(" (from: "));
        show_member(line, fact, "source");
        if (has(fact, "ms")) {
            buf_printf(line, ", %.1f ms", json_number_value(json_object_get(fact, "ms")));
        }
        buf_append_slice(line, SLICE_LIT(")"));
    }
    if (has(fact, "cut")) {
        buf_append_slice(line, SLICE_LIT(", the beginning of "));
        show_value(line, json_object_get(fact, "cut"));
        buf_append_slice(line, SLICE_LIT(" octets"));
    }
}

/* A time or a size with its unit, as a policy would have it: "5s". False for what is neither. */
static bool put_amount(struct buf *line, struct slice name, const json_t *value)
{
    char text[VALUE_TEXT_MAX];

    for (size_t i = 0; json_is_integer(value) && i < FACT_COUNT; i++) {
        const enum value_type type = facts[i].type;
        if ((type == TYPE_DURATION || type == TYPE_SIZE) &&
            slice_eq(name, slice_of(facts[i].name))) {
            const enum value_kind kind = type == TYPE_SIZE ? VALUE_SIZE : VALUE_TIME;
            buf_append_slice(line, slice_of(value_format(kind, json_integer_value(value), text)));
            return true;
        }
    }
    return false;
}

static void put_fact(struct buf *ret, const json_t *fact, struct buf *line)
{
    show_member(line, fact, "fact");
    if (has(fact, "recipient")) {
        buf_append_slice(line, SLICE_LIT(" of recipient "));
        show_value(line, json_object_get(fact, "recipient"));
    }
    if (has(fact, "unknown")) {
        buf_append_slice(line, SLICE_LIT(": "));
        show_member(line, fact, "reason");
    } else {
        const json_t *value = json_object_get(fact, "value");
        buf_append_slice(line, SLICE_LIT(" = "));
        if (!put_amount(line, member(fact, "fact"), value)) {
            show_value(line, value);
        }
    }
    put_where_from(line, fact);
    put_item(ret, line);
}

static void put_facts(struct buf *ret, const json_t *story, bool known, const char *head,
                      struct buf *line)
{
    const json_t *fact;
    bool any = false;
    size_t i;

    json_array_foreach(json_object_get(story, "facts"), i, fact)
    {
        if (has(fact, "unknown") == known) {
            continue;
        }
        if (!any) {
            put_head(ret, head);
        }
        any = true;
        put_fact(ret, fact, line);
    }
}

/* ---- rules ---- */

static void put_rule(struct buf *ret, const json_t *rule, struct buf *line)
{
    show_member(line, rule, "rule");
    buf_append_slice(line, SLICE_LIT(" "));
    show_member(line, rule, "what");
    if (has(rule, "phase")) {
        buf_append_slice(line, SLICE_LIT(" at "));
        show_member(line, rule, "phase");
    }
    if (has(rule, "recipient")) {
        buf_append_slice(line, SLICE_LIT(" for recipient "));
        show_value(line, json_object_get(rule, "recipient"));
    }
    if (has(rule, "text")) {
        buf_append_slice(line, SLICE_LIT(": "));
        show_member(line, rule, "text");
    }
    if (has(rule, "would_have")) {
        buf_append_slice(line, SLICE_LIT(" -- it would have "));
        show_member(line, rule, "would_have");
    }
    put_item(ret, line);
}

static void put_rules(struct buf *ret, const json_t *story, struct buf *line)
{
    const json_t *rule;
    size_t i;

    if (has(story, "rules")) {
        put_head(ret, "Rules that fired");
    }
    json_array_foreach(json_object_get(story, "rules"), i, rule)
    {
        put_rule(ret, rule, line);
    }
    if (has(story, "doubt")) {
        buf_append_slice(line, SLICE_LIT("doubt "));
        show_value(line, json_object_get(story, "doubt"));
        buf_append_slice(line, SLICE_LIT(" in all"));
        if (has(story, "why")) {
            buf_append_slice(line, SLICE_LIT(": "));
            show_member(line, story, "why");
        }
        put_item(ret, line);
    }
}

static void put_decided(struct buf *ret, const json_t *story, struct buf *line)
{
    const json_t *decided = json_object_get(story, "decided");

    if (decided == NULL) {
        return;
    }
    put_head(ret, "Which rule decided");
    show_member(line, decided, "rule");
    if (has(decided, "phase")) {
        buf_append_slice(line, SLICE_LIT(", at "));
        show_member(line, decided, "phase");
    }
    if (has(decided, "text")) {
        buf_append_slice(line, SLICE_LIT(": "));
        show_member(line, decided, "text");
    }
    put_item(ret, line);
}

/* ---- what was said ---- */

static void put_told(struct buf *ret, const json_t *story, struct buf *line)
{
    if (!has(story, "told")) {
        return;
    }
    put_head(ret, "What the client was told");
    show_member(line, story, "told");
    if (has(story, "told_id")) {
        buf_append_slice(line, SLICE_LIT(" ["));
        show_member(line, story, "told_id");
        buf_append_slice(line, SLICE_LIT("]"));
    }
    put_item(ret, line);
}

static void put_hop(struct buf *ret, const json_t *story, struct buf *line)
{
    static const char *const lines[][2] = {
        {"name", "name"},
        {"failed", "failed"},
        {"tls", "TLS"},
        {"tls_unused", "no TLS"},
        {"xclient_unused", "no XCLIENT"},
        {"said", "said"},
    };
    const json_t *hop = json_object_get(story, "next_hop");

    if (hop == NULL) {
        return;
    }
    put_head(ret, "The next hop");
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (has(hop, lines[i][0])) {
            show_member(line, hop, lines[i][0]);
            put_line(ret, lines[i][1], line);
        }
    }
}

/* ---- what would have to differ ---- */

/* " (doubt = 3, rcpt.known = unknown)"; nothing where the condition is that fact alone. */
static void put_values(struct buf *line, const json_t *atom)
{
    json_t *values = json_object_get(atom, "values");
    const struct slice condition = member(atom, "condition");
    const char *between = " (";
    const char *name;
    json_t *value;

    json_object_foreach(values, name, value)
    {
        if (slice_eq(slice_of(name), condition)) {
            continue;
        }
        buf_append_slice(line, slice_of(between));
        text_show(line, slice_of(name), TEXT_MOST);
        buf_append_slice(line, SLICE_LIT(" = "));
        if (json_string_length(value) > 0) {
            text_show(line, string_of(value), TEXT_MOST);
        } else {
            buf_append_slice(line,
                             json_is_string(value) ? SLICE_LIT("\"\"") : SLICE_LIT("unknown"));
        }
        between = ", ";
    }
    if (between[0] == ',') {
        buf_append(line, ")", 1);
    }
}

static void put_atom(struct buf *ret, const json_t *atom, size_t depth, struct buf *line)
{
    show_member(line, atom, "condition");
    buf_append_slice(line, SLICE_LIT(": was "));
    show_member(line, atom, "was");
    put_values(line, atom);
    buf_printf(line, ", would have to be %s",
               json_is_true(json_object_get(atom, "must_be")) ? "true" : "false");
    buf_printf(ret, "%*s- ", (int)(depth * INDENT), "");
    put_wrapped(ret, buf_slice(line), (depth + 1) * INDENT, (depth + 1) * INDENT);
    line->n = 0;
}

/* Trees are no higher than those of the policy. */
static void put_needs(struct buf *ret, const json_t *needs, size_t depth, struct buf *line)
{
    const json_t *part;
    const bool any = has(needs, "any");
    size_t i;

    if (has(needs, "condition")) {
        put_atom(ret, needs, depth, line);
        return;
    }
    if (!any && !has(needs, "all")) {
        return;
    }
    buf_printf(ret, "%*s- %s:\n", (int)(depth * INDENT), "", any ? "one of these" : "all of these");
    json_array_foreach(json_object_get(needs, any ? "any" : "all"), i, part)
    {
        put_needs(ret, part, depth + 1, line);
    }
}

static void put_differ(struct buf *ret, const json_t *story, struct buf *line)
{
    const json_t *differ = json_object_get(story, "differ");

    if (differ == NULL) {
        return;
    }
    put_head(ret, "What would have to differ");
    show_member(line, differ, "say");
    buf_printf(ret, "%*s", INDENT, "");
    put_wrapped(ret, buf_slice(line), INDENT, INDENT);
    line->n = 0;
    if (has(differ, "needs")) {
        put_needs(ret, json_object_get(differ, "needs"), 1, line);
    }
}

static void put_advice(struct buf *ret, const json_t *story, struct buf *line)
{
    const json_t *one;
    size_t i;

    if (has(story, "advice")) {
        put_head(ret, "What can be done");
    }
    json_array_foreach(json_object_get(story, "advice"), i, one)
    {
        text_show(line, string_of(one), TEXT_MOST);
        put_item(ret, line);
    }
}

/* ---- the rest ---- */

static void put_connection(struct buf *ret, const json_t *story, struct buf *line)
{
    const json_t *other;
    size_t i;

    if (json_array_size(json_object_get(story, "connection")) < 2) {
        return;
    }
    put_head(ret, "All of this connection");
    json_array_foreach(json_object_get(story, "connection"), i, other)
    {
        show_member(line, other, "id");
        buf_append_slice(line, SLICE_LIT(" "));
        show_member(line, other, "verdict");
        buf_append_slice(line, SLICE_LIT(" at "));
        show_member(line, other, "phase");
        if (has(other, "sender")) {
            buf_append_slice(line, SLICE_LIT(", from "));
            put_address(line, member(other, "sender"));
        }
        put_item(ret, line);
    }
}

void story_print(const json_t *story, struct buf *ret)
{
    struct buf line = {0};

    show_member(&line, story, "id");
    if (has(story, "recipient")) {
        buf_append_slice(&line, SLICE_LIT(", recipient "));
        show_value(&line, json_object_get(story, "recipient"));
    }
    buf_append_slice(&line, SLICE_LIT(", "));
    show_member(&line, story, "time");
    put_wrapped(ret, buf_slice(&line), 0, INDENT);
    line.n = 0;
    buf_append(ret, "\n", 1);
    show_member(&line, story, "ending");
    put_wrapped(ret, buf_slice(&line), 0, 0);
    line.n = 0;
    put_who(ret, story, &line);
    put_timeline(ret, story, &line);
    put_facts(ret, story, true, "What was known", &line);
    put_facts(ret, story, false, "What was asked for and not known", &line);
    put_rules(ret, story, &line);
    put_decided(ret, story, &line);
    put_told(ret, story, &line);
    put_hop(ret, story, &line);
    put_differ(ret, story, &line);
    put_advice(ret, story, &line);
    put_connection(ret, story, &line);
    buf_free(&line);
}
