/* Canonical bodies in pieces, against the rules of RFC 6376 3.4 carried out on the whole at once;
 * fields, too, with a hole anywhere. */
#include "fuzz.h"

#include "parse/canonical.h"

static void take(void *arg, const char *p, size_t n)
{
    FUZZ_CHECK(n > 0);
    buf_append(arg, p, n);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* 3.4.4 a, then b; 3.4.3 */
static struct buf whole_body(enum canonical how, struct slice body)
{
    struct buf b = {0};

    for (size_t i = 0; i < body.n; i++) {
        if (how == CANONICAL_SIMPLE || !is_blank(body.p[i])) {
            buf_append(&b, body.p + i, 1);
            continue;
        }
        while (i + 1 < body.n && is_blank(body.p[i + 1])) {
            i++;
        }
        bool at_end = i + 1 == body.n || (body.n - i > 2 && memcmp(body.p + i + 1, "\r\n", 2) == 0);
        buf_append(&b, " ", at_end ? 0 : 1);
    }
    while (b.n >= 2 && memcmp(b.p + b.n - 2, "\r\n", 2) == 0) {
        b.n -= 2;
    }
    buf_append(&b, "\r\n", how == CANONICAL_SIMPLE || b.n > 0 ? 2 : 0);
    return b;
}

static void check_body(enum canonical how, struct slice body, struct fuzz_pieces pieces,
                       uint64_t most)
{
    struct canonical_body c;
    struct buf b = {0}, whole = whole_body(how, body);

    canonical_body_init(&c, how, most, take, &b);
    for (size_t at = 0, n; at < body.n; at += n) {
        n = fuzz_pieces_next(&pieces, body.n - at);
        char *piece = fuzz_copy(body.p + at, n);
        canonical_body_feed(&c, piece, n);
        free(piece);
    }
    canonical_body_end(&c);
    FUZZ_CHECK((c.length > most) == (whole.n > most) && (c.length < most) == (whole.n < most));
    FUZZ_CHECK(b.n == (whole.n < most ? whole.n : most));
    FUZZ_CHECK(b.n == 0 || memcmp(b.p, whole.p, b.n) == 0);
    buf_free(&b);
    buf_free(&whole);
}

/* The relaxed form is relaxed already, and the simple one is what was there, but for the hole. */
static void check_field(struct slice field, size_t from, size_t n)
{
    struct buf once = {0}, twice = {0}, simple = {0};
    const struct slice hole = {field.p + from, n}, none = {NULL, 0};

    canonical_field(&once, CANONICAL_RELAXED, field, hole);
    canonical_field(&twice, CANONICAL_RELAXED, buf_slice(&once), none);
    FUZZ_CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)));
    canonical_field(&simple, CANONICAL_SIMPLE, field, hole);
    FUZZ_CHECK(simple.n == field.n - n && (from == 0 || memcmp(simple.p, field.p, from) == 0));
    buf_free(&once);
    buf_free(&twice);
    buf_free(&simple);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_pieces pieces;

    fuzz_pieces_take(&data, &size, &pieces);
    if (size < 2) {
        return 0;
    }
    const size_t a = data[0], b = data[1];
    struct slice text = {fuzz_copy(data + 2, size - 2), size - 2};
    check_body(CANONICAL_SIMPLE, text, pieces, UINT64_MAX);
    check_body(CANONICAL_SIMPLE, text, pieces, a * 4);
    check_body(CANONICAL_RELAXED, text, pieces, UINT64_MAX);
    check_body(CANONICAL_RELAXED, text, pieces, a * 4);
    if (a <= text.n) {
        check_field(text, a, b < text.n - a ? b : text.n - a);
    }
    free((char *)text.p);
    return 0;
}
