/* See suite_keys.h. */
#include "suite_keys.h"

#include <dirent.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static void add(struct zone *zone, const char *file, struct slice name, struct zone_entry *entry)
{
    if (dns_name_parse(name, &entry->owner) < 0) {
        suite_failed("%s: " SLICE_FMT " is no name", file, SLICE_ARG(name));
        return;
    }
    entry->type = DNS_TXT;
    entry->ttl = 60;
    zone_add(zone, entry);
}

/* ---- FAKE_DNS.dat ---- */

static bool take_line(struct slice *rest, struct slice *ret)
{
    if (rest->n == 0) {
        return false;
    }
    const char *lf = memchr(rest->p, '\n', rest->n);
    const size_t n = lf != NULL ? (size_t)(lf - rest->p) : rest->n;
    *ret = (struct slice){rest->p, n};
    *rest = (struct slice){rest->p + n + (lf != NULL), rest->n - n - (lf != NULL)};
    return true;
}

static void read_fake(struct zone *zone, const char *file, struct slice text)
{
    struct slice line;

    while (take_line(&text, &line)) {
        const char *blank = line.n > 0 ? memchr(line.p, ' ', line.n) : NULL;
        if (line.n == 0 || line.p[0] == '#' || blank == NULL) {
            continue;
        }
        const struct slice name = {line.p, (size_t)(blank - line.p)};
        struct slice data = {blank, line.n - name.n};
        while (data.n > 0 && data.p[0] == ' ') {
            data = (struct slice){data.p + 1, data.n - 1};
        }
        struct zone_entry entry = {.kind = ZONE_RECORD, .record.text = data};
        struct slice rest;
        if (slice_eq(data, SLICE_LIT("NXDOMAIN"))) {
            continue; /* as all that is not there */
        }
        if (slice_eq(data, SLICE_LIT("\"\""))) {
            entry.record.text.n = 0;
        } else if (slice_prefix(data, "~~", &rest)) {
            const bool late = memmem(rest.p, rest.n, "timed out", 9) != NULL;
            entry.kind = late ? ZONE_TIMEOUT : ZONE_SERVFAIL;
        }
        add(zone, file, name, &entry);
    }
}

/* ---- keys.json ---- */

static void read_json(struct zone *zone, const char *file, struct slice text)
{
    json_t *keys = json_loadb(text.p, text.n, 0, NULL), *value;
    const char *name;

    if (!json_is_object(keys)) {
        suite_failed("%s: not an object of names and records", file);
    }
    json_object_foreach(keys, name, value)
    {
        struct zone_entry entry = {.kind = ZONE_RECORD};
        entry.record.text = (struct slice){json_string_value(value), json_string_length(value)};
        if (entry.record.text.p == NULL) {
            suite_failed("%s: %s has no text", file, name);
            continue;
        }
        add(zone, file, slice_of(name), &entry);
    }
    json_decref(keys);
}

/* ---- zone ---- */

static void read_zone(struct zone *zone, const char *file, struct slice text)
{
    struct zone_problem problem;

    if (zone_read(zone, text, &problem) < 0) {
        suite_failed("%s:%u:%u: %s", file, problem.line, problem.column, problem.text);
    }
}

static const struct {
    const char *pattern;
    void (*read)(struct zone *zone, const char *file, struct slice text);
} kinds[] = {
    {"FAKE_DNS.dat", read_fake}, {"*.json", read_json}, {"zone", read_zone}, {"*.zone", read_zone}};

/* Of `kinds`; the number of them where it is none. */
static size_t kind_of(const char *name)
{
    size_t i = 0;

    while (i < sizeof(kinds) / sizeof(kinds[0]) && fnmatch(kinds[i].pattern, name, 0) != 0) {
        i++;
    }
    return i;
}

bool suite_is_key_file(const char *name)
{
    return kind_of(name) < sizeof(kinds) / sizeof(kinds[0]);
}

static int is_key_file(const struct dirent *entry)
{
    return suite_is_key_file(entry->d_name);
}

struct zone *suite_keys(const char *folder, struct arena *arena)
{
    struct zone *zone = zone_new();
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_key_file, alphasort);

    for (int i = 0; i < count; i++) {
        const char *path = arena_printf(arena, "%s/%s", folder, entries[i]->d_name).p;
        struct slice text;
        if (suite_read(path, arena, &text)) {
            kinds[kind_of(entries[i]->d_name)].read(zone, path, text);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    if (count <= 0) {
        suite_failed("%s: no keys: FAKE_DNS.dat, *.json, zone or *.zone", folder);
    }
    return zone;
}
