/* Statements for the memory: what is known of others before they come, and what has been learned of
 * them (store/record.h). */
#include <stdlib.h>
#include <string.h>

#include "scenario.h"
#include "store/memory.h"

#define DAY (86400 * USEC_SEC)

/* The memory of the first worker that has one. */
static struct memory *memory_of(struct run *r)
{
    struct memory *m = house_worker(r->house, 0)->server.memory;
    if (m == NULL) {
        fail(r, "there is no memory");
    }
    return m;
}

/* The record that "KIND NAME" at the start of `*rest` names. */
static bool take_name(struct run *r, const char **rest, enum record_kind *ret_kind, char *ret_name,
                      size_t size)
{
    char kind[40];
    if (!text_word(rest, kind, sizeof kind) || !text_word(rest, ret_name, size)) {
        fail(r, "KIND NAME");
        return false;
    }
    for (int k = 1; k < RECORD_KINDS; k++) {
        if (strcmp(record_kind_name((enum record_kind)k), kind) == 0) {
            *ret_kind = (enum record_kind)k;
            return true;
        }
    }
    fail(r, "there is no kind of record called %s", kind);
    return false;
}

/* Is that the name, whose blanks stand as "_"? */
static bool is_named(const char *key, const char *name)
{
    for (; *key != '\0' && *name != '\0'; key++, name++) {
        if (*key != *name && (*key != '_' || *name != ' ')) {
            return false;
        }
    }
    return *key == *name;
}

/* The number of that tally, or with "rate." in front that rate; NULL: there is none. */
static float *count_of(struct record *x, const char *key)
{
    bool rate = strncmp(key, "rate.", 5) == 0;
    if (strcmp(key, "came_back") == 0) { /* "returned" is when it did */
        return &x->tally[TALLY_RETURNED];
    }
    for (int i = 0; i < (rate ? RATE_COUNT : TALLY_COUNT); i++) {
        if (rate && is_named(key + 5, record_rate_name((enum record_rate)i))) {
            return &x->rate[i];
        }
        if (!rate && is_named(key, record_tally_name((enum record_tally)i))) {
            return &x->tally[i];
        }
    }
    return NULL;
}

/* first, last and returned: so long ago; until: so far ahead; NULL: none of these. */
static usec_t *time_of(struct record *x, const char *key, int *ret_sign)
{
    *ret_sign = strcmp(key, "until") == 0 ? 1 : -1;
    return strcmp(key, "first") == 0      ? &x->first
           : strcmp(key, "last") == 0     ? &x->last
           : strcmp(key, "returned") == 0 ? &x->returned
           : strcmp(key, "until") == 0    ? &x->until
                                          : NULL;
}

static bool set(struct record *x, const char *key, const char *value, usec_t wall)
{
    int sign;
    const char *rest;
    float *count = count_of(x, key);
    usec_t *time = time_of(x, key, &sign);
    if (time != NULL) {
        usec_t t = text_duration(value, &rest);
        *time = wall + sign * t;
        return t >= 0;
    }
    if (strcmp(key, "days") == 0) {
        x->days = (uint32_t)strtoul(value, NULL, 10);
        x->day = (uint32_t)(wall / DAY);
    } else if (strcmp(key, "note") == 0) {
        record_set_note(x, slice_of(value));
    } else if (count != NULL) {
        *count = strtof(value, NULL);
    }
    return count != NULL || strcmp(key, "days") == 0 || strcmp(key, "note") == 0;
}

/* Splits KEY=VALUE. */
static char *value_in(char *word)
{
    char *equals = strchr(word, '=');
    if (equals == NULL) {
        return NULL;
    }
    *equals = '\0';
    return equals + 1;
}

/* remember KIND NAME [KEY=VALUE…]: in place of what was known. */
static void st_remember(struct run *r, const char *rest)
{
    enum record_kind kind;
    char name[RECORD_NAME_MAX + 1], word[200];
    struct memory *m = memory_of(r);
    usec_t wall = rt_wall();
    struct record x;
    note(r, "- remember", slice_of(rest));
    if (m == NULL || !take_name(r, &rest, &kind, name, sizeof name)) {
        return;
    }
    record_init(&x, kind, slice_of(name), wall);
    while (text_word(&rest, word, sizeof word)) {
        char *value = value_in(word);
        if (value == NULL || !set(&x, word, value, wall)) {
            fail(r, "remember KIND NAME KEY=VALUE…: %s", word);
            return;
        }
    }
    memory_put(m, &x);
    task_sleep(rt_now() + USEC_SEC); /* the other workers see it, too */
}

/* What the record says there, for a pattern. */
static void text_of(struct record *x, const char *key, usec_t wall, char *ret, size_t size)
{
    int sign;
    const float *count = count_of(x, key);
    const usec_t *time = time_of(x, key, &sign);
    if (time != NULL) {
        long long ago = sign * (*time - wall) / USEC_SEC;
        ret[0] = '\0';
        if (*time != 0) {
            snprintf(ret, size, "%llds", ago);
        }
    } else if (strcmp(key, "days") == 0) {
        snprintf(ret, size, "%u", x->days);
    } else if (strcmp(key, "note") == 0) {
        snprintf(ret, size, SLICE_FMT, SLICE_ARG(record_note(x)));
    } else if (count != NULL) {
        snprintf(ret, size, "%.0f", (double)*count);
    } else {
        snprintf(ret, size, "(no such number)");
    }
}

static bool find_record(struct run *r, const char **rest, struct record *ret)
{
    enum record_kind kind;
    char name[RECORD_NAME_MAX + 1];
    struct memory *m = memory_of(r);
    task_sleep(rt_now() + USEC_SEC); /* what was learned last has come to all */
    return m != NULL && take_name(r, rest, &kind, name, sizeof name) &&
           memory_find(m, kind, slice_of(name), rt_wall(), ret) == 1;
}

/* expect remembered KIND NAME [KEY=PATTERN…] */
static void st_remembered(struct run *r, const char *rest)
{
    const char *what = rest;
    char word[200], text[200];
    struct record x;
    if (!find_record(r, &rest, &x)) {
        fail(r, "nothing is known of %s", what);
        return;
    }
    while (text_word(&rest, word, sizeof word)) {
        const char *pattern = value_in(word);
        text_of(&x, word, rt_wall(), text, sizeof text);
        if (pattern == NULL || !text_matches(pattern, slice_of(text), true)) {
            fail(r, "%s is %s", word, text);
        }
    }
}

/* expect forgotten KIND NAME */
static void st_forgotten(struct run *r, const char *rest)
{
    struct record x;
    if (find_record(r, &rest, &x)) {
        fail(r, "it is known");
    }
}

/* fault memory gone: as if it could not be opened; none: it can again. */
static void st_fault_memory(struct run *r, const char *rest)
{
    bool gone = strcmp(rest, "gone") == 0;
    if (!gone && strcmp(rest, "none") != 0) {
        fail(r, "fault memory gone or none");
    }
    note(r, "- memory", slice_of(rest));
    for (unsigned i = 0; i < r->house->worker_count; i++) {
        struct worker *w = r->house->workers[i];
        w->server.memory = gone ? NULL : w->memory;
    }
}

const struct statement memory_statements[] = {
    {"remember", st_remember},
    {"expect remembered", st_remembered},
    {"expect forgotten", st_forgotten},
    {"fault memory", st_fault_memory},
    {NULL},
};
