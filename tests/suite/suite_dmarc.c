/* DMARC by RFC 9989: a message's From field, what SPF and DKIM said, and a zone; see
 * dmarc/README.md for the files. */
#include "auth/dmarc.h"
#include "client/resolver.h"
#include "client/zone.h"
#include "rt/rt.h"
#include "suite.h"
#include "yaml_tree.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { SIGNATURES_MOST = 20 };

struct play {
    const char *file;
    const struct tree *document;
    struct arena *arena;
    struct zone *zone;
};

/* What a case has been read as. */
struct test {
    struct dmarc_query query;
    struct spf_outcome spf;
    struct dkim_outcome dkim;
    struct dkim_result signatures[SIGNATURES_MOST];
};

static const struct slice absent = {NULL, 0};

/* ---- reading ---- */

/* "RESULT DOMAIN" */
static bool read_result(struct slice text, enum auth_result *ret_result, struct slice *ret_domain)
{
    const char *blank = memchr(text.p, ' ', text.n);
    size_t n = blank != NULL ? (size_t)(blank - text.p) : text.n;

    for (int result = 0; result < AUTH_RESULT_COUNT; result++) {
        if (blank != NULL && slice_eq(slice_of(auth_result_name((enum auth_result)result)),
                                      (struct slice){text.p, n})) {
            *ret_result = (enum auth_result)result;
            *ret_domain = (struct slice){blank + 1, text.n - n - 1};
            return true;
        }
    }
    return false;
}

static bool read_signature(const struct tree *t, struct test *test)
{
    struct dkim_result *d = &test->signatures[test->dkim.count];

    if (t->kind != TREE_TEXT || test->dkim.count == SIGNATURES_MOST) {
        return false;
    }
    test->dkim.count++;
    return read_result(t->text, &d->result, &d->domain);
}

static bool read_dkim(const struct tree *t, struct test *test)
{
    test->dkim.signatures = test->signatures;
    test->query.dkim = &test->dkim;
    if (t == NULL || t->kind == TREE_TEXT) {
        return t == NULL || read_signature(t, test);
    }
    for (const struct tree *item = t->first; item != NULL; item = item->next) {
        if (!read_signature(item, test)) {
            return false;
        }
    }
    return t->kind == TREE_LIST;
}

/* `header` as it is, or `from` as the body of the only field. */
static bool read_header(const struct tree *t, struct arena *arena, struct test *test)
{
    struct slice header = tree_text(t, "header", absent);
    struct slice from = tree_text(t, "from", absent);

    if ((header.p == NULL) == (from.p == NULL)) {
        return false;
    }
    if (from.p != NULL) {
        header = arena_printf(arena, "From: " SLICE_FMT "\n", SLICE_ARG(from));
    }
    test->query.header = suite_crlf(header, arena);
    return true;
}

static const char *read_test(const struct tree *t, struct arena *arena, struct test *test)
{
    static const char *const known[] = {"paragraph",    "header",       "from",    "spf",
                                        "dkim",         "result",       "policy",  "author",
                                        "domain",       "organisation", "testing", "aligned-spf",
                                        "aligned-dkim", "questions"};
    struct slice spf = tree_text(t, "spf", absent);

    for (const struct tree *member = t->first; member != NULL; member = member->next) {
        size_t i = 0;
        while (i < COUNT(known) && !slice_eq(member->key, slice_of(known[i]))) {
            i++;
        }
        if (i == COUNT(known)) {
            return "has a key that nobody understands";
        }
    }
    if (!tree_find(t, "paragraph") || !tree_find(t, "result")) {
        return "must have a paragraph and a result";
    }
    if (!read_header(t, arena, test)) {
        return "must have either a header or a from";
    }
    if (spf.p != NULL) {
        test->query.spf = &test->spf;
        if (!read_result(spf, &test->spf.result, &test->spf.domain)) {
            return "its spf is no RESULT DOMAIN";
        }
    }
    return read_dkim(tree_find(t, "dkim"), test) ? NULL : "its dkim is no RESULT DOMAIN";
}

/* ---- comparing ---- */

/* Holds one member of a case against what came out; says so, and false, where they differ. */
static bool agrees(const struct play *p, const struct tree *t, const char *key, struct slice found)
{
    struct slice expected = tree_text(t, key, absent);

    if (expected.p == NULL || slice_eq(expected, found)) {
        return true;
    }
    suite_failed("%s: line %u: " SLICE_FMT " (" SLICE_FMT "): %s is \"" SLICE_FMT
                 "\", not \"" SLICE_FMT "\"",
                 p->file, t->line, SLICE_ARG(t->key), SLICE_ARG(tree_text(t, "paragraph", absent)),
                 key, SLICE_ARG(found), SLICE_ARG(expected));
    return false;
}

static void compare(const struct play *p, const struct tree *t, const struct dmarc_outcome *found,
                    uint64_t questions)
{
    struct slice asked = arena_printf(p->arena, "%llu", (unsigned long long)questions);

    if (agrees(p, t, "result", slice_of(auth_result_name(found->result))) &&
        agrees(p, t, "policy", slice_of(dmarc_policy_name(found->policy))) &&
        agrees(p, t, "author", found->from) && agrees(p, t, "domain", found->domain) &&
        agrees(p, t, "organisation", found->organisation) &&
        agrees(p, t, "testing", slice_of(found->testing ? "yes" : "no")) &&
        agrees(p, t, "aligned-spf", found->aligned_spf) &&
        agrees(p, t, "aligned-dkim", found->aligned_dkim) && agrees(p, t, "questions", asked)) {
        suite_passed();
    }
}

/* ---- playing ---- */

static void play_test(const struct play *p, struct rt *rt, const struct tree *t)
{
    struct test test = {.query = {.clock = {.question_time = 5 * USEC_SEC}}};
    struct dmarc_outcome outcome;
    const char *wrong = read_test(t, p->arena, &test);

    if (wrong != NULL) {
        suite_failed("%s: line %u: " SLICE_FMT " %s", p->file, t->line, SLICE_ARG(t->key), wrong);
        return;
    }
    test.query.clock.deadline = rt_now() + 20 * USEC_SEC;
    test.query.resolver = resolver_of_zone(rt, p->zone);
    if (dmarc_check(&test.query, p->arena, &outcome) < 0) {
        suite_failed("%s: line %u: was cancelled", p->file, t->line);
    } else {
        compare(p, t, &outcome, resolver_stats(test.query.resolver)->asked);
    }
    resolver_free(test.query.resolver);
}

static void play_document(struct rt *rt, void *arg)
{
    const struct play *p = arg;
    const struct tree *tests = tree_find(p->document, "tests");

    for (const struct tree *t = tests->first; t != NULL; t = t->next) {
        play_test(p, rt, t);
    }
}

static void read_document(const char *file, const struct tree *document, struct arena *arena)
{
    struct play p = {file, document, arena, zone_new()};
    const struct tree *tests = tree_find(document, "tests");
    struct zone_problem problem;

    if (tests == NULL || tests->kind != TREE_MAP || tests->first == NULL) {
        suite_failed("%s: line %u: no tests", file, document->line);
    } else if (zone_read(p.zone, tree_text(document, "zone", SLICE_LIT("")), &problem) < 0) {
        suite_failed("%s: line %u: its zone, line %u, column %u: %s", file, document->line,
                     problem.line, problem.column, problem.text);
    } else {
        suite_play(play_document, &p);
    }
    zone_free(p.zone);
}

int suite_dmarc(int count, char **names)
{
    suite_each_document(count, names, read_document);
    return 0;
}
