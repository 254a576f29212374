/* See proc/configuration.h. */
#include "proc/configuration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"

static void keep_error(struct configuration_words *words, const struct findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i].severity == FINDING_ERROR) {
            struct buf line = {0};
            finding_format(&f->items[i], &line);
            const char *end = memchr(line.p, '\n', line.n);
            size_t n = end != NULL ? (size_t)(end - line.p) : line.n;
            (void)snprintf(words->error, sizeof(words->error), "%.*s", (int)n, line.p);
            buf_free(&line);
            return;
        }
    }
}

static int compile(struct configuration *c, struct configuration_words *words)
{
    struct findings findings;

    findings_init(&findings);
    int r = policy_compile(c->conf, &findings, &c->policy);
    findings_sort(&findings);
    for (size_t i = 0; i < findings.count; i++) {
        finding_format(&findings.items[i], &words->text);
    }
    words->warnings = findings.count - findings.errors;
    keep_error(words, &findings);
    findings_free(&findings);
    return r;
}

int configuration_load(const char *file, struct snapshot *from, struct configuration **ret,
                       struct configuration_words *words)
{
    struct configuration *c = xcalloc(1, sizeof(*c));
    struct conf_error error;

    c->files = from != NULL ? from : snapshot_new();
    struct conf_reader reader =
        from != NULL ? snapshot_reader(c->files) : snapshot_recorder(c->files);
    *words = (struct configuration_words){0};
    int r = conf_load_with(file, &reader, &c->conf, &error);
    if (r < 0) {
        (void)snprintf(words->error, sizeof(words->error), "%s", error.text);
        buf_printf(&words->text, "%s\n%s", error.text, error.excerpt);
    } else {
        r = compile(c, words);
    }
    if (r < 0) {
        (void)configuration_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

struct configuration *configuration_free(struct configuration *c)
{
    if (c != NULL) {
        (void)policy_free(c->policy);
        (void)conf_free(c->conf);
        (void)snapshot_free(c->files);
        free(c);
    }
    return NULL;
}
