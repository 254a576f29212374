/* `suite spf FILE…`: the form of the OpenSPF suites. Each document has
 *
 *   tests:    { NAME: { helo, host, mailfrom, result, explanation } }
 *   zonedata: { NAME: [ { TYPE: DATA } / TIMEOUT ] }
 *
 * `result` is one result or a list of those that will do; `explanation` is compared where it is
 * given, DEFAULT being none of the domain's own. TIMEOUT: no answer to what has no record. Data of
 * type SPF are TXT records unless the name has TXT data, of which NONE is none. DATA is a text, or
 * a list: the strings of one TXT record, an MX record's preference and host; or TIMEOUT: no answer
 * for this type. A test may also say who is the `receiver`. */
#include <string.h>

#include "auth/spf.h"
#include "client/resolver.h"
#include "client/zone.h"
#include "parse/tag_list.h"
#include "rt/rt.h"
#include "suite.h"
#include "yaml_tree.h"

/* ---- zonedata ---- */

static bool is_text(const struct tree *t, const char *text)
{
    return t->kind == TREE_TEXT && slice_eq(t->text, slice_of(text));
}

/* A name of the data; "" is the root. 1: no server could say that. */
static int parse_name(struct slice text, struct arena *arena, const struct dns_name **ret)
{
    struct dns_name *name = arena_alloc(arena, sizeof(*name));
    *ret = name;
    if (text.n == 0) {
        dns_name_root(name);
        return 0;
    }
    return dns_name_parse(text, name) < 0 ? 1 : 0;
}

static int parse_mx(const struct tree *data, struct arena *arena, struct dns_record *ret)
{
    const struct tree *preference = data->first, *host;
    uint64_t value = 0;
    if (data->kind != TREE_LIST || preference == NULL || (host = preference->next) == NULL ||
        host->next != NULL || !tag_number(preference->text, 5, &value)) {
        return -1;
    }
    ret->mx.preference = (uint16_t)value;
    return parse_name(host->text, arena, &ret->mx.exchange);
}

/* Any octets: a NUL, too. */
static struct slice joined(const struct tree *data, struct arena *arena)
{
    size_t n = 0;
    if (data->kind == TREE_TEXT) {
        return data->text;
    }
    for (const struct tree *s = data->first; s != NULL; s = s->next) {
        n += s->text.n;
    }
    char *p = arena_alloc(arena, n + 1), *end = p;
    for (const struct tree *s = data->first; s != NULL; s = s->next) {
        memcpy(end, s->text.p, s->text.n);
        end += s->text.n;
    }
    return (struct slice){p, n};
}

/* 0; -1: not understood; 1: not to be had from any DNS. */
static int parse_data(const struct tree *data, struct arena *arena, struct zone_entry *ret)
{
    switch (ret->type) {
    case DNS_A:
    case DNS_AAAA: return addr_parse(data->text, &ret->record.address);
    case DNS_MX: return parse_mx(data, arena, &ret->record);
    case DNS_TXT: ret->record.text = joined(data, arena); return 0;
    default: return parse_name(data->text, arena, &ret->record.name);
    }
}

/* The type of a datum; 0: unknown. */
static enum dns_type type_of(struct slice key, bool has_txt)
{
    static const enum dns_type types[] = {DNS_A,   DNS_AAAA,  DNS_MX, DNS_TXT,
                                          DNS_PTR, DNS_CNAME, DNS_NS, DNS_SPF};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (slice_eq(key, slice_of(dns_type_name(types[i])))) {
            return types[i] == DNS_SPF && !has_txt ? DNS_TXT : types[i];
        }
    }
    return 0;
}

static bool has_txt(const struct tree *name)
{
    for (const struct tree *t = name->first; t != NULL; t = t->next) {
        if (tree_find(t, "TXT") != NULL) {
            return true;
        }
    }
    return false;
}

static void add_data(struct zone *zone, const char *file, struct zone_entry *entry,
                     const struct tree *data, bool txt, struct arena *arena)
{
    int rc = 0;
    entry->kind = ZONE_RECORD;
    entry->type = type_of(data->key, txt);
    if (entry->type == DNS_SPF || (entry->type == DNS_TXT && is_text(data, "NONE"))) {
        entry->kind = ZONE_OTHER;
    } else if (entry->type != 0 && is_text(data, "TIMEOUT")) {
        entry->kind = ZONE_TIMEOUT;
    } else {
        rc = entry->type != 0 ? parse_data(data, arena, entry) : -1;
    }
    if (rc == 0) {
        zone_add(zone, entry);
    } else if (rc > 0) {
        suite_note("%s:%u: left out: not a name of the DNS", file, data->line);
    } else {
        suite_failed("%s:%u: data that are not understood", file, data->line);
    }
}

