/* See inspect/second.h. */
#include "inspect/second.h"

#include <gmime/gmime.h>
#include <stdlib.h>

#include "inspect/anomaly.h"
#include "inspect/file.h"

/* GMime calls itself for each level, and looks at each boundary around a line. */
#define DEPTH_MOST 100

/* It takes some 100 ns for each of these (run->compared). */
#define COMPARED_MOST 2000000

struct second {
    struct inspect_run *run;
    GMimeStream *stream; /* of the message */
};

/* Where the part's octets begin in the message, as they were sent; -1 when that is not known. */
static int64_t begin_of(const struct second *s, GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;

    return stream && GMIME_IS_STREAM_MEM(stream) && s->stream ? stream->bound_start : -1;
}

static int by_number(const void *a, const void *b)
{
    const size_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static bool is_known(const struct second *s, int64_t begin)
{
    size_t key = (size_t)begin;

    return begin < 0 ||
           (s->run->begin_count > 0 &&
            bsearch(&key, s->run->begins, s->run->begin_count, sizeof(key), by_number));
}

static void look_at(const struct second *s, GMimePart *part, const char *name)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *out = g_mime_stream_mem_new();
    struct file_names names = {0};
    struct file f = {.names = &names, .declared = SLICE_LIT("application/octet-stream")};
    GByteArray *octets;

    if (content) {
        g_mime_data_wrapper_write_to_stream(content, out);
    }
    octets = g_mime_stream_mem_get_byte_array((GMimeStreamMem *)out);
    size_t n = inspect_may_decode(s->run, octets->len);
    f.octets = (struct slice){n > 0 ? (const char *)octets->data : "", n};
    f.cut = n < octets->len;
    if (name || file_is_known(f.octets)) {
        inspect_odd(s->run, ANOMALY_READERS_DIFFER);
        if (name) {
            file_names_add(s->run, &names, arena_copy(&s->run->scratch, slice_of(name)));
        }
        inspect_file(s->run, &f);
    }
    g_object_unref(out);
}

static void check_part(GMimeObject *parent, GMimeObject *object, gpointer arg)
{
    const struct second *s = arg;
    GMimePart *part = (GMimePart *)object;
    const char *name;

    (void)parent;
    if (!GMIME_IS_PART(object) || inspect_late(s->run)) {
        return;
    }
    name = g_mime_part_get_filename(part);
    name = name && *name ? name : NULL;
    if (!is_known(s, begin_of(s, part)) ||
        (name && !inspect_knows(s->run, FINDING_OF_ATTACHMENT_NAMES, slice_of(name)))) {
        look_at(s, part, name);
    }
}

/* All parts, also of messages in it. */
static void each_part(GMimeObject *parent, GMimeObject *object, gpointer arg)
{
    if (GMIME_IS_MESSAGE_PART(object)) {
        GMimeMessage *inner = g_mime_message_part_get_message((GMimeMessagePart *)object);
        if (inner) {
            g_mime_message_foreach(inner, each_part, arg);
        }
    } else {
        check_part(parent, object, arg);
    }
}

/* A message of one part that nothing is odd about is the same to everybody. */
static bool any_odd(const struct inspect_run *run)
{
    for (size_t i = 0; i < ANOMALIES; i++) {
        if (run->odd[i]) {
            return true;
        }
    }
    return false;
}

void second_read(struct inspect_run *run)
{
    struct second s = {.run = run};
    GByteArray *octets;
    GMimeParser *parser;
    GMimeMessage *message;

    if (run->reached != 0 || run->deepest > DEPTH_MOST || (run->parts == 1 && !any_odd(run))) {
        return;
    }
    if (run->compared > COMPARED_MOST) { /* no mail looks like that */
        inspect_odd(run, ANOMALY_READERS_DIFFER);
        return;
    }
    if (run->begin_count > 1) {
        qsort(run->begins, run->begin_count, sizeof(*run->begins), by_number);
    }
    octets = g_byte_array_new_take((guint8 *)run->message.p, run->message.n);
    s.stream = g_mime_stream_mem_new();
    g_mime_stream_mem_set_byte_array((GMimeStreamMem *)s.stream, octets);
    g_mime_stream_mem_set_owner((GMimeStreamMem *)s.stream, FALSE);
    parser = g_mime_parser_new_with_stream(s.stream);
    g_mime_parser_set_persist_stream(parser, TRUE);
    message = g_mime_parser_construct_message(parser, NULL);
    if (message) {
        g_mime_message_foreach(message, each_part, &s);
        g_object_unref(message);
    }
    g_object_unref(parser);
    g_object_unref(s.stream);
    g_byte_array_steal(octets, NULL); /* the message is not ours */
    g_byte_array_unref(octets);
}
