/* See parse/display_name.h. */
#include "parse/display_name.h"

#include "parse/field_cursor.h"

/* Copies what may be shown of body[0, n): without quotes outside of which nothing is meant. */
static struct slice without_quotes(struct slice text, struct arena *arena)
{
    char *out = arena_alloc(arena, text.n + 1);
    bool quoted = false;
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"') {
            quoted = !quoted;
            continue;
        }
        if (quoted && text.p[i] == '\\' && i + 1 < text.n) {
            i++;
        }
        out[n++] = text.p[i];
    }
    return (struct slice){out, n};
}

/* Takes a quoted string or one octet. That a quote does not end is found out once: the next one
 * would be searched to the end in vain, too. */
static void skip_item(struct field_cursor *c, bool *quotes_end)
{
    if (*quotes_end && field_peek(c) == '"') {
        *quotes_end = field_skip_quoted(c);
        if (*quotes_end) {
            return;
        }
    }
    c->at++;
}

/* Where the first "<" outside of quotes and comments stands; NULL when there is none before the
 * end. */
static const char *find_angle(struct slice body)
{
    struct field_cursor c = field_cursor_of(body);
    bool quotes_end = true;

    while (c.at < c.end) {
        if (!field_skip_cfws(&c)) {
            return NULL;
        }
        if (field_peek(&c) == '<') {
            return c.at;
        }
        if (c.at < c.end) {
            skip_item(&c, &quotes_end);
        }
    }
    return NULL;
}

/* The first comment's inside; nested ones stay as they are. */
static struct slice find_comment(struct slice body)
{
    struct field_cursor c = field_cursor_of(body);
    bool quotes_end = true;

    while (c.at < c.end) {
        if (field_peek(&c) == '(') {
            const char *start = c.at;
            if (!field_skip_cfws(&c)) {
                return SLICE_LIT("");
            }
            const char *end = c.at;
            while (end > start && end[-1] != ')') {
                end--;
            }
            return (struct slice){start + 1, (size_t)(end - start) - 2};
        }
        skip_item(&c, &quotes_end);
    }
    return SLICE_LIT("");
}

struct slice display_name_of(struct slice body, struct arena *arena)
{
    const char *angle = find_angle(body);

    if (angle != NULL) {
        return without_quotes((struct slice){body.p, (size_t)(angle - body.p)}, arena);
    }
    return arena_copy(arena, find_comment(body));
}