/* The data of one name. */
static void add_name(struct zone *zone, const char *file, const struct tree *name,
                     struct arena *arena)
{
    struct zone_entry entry = {.kind = ZONE_RECORD, .ttl = 60};
    if (dns_name_parse(name->key, &entry.owner) < 0) {
        suite_note("%s:%u: not a name of the DNS, and never asked for", file, name->line);
        return;
    }
    for (const struct tree *t = name->first; t != NULL; t = t->next) {
        bool silent = is_text(t, "TIMEOUT");
        if (silent) {
            entry.kind = ZONE_TIMEOUT;
            entry.type = 0;
            zone_add(zone, &entry);
        } else if (t->kind != TREE_MAP) {
            suite_failed("%s:%u: data without a type", file, t->line);
        }
        for (const struct tree *data = t->first; data != NULL && !silent; data = data->next) {
            add_data(zone, file, &entry, data, has_txt(name), arena);
        }
    }
}

/* ---- tests ---- */

struct test {
    const struct zone *zone;
    const struct tree *tree;
    struct arena *arena;
    struct spf_outcome outcome;
};

static void check(struct rt *rt, void *arg)
{
    struct test *t = arg;
    struct spf_query q = {
        .resolver = resolver_of_zone(rt, t->zone),
        .helo = tree_text(t->tree, "helo", SLICE_LIT("")),
        .sender = tree_text(t->tree, "mailfrom", SLICE_LIT("")),
        .local_host = tree_text(t->tree, "receiver", SLICE_LIT("unknown")),
        .wall = rt_wall(),
        .question_time = 5 * USEC_SEC,
        .deadline = rt_now() + 20 * USEC_SEC,
    };
    if (addr_parse(tree_text(t->tree, "host", SLICE_LIT("")), &q.client) < 0 ||
        spf_check_sender(&q, t->arena, &t->outcome) < 0) {
        t->outcome = (struct spf_outcome){.result = AUTH_RESULT_COUNT};
    }
    resolver_free(q.resolver);
}

static bool is_one_of(const struct tree *results, const char *result)
{
    if (results == NULL || results->kind == TREE_TEXT) {
        return results != NULL && is_text(results, result);
    }
    for (const struct tree *t = results->first; t != NULL; t = t->next) {
        if (is_text(t, result)) {
            return true;
        }
    }
    return false;
}

static void run_test(const char *file, struct test *t)
{
    const struct tree *explanation = tree_find(t->tree, "explanation");
    const struct spf_outcome *o = &t->outcome;
    suite_play(check, t);
    if (o->result == AUTH_RESULT_COUNT) {
        suite_failed("%s:%u: " SLICE_FMT ": no address of a client", file, t->tree->line,
                     SLICE_ARG(t->tree->key));
    } else if (!is_one_of(tree_find(t->tree, "result"), auth_result_name(o->result))) {
        suite_failed("%s:%u: " SLICE_FMT ": %s (" SLICE_FMT SLICE_FMT ")", file, t->tree->line,
                     SLICE_ARG(t->tree->key), auth_result_name(o->result), SLICE_ARG(o->mechanism),
                     SLICE_ARG(o->problem));
    } else if (explanation != NULL && !is_text(explanation, "DEFAULT") &&
               !slice_eq(explanation->text, o->explanation)) {
        suite_failed("%s:%u: " SLICE_FMT ": explained by \"" SLICE_FMT "\"", file, t->tree->line,
                     SLICE_ARG(t->tree->key), SLICE_ARG(o->explanation));
    } else if (explanation != NULL && is_text(explanation, "DEFAULT") && o->explanation.n > 0) {
        suite_failed("%s:%u: " SLICE_FMT ": explained, but should not be", file, t->tree->line,
                     SLICE_ARG(t->tree->key));
    } else {
        suite_passed();
    }
}

static void run_document(const char *file, const struct tree *document, struct arena *arena)
{
    const struct tree *tests = tree_find(document, "tests"),
                      *data = tree_find(document, "zonedata");
    struct zone *zone = zone_new();
    if (tests == NULL || data == NULL || tests->first == NULL) {
        suite_failed("%s:%u: a document without tests or zonedata", file, document->line);
        tests = NULL;
    }
    for (const struct tree *t = data != NULL ? data->first : NULL; t != NULL; t = t->next) {
        add_name(zone, file, t, arena);
    }
    for (const struct tree *t = tests != NULL ? tests->first : NULL; t != NULL; t = t->next) {
        struct test test = {zone, t, arena, {.result = AUTH_NONE}};
        run_test(file, &test);
    }
    zone_free(zone);
}

int suite_spf(int count, char **names)
{
    suite_each_document(count, names, run_document);
    return 0;
}
