/* See record_line.h. Written by hand, as decision lines are; read by jansson. */
#include "store/record_line.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/fatal.h"
#include "store/record_form.h"

#define DAY ((usec_t)86400 * USEC_SEC)
/* Beyond that no count is believed; a float tells such numbers apart by more than one. */
#define COUNT_MOST 1e12

/* ---- writing ---- */

static const char hex[] = "0123456789abcdef";

/* JSON knows no octets: what is not UTF-8 goes under another key, in hexadecimal digits. */
static void put_octets(struct emit *e, const char *key, const char *hex_key, struct slice text)
{
    char digits[2 * RECORD_NAME_MAX];
    json_t *as_text = json_stringn(text.p, text.n);

    if (as_text != NULL) {
        emit_text(e, key, text);
        json_decref(as_text);
        return;
    }
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        digits[2 * i] = hex[c >> 4];
        digits[2 * i + 1] = hex[c & 15];
    }
    emit_text(e, hex_key, (struct slice){digits, 2 * text.n});
}

/* With microseconds, so that nothing is lost. */
static void put_time(struct emit *e, const char *key, usec_t at)
{
    char text[TIME_RFC3339_MAX + 4];

    if (at != 0) {
        time_format_rfc3339(at, text);
        const size_t n = strlen(text) - 1;
        (void)snprintf(text + n, sizeof(text) - n, "%03dZ", (int)(at % USEC_MSEC));
        emit_text(e, key, slice_of(text));
    }
}

static void put_day(struct emit *e, uint32_t day)
{
    char text[TIME_RFC3339_MAX];

    if (day != 0) {
        time_format_rfc3339((usec_t)day * DAY, text);
        emit_text(e, "day", (struct slice){text, sizeof("2026-11-22") - 1});
    }
}

static void put_counts(struct emit *e, const struct record *r)
{
    char key[32];

    emit_object(e, "tally");
    for (int i = 0; i < TALLY_COUNT; i++) {
        if (r->tally[i] > 0) {
            emit_real(e, record_tally_key((enum record_tally)i, key), r->tally[i]);
        }
    }
    emit_object_end(e);
    emit_object(e, "rate");
    for (int i = 0; i < RATE_COUNT; i++) {
        if (r->rate[i] > 0) {
            emit_real(e, record_rate_key((enum record_rate)i, key), r->rate[i]);
        }
    }
    emit_object_end(e);
}

void record_line_members(struct emit *e, const struct record *r)
{
    emit_text(e, "kind", slice_of(record_kind_name(r->kind)));
    put_octets(e, "name", "name_hex", record_name(r));
    put_time(e, "first", r->first);
    put_time(e, "last", r->last);
    put_time(e, "returned", r->returned);
    put_time(e, "until", r->until);
    put_day(e, r->day);
    if (r->days > 0) {
        emit_unsigned(e, "days", r->days);
    }
    if (r->note_n > 0) {
        put_octets(e, "note", "note_hex", record_note(r));
    }
    put_counts(e, r);
}

void record_line_write(struct buf *to, const struct record *r)
{
    struct emit e = {.b = to};

    emit_object(&e, NULL);
    record_line_members(&e, r);
    emit_object_end(&e);
}

/* ---- reading ---- */

struct reading {
    usec_t wall;
    struct record r;
    struct slice name;
    char name_octets[RECORD_NAME_MAX];
    char *why; /* RECORD_LINE_WHY octets */
};

