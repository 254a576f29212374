/* What an inspector finds in messages, and what GMime alone sees in them, for tests that compare.
 *
 *     build/release/inspect_json [--ratio N] [--decoded N] [--time USEC] FILE…
 *
 * One line of JSON for each file: its findings by their names in small letters, with `open` for
 * those that may be more, the time it took, and as `gmime` the parts that GMime's own walk shows,
 * with names and octets in hexadecimal (the first 64). */
#include <ctype.h>
#include <fcntl.h>
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/emit.h"
#include "base/fatal.h"
#include "conf/settings.h"
#include "fact/inspected.h"
#include "inspect/inspect.h"

static const char *const names[] = {
#define FINDING(ident, kind, work) #ident,
#include "tbl/findings.h"
#undef FINDING
};

static void lowered(const char *from, char to[static 64])
{
    size_t n = 0;

    for (; from[n] && n < 63; n++) {
        to[n] = (char)tolower((unsigned char)from[n]);
    }
    to[n] = '\0';
}

static void print_finding(struct emit *e, size_t id, const struct finding *f)
{
    char name[64];

    lowered(names[id], name);
    switch (finding_rows[id].kind) {
    case FINDING_FLAG:
    case FINDING_NUMBER: emit_number(e, name, f->number); break;
    case FINDING_TEXT: emit_text(e, name, f->text); break;
    case FINDING_TEXTS:
        emit_array(e, name);
        for (size_t i = 0; i < f->count; i++) {
            emit_text(e, NULL, f->texts[i]);
        }
        emit_array_end(e);
        break;
    }
}

/* ---- GMime alone ---- */

static void print_part(GMimeObject *parent, GMimeObject *object, gpointer arg)
{
    static const char hex[] = "0123456789abcdef";
    struct emit *e = arg;
    char text[129] = "";
    const char *name;

    (void)parent;
    if (GMIME_IS_MESSAGE_PART(object)) {
        GMimeMessage *inner = g_mime_message_part_get_message((GMimeMessagePart *)object);
        if (inner) {
            g_mime_message_foreach(inner, print_part, arg);
        }
        return;
    }
    if (!GMIME_IS_PART(object)) {
        return;
    }
    GMimeStream *out = g_mime_stream_mem_new();
    GMimeDataWrapper *content = g_mime_part_get_content((GMimePart *)object);
    if (content) {
        g_mime_data_wrapper_write_to_stream(content, out);
    }
    GByteArray *octets = g_mime_stream_mem_get_byte_array((GMimeStreamMem *)out);
    for (size_t i = 0; i < octets->len && i < 64; i++) {
        text[2 * i] = hex[octets->data[i] >> 4];
        text[2 * i + 1] = hex[octets->data[i] & 15];
    }
    name = g_mime_part_get_filename((GMimePart *)object);
    emit_object(e, NULL);
    emit_text(e, "name", slice_of(name ? name : ""));
    emit_text(e, "octets", slice_of(text));
    emit_object_end(e);
    g_object_unref(out);
}

static void print_gmime(struct emit *e, struct slice octets)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(octets.p, octets.n);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

    emit_array(e, "gmime");
    if (message) {
        g_mime_message_foreach(message, print_part, e);
        g_object_unref(message);
    }
    emit_array_end(e);
    g_object_unref(parser);
    g_object_unref(stream);
}

/* ---- each file ---- */

static struct slice read_file(const char *path, struct arena *arena)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) < 0) {
        fatal("cannot read %s", path);
    }
    char *p = arena_alloc(arena, (size_t)st.st_size + 1);
    ssize_t n = read(fd, p, (size_t)st.st_size);
    close(fd);
    if (n != st.st_size) {
        fatal("cannot read %s", path);
    }
    return (struct slice){p, (size_t)n};
}

static void print(struct inspect *i, const struct inspection_request *r, const char *path)
{
    struct inspection found;
    struct arena arena;
    struct buf b = {0};
    struct emit e = {.b = &b};

    arena_init(&arena);
    struct slice octets = read_file(path, &arena);
    usec_t began = clock_monotonic();
    inspect_message(i, octets, r, &arena, &found);
    emit_object(&e, NULL);
    emit_text(&e, "file", slice_of(path));
    emit_number(&e, "usec", clock_monotonic() - began);
    for (size_t id = 0; id < FINDINGS; id++) {
        print_finding(&e, id, &found.of[id]);
    }
    emit_array(&e, "open");
    for (size_t id = 0; id < FINDINGS; id++) {
        char name[64];
        lowered(names[id], name);
        if (found.of[id].open) {
            emit_text(&e, NULL, slice_of(name));
        }
    }
    emit_array_end(&e);
    if (octets.n < 1 << 20 && found.of[FINDING_OF_INSPECT_LIMITS].count == 0) {
        print_gmime(&e, octets);
    }
    emit_object_end(&e);
    printf(SLICE_FMT "\n", SLICE_ARG(buf_slice(&b)));
    buf_free(&b);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    struct inspection_request r = {
        .work = INSPECT_HEADER | INSPECT_PARTS | INSPECT_TEXT,
        .limits = inspected_limits(&settings_standard),
    };
    struct inspect *i;
    char why[200];

    if (inspect_new(&i, why, sizeof(why)) < 0) {
        fatal("%s", why);
    }
    r.wall = clock_wall();
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--ratio") == 0 && at + 1 < argc) {
            r.limits.ratio = strtoull(argv[++at], NULL, 10);
        } else if (strcmp(argv[at], "--decoded") == 0 && at + 1 < argc) {
            r.limits.decoded = strtoull(argv[++at], NULL, 10);
        } else if (strcmp(argv[at], "--time") == 0 && at + 1 < argc) {
            r.limits.time = strtoll(argv[++at], NULL, 10);
        } else {
            print(i, &r, argv[at]);
        }
    }
    inspect_free(i);
    return 0;
}
