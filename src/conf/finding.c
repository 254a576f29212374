/* See finding.h. */
#include "conf/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/text.h"

/* In front of the line and what stands below it. */
#define MARGIN "    "

/* Octets of a line that are shown; of a longer one those around the column. */
#define LINE_SHOWN ((size_t)120)
#define CUT        "..."

/* Longest text or advice. */
#define TEXT_MOST 1024

void findings_init(struct findings *f)
{
    *f = (struct findings){0};
    arena_init(&f->arena);
}

void findings_free(struct findings *f)
{
    free(f->items);
    arena_free(&f->arena);
    findings_init(f);
}

/* What is wrong with a set is found wherever it is used. */
static bool is_told(const struct findings *f, enum severity severity, struct place place,
                    const char *text)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct conf_finding *x = &f->items[i];
        if (x->severity == severity && x->place.source == place.source &&
            x->place.line == place.line && x->place.column == place.column &&
            strcmp(x->text, text) == 0) {
            return true;
        }
    }
    return false;
}

/* An error is worth more than the last warning, which makes room for it. False: no room. */
static bool make_room(struct findings *f, enum severity severity)
{
    size_t i = f->count;

    if (f->count < FINDINGS_MOST) {
        return true;
    }
    while (severity == FINDING_ERROR && i > 0) {
        if (f->items[--i].severity == FINDING_WARNING) {
            memmove(&f->items[i], &f->items[i + 1], (--f->count - i) * sizeof(*f->items));
            return true;
        }
    }
    return false;
}

void finding_add(struct findings *f, enum severity severity, struct place place, const char *advice,
                 const char *format, ...)
{
    char text[TEXT_MOST];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (is_told(f, severity, place, text)) {
        return;
    }
    f->errors += severity == FINDING_ERROR;
    if (!make_room(f, severity)) {
        return;
    }
    if (f->count == f->cap) {
        f->cap = f->cap > 0 ? f->cap * 2 : 8;
        f->items = xrealloc(f->items, f->cap * sizeof(*f->items));
    }
    f->items[f->count++] = (struct conf_finding){
        .severity = severity,
        .place = place,
        .text = arena_copy(&f->arena, slice_of(text)).p,
        .advice = arena_copy(&f->arena, slice_of(advice != NULL ? advice : "")).p,
    };
}

/* What findings are sorted by. */
struct ranked {
    struct conf_finding finding;
    size_t file; /* index of the first finding in the same file */
    size_t index;
};

static int compare(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int order = compare(x->file, y->file);

    if (order == 0) {
        order = compare(x->finding.place.line, y->finding.place.line);
    }
    if (order == 0) {
        order = compare(x->finding.place.column, y->finding.place.column);
    }
    return order != 0 ? order : compare(x->index, y->index);
}

void findings_sort(struct findings *f)
{
    if (f->count < 2) {
        return;
    }
    struct ranked *ranked = xcalloc(f->count, sizeof(*ranked));
    for (size_t i = 0; i < f->count; i++) {
        size_t file = 0;
        while (f->items[file].place.source != f->items[i].place.source) {
            file++;
        }
        ranked[i] = (struct ranked){f->items[i], file, i};
    }
    qsort(ranked, f->count, sizeof(*ranked), compare_ranked);
    for (size_t i = 0; i < f->count; i++) {
        f->items[i] = ranked[i].finding;
    }
    free(ranked);
}

static void append_clean(struct buf *ret, const char *p, size_t n)
{
    if (n > 0) {
        buf_append(ret, p, n);
        text_clean(ret->p + ret->n - n, n);
    }
}

/* The line of that number, without its end; false when the file has not so many. */
static bool find_line(const struct source *source, unsigned number, struct slice *ret)
{
    const char *p = source->text.n > 0 ? source->text.p : "";
    const char *end = p + source->text.n;
    const char *feed = NULL;

    for (unsigned line = 1;; line++) {
        feed = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
        if (line == number) {
            break;
        }
        if (feed == NULL) {
            return false;
        }
        p = feed + 1;
    }
    const char *limit = feed != NULL ? feed : end;
    if (limit > p && feed != NULL && limit[-1] == '\r') {
        limit--;
    }
    *ret = (struct slice){p, (size_t)(limit - p)};
    return true;
}

static bool is_inside_character(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Of a long line, the part around octet `at`, cut between characters, which are at most four octets
 * long. */
static struct slice part_around(struct slice line, size_t at)
{
    if (line.n <= LINE_SHOWN) {
        return line;
    }
    size_t start = at > LINE_SHOWN / 2 ? at - LINE_SHOWN / 2 : 0;
    if (start > line.n - LINE_SHOWN) {
        start = line.n - LINE_SHOWN;
    }
    size_t end = start + LINE_SHOWN;
    for (int i = 0; i < 3 && start < at && is_inside_character(line.p[start]); i++) {
        start++;
    }
    for (int i = 0; i < 3 && end < line.n && is_inside_character(line.p[end]); i++) {
        end--;
    }
    return (struct slice){line.p + start, end - start};
}

/* The line as a terminal may have it, each octet or character one cell wide. */
static void append_line(struct buf *ret, struct slice part)
{
    size_t start = ret->n;

    buf_append_slice(ret, part);
    for (size_t i = start; i < ret->n; i++) {
        if (ret->p[i] == '\t') {
            ret->p[i] = ' ';
        }
    }
    text_clean(ret->p + start, part.n);
}

void place_excerpt(struct place place, struct buf *ret)
{
    struct slice line;

    if (place.source == NULL || place.line == 0 || place.column == 0 ||
        !find_line(place.source, place.line, &line)) {
        return;
    }
    size_t at = place.column - 1 < line.n ? place.column - 1 : line.n;
    struct slice part = part_around(line, at);
    bool cut_before = part.p > line.p;
    bool cut_behind = part.p + part.n < line.p + line.n;
    size_t before = (size_t)(line.p + at - part.p);
    buf_printf(ret, MARGIN "%s", cut_before ? CUT : "");
    size_t start = ret->n;
    append_line(ret, part);
    size_t cells = cut_before ? sizeof(CUT) - 1 : 0;
    for (size_t i = 0; i < before; i++) {
        cells += !is_inside_character(ret->p[start + i]);
    }
    buf_printf(ret, "%s\n" MARGIN "%*s^\n", cut_behind ? CUT : "", (int)cells, "");
}

void finding_format(const struct conf_finding *x, struct buf *ret)
{
    const char *severity = x->severity == FINDING_ERROR ? "error" : "warning";

    if (x->place.source != NULL) {
        append_clean(ret, x->place.source->name, strlen(x->place.source->name));
        buf_printf(ret, ":%u:%u: ", x->place.line, x->place.column);
    }
    buf_printf(ret, "%s: ", severity);
    append_clean(ret, x->text, strlen(x->text));
    buf_append(ret, "\n", 1);
    place_excerpt(x->place, ret);
    if (x->advice[0] != '\0') {
        buf_append_slice(ret, SLICE_LIT(MARGIN));
        append_clean(ret, x->advice, strlen(x->advice));
        buf_append(ret, "\n", 1);
    }
}
