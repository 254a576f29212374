/* Plays dialogues in the simulated world and keeps their decisions, each case's in a journal of its
 * own, as the clerk would: for those who hold what `gatepost explain` says against the manual.
 *
 * usage: stories FILE FOLDER
 *
 * Prints a line for each case: its name, a tab, the journal's path below FOLDER, a tab, and the ids
 * of its decisions, separated by blanks. Exit status 1 when a case fails, 2 for wrong usage. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fatal.h"
#include "journal/writer.h"
#include "policy/policy.h"
#include "tests/scenario/scenario.h"

#define PATIENCE_AT_END (10 * USEC_SEC)

static const struct statement *const tables[] = {
    client_statements,         hear_statements,   hop_statements,   scanner_statements,
    scanner_expect_statements, expect_statements, world_statements, NULL};

/* Where the present case's journal goes, and its ids. */
static char *journal;
static struct buf ids;

void note(struct run *r, const char *prefix, struct slice text)
{
    buf_printf(&r->log, "%s ", prefix);
    buf_append_slice(&r->log, text);
    buf_append(&r->log, "\n", 1);
}

static void keep_id(void *arg, const json_t *line)
{
    const char *id = json_string_value(json_object_get(line, "id"));

    (void)arg;
    buf_printf(&ids, "%s%s", ids.n > 0 ? " " : "", id != NULL ? id : "?");
}

/* Called when nothing more can be decided. */
static void keep_decisions(struct run *r)
{
    const struct journal_writer_setup setup = {.path = journal};
    struct slice rest = buf_slice(&r->house->decisions);
    struct journal_writer *w;

    if (journal_writer_start(&setup, &w) < 0) {
        fatal("no journal's writer");
    }
    journal_writer_compiled(w, r->house->policy);
    while (rest.n > 0) {
        const size_t n = (size_t)((const char *)memchr(rest.p, '\n', rest.n) - rest.p) + 1;
        if (n > 1) {
            (void)journal_writer_take(w, (struct slice){rest.p, n});
        }
        rest = (struct slice){rest.p + n, rest.n - n};
    }
    if (journal_writer_end(w, PATIENCE_AT_END) > 0) {
        fail(r, "the journal could not be written");
    }
    each_decision(r, keep_id, NULL);
}

static bool play(const struct scenario *s, const char *folder, size_t number)
{
    struct run *r = xcalloc(1, sizeof(*r));

    if (asprintf(&journal, "%s/%zu.db", folder, number) < 0) {
        fatal("out of memory");
    }
    r->scenario = s;
    ids.n = 0;
    run_case(r, keep_decisions);
    const bool good = !r->failed;
    if (good) {
        printf("%s\t%zu.db\t" SLICE_FMT "\n", s->name, number, SLICE_ARG(buf_slice(&ids)));
    } else {
        (void)fprintf(stderr, "%s: %s\n" SLICE_FMT, s->name, r->why, SLICE_ARG(buf_slice(&r->log)));
    }
    buf_free(&r->log);
    free(r);
    free(journal);
    return good;
}

int main(int argc, char **argv)
{
    struct script script = {.tables = tables};
    bool good = true;

    if (argc != 3 || !script_read(&script, argv[1])) {
        (void)fprintf(stderr, "usage: stories FILE FOLDER\n");
        return 2;
    }
    setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < script.count; i++) {
        good = play(&script.cases[i], argv[2], i + 1) && good;
    }
    script_free(&script);
    buf_free(&ids);
    return good ? 0 : 1;
}
