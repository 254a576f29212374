/* Goes from line end to line end, and looks at octets only in names and where a line begins. Must
 * never change or judge what is read; agrees with parse/header.c on what a field is. */
#include "parse/header_fields.h"

#include "parse/ascii.h"

static const char *find(struct slice s, char c)
{
    return s.n > 0 ? memchr(s.p, c, s.n) : NULL;
}

static struct slice behind(struct slice s, size_t n)
{
    return n > 0 ? (struct slice){s.p + n, s.n - n} : s;
}

/* Does an empty line begin here? Its length, or 0. */
static size_t empty_line(struct slice at)
{
    if (at.n > 0 && at.p[0] == '\n')
        return 1;
    return at.n > 1 && at.p[0] == '\r' && at.p[1] == '\n' ? 2 : 0;
}

/* The first line with its line end, or all where it has none. */
static struct slice first_line(struct slice s)
{
    const char *lf = find(s, '\n');

    return (struct slice){s.p, lf ? (size_t)(lf - s.p) + 1 : s.n};
}

static struct slice without_line_end(struct slice s)
{
    if (s.n > 0 && s.p[s.n - 1] == '\n') {
        s.n--;
        if (s.n > 0 && s.p[s.n - 1] == '\r')
            s.n--;
    }
    return s;
}

/* The octets before the colon as a field's name: empty when they are none. */
static struct slice name_of(struct slice s)
{
    while (s.n > 0 && ascii_is_blank(s.p[s.n - 1]))
        s.n--;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return (struct slice){s.p, 0};
    }
    return s;
}

bool header_next(struct slice *rest, struct header_field *ret)
{
    struct slice line, next, whole;
    const char *colon;

    if (rest->n == 0 || empty_line(*rest) > 0)
        return false;
    line = first_line(*rest);
    next = behind(*rest, line.n);
    /* Behind a line without an end there is nothing. */
    while (next.n > 0 && ascii_is_blank(next.p[0]))
        next = behind(next, first_line(next).n);
    whole = without_line_end((struct slice){rest->p, rest->n - next.n});

    *ret = (struct header_field){.name = {whole.p, 0}, .body = whole};
    colon = find(line, ':');
    if (colon) {
        size_t n = (size_t)(colon - line.p);
        struct slice name = name_of((struct slice){line.p, n});

        if (name.n > 0)
            *ret = (struct header_field){.name = name, .body = behind(whole, n + 1)};
    }
    *rest = next;
    return true;
}

bool header_find(struct slice header, struct slice name, struct slice *ret_body)
{
    struct header_field field;

    while (header_next(&header, &field)) {
        if (field.name.n > 0 && slice_eq_nocase(field.name, name)) {
            *ret_body = field.body;
            return true;
        }
    }
    return false;
}

size_t header_count(struct slice header, struct slice name)
{
    struct header_field field;
    size_t count = 0;

    while (header_next(&header, &field))
        count += field.name.n > 0 && slice_eq_nocase(field.name, name);
    return count;
}

static char *append(char *out, struct slice s)
{
    if (s.n > 0)
        memcpy(out, s.p, s.n);
    return out + s.n;
}

struct slice header_unfold(struct slice body, char *out)
{
    char *end = out;

    while (body.n > 0) {
        struct slice line = first_line(body);

        body = behind(body, line.n);
        if (body.n > 0 && ascii_is_blank(body.p[0]))
            line = without_line_end(line);
        end = append(end, line);
    }
    while (end > out && ascii_is_blank(end[-1]))
        end--;
    while (out < end && ascii_is_blank(*out))
        out++;
    return (struct slice){out, (size_t)(end - out)};
}

size_t header_length(struct slice start, size_t *from)
{
    size_t n = empty_line(start);
    const char *lf;

    if (n > 0)
        return n;
    while ((lf = find(behind(start, *from), '\n'))) {
        size_t line = (size_t)(lf - start.p) + 1;

        n = empty_line(behind(start, line));
        if (n > 0)
            return line + n;
        /* Nothing behind the LF, or a CR alone: the next octets decide. */
        if (line == start.n || (line + 1 == start.n && start.p[line] == '\r')) {
            *from = line - 1;
            return 0;
        }
        *from = line;
    }
    /* A CR that the message begins with is the only octet that can still begin an empty line. */
    if (start.n > 1 || (start.n == 1 && start.p[0] != '\r'))
        *from = start.n;
    return 0;
}
