/* Plays golden dialogues and holds their transcripts against the .ref files. Prints TAP.
 *
 * usage: golden [--write] [--show] [--only TEXT] [--at-least N] [--every-rule FILE] FILE-OR-FOLDER…
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "golden.h"

struct options {
    const char *only;
    size_t at_least;
    bool write;
    bool show;
};

static const struct statement *const tables[] = {
    golden_statements, client_statements, hop_statements,  scanner_statements,
    world_statements,  memory_statements, loop_statements, NULL};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Of all cases; a run has no argument for its end. */
static struct coverage coverage;

static void finish(struct run *r)
{
    transcript_finish(r);
    coverage_note(&coverage, r);
}

static bool chosen(const struct scenario *s, const struct options *o)
{
    return o->only == NULL || strstr(s->name, o->only) != NULL;
}

static void print_case(const struct run *r, const struct reference *ref, bool good)
{
    const struct reference_case *c = reference_find(ref, r->scenario->name);
    struct slice new = buf_slice(&r->log);
    if (r->failed) {
        printf("# %s\n", r->why);
    } else if (c == NULL) {
        printf("# %s has no such case: --write adds it\n", base_name(ref->path));
    }
    print_difference(good || c == NULL ? new : buf_slice(&c->text), new);
}

/* Plays a case and says whether all is well: with --write, that it could be played. Its transcript
 * is added to *ret_new; the old one, where it could not. */
static bool play(const struct scenario *s, const struct reference *old, struct reference *ret_new,
                 size_t number, const struct options *o)
{
    const struct reference_case *c = reference_find(old, s->name);
    struct run *r = xcalloc(1, sizeof *r);
    r->scenario = s;
    r->golden = true;
    run_case(r, finish);
    struct slice played = buf_slice(&r->log);
    bool same = c != NULL && slice_eq(buf_slice(&c->text), played);
    bool good = !r->failed && (same || o->write);
    printf("%s %zu - %s: %s\n", good ? "ok" : "not ok", number, base_name(s->file), s->name);
    if (!good || o->show) {
        print_case(r, old, good);
    }
    if (!r->failed) {
        reference_add(ret_new, s->name, played);
    } else if (c != NULL) {
        reference_add(ret_new, s->name, buf_slice(&c->text));
    }
    buf_free(&r->log);
    free(r);
    return good;
}

/* Transcripts that no case has any more; says which. */
static bool has_strays(const struct reference *ref, const struct scenario *first, size_t count)
{
    bool strays = false;
    for (size_t i = 0; i < ref->count; i++) {
        bool known = false;
        for (size_t n = 0; n < count && !known; n++) {
            known = strcmp(first[n].name, ref->cases[i].name) == 0;
        }
        if (!known) {
            printf("# %s: no case is called \"%s\"\n", base_name(ref->path), ref->cases[i].name);
            strays = true;
        }
    }
    return strays;
}

struct tally {
    size_t played;
    size_t failed;
    bool strays;
};

/* The cases of one file, from `first` on; returns how many there are. */
static size_t play_file(const struct scenario *first, size_t most, struct tally *t,
                        const struct options *o)
{
    struct reference old = reference_read(first->file), new = {0};
    size_t count = 0;
    for (; count < most && first[count].file == first->file; count++) {
        const struct scenario *s = &first[count];
        const struct reference_case *c = reference_find(&old, s->name);
        if (chosen(s, o)) {
            t->failed += !play(s, &old, &new, ++t->played, o);
        } else if (c != NULL) {
            reference_add(&new, s->name, buf_slice(&c->text));
        }
    }
    if (o->write && reference_write(&new, old.path) < 0) {
        fatal("%s cannot be written", old.path);
    }
    t->strays |= !o->write && has_strays(&old, first, count);
    reference_free(&old);
    reference_free(&new);
    return count;
}

/* Are fewer cases there than were promised? */
static bool too_few(const struct script *script, const struct options *o)
{
    if (script->count >= o->at_least) {
        return false;
    }
    printf("# only %zu cases: there are to be at least %zu\n", script->count, o->at_least);
    return true;
}

static bool play_all(const struct script *script, const struct options *o)
{
    struct tally t = {0};
    size_t count = 0;
    for (size_t i = 0; i < script->count; i++) {
        count += chosen(&script->cases[i], o);
    }
    printf("1..%zu\n", count);
    for (size_t i = 0; i < script->count;) {
        i += play_file(&script->cases[i], script->count - i, &t, o);
    }
    bool few = too_few(script, o), covered = coverage_tell(&coverage);
    printf("# %zu passed, %zu failed\n", t.played - t.failed, t.failed);
    return t.failed == 0 && count > 0 && !t.strays && !few && covered;
}

int main(int argc, char **argv)
{
    struct script script = {.tables = tables};
    struct options o = {0};
    setenv("TZ", "UTC", 1);
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--write") == 0) {
            o.write = true;
        } else if (strcmp(argv[i], "--show") == 0) {
            o.show = true;
        } else if (strcmp(argv[i], "--only") == 0 && more) {
            o.only = argv[++i];
        } else if (strcmp(argv[i], "--at-least") == 0 && more) {
            o.at_least = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--every-rule") == 0 && more) {
            coverage.file = argv[++i];
        } else if (!script_read_path(&script, argv[i], ".in")) {
            script_free(&script);
            return 2;
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    bool good = play_all(&script, &o);
    script_free(&script);
    coverage_free(&coverage);
    return good ? 0 : 1;
}
