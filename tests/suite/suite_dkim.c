/* `suite dkim FOLDER…`: messages, what their signatures come to, and their keys (suite_keys.h). At
 * least one of these tables is there, with tabs between its columns:
 *
 *   expected.tsv    FILE, RESULT: of the message, a word of RFC 8601 2.7.1, or as Mail::DKIM has it
 *                   "invalid" for all that is neither pass nor fail. The best signature counts. The
 *                   clock stands at the newest t= of the message, or at the beginning of 2026 if
 *                   that is later.
 *   signatures.tsv  FILE, "dkim", INDEX, KEY, "True": the signature at INDEX (0: the topmost)
 * holds, with the key of that name. Every other signature of these files, of which there is a key,
 * must not. The clock stands at the newest t=. bodyhash.tsv    FILE, FIELD, INDEX, d=, s=, c=,
 * "ok": bh= is that of the body. Every other one of these files must not be.
 *
 * Lines of messages may end in LF. A message without DKIM-Signature, but with a DomainKey-Signature
 * (RFC 4870), is passed over: that was something else. Vectors that no verifier may take any more:
 * historic.h. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/dkim.h"
#include "client/resolver.h"
#include "historic.h"
#include "parse/header_fields.h"
#include "suite.h"
#include "suite_keys.h"

#define YEAR_2026    ((usec_t)1767225600 * USEC_SEC)
#define COLUMNS_MOST 7

struct table_row {
    struct slice columns[COLUMNS_MOST];
};

struct table {
    const char *file;
    struct table_row *rows;
    size_t count;
};

/* What is going on in one folder. */
struct folder {
    const char *name;
    struct arena *arena; /* as long as the folder */
    struct zone *zone;
    size_t historic;
};

/* A message, verified. */
struct verified {
    struct slice message;
    usec_t clock_least;
    const struct zone *zone;
    struct arena *arena;
    struct signed_message *m;
    struct dkim_outcome outcome;
};

/* ---- tables ---- */

static struct slice take_until(struct slice *rest, char end)
{
    const char *at = rest->n > 0 ? memchr(rest->p, end, rest->n) : NULL;
    const size_t n = at != NULL ? (size_t)(at - rest->p) : rest->n;
    const struct slice ret = {rest->p, n};

    *rest = (struct slice){rest->p + n + (at != NULL), rest->n - n - (at != NULL)};
    return ret;
}

/* False: it is not there. */
static bool read_table(const struct folder *f, const char *name, struct table *ret)
{
    const char *path = arena_printf(f->arena, "%s/%s", f->name, name).p;
    struct slice text;

    if (access(path, F_OK) != 0 || !suite_read(path, f->arena, &text)) {
        return false;
    }
    size_t lines = 1;
    for (size_t i = 0; i < text.n; i++) {
        lines += text.p[i] == '\n';
    }
    *ret = (struct table){.file = path,
                          .rows = arena_zalloc(f->arena, lines * sizeof(struct table_row))};
    while (text.n > 0) {
        struct slice line = take_until(&text, '\n');
        struct table_row *row = &ret->rows[ret->count];
        if (line.n > 0 && line.p[line.n - 1] == '\r') {
            line.n--;
        }
        for (size_t i = 0; i < COLUMNS_MOST; i++) {
            row->columns[i] = take_until(&line, '\t');
        }
        ret->count += row->columns[0].n > 0 && row->columns[0].p[0] != '#';
    }
    if (ret->count == 0) {
        suite_failed("%s: nothing in it", path);
    }
    return true;
}

/* ---- verifying ---- */

static void verify(struct rt *rt, void *arg)
{
    struct verified *v = arg;
    struct resolver *resolver = resolver_of_zone(rt, v->zone);
    struct auth_clock clock = {
        .wall = v->clock_least, .question_time = 5 * USEC_SEC, .deadline = 60 * USEC_SEC};

    v->m = signed_message_new(v->arena);
    for (size_t at = 0, n; at < v->message.n; at += n) { /* as it comes from a network */
        n = v->message.n - at < 1000 ? v->message.n - at : 1000;
        signed_message_feed(v->m, v->message.p + at, n);
    }
    signed_message_end(v->m);
    const struct message_signatures found = signed_message_signatures(v->m, DKIM_SIGNATURE);
    for (size_t i = 0; i < found.count; i++) {
        const usec_t at = (usec_t)found.list[i].s.signed_at * USEC_SEC;
        clock.wall = at > clock.wall ? at : clock.wall;
    }
    if (dkim_verify(v->m, resolver, &clock, v->arena, &v->outcome) < 0) {
        suite_failed("cancelled");
    }
    resolver_free(resolver);
}

/* Reads and verifies a file of the folder; false: it cannot be read. */
static bool verify_file(const struct folder *f, struct slice file, usec_t clock_least,
                        struct arena *arena, struct verified *ret)
{
    const char *path = arena_printf(arena, "%s/" SLICE_FMT, f->name, SLICE_ARG(file)).p;