static int wrong(struct reading *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int wrong(struct reading *g, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(g->why, RECORD_LINE_WHY, format, ap);
    va_end(ap);
    return -EBADMSG;
}

static struct slice text_of(const json_t *value)
{
    return (struct slice){json_string_value(value), json_string_length(value)};
}

static int take_kind(struct reading *g, const json_t *value, const char *key)
{
    char kinds[120];

    (void)key;
    g->r.kind = json_is_string(value) ? (uint8_t)record_kind_named(text_of(value)) : 0;
    if (g->r.kind == 0) {
        record_kinds_list(kinds, sizeof(kinds));
        return wrong(g, "\"kind\" wants one of %s", kinds);
    }
    return 0;
}

static int take_name(struct reading *g, const json_t *value, const char *key)
{
    const struct slice text = text_of(value);

    if (!json_is_string(value) || text.n == 0 || text.n > sizeof(g->name_octets)) {
        return wrong(g, "\"%s\" wants a text of 1 to %d octets", key, RECORD_NAME_MAX);
    }
    memcpy(g->name_octets, text.p, text.n);
    g->name = (struct slice){g->name_octets, text.n};
    return 0;
}

static int digit_of(char c)
{
    const char *at = c != '\0' ? strchr(hex, c) : NULL;

    return at != NULL ? (int)(at - hex) : -1;
}

/* Octets from hexadecimal digits, at most `most` of them; 0 for what is none. */
static size_t unhex(struct slice text, char *ret, size_t most)
{
    if (text.n == 0 || text.n % 2 != 0 || text.n / 2 > most) {
        return 0;
    }
    for (size_t i = 0; i < text.n; i += 2) {
        const int high = digit_of(text.p[i]), low = digit_of(text.p[i + 1]);
        if (high < 0 || low < 0) {
            return 0;
        }
        ret[i / 2] = (char)(high << 4 | low);
    }
    return text.n / 2;
}

static int take_name_hex(struct reading *g, const json_t *value, const char *key)
{
    const size_t n =
        json_is_string(value) ? unhex(text_of(value), g->name_octets, sizeof(g->name_octets)) : 0;

    g->name = (struct slice){g->name_octets, n};
    return n > 0 ? 0 : wrong(g, "\"%s\" wants hexadecimal digits in pairs", key);
}

static int take_note(struct reading *g, const json_t *value, const char *key)
{
    if (!json_is_string(value) || json_string_length(value) > RECORD_NOTE_MAX) {
        return wrong(g, "\"%s\" wants a text of at most %d octets", key, RECORD_NOTE_MAX);
    }
    record_set_note(&g->r, text_of(value));
    return 0;
}

static int take_note_hex(struct reading *g, const json_t *value, const char *key)
{
    char octets[RECORD_NOTE_MAX];
    const size_t n = json_is_string(value) ? unhex(text_of(value), octets, sizeof(octets)) : 0;

    if (n == 0) {
        return wrong(g, "\"%s\" wants hexadecimal digits in pairs", key);
    }
    record_set_note(&g->r, (struct slice){octets, n});
    return 0;
}

/* A time up to `latest`. */
static int take_time(struct reading *g, const json_t *value, const char *key, usec_t latest,
                     usec_t *ret)
{
    if (!json_is_string(value) || time_parse_rfc3339(text_of(value), ret) < 0) {
        return wrong(g, "\"%s\" wants a time such as \"2026-11-22T04:49:30.123456Z\"", key);
    }
    return *ret <= latest ? 0 : wrong(g, "\"%s\" lies in the future", key);
}

static int take_first(struct reading *g, const json_t *value, const char *key)
{
    return take_time(g, value, key, g->wall + DAY, &g->r.first);
}

static int take_last(struct reading *g, const json_t *value, const char *key)
{
    return take_time(g, value, key, g->wall + DAY, &g->r.last);
}

static int take_returned(struct reading *g, const json_t *value, const char *key)
{
    return take_time(g, value, key, g->wall + DAY, &g->r.returned);
}

static int take_until(struct reading *g, const json_t *value, const char *key)
{
    return take_time(g, value, key, INT64_MAX, &g->r.until);
}

static int take_day(struct reading *g, const json_t *value, const char *key)
{
    static const char midnight[] = "T00:00:00Z";
    char text[40];
    usec_t at;

    if (json_is_string(value) && json_string_length(value) == sizeof("2026-11-22") - 1) {
        memcpy(text, json_string_value(value), sizeof("2026-11-22") - 1);
        memcpy(text + sizeof("2026-11-22") - 1, midnight, sizeof(midnight));
        if (time_parse_rfc3339(slice_of(text), &at) == 0 && at <= g->wall + DAY) {
            g->r.day = (uint32_t)(at / DAY);
            return 0;
        }
    }
    return wrong(g, "\"%s\" wants a day that is past, such as \"2026-11-22\"", key);
}

static int take_days(struct reading *g, const json_t *value, const char *key)
{
    const json_int_t n = json_integer_value(value);

    if (!json_is_integer(value) || n < 0 || n > g->wall / DAY + 1) {
        return wrong(g, "\"%s\" wants a number of days since 1970", key);
    }
    g->r.days = (uint32_t)n;
    return 0;
}

/* Counts by their keys; `index` finds the place of one. */
static int take_counts(struct reading *g, const json_t *value, const char *key,
                       int (*index)(struct slice key), float *ret)
{
    const char *name;
    json_t *count;

    if (!json_is_object(value)) {
        return wrong(g, "\"%s\" wants an object of numbers", key);
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, count)
    {
        const int i = index(slice_of(name));
        const double n = json_number_value(count);
        if (i < 0) {
            return wrong(g, "\"%s\" has no \"%.40s\"", key, name);
        }
        if (!json_is_number(count) || !isfinite(n) || n < 0 || n > COUNT_MOST) {
            return wrong(g, "\"%s\" wants numbers from 0 to 1e12, and \"%.40s\" is none", key,
                         name);
        }
        ret[i] = (float)n;
    }
    return 0;
}

static int take_tally(struct reading *g, const json_t *value, const char *key)
{
    return take_counts(g, value, key, record_tally_keyed, g->r.tally);
}

static int take_rate(struct reading *g, const json_t *value, const char *key)
{
    return take_counts(g, value, key, record_rate_keyed, g->r.rate);
}

/* What `state show --json` has worked out. */
static int take_nothing(struct reading *g, const json_t *value, const char *key)
{
    (void)g;
    (void)value;
    (void)key;
    return 0;
}

static const struct {
    const char *key;
    int (*take)(struct reading *g, const json_t *value, const char *key);
} members[] = {
    {"kind", take_kind},      {"name", take_name},         {"name_hex", take_name_hex},
    {"first", take_first},    {"last", take_last},         {"returned", take_returned},
    {"until", take_until},    {"day", take_day},           {"days", take_days},
    {"note", take_note},      {"note_hex", take_note_hex}, {"tally", take_tally},
    {"rate", take_rate},      {"good", take_nothing},      {"bad", take_nothing},
    {"proven", take_nothing},
};
#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

static int take_members(struct reading *g, json_t *object)
{
    const char *key;
    json_t *value;
    int r = 0;

    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (i < MEMBER_COUNT && strcmp(members[i].key, key) != 0) {
            i++;
        }
        r = i < MEMBER_COUNT ? members[i].take(g, value, key)
                             : wrong(g, "there is no member \"%.40s\"", key);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Does all fit together? */
static int check(struct reading *g)
{
    char form[RECORD_NAME_MAX];
    struct slice name;

    if (g->r.kind == 0 || g->name.n == 0 || g->r.last == 0) {
        return wrong(g, "a record wants \"kind\", \"name\" and \"last\" at least");
    }
    if (g->r.first > g->r.last || (g->r.days > 0) != (g->r.day > 0)) {
        return wrong(g, g->r.first > g->r.last ? "\"first\" is later than \"last\""
                                               : "\"day\" and \"days\" want each other");
    }
    if ((g->r.kind == RECORD_BAN) != (g->r.until > 0)) {
        return wrong(g, "a ban, and nothing else, has \"until\"");
    }
    if (record_name_form(g->r.kind, g->name, form, &name, g->why) < 0) {
        return -EBADMSG;
    }
    if (!slice_eq(name, g->name)) {
        return wrong(g, "\"name\" would be " SLICE_FMT, name.n < 100 ? (int)name.n : 100, name.p);
    }
    return 0;
}

static json_t *load(struct reading *g, struct slice line)
{
    json_error_t error;

    if (line.n > RECORD_LINE_MOST) {
        (void)wrong(g, "it is longer than %zu octets", RECORD_LINE_MOST);
        return NULL;
    }
    json_t *object = json_loadb(line.p != NULL ? line.p : "", line.n,
                                JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (object == NULL && json_error_code(&error) == json_error_out_of_memory) {
        fatal("out of memory for a record");
    }
    if (!json_is_object(object)) {
        (void)wrong(g, "it is no object of JSON");
        json_decref(object);
        return NULL;
    }
    return object;
}

int record_line_parse(struct slice line, usec_t wall, struct record *ret,
                      char why[static RECORD_LINE_WHY])
{
    struct reading g = {.wall = wall, .why = why};
    json_t *object = load(&g, line);

    if (object == NULL) {
        return -EBADMSG;
    }
    int r = take_members(&g, object);
    r = r < 0 ? r : check(&g);
    json_decref(object);
    if (r < 0) {
        return r;
    }
    g.r.name_n = (uint16_t)g.name.n;
    memcpy(g.r.name, g.name.p, g.name.n);
    *ret = g.r;
    return 0;
}

/* ---- correspondents ---- */

/* A "#" at the beginning or behind a blank ends what is to be read: one in an address does not. */
static struct slice without_comment(struct slice line)
{
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t')) {
            line.n = i;
        }
    }
    return slice_trim(line, " \t\r");
}

int record_correspondent_parse(struct slice line, char ret[static RECORD_NAME_MAX],
                               struct slice *ret_name, char why[static RECORD_LINE_WHY])
{
    struct slice text = without_comment(line);

    if (text.n == 0) {
        return 0;
    }
    if (text.n > 2 && text.p[0] == '<' && text.p[text.n - 1] == '>') {
        text = (struct slice){text.p + 1, text.n - 2};
    }
    if (record_name_form(RECORD_CORRESPONDENT, text, ret, ret_name, why) < 0) {
        (void)snprintf(why, RECORD_LINE_WHY, "a mailbox is expected, such as anna@example.org");
        return -EBADMSG;
    }
    return 1;
}
