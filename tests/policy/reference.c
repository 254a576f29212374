/* Files with transcripts, and telling two transcripts' differences. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "golden.h"

static char *reference_path(const char *in_file)
{
    struct buf b = {0};
    size_t n = strlen(in_file);
    bool has_suffix = n > 3 && strcmp(in_file + n - 3, ".in") == 0;
    buf_append(&b, in_file, has_suffix ? n - 3 : n);
    buf_append(&b, ".ref", 5);
    return b.p;
}

const struct reference_case *reference_find(const struct reference *ref, const char *name)
{
    for (size_t i = 0; i < ref->count; i++) {
        if (strcmp(ref->cases[i].name, name) == 0) {
            return &ref->cases[i];
        }
    }
    return NULL;
}

void reference_add(struct reference *ref, const char *name, struct slice text)
{
    ref->cases = xrealloc(ref->cases, (ref->count + 1) * sizeof *ref->cases);
    struct reference_case *c = &ref->cases[ref->count++];
    *c = (struct reference_case){.name = xstrdup(name)};
    buf_append_slice(&c->text, text);
}

struct reference reference_read(const char *in_file)
{
    struct reference ref = {.path = reference_path(in_file)};
    FILE *f = fopen(ref.path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    struct reference_case *c = NULL;
    while (f != NULL && (n = getline(&line, &room, f)) > 0) {
        if (strncmp(line, "case ", 5) == 0) {
            line[n - 1] = '\0';
            reference_add(&ref, line + 5, (struct slice){"", 0});
            c = &ref.cases[ref.count - 1];
        } else if (c != NULL && strcmp(line, "\n") != 0) {
            buf_append(&c->text, line, (size_t)n);
        }
    }
    free(line);
    if (f != NULL) {
        fclose(f);
    }
    return ref;
}

void reference_free(struct reference *ref)
{
    for (size_t i = 0; i < ref->count; i++) {
        free(ref->cases[i].name);
        buf_free(&ref->cases[i].text);
    }
    free(ref->cases);
    free(ref->path);
    *ref = (struct reference){0};
}

int reference_write(const struct reference *ref, const char *path)
{
    FILE *f = fopen(path, "w");
    if (f == NULL) {
        return -errno;
    }
    for (size_t i = 0; i < ref->count; i++) {
        const struct reference_case *c = &ref->cases[i];
        fprintf(f, "%scase %s\n" SLICE_FMT, i > 0 ? "\n" : "", c->name,
                SLICE_ARG(buf_slice(&c->text)));
    }
    return fclose(f) == 0 ? 0 : -errno;
}

/* ---- differences ---- */

struct lines {
    struct slice *line;
    size_t count;
};

static struct lines split(struct slice text)
{
    struct lines l = {0};
    while (text.n > 0) {
        const char *lf = memchr(text.p, '\n', text.n);
        size_t n = lf != NULL ? (size_t)(lf - text.p) : text.n;
        l.line = xrealloc(l.line, (l.count + 1) * sizeof *l.line);
        l.line[l.count++] = (struct slice){text.p, n};
        n += lf != NULL;
        text = (struct slice){text.p + n, text.n - n};
    }
    return l;
}

static void print_line(char mark, struct slice line)
{
    printf("# %c " SLICE_FMT "\n", mark, SLICE_ARG(line));
}

/* longest[i * width + j]: of the longest common subsequence of what is behind line i of a and line
 * j of b. */
static unsigned *common(const struct lines *a, const struct lines *b)
{
    size_t width = b->count + 1;
    unsigned *longest = xcalloc((a->count + 1) * width, sizeof *longest);
    for (size_t i = a->count; i-- > 0;) {
        for (size_t j = b->count; j-- > 0;) {
            unsigned below = longest[(i + 1) * width + j];
            unsigned right = longest[i * width + j + 1];
            longest[i * width + j] = slice_eq(a->line[i], b->line[j])
                                         ? longest[(i + 1) * width + j + 1] + 1
                                     : below > right ? below
                                                     : right;
        }
    }
    return longest;
}

void print_difference(struct slice old, struct slice new)
{
    struct lines a = split(old), b = split(new);
    unsigned *longest = common(&a, &b);
    size_t width = b.count + 1, i = 0, j = 0;
    while (i < a.count || j < b.count) {
        bool both = i < a.count && j < b.count;
        if (both && slice_eq(a.line[i], b.line[j])) {
            print_line(' ', a.line[i]);
            i++;
            j++;
        } else if (j == b.count ||
                   (both && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) {
            print_line('-', a.line[i++]);
        } else {
            print_line('+', b.line[j++]);
        }
    }
    free(longest);
    free(a.line);
    free(b.line);
}
