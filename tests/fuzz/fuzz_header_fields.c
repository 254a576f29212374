/* The fields of a header against a plain reading, line by line and octet by octet. The input: sizes
 * of pieces, a name in a line, and a message. */
#include "fuzz.h"

#include <strings.h>

#include "parse/header.h"
#include "parse/header_fields.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where the line at `at` ends, behind its LF. */
static size_t line_end(struct slice s, size_t at)
{
    while (at < s.n && s.p[at] != '\n')
        at++;
    return at < s.n ? at + 1 : at;
}

static bool is_empty_line(struct slice s, size_t at)
{
    size_t n = line_end(s, at) - at;

    return (n == 1 && s.p[at] == '\n') || (n == 2 && s.p[at] == '\r' && s.p[at + 1] == '\n');
}

/* The field at `at`; returns where the next one is. */
static size_t model_next(struct slice s, size_t at, struct header_field *ret)
{
    size_t first = line_end(s, at);
    size_t next = first;
    size_t end, colon, name;

    while (next < s.n && is_blank(s.p[next]))
        next = line_end(s, next);
    end = next;
    if (end > at && s.p[end - 1] == '\n')
        end -= end - 1 > at && s.p[end - 2] == '\r' ? 2 : 1;
    for (colon = at; colon < first && s.p[colon] != ':'; colon++)
        continue;
    for (name = colon; name > at && is_blank(s.p[name - 1]); name--)
        continue;
    for (size_t i = at; i < name; i++) {
        if ((unsigned char)s.p[i] < 33 || (unsigned char)s.p[i] > 126)
            name = at;
    }
    *ret = (struct header_field){.name = {s.p + at, 0}, .body = {s.p + at, end - at}};
    if (colon < first && name > at)
        *ret = (struct header_field){.name = {s.p + at, name - at},
                                     .body = {s.p + colon + 1, end - colon - 1}};
    return next;
}

static void check_unfold(struct slice body)
{
    struct slice copy = {fuzz_copy(body.p, body.n), body.n};
    char *out = malloc(body.n);
    char *model = malloc(body.n);
    size_t n = 0, from = 0;
    struct slice text = header_unfold(copy, out);

    FUZZ_CHECK((out && model) || body.n == 0);
    for (size_t i = 0; i < body.n; i++) {
        size_t lf = i + (body.p[i] == '\r');

        if (lf + 1 < body.n && body.p[lf] == '\n' && is_blank(body.p[lf + 1]))
            i = lf;
        else
            model[n++] = body.p[i];
    }
    while (n > 0 && is_blank(model[n - 1]))
        n--;
    while (from < n && is_blank(model[from]))
        from++;
    FUZZ_CHECK(fuzz_within(text, (struct slice){out, body.n}) || body.n == 0);
    FUZZ_CHECK(text.n == n - from && (text.n == 0 || memcmp(text.p, model + from, text.n) == 0));
    free((char *)copy.p);
    free(model);
    free(out);
}

/* All fields; returns the header's length with its empty line, or 0 without one. */
static size_t check_fields(struct slice message, struct slice name)
{
    struct slice rest = message;
    struct slice body = {NULL, 0};
    struct header_field field, wanted;
    const char *first = NULL;
    size_t at = 0, count = 0;

    while (at < message.n && !is_empty_line(message, at)) {
        at = model_next(message, at, &wanted);
        FUZZ_CHECK(header_next(&rest, &field));
        FUZZ_CHECK(rest.p == message.p + at && rest.n == message.n - at);
        FUZZ_CHECK(field.name.n == wanted.name.n);
        FUZZ_CHECK(field.name.n == 0 || field.name.p == wanted.name.p);
        FUZZ_CHECK(field.body.p == wanted.body.p && field.body.n == wanted.body.n);
        check_unfold(field.body);
        if (field.name.n > 0 && field.name.n == name.n &&
            strncasecmp(field.name.p, name.p, name.n) == 0) {
            first = count++ > 0 ? first : field.body.p;
        }
    }
    FUZZ_CHECK(!header_next(&rest, &field) && rest.n == message.n - at);
    FUZZ_CHECK(header_count(message, name) == count);
    FUZZ_CHECK(header_find(message, name, &body) == (count > 0) && body.p == first);
    return at < message.n ? line_end(message, at) : 0;
}

static void check_length(struct slice message, struct fuzz_pieces *pieces, size_t wanted)
{
    size_t from = 0;

    for (size_t at = 0; at < message.n;) {
        struct slice start;
        size_t n;

        at += fuzz_pieces_next(pieces, message.n - at);
        start = (struct slice){fuzz_copy(message.p, at), at};
        n = header_length(start, &from);
        free((char *)start.p);
        FUZZ_CHECK(n == (wanted <= at ? wanted : 0));
        if (n > 0)
            return;
        FUZZ_CHECK(from <= at && from + 2 >= at);
    }
    FUZZ_CHECK(wanted == 0);
}

/* The counter that looks at a message while it comes in finds the same. */
static void check_counter(struct slice message)
{
    struct header_counter h;

    header_counter_init(&h);
    header_counter_feed(&h, message.p, message.n);
    FUZZ_CHECK(h.received == header_count(message, SLICE_LIT("Received")));
    FUZZ_CHECK(h.results == header_count(message, SLICE_LIT("Authentication-Results")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_pieces pieces;
    struct slice name, message;
    const uint8_t *lf;

    fuzz_pieces_take(&data, &size, &pieces);
    lf = size > 0 ? memchr(data, '\n', size) : NULL;
    if (!lf)
        return 0;
    name = (struct slice){(const char *)data, (size_t)(lf - data)};
    size -= name.n + 1;
    message = (struct slice){fuzz_copy(lf + 1, size), size};

    check_length(message, &pieces, check_fields(message, name));
    check_unfold(message);
    if (size > 0)
        check_counter(message);
    free((char *)message.p);
    return 0;
}
