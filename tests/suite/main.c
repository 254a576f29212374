/* `suite NAME FILE…`: see suite.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "suite.h"

static const struct row {
    const char *name;
    int (*run)(int count, char **names);
    const char *takes;
} rows[] = {
    {"arc", suite_arc,
     "FILE…   YAML of arc_test_suite: chains to validate, sets that a signer makes"},
    {"dmarc", suite_dmarc, "FILE…   YAML as tests/suite/dmarc/README.md has it"},
    {"dkim", suite_dkim, "FOLDER… messages, tables of what they come to, and keys"},
    {"spf", suite_spf, "FILE…   YAML of the OpenSPF suite"},
    {NULL, NULL, NULL}, /* the end */
};

static unsigned passed, failed;

void suite_passed(void)
{
    passed++;
}

static void say(const char *front, const char *format, va_list ap)
{
    struct buf line = {0};
    buf_vprintf(&line, format, ap);
    text_clean(line.p, line.n);
    printf("%s" SLICE_FMT "\n", front, SLICE_ARG(buf_slice(&line)));
    buf_free(&line);
}

void suite_failed(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say("FAILED ", format, ap);
    va_end(ap);
    failed++;
}

void suite_note(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say("note: ", format, ap);
    va_end(ap);
}

static int usage(void)
{
    fputs("usage: suite NAME FILE…\n", stderr);
    for (const struct row *row = rows; row->name != NULL; row++) {
        fprintf(stderr, "  %-6s %s\n", row->name, row->takes);
    }
    return 2;
}

int main(int argc, char **argv)
{
    const struct row *row = rows;
    while (argc > 2 && row->name != NULL && strcmp(argv[1], row->name) != 0) {
        row++;
    }
    if (argc <= 2 || row->name == NULL || row->run(argc - 2, argv + 2) < 0) {
        return usage();
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0 || fflush(stdout) != 0 ? 1 : 0;
}