    *ret = (struct verified){.clock_least = clock_least, .zone = f->zone, .arena = arena};
    if (!suite_read(path, arena, &ret->message)) {
        return false;
    }
    ret->message = suite_crlf(ret->message, arena);
    suite_play(verify, ret);
    return true;
}

/* ---- expected.tsv ---- */

/* The best of the signatures: NULL for none. */
static const struct dkim_result *best_of(const struct dkim_outcome *o)
{
    const struct dkim_result *best = o->count > 0 ? &o->signatures[0] : NULL;

    for (size_t i = 1; i < o->count; i++) {
        const struct dkim_result *r = &o->signatures[i];
        if (best->result != AUTH_PASS &&
            (r->result == AUTH_PASS || (r->result == AUTH_FAIL && best->result != AUTH_FAIL))) {
            best = r;
        }
    }
    return best;
}

static bool is_as_expected(struct slice expected, const struct dkim_result *best)
{
    const enum auth_result result = best != NULL ? best->result : AUTH_NONE;

    if (slice_eq(expected, SLICE_LIT("invalid"))) {
        return result == AUTH_NEUTRAL || result == AUTH_PERMERROR || result == AUTH_POLICY ||
               result == AUTH_TEMPERROR;
    }
    return slice_eq(expected, slice_of(auth_result_name(result))) ||
           (slice_eq(expected, SLICE_LIT("fail")) && result == AUTH_NEUTRAL && best->testing);
}

/* Are all of the message's signatures of the past, and the vector's result that of the past? Then
 * none of them may pass. */
static bool is_as_in_the_past(struct slice expected, struct verified *v)
{
    const struct message_signatures found = signed_message_signatures(v->m, DKIM_SIGNATURE);
    const bool pass = slice_eq(expected, SLICE_LIT("pass"));
    bool all = found.count > 0;

    for (size_t i = 0; i < found.count; i++) {
        const struct dkim_result *r = &v->outcome.signatures[i];
        all = all && r->result != AUTH_PASS &&
              (historic_is(&found.list[i], r->key_bits) || r->domain.n == 0);
    }
    if (slice_eq(expected, SLICE_LIT("temperror"))) {
        return all && historic_key_is_out_of_reach(v->m, v->zone, v->arena);
    }
    return all && (pass || slice_eq(expected, SLICE_LIT("fail"))) &&
           historic_holds(v->m, v->message, v->zone, v->arena) == pass;
}

static void check_expected(struct folder *f, const struct table_row *row, struct arena *arena)
{
    const struct slice file = row->columns[0], expected = row->columns[1];
    struct verified v;

    if (!verify_file(f, file, YEAR_2026, arena, &v)) {
        return;
    }
    const struct dkim_result *best = best_of(&v.outcome);
    if (best == NULL &&
        header_count(signed_message_text(v.m), SLICE_LIT("DomainKey-Signature")) > 0) {
        suite_note("%s/" SLICE_FMT ": DomainKeys alone, passed over", f->name, SLICE_ARG(file));
    } else if (is_as_expected(expected, best)) {
        suite_passed();
    } else if (is_as_in_the_past(expected, &v)) {
        suite_passed();
        f->historic++;
    } else {
        suite_failed("%s/" SLICE_FMT ": " SLICE_FMT " expected, got %s: " SLICE_FMT, f->name,
                     SLICE_ARG(file), SLICE_ARG(expected),
                     auth_result_name(best != NULL ? best->result : AUTH_NONE),
                     SLICE_ARG(best != NULL ? best->problem : SLICE_LIT("no signature")));
    }
    signed_message_free(v.m);
}

static void run_expected(struct folder *f, const struct table *t)
{
    struct arena arena;

    arena_init(&arena);
    for (size_t i = 0; i < t->count; i++) {
        check_expected(f, &t->rows[i], &arena);
        arena_reset(&arena);
    }
    arena_free(&arena);
}

/* ---- signatures.tsv and bodyhash.tsv ---- */

static bool is_number(struct slice s, size_t n)
{
    char text[24];

    return slice_eq(s, (struct slice){text, (size_t)snprintf(text, sizeof(text), "%zu", n)});
}

/* The table's row for this signature, or NULL; 0 rows are a table that is not there. */
static const struct table_row *row_of(const struct table *t, struct slice file, struct slice kind,
                                      size_t index)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct slice *c = t->rows[i].columns;
        if (slice_eq(c[0], file) && slice_eq(c[1], kind) && is_number(c[2], index)) {
            return &t->rows[i];
        }
    }
    return NULL;
}

static size_t rows_of(const struct table *t, struct slice file)
{
    size_t count = 0;

    for (size_t i = 0; i < t->count; i++) {
        count += slice_eq(t->rows[i].columns[0], file);
    }
    return count;
}

