/* gatepost state export, and import. A file is read line by line and taken in as it is read; what
 * was not taken in is told at the end, whatever happened. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cmd/state.h"
#include "store/record_line.h"

/* ---- export ---- */

struct exporting {
    struct buf line;
    uint64_t count;
};

static int export_one(void *arg, const struct record *r)
{
    struct exporting *x = arg;

    x->line.n = 0;
    record_line_write(&x->line, r);
    buf_append(&x->line, "\n", 1);
    x->count++;
    return fwrite(x->line.p, 1, x->line.n, stdout) == x->line.n ? 0 : 1;
}

enum cmd_status state_export(const struct state_line *line)
{
    struct exporting x = {{0}, 0};
    enum record_kind kind = 0;
    struct memory_at at;

    if (line->count > 1) {
        return cmd_wrong(line->command, "one word too many:", line->operands[1]);
    }
    if (line->count == 1 && (kind = state_kind(line, line->operands[0])) == 0) {
        return CMD_WRONG;
    }
    enum cmd_status status = memory_at_open(line->file, MEMORY_TO_LOOK, &at);
    if (status == CMD_DONE) {
        const int r = memory_each(at.memory, kind, at.wall, export_one, &x);
        status = r < 0 ? memory_at_failed(&at, r) : x.count > 0 ? CMD_DONE : CMD_NO;
        if (status == CMD_NO) {
            (void)fprintf(stderr, "gatepost: nothing of that kind is remembered\n");
        }
    }
    buf_free(&x.line);
    status = memory_at_close(&at, status);
    return status == CMD_DONE ? cmd_printed() : status;
}

/* ---- import ---- */

#define COMPLAINTS_MOST 20 /* are worded; the others are counted */

struct importing {
    const struct state_line *line;
    const struct memory_at *at;
    const char *file; /* as it is named to people */
    uint64_t number;  /* of the line */
    uint64_t taken;
    uint64_t newer; /* was what is there already */
    uint64_t bad;
    int error;
};

static void complain(struct importing *im, const char *why)
{
    struct buf shown = {0};

    if (++im->bad <= COMPLAINTS_MOST) {
        text_show(&shown, slice_of(why), RECORD_LINE_WHY);
        (void)fprintf(stderr, "%s:%llu: " SLICE_FMT "\n", im->file, (unsigned long long)im->number,
                      SLICE_ARG(buf_slice(&shown)));
        buf_free(&shown);
    }
}

static void take_record(struct importing *im, const struct record *r)
{
    struct memory *m = im->at->memory;
    struct record there;
    const int found =
        memory_look(m, (enum record_kind)r->kind, record_name(r), im->at->wall, &there);

    if (found < 0) {
        im->error = found;
        return;
    }
    if (im->line->merge) {
        memory_add(m, r);
    } else if (found > 0 && there.last > r->last) {
        im->newer++;
        return;
    } else {
        memory_put(m, r);
    }
    im->taken++;
}

/* A correspondent is seen now, also when he was known before. */
static void take_correspondent(struct importing *im, struct slice name)
{
    struct record r;

    record_init(&r, RECORD_CORRESPONDENT, name, im->at->wall);
    memory_add(im->at->memory, &r);
    im->taken++;
}

static void take_line(struct importing *im, struct slice line)
{
    char why[RECORD_LINE_WHY], form[RECORD_NAME_MAX];
    struct slice name;
    struct record r;
    int result;

    if (im->line->correspondents != NULL) {
        result = record_correspondent_parse(line, form, &name, why);
        if (result > 0) {
            take_correspondent(im, name);
        }
    } else if (line.n == 0) {
        return;
    } else {
        result = record_line_parse(line, im->at->wall, &r, why);
        if (result == 0) {
            take_record(im, &r);
        }
    }
    if (result < 0) {
        complain(im, why);
    }
}

static bool is_there(const struct slice line)
{
    return line.n > 0 && line.p[line.n - 1] == '\n';
}

/* Reads to the end, or to the first error of the memory. */
static void read_lines(struct importing *im, FILE *from)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t n;

    while (im->error == 0 && (n = getline(&text, &room, from)) > 0) {
        struct slice line = {text, (size_t)n};
        im->number++;
        line.n -= is_there(line);
        take_line(im, line);
    }
    if (ferror(from) != 0) {
        (void)fprintf(stderr, "gatepost: %s: %s\n", im->file, strerror(errno));
        im->error = -EIO;
    }
    free(text);
}

static enum cmd_status tell(struct importing *im)
{
    const int flushed = memory_flush(im->at->memory);

    if (im->bad > COMPLAINTS_MOST) {
        (void)fprintf(stderr, "and %llu more lines\n",
                      (unsigned long long)(im->bad - COMPLAINTS_MOST));
    }
    im->error = im->error == 0 ? flushed : im->error;
    if (im->error < 0) {
        (void)memory_at_failed(im->at, im->error);
        (void)fprintf(stderr, "gatepost: imported only in part: up to line %llu of %s at most\n",
                      (unsigned long long)im->number, im->file);
        return CMD_WRONG;
    }
    (void)printf("%llu imported, %llu were known more recently, %llu lines were wrong\n",
                 (unsigned long long)im->taken, (unsigned long long)im->newer,
                 (unsigned long long)im->bad);
    return im->bad == 0 ? CMD_DONE : CMD_NO;
}

/* Opened by whoever started the command. */
static FILE *open_input(const char *file)
{
    FILE *from = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");

    if (from == NULL) {
        (void)fprintf(stderr, "gatepost: %s: %s\n", file, strerror(errno));
    }
    return from;
}

enum cmd_status state_import(const struct state_line *line)
{
    const char *file = line->correspondents != NULL ? line->correspondents
                       : line->count > 0            ? line->operands[0]
                                                    : "-";
    struct memory_at at;
    struct importing im = {
        .line = line, .at = &at, .file = strcmp(file, "-") == 0 ? "stdin" : file};

    if (line->count > (line->correspondents != NULL ? 0 : 1)) {
        return cmd_wrong(line->command, "one word too many:", line->operands[line->count - 1]);
    }
    FILE *from = open_input(file);
    if (from == NULL) {
        return CMD_WRONG;
    }
    enum cmd_status status = memory_at_open(line->file, MEMORY_TO_MAKE, &at);
    if (status == CMD_DONE) {
        read_lines(&im, from);
        status = tell(&im);
    }
    if (from != stdin) {
        (void)fclose(from);
    }
    status = memory_at_close(&at, status);
    return status == CMD_DONE ? cmd_printed() : status;
}
