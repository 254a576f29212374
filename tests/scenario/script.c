/* From a file to its cases: one statement a line, or several lines of one with braces. Nothing is
 * run here; what is no statement at all is told with file and line before the first case begins. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fatal.h"
#include "scenario.h"

struct reading {
    struct script *script;
    const char *file;
    unsigned line;
    struct scenario common; /* what stands in front of the first case */
    struct scenario *current;
    const struct statement *open; /* a block whose braces are not closed */
    unsigned open_line;
    struct buf block;
};

/* The statement with the longest name that the line begins with. */
static const struct statement *find(const struct script *script, const char *line)
{
    const struct statement *found = NULL;
    size_t longest = 0;
    for (size_t t = 0; script->tables[t] != NULL; t++) {
        for (const struct statement *s = script->tables[t]; s->name != NULL; s++) {
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

/* Braces that are open at the end of the text; those in strings and comments do not count. */
static int open_braces(const char *text)
{
    int open = 0;
    bool quoted = false;
    for (const char *p = text; *p != '\0'; p++) {
        if (quoted && *p == '\\' && p[1] != '\0') {
            p++;
        } else if (*p == '"') {
            quoted = !quoted;
        } else if (*p == '\n') {
            quoted = false;
        } else if (!quoted && *p == '#' && (p == text || strchr(" \n", p[-1]) != NULL)) {
            p += strcspn(p, "\n") - 1;
        } else if (!quoted) {
            open += (*p == '{') - (*p == '}');
        }
    }
    return open;
}

static void add_step(struct scenario *c, unsigned line, const struct statement *s, const char *rest)
{
    c->steps = xrealloc(c->steps, (c->count + 1) * sizeof *c->steps);
    c->steps[c->count++] = (struct step){line, s, xstrdup(rest)};
}

/* A new case, which begins with what stands in front of the file's first. */
static bool add_case(struct reading *f, const char *name)
{
    struct script *s = f->script;
    for (size_t i = 0; i < s->count; i++) {
        if (s->cases[i].file == f->file && strcmp(s->cases[i].name, name) == 0) {
            fprintf(stderr, "%s:%u: this case has the name of another: %s\n", f->file, f->line,
                    name);
            return false;
        }
    }
    s->cases = xrealloc(s->cases, (s->count + 1) * sizeof *s->cases);
    f->current = &s->cases[s->count++];
    *f->current = (struct scenario){.file = f->file, .line = f->line, .name = xstrdup(name)};
    for (size_t i = 0; i < f->common.count; i++) {
        const struct step *x = &f->common.steps[i];
        add_step(f->current, x->line, x->statement, x->rest);
    }
    return true;
}

static void free_case(struct scenario *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->steps[i].rest);
    }
    free(c->steps);
    free(c->name);
}

static struct scenario *present_case(struct reading *f)
{
    return f->current != NULL ? f->current : &f->common;
}

/* A line of an open block. */
static void read_block_line(struct reading *f, const char *line)
{
    if (f->block.n > 0) {
        f->block.n--; /* the NUL */
        buf_append(&f->block, "\n", 1);
    }
    buf_append(&f->block, line, strlen(line) + 1);
    if (open_braces(f->block.p) <= 0) {
        add_step(present_case(f), f->open_line, f->open, f->block.p);
        buf_free(&f->block);
        f->open = NULL;
    }
}

static bool read_line(struct reading *f, const char *line)
{
    const char *text = line + strspn(line, " \t");
    if (f->open != NULL) {
        read_block_line(f, line);
        return true;
    }
    if (*text == '\0' || *text == '#') {
        return true;
    }
    if (strncmp(text, "case ", 5) == 0) {
        return add_case(f, text + 5);
    }
    const struct statement *statement = find(f->script, text);
    if (statement == NULL) {
        fprintf(stderr, "%s:%u: no such statement: %s\n", f->file, f->line, text);
        return false;
    }
    const char *rest = text + strlen(statement->name);
    rest += *rest == ' ';
    if (statement->block) {
        f->open = statement;
        f->open_line = f->line;
        read_block_line(f, rest);
    } else {
        add_step(present_case(f), f->line, statement, rest);
    }
    return true;
}

static bool read_lines(struct reading *f, FILE *in)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    bool good = true;
    for (f->line = 1; good && (n = getline(&line, &room, in)) >= 0; f->line++) {
        if (n > 0 && line[n - 1] == '\n') {
            line[n - 1] = '\0';
        }
        good = read_line(f, line);
    }
    free(line);
    if (good && f->open != NULL) {
        fprintf(stderr, "%s:%u: the braces are never closed\n", f->file, f->open_line);
        good = false;
    }
    return good;
}

bool script_read(struct script *s, const char *file)
{
    FILE *in = fopen(file, "r");
    if (in == NULL) {
        fprintf(stderr, "%s: %s\n", file, strerror(errno));
        return false;
    }
    s->files = xrealloc(s->files, (s->file_count + 1) * sizeof *s->files);
    struct reading f = {.script = s, .file = xstrdup(file), .common.name = xstrdup("")};
    s->files[s->file_count++] = (char *)f.file;
    bool good = read_lines(&f, in);
    fclose(in);
    free_case(&f.common);
    buf_free(&f.block);
    return good;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), length = strlen(suffix);
    return n > length && strcmp(name + n - length, suffix) == 0;
}

bool script_read_path(struct script *s, const char *path, const char *suffix)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return script_read(s, path);
    }
    struct dirent **list;
    int n = scandir(path, &list, NULL, by_name);
    bool good = n > 0;
    for (int i = 0; i < n; i++) {
        struct buf name = {0};
        buf_printf(&name, "%s/%s", path, list[i]->d_name);
        buf_append(&name, "", 1);
        good = good && (!ends_in(list[i]->d_name, suffix) || script_read(s, name.p));
        buf_free(&name);
        free(list[i]);
    }
    if (n >= 0) {
        free(list);
    }
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