static void check_signatures(const struct folder *f, const struct table *t, struct slice file,
                             const struct verified *v)
{
    size_t missing = rows_of(t, file);

    for (size_t i = 0; i < v->outcome.count; i++) {
        const struct dkim_result *r = &v->outcome.signatures[i];
        const struct table_row *row = row_of(t, file, SLICE_LIT("dkim"), i);
        const bool wanted = row != NULL && slice_eq(row->columns[4], SLICE_LIT("True"));
        missing -= row != NULL;
        if ((r->result == AUTH_PASS) == wanted) {
            suite_passed();
        } else {
            suite_failed("%s/" SLICE_FMT ": signature %zu of " SLICE_FMT " (s=" SLICE_FMT
                         "): %s: " SLICE_FMT,
                         f->name, SLICE_ARG(file), i, SLICE_ARG(r->domain), SLICE_ARG(r->selector),
                         auth_result_name(r->result), SLICE_ARG(r->problem));
        }
    }
    if (missing > 0) {
        suite_failed("%s/" SLICE_FMT ": a signature is not there", f->name, SLICE_ARG(file));
    }
}

static void check_hash(struct folder *f, const struct table_row *row, struct slice file,
                       size_t index, const struct message_signature *s, struct verified *v)
{
    const bool wanted = row != NULL && slice_eq(row->columns[6], SLICE_LIT("ok"));

    if ((s->error == 0 && s->body == BODY_SAME) == wanted) {
        suite_passed();
    } else if (wanted && historic_is(s, 0) && historic_body_holds(v->m, s->field, v->message)) {
        suite_passed();
        f->historic++;
    } else {
        suite_failed("%s/" SLICE_FMT ": body hash of signature %zu: %s %s", f->name,
                     SLICE_ARG(file), index, wanted ? "does not match" : "matches", s->s.problem);
    }
}

/* Signatures of both kinds, in the order in which they stand in the message. */
static void check_hashes(struct folder *f, const struct table *t, struct slice file,
                         struct verified *v)
{
    static const struct slice names[] = {SLICE_LIT("dkim-signature"),
                                         SLICE_LIT("arc-message-signature")};
    struct message_signatures dkim = signed_message_signatures(v->m, DKIM_SIGNATURE);
    struct message_signatures arc = signed_message_signatures(v->m, ARC_MESSAGE_SIGNATURE);
    size_t missing = rows_of(t, file);

    for (size_t i = 0; dkim.count + arc.count > 0; i++) {
        const bool is_arc =
            dkim.count == 0 || (arc.count > 0 && arc.list[0].field < dkim.list[0].field);
        struct message_signatures *next = is_arc ? &arc : &dkim;
        const struct table_row *row = row_of(t, file, names[is_arc], i);
        check_hash(f, row, file, i, &next->list[0], v);
        missing -= row != NULL;
        next->list++;
        next->count--;
    }
    if (missing > 0) {
        suite_failed("%s/" SLICE_FMT ": a signature is not there", f->name, SLICE_ARG(file));
    }
}

static int is_message(const struct dirent *entry)
{
    static const char *const others[] = {"signatures.tsv", "bodyhash.tsv", "expected.tsv"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(entry->d_name, others[i]) == 0) {
            return 0;
        }
    }
    return entry->d_name[0] != '.' && !suite_is_key_file(entry->d_name);
}

/* Holds all files of the folder against the tables; NULL: that one is not there. */
static void run_files(struct folder *f, const struct table *signatures, const struct table *hashes)
{
    struct arena arena;
    struct dirent **entries;
    int count = scandir(f->name, &entries, is_message, alphasort);

    arena_init(&arena);
    for (int i = 0; i < count; i++) {
        const struct slice file = slice_of(entries[i]->d_name);
        struct verified v;
        if (verify_file(f, file, 0, &arena, &v)) {
            if (signatures != NULL) {
                check_signatures(f, signatures, file, &v);
            }
            if (hashes != NULL) {
                check_hashes(f, hashes, file, &v);
            }
            signed_message_free(v.m);
        }
        arena_reset(&arena);
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    arena_free(&arena);
}

/* ---- folders ---- */

static void run_folder(const char *name)
{
    struct arena arena;
    struct table expected, signatures, hashes;

    arena_init(&arena);
    struct folder f = {.name = name, .arena = &arena, .zone = suite_keys(name, &arena)};
    const bool has_expected = read_table(&f, "expected.tsv", &expected),
               has_signatures = read_table(&f, "signatures.tsv", &signatures),
               has_hashes = read_table(&f, "bodyhash.tsv", &hashes);
    if (has_expected) {
        run_expected(&f, &expected);
    }
    if (has_signatures || has_hashes) {
        run_files(&f, has_signatures ? &signatures : NULL, has_hashes ? &hashes : NULL);
    }
    if (!has_expected && !has_signatures && !has_hashes) {
        suite_failed("%s: none of expected.tsv, signatures.tsv and bodyhash.tsv is there", name);
    }
    if (f.historic > 0) {
        suite_note(
            "%s: %zu of them by what RFC 6376 and 8301 forbid: did not pass, and come to the "
            "result that is expected by the rules of their time",
            name, f.historic);
    }
    zone_free(f.zone);
    arena_free(&arena);
}

int suite_dkim(int count, char **names)
{
    for (int i = 0; i < count; i++) {
        run_folder(names[i]);
    }
    return 0;
}
