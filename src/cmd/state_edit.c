/* gatepost state set, and forget. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/state.h"
#include "cmd/when.h"
#include "conf/value.h"

#define DAY        ((usec_t)86400 * USEC_SEC)
#define COUNT_MOST 1e12

/* ---- fields ---- */

struct setting {
    struct record *r;
    usec_t wall;
    const char *wants; /* what was expected of a value that is none */
};

static bool set_time(struct setting *s, struct slice value, usec_t *ret)
{
    s->wants = "a time that is past, such as 7d or 2026-11-22T04:49:30Z";
    return when_parse(value, s->wall, ret) && *ret > 0 && *ret <= s->wall;
}

static bool set_first(struct setting *s, struct slice value)
{
    return set_time(s, value, &s->r->first);
}

static bool set_last(struct setting *s, struct slice value)
{
    return set_time(s, value, &s->r->last);
}

static bool set_returned(struct setting *s, struct slice value)
{
    if (slice_eq(value, SLICE_LIT("never"))) {
        s->r->returned = 0;
        return true;
    }
    if (slice_eq(value, SLICE_LIT("now"))) {
        s->r->returned = s->wall;
        return true;
    }
    const bool good = set_time(s, value, &s->r->returned);
    s->wants = "never, now, or a time that is past, such as 7d or 2026-11-22T04:49:30Z";
    return good;
}

/* The last of them was today where there was none. */
static bool set_days(struct setting *s, struct slice value)
{
    int64_t n;

    s->wants = "a number of days, up to 10000";
    if (value_parse(VALUE_COUNT, value, &n) < 0 || n > 10000) {
        return false;
    }
    s->r->days = (uint32_t)n;
    s->r->day = n == 0 ? 0 : s->r->day > 0 ? s->r->day : (uint32_t)(s->wall / DAY);
    return true;
}

static bool set_note(struct setting *s, struct slice value)
{
    s->wants = "a text of at most 96 octets, without control characters";
    if (value.n > RECORD_NOTE_MAX || text_clean_length(value.p, value.n) != value.n) {
        return false;
    }
    s->r->note_n = 0; /* an empty one takes it away */
    record_set_note(s->r, value);
    return true;
}

static bool set_count(struct setting *s, const char *value, float *ret)
{
    char *end = NULL;
    const double n = strtod(value, &end);

    s->wants = "a number from 0 to 1e12";
    if (end == value || *end != '\0' || !isfinite(n) || n < 0 || n > COUNT_MOST) {
        return false;
    }
    *ret = (float)n;
    return true;
}

static const struct {
    struct slice name;
    bool (*set)(struct setting *s, struct slice value);
} fields[] = {
    {SLICE_LIT("first"), set_first}, {SLICE_LIT("last"), set_last},
    {SLICE_LIT("days"), set_days},   {SLICE_LIT("returned"), set_returned},
    {SLICE_LIT("note"), set_note},
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static void list_fields(void)
{
    char key[32];

    (void)fprintf(stderr, "fields:");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        (void)fprintf(stderr, " %s", fields[i].name.p);
    }
    for (int i = 0; i < TALLY_COUNT; i++) {
        (void)fprintf(stderr, " %s", record_tally_key((enum record_tally)i, key));
    }
    for (int i = 0; i < RATE_COUNT; i++) {
        (void)fprintf(stderr, " rate.%s", record_rate_key((enum record_rate)i, key));
    }
    (void)fprintf(stderr, "\n");
}

/* 1: it is one of those, and set; 0: it is none of that name; -1: the value is none. */
static int set_field(struct setting *s, struct slice name, const char *value)
{
    struct slice rate;

    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (slice_eq(name, fields[i].name)) {
            return fields[i].set(s, slice_of(value)) ? 1 : -1;
        }
    }
    const bool of_rate = slice_prefix(name, "rate.", &rate);
    const int i = of_rate ? record_rate_keyed(rate) : record_tally_keyed(name);
    if (i < 0) {
        return 0;
    }
    return set_count(s, value, of_rate ? &s->r->rate[i] : &s->r->tally[i]) ? 1 : -1;
}

static bool set_one(struct setting *s, const char *text)
{
    const char *equals = strchr(text, '=');
    const struct slice name = {text, equals != NULL ? (size_t)(equals - text) : strlen(text)};
    const int r = equals != NULL ? set_field(s, name, equals + 1) : 0;

    if (r < 0) {
        (void)fprintf(stderr, "gatepost state: %s: " SLICE_FMT " wants %s\n", text, SLICE_ARG(name),
                      s->wants);
    } else if (equals == NULL) {
        (void)fprintf(stderr, "gatepost state: %s: expected FIELD=VALUE\n", text);
    } else if (r == 0) {
        (void)fprintf(stderr, "gatepost state: there is no field " SLICE_FMT "\n", SLICE_ARG(name));
        list_fields();
    }
    return r > 0;
}

static bool set_all(const struct state_line *line, struct record *r, usec_t wall)
{
    struct setting s = {.r = r, .wall = wall};

    for (int i = 2; i < line->count; i++) {
        if (!set_one(&s, line->operands[i])) {
            return false;
        }
    }
    if (r->first > r->last) {
        (void)fprintf(stderr, "gatepost state: first would be later than last\n");
        return false;
    }
    return true;
}

/* ---- set ---- */

