/* Runs scenarios: each case in a house of its own, on virtual time. Prints TAP.
 *
 * usage: scenario [--only TEXT] [--trace] FILE-OR-FOLDER… */
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "scenario.h"

/* Lines of the dialogue that are shown of a case that failed. */
#define SHOWN_LINES 30

void note(struct run *r, const char *prefix, struct slice text)
{
    usec_t t = sim_now(r->house->sim) - 1000 * USEC_SEC;
    buf_printf(&r->log, "%6lld.%03lld %u%s ", (long long)(t / USEC_SEC),
               (long long)(t % USEC_SEC / 1000), r->current, prefix);
    for (size_t i = 0; i < text.n && i < 200; i++) {
        unsigned char c = (unsigned char)text.p[i];
        buf_printf(&r->log, c < ' ' || c > '~' ? "\\x%02x" : "%c", c);
    }
    buf_printf(&r->log, text.n > 200 ? "… (%zu octets)\n" : "\n", text.n);
}

/* ---- results ---- */

static void print_commented(const char *text, size_t n, size_t lines)
{
    const char *from = text + n;
    while (from > text && lines > 0) {
        from--;
        lines -= from > text && from[-1] == '\n';
    }
    for (const char *p = from; p < text + n;) {
        const char *lf = memchr(p, '\n', (size_t)(text + n - p));
        size_t length = lf != NULL ? (size_t)(lf - p) : (size_t)(text + n - p);
        printf("#   %.*s\n", (int)length, p);
        p += length + 1;
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool run_and_print(const struct scenario *s, size_t number, bool trace)
{
    struct run *r = xcalloc(1, sizeof *r);
    r->scenario = s;
    run_case(r, NULL);
    bool good = !r->failed;
    printf("%s %zu - %s: %s\n", good ? "ok" : "not ok", number, base_name(s->file), s->name);
    if (!good) {
        print_commented(r->why, strlen(r->why), SIZE_MAX);
    }
    if (r->log.n > 0 && (trace || !good)) {
        print_commented(r->log.p, r->log.n, trace ? SIZE_MAX : SHOWN_LINES);
    }
    buf_free(&r->log);
    free(r);
    return good;
}

/* ---- the program ---- */

static bool chosen(const struct scenario *s, const char *only)
{
    return only == NULL || strstr(s->name, only) != NULL;
}

static const struct statement *const tables[] = {client_statements,
                                                 hear_statements,
                                                 hop_statements,
                                                 scanner_statements,
                                                 scanner_expect_statements,
                                                 expect_statements,
                                                 world_statements,
                                                 memory_statements,
                                                 loop_statements,
                                                 NULL};

int main(int argc, char **argv)
{
    struct script script = {.tables = tables};
    const char *only = NULL;
    bool trace = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            trace = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else if (!script_read_path(&script, argv[i], ".smtp")) {
            script_free(&script);
            return 2;
        }
    }
    size_t count = 0, number = 0, failed = 0;
    for (size_t i = 0; i < script.count; i++) {
        count += chosen(&script.cases[i], only);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%zu\n", count);
    for (size_t i = 0; i < script.count; i++) {
        if (chosen(&script.cases[i], only)) {
            failed += !run_and_print(&script.cases[i], ++number, trace);
        }
    }
    script_free(&script);
    printf("# %zu passed, %zu failed\n", number - failed, failed);
    return failed > 0 || count == 0;
}
