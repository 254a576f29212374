/* From a file to its cases: one statement a line. Nothing is run here; what is no statement at all
 * is told with file and line before the first case begins. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "scenario.h"

static const struct statement *const tables[] = {client_statements, hop_statements,
                                                 expect_statements, world_statements};

/* The statement with the longest name that the line begins with. */
static const struct statement *find(const char *line)
{
    const struct statement *found = NULL;
    size_t longest = 0;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct statement *s = tables[t]; s->name != NULL; s++) {
            size_t n = strlen(s->name);
            bool here = strncmp(line, s->name, n) == 0 && (line[n] == ' ' || line[n] == '\0');
            if (here && n > longest) {
                found = s;
                longest = n;
            }
        }
    }
    return found;
}

static void add_step(struct scenario *c, unsigned line, const struct statement *s, const char *rest)
{
    c->steps = xrealloc(c->steps, (c->count + 1) * sizeof *c->steps);
    c->steps[c->count++] = (struct step){line, s, xstrdup(rest)};
}

/* A new case, which begins with what stands in front of the file's first. */
static struct scenario *add_case(struct script *s, const char *file, unsigned line,
                                 const char *name, const struct scenario *common)
{
    s->cases = xrealloc(s->cases, (s->count + 1) * sizeof *s->cases);
    struct scenario *c = &s->cases[s->count++];
    *c = (struct scenario){.file = file, .line = line, .name = xstrdup(name)};
    for (size_t i = 0; i < common->count; i++) {
        add_step(c, common->steps[i].line, common->steps[i].statement, common->steps[i].rest);
    }
    return c;
}

static void free_case(struct scenario *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->steps[i].rest);
    }
    free(c->steps);
    free(c->name);
}

static bool read_line(struct script *s, const char *file, unsigned number, char *line,
                      struct scenario *common, struct scenario **current)
{
    char *text = line + strspn(line, " \t");
    if (*text == '\0' || *text == '#') {
        return true;
    }
    if (strncmp(text, "case ", 5) == 0) {
        *current = add_case(s, file, number, text + 5, common);
        return true;
    }
    const struct statement *statement = find(text);
    if (statement == NULL) {
        fprintf(stderr, "%s:%u: no such statement: %s\n", file, number, text);
        return false;
    }
    const char *rest = text + strlen(statement->name);
    rest += *rest == ' ';
    add_step(*current != NULL ? *current : common, number, statement, rest);
    return true;
}

bool script_read(struct script *s, const char *file)
{
    FILE *f = fopen(file, "r");
    if (f == NULL) {
        fprintf(stderr, "%s: %s\n", file, strerror(errno));
        return false;
    }
    s->files = xrealloc(s->files, (s->file_count + 1) * sizeof *s->files);
    file = s->files[s->file_count++] = xstrdup(file);
    struct scenario common = {.name = xstrdup("")};
    struct scenario *current = NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    bool good = true;
    for (unsigned number = 1; good && (n = getline(&line, &room, f)) >= 0; number++) {
        if (n > 0 && line[n - 1] == '\n') {
            line[n - 1] = '\0';
        }
        good = read_line(s, file, number, line, &common, &current);
    }
    free(line);
    fclose(f);
    free_case(&common);
    return good;
}

void script_free(struct script *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free_case(&s->cases[i]);
    }
    free(s->cases);
    for (size_t i = 0; i < s->file_count; i++) {
        free(s->files[i]);
    }
    free(s->files);
}