static bool name_of(const struct state_line *line, enum record_kind kind, const char *text,
                    char ret[static RECORD_NAME_MAX], struct slice *ret_name)
{
    char why[RECORD_FORM_WHY];

    if (record_name_form(kind, slice_of(text), ret, ret_name, why) < 0) {
        (void)fprintf(stderr, "gatepost %s: %s: %s\n", line->command->name, text, why);
        return false;
    }
    return true;
}

static enum cmd_status none_of(enum record_kind kind, struct slice name, const char *more)
{
    (void)fprintf(stderr, "gatepost: nothing is remembered of %s " SLICE_FMT "%s\n",
                  record_kind_name(kind), SLICE_ARG(name), more);
    return CMD_NO;
}

static enum cmd_status change(const struct memory_at *at, const struct state_line *line,
                              enum record_kind kind, struct slice name)
{
    struct record r;
    const int found = memory_find(at->memory, kind, name, at->wall, &r);

    if (found < 0) {
        return memory_at_failed(at, found);
    }
    if (found == 0 && !line->make) {
        return none_of(kind, name, "; with --new it is made");
    }
    if (found == 0) {
        record_init(&r, kind, name, at->wall);
    }
    r.last = at->wall; /* to which its counts were brought */
    if (!set_all(line, &r, at->wall)) {
        return CMD_WRONG;
    }
    memory_put(at->memory, &r);
    return CMD_DONE;
}

enum cmd_status state_set(const struct state_line *line)
{
    char form[RECORD_NAME_MAX];
    struct memory_at at;
    struct slice name;

    if (line->count < 3) {
        return cmd_wrong(line->command,
                         "set wants a kind, a name, and FIELD=VALUE:", "something is missing");
    }
    const enum record_kind kind = state_kind(line, line->operands[0]);
    if (kind == 0 || !name_of(line, kind, line->operands[1], form, &name)) {
        return CMD_WRONG;
    }
    if (kind == RECORD_BAN) {
        return cmd_wrong(line->command, "bans are changed by `gatepost ban` and `unban`, not",
                         "set");
    }
    struct record tried; /* a mistake in a value is told before anything is opened */
    record_init(&tried, kind, name, clock_wall());
    tried.first = 0;
    if (!set_all(line, &tried, clock_wall())) {
        return CMD_WRONG;
    }
    enum cmd_status status =
        memory_at_open(line->file, line->make ? MEMORY_TO_MAKE : MEMORY_TO_CHANGE, &at);
    if (status == CMD_DONE) {
        status = change(&at, line, kind, name);
    }
    return memory_at_close(&at, status);
}

/* ---- forget ---- */

struct forgetting {
    struct memory *memory;
    usec_t before;
    bool bans;
    uint64_t count;
};

static int forget_old(void *arg, const struct record *r)
{
    struct forgetting *f = arg;

    if (r->last < f->before && (r->kind != RECORD_BAN || f->bans)) {
        memory_forget(f->memory, r->kind, record_name(r));
        f->count++;
    }
    return 0;
}

static enum cmd_status forget_before(const struct state_line *line, const struct memory_at *at,
                                     enum record_kind kind, usec_t before)
{
    struct forgetting f = {at->memory, before, kind == RECORD_BAN, 0};
    const int r = memory_each(at->memory, kind, at->wall, forget_old, &f);

    if (r < 0) {
        return memory_at_failed(at, r);
    }
    if (line->json) {
        (void)printf("{\"forgotten\":%llu}\n", (unsigned long long)f.count);
    } else {
        (void)printf("%llu forgotten\n", (unsigned long long)f.count);
    }
    return f.count > 0 ? CMD_DONE : CMD_NO;
}

static enum cmd_status forget_one(const struct memory_at *at, enum record_kind kind,
                                  struct slice name)
{
    struct record r;
    const int found = memory_look(at->memory, kind, name, at->wall, &r);

    if (found <= 0) {
        return found < 0 ? memory_at_failed(at, found) : none_of(kind, name, "");
    }
    memory_forget(at->memory, kind, name);
    return CMD_DONE;
}

enum cmd_status state_forget(const struct state_line *line)
{
    char form[RECORD_NAME_MAX];
    struct slice name = {"", 0};
    enum record_kind kind = 0;
    usec_t before = 0;
    struct memory_at at;

    if (line->before != NULL && !when_parse(slice_of(line->before), clock_wall(), &before)) {
        return cmd_wrong(line->command, "--before wants a time such as 90d or 2026-11-22, not",
                         line->before);
    }
    if (line->count > 2 - (line->before != NULL)) {
        return cmd_wrong(line->command, "one word too many:", line->operands[line->count - 1]);
    }
    if (line->count < 2 && line->before == NULL) {
        return cmd_wrong(line->command,
                         "forget wants a kind and a name, or --before:", "something is missing");
    }
    if (line->count > 0 && (kind = state_kind(line, line->operands[0])) == 0) {
        return CMD_WRONG;
    }
    if (line->before == NULL && !name_of(line, kind, line->operands[1], form, &name)) {
        return CMD_WRONG;
    }
    enum cmd_status status = memory_at_open(line->file, MEMORY_TO_CHANGE, &at);
    if (status == CMD_DONE) {
        status = line->before != NULL ? forget_before(line, &at, kind, before)
                                      : forget_one(&at, kind, name);
    }
    status = memory_at_close(&at, status);
    return status == CMD_DONE ? cmd_printed() : status;
}
