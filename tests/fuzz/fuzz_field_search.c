/* Fields found piece by piece, against those of the whole header. The input: sizes of pieces, how
 * much of a body is kept, names in a line with commas between them, and a message. */
#include "fuzz.h"

#include "parse/ascii.h"
#include "parse/field_search.h"
#include "parse/header_fields.h"

#define NAMES_MOST 5

struct check {
    struct slice message;
    struct slice rest; /* of the message, behind the last field that was found */
    struct slice names[NAMES_MOST];
    size_t count;
    size_t most;
};

/* Which of the names it is; -1: none. */
static int which_name(const struct check *c, struct slice name)
{
    for (size_t i = 0; name.n > 0 && i < c->count; i++) {
        if (slice_eq_nocase(name, c->names[i])) {
            return (int)i;
        }
    }
    return -1;
}

/* The next field of one of the names, and where it ends. */
static bool model_next(struct check *c, struct header_field *ret, size_t *ret_at)
{
    *ret_at = c->message.n - c->rest.n;
    while (header_next(&c->rest, ret)) {
        bool nobodys = *ret_at == 0 && ascii_is_blank(c->message.p[0]);

        if (nobodys || which_name(c, ret->name) >= 0) {
            return true;
        }
        *ret_at = c->message.n - c->rest.n;
    }
    return false;
}

static void check_found(struct check *c, const struct found_field *found)
{
    struct header_field wanted;
    size_t at;

    FUZZ_CHECK(model_next(c, &wanted, &at));
    FUZZ_CHECK(found->at == at && found->n == c->message.n - c->rest.n - at);
    FUZZ_CHECK(found->nobodys == (at == 0 && ascii_is_blank(c->message.p[0])));
    if (found->nobodys) {
        FUZZ_CHECK(found->body.n == 0);
        return;
    }
    FUZZ_CHECK((int)found->which == which_name(c, wanted.name));
    FUZZ_CHECK(found->cut || found->body.n == wanted.body.n);
    FUZZ_CHECK(!found->cut || found->body.n == c->most);
    FUZZ_CHECK(found->body.n <= wanted.body.n + 2); /* a line end may be kept of one that is cut */
    for (size_t i = 0; i < found->body.n && i < wanted.body.n; i++) {
        FUZZ_CHECK(found->body.p[i] == wanted.body.p[i]);
    }
}

static void check(struct check *c, struct fuzz_pieces *pieces)
{
    struct header_field none;
    struct found_field found;
    struct field_search f;
    size_t at = 0;

    field_search_init(&f, c->names, c->count, c->most);
    for (size_t n; at < c->message.n && !f.done; at += n) {
        n = fuzz_pieces_next(pieces, c->message.n - at);
        char *copy = fuzz_copy(c->message.p + at, n);
        struct slice piece = {copy, n};
        while (field_search_next(&f, &piece, &found)) {
            check_found(c, &found);
        }
        FUZZ_CHECK(f.done || piece.n == 0);
        free(copy);
    }
    if (field_search_end(&f, &found)) {
        check_found(c, &found);
    }
    FUZZ_CHECK(!model_next(c, &none, &at));
    field_search_free(&f);
}

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ':' ||
            (name.p[i] >= 'A' && name.p[i] <= 'Z')) {
            return false;
        }
    }
    return name.n > 0;
}

static bool take_names(struct slice line, struct check *c)
{
    while (c->count < NAMES_MOST) {
        const char *comma = line.n > 0 ? memchr(line.p, ',', line.n) : NULL;
        const struct slice name = {line.p, comma != NULL ? (size_t)(comma - line.p) : line.n};

        if (!is_name(name)) {
            return false;
        }
        c->names[c->count++] = name;
        if (comma == NULL) {
            return true;
        }
        line = (struct slice){comma + 1, line.n - name.n - 1};
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_pieces pieces;
    struct check c = {.most = 0};
    const uint8_t *lf;

    fuzz_pieces_take(&data, &size, &pieces);
    if (size == 0) {
        return 0;
    }
    c.most = data[0];
    data++;
    size--;
    lf = size > 0 ? memchr(data, '\n', size) : NULL;
    if (lf == NULL) {
        return 0;
    }
    size -= (size_t)(lf - data) + 1;
    if (!take_names((struct slice){(const char *)data, (size_t)(lf - data)}, &c)) {
        return 0;
    }
    c.message = (struct slice){fuzz_copy(lf + 1, size), size};
    c.rest = c.message;
    check(&c, &pieces);
    free((char *)c.message.p);
    return 0;
}
