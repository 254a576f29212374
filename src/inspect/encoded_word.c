/* See inspect/encoded_word.h. */
#include "inspect/encoded_word.h"

#include "inspect/decode.h"
#include "parse/ascii.h"

/* Octets of one; RFC 2047 allows 75. */
#define WORD_MOST 4096

struct word {
    struct slice charset; /* without a language (RFC 2231 5) */
    char encoding;        /* 'b' or 'q' */
    struct slice text;
    size_t length; /* of all of it */
};

/* encoded-word = "=?" charset "?" encoding "?" encoded-text "?=" */
static bool word_at(struct slice s, struct word *ret)
{
    const char *end = s.p + s.n, *question, *star, *close;

    if (s.n < 8 || s.p[0] != '=' || s.p[1] != '?') {
        return false;
    }
    question = memchr(s.p + 2, '?', s.n - 2);
    if (!question || end - question < 5 || question[2] != '?') {
        return false;
    }
    end = end - question > WORD_MOST ? question + WORD_MOST : end;
    close = memmem(question + 3, (size_t)(end - question - 3), "?=", 2);
    ret->encoding = ascii_lower(question[1]);
    if (!close || (ret->encoding != 'b' && ret->encoding != 'q')) {
        return false;
    }
    ret->charset = (struct slice){s.p + 2, (size_t)(question - s.p - 2)};
    star = ret->charset.n > 0 ? memchr(ret->charset.p, '*', ret->charset.n) : NULL;
    ret->charset.n = star ? (size_t)(star - ret->charset.p) : ret->charset.n;
    ret->text = (struct slice){question + 3, (size_t)(close - question - 3)};
    ret->length = (size_t)(close + 2 - s.p);
    return true;
}

static void decode_octets(const struct word *w, struct buf *ret)
{
    struct decode_oddities odd = {0};
    size_t start = ret->n;

    if (w->encoding == 'b') {
        decode_base64(w->text, w->text.n, ret, &odd);
        return;
    }
    char *copy = buf_reserve(ret, w->text.n);
    for (size_t i = 0; i < w->text.n; i++) {
        copy[i] = w->text.p[i] == '_' ? ' ' : w->text.p[i];
    }
    struct buf decoded = {0};
    decode_quoted((struct slice){copy, w->text.n}, w->text.n, &decoded, &odd);
    ret->n = start;
    buf_append_slice(ret, buf_slice(&decoded));
    buf_free(&decoded);
}

static size_t blanks(struct slice s)
{
    size_t n = 0;

    while (n < s.n && (ascii_is_blank(s.p[n]) || s.p[n] == '\r' || s.p[n] == '\n')) {
        n++;
    }
    return n;
}

/* Octets of neighbours in one charset are put together first: a character may be cut in two. */
struct joined {
    const struct inspect *inspect;
    struct slice charset;
    struct buf octets;
    struct buf *ret;
};

static void flush(struct joined *j)
{
    inspect_to_utf8(j->inspect, j->charset, buf_slice(&j->octets), SIZE_MAX, j->ret);
    buf_free(&j->octets);
}

bool encoded_words_decode(const struct inspect *i, struct slice text, struct buf *ret)
{
    struct joined j = {.inspect = i, .ret = ret};
    struct slice rest = text;
    struct word w;
    bool any = false, after = false; /* a word was just before */

    if (text.n == 0 || !memmem(text.p, text.n, "=?", 2)) {
        return false;
    }
    size_t start = ret->n;
    while (rest.n > 0) {
        size_t skip = after ? blanks(rest) : 0;
        struct slice at = {rest.p + skip, rest.n - skip};
        if (word_at(at, &w)) {
            if (j.octets.n > 0 && !slice_eq_nocase(j.charset, w.charset)) {
                flush(&j);
            }
            j.charset = w.charset;
            decode_octets(&w, &j.octets);
            any = after = true;
            rest = (struct slice){at.p + w.length, at.n - w.length};
            continue;
        }
        flush(&j);
        const char *next = rest.n > 1 ? memmem(rest.p + 1, rest.n - 1, "=?", 2) : NULL;
        size_t plain = next ? (size_t)(next - rest.p) : rest.n;
        inspect_to_utf8(i, (struct slice){"", 0}, (struct slice){rest.p, plain}, SIZE_MAX, ret);
        rest = (struct slice){rest.p + plain, rest.n - plain};
        after = false;
    }
    flush(&j);
    ret->n = any ? ret->n : start;
    return any;
}
