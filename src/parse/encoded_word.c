/* See parse/encoded_word.h.
 *
 *   encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="
 *
 * Words of the same charset that follow each other are decoded together: many writers cut in the
 * midst of a character. */
#include "parse/encoded_word.h"

#include "parse/ascii.h"
#include "parse/utf8.h"

/* RFC 2978 2.3 allows a charset's name 40 octets; there may be a language behind it. */
#define CHARSET_MOST 80

struct word {
    struct slice charset;
    char encoding; /* 'q' or 'b' */
    struct slice text;
};

struct decoding {
    const struct charset_reader *charsets;
    struct buf *to;
    struct encoded_words found;
    struct slice charset; /* of `octets` */
    struct buf octets;    /* decoded, not yet read as a charset */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes what stands before the next "?" and that. */
static bool take_to_mark(struct slice *rest, size_t most, struct slice *ret)
{
    const size_t look = rest->n < most ? rest->n : most;
    const char *mark = look > 0 ? memchr(rest->p, '?', look) : NULL;

    if (mark == NULL) {
        return false;
    }
    *ret = (struct slice){rest->p, (size_t)(mark - rest->p)};
    *rest = (struct slice){mark + 1, rest->n - ret->n - 1};
    return true;
}

/* An encoded word at the beginning of *rest: takes it. */
static bool take_word(struct slice *rest, struct word *ret)
{
    struct slice at = *rest;
    struct slice encoding;

    if (!slice_prefix(at, "=?", &at) || !take_to_mark(&at, CHARSET_MOST, &ret->charset) ||
        ret->charset.n == 0 || !take_to_mark(&at, 2, &encoding) || encoding.n != 1) {
        return false;
    }
    for (size_t i = 0; i < ret->charset.n; i++) {
        if (is_space(ret->charset.p[i]) || ret->charset.p[i] == '=') {
            return false;
        }
    }
    ret->encoding = ascii_lower(encoding.p[0]);
    if ((ret->encoding != 'q' && ret->encoding != 'b') || !take_to_mark(&at, at.n, &ret->text)) {
        return false;
    }
    if (at.n == 0 || at.p[0] != '=') {
        return false;
    }
    const char *star = memchr(ret->charset.p, '*', ret->charset.n);
    if (star != NULL) {
        ret->charset.n = (size_t)(star - ret->charset.p);
    }
    if (ret->charset.n == 0) {
        return false;
    }
    *rest = (struct slice){at.p + 1, at.n - 1};
    return true;
}

/* ---- the two encodings ---- */

static void decode_q(struct slice text, struct buf *to)
{
    char *out = buf_reserve(to, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '_') {
            c = ' ';
        } else if (c == '=' && i + 2 < text.n && ascii_hex(text.p[i + 1]) >= 0 &&
                   ascii_hex(text.p[i + 2]) >= 0) {
            c = (char)(ascii_hex(text.p[i + 1]) * 16 + ascii_hex(text.p[i + 2]));
            i += 2;
        }
        out[n++] = c;
    }
    to->n += n;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (ascii_is_digit(c)) {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What is no digit of base64 is passed over, padding too (which may stand in the midst). */
static void decode_b(struct slice text, struct buf *to)
{
    char *out = buf_reserve(to, text.n + 1);
    uint32_t bits = 0;
    unsigned count = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        const int v = base64_value(text.p[i]);
        if (v < 0) {
            if (text.p[i] == '=') {
                count = 0;
            }
            continue;
        }
        bits = bits << 6 | (uint32_t)v;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[n++] = (char)(bits >> count & 0xff);
        }
    }
    to->n += n;
}

/* ---- words and what is between ---- */

static bool had_to_be_encoded(struct slice octets)
{
    for (size_t i = 0; i < octets.n; i++) {
        const unsigned char c = (unsigned char)octets.p[i];
        if (c < ' ' || c > '~' || c == '=' || c == '?' || c == '"' || c == '\\') {
            return true;
        }
    }
    return octets.n == 0;
}

/* A charset whose octets below 128 are not ASCII says itself why. */
static bool is_ascii_like(struct slice charset)
{
    struct slice rest;
    char lower[8] = "";

    ascii_lower_copy(lower, charset.p,
                     charset.n < sizeof(lower) - 1 ? charset.n : sizeof(lower) - 1);
    const struct slice name = slice_of(lower);
    return !slice_prefix(name, "iso-202", &rest) && !slice_prefix(name, "utf-16", &rest) &&
           !slice_prefix(name, "utf-7", &rest) && !slice_prefix(name, "hz", &rest);
}

static void end_words(struct decoding *d)
{
    if (d->octets.n == 0) {
        return;
    }
    if (is_ascii_like(d->charset) && !had_to_be_encoded(buf_slice(&d->octets))) {
        d->found.needless = true;
    }
    d->charsets->read(d->charsets->arg, d->charset, buf_slice(&d->octets), d->to);
    d->octets.n = 0;
}

static void add_word(struct decoding *d, const struct word *w)
{
    if (!slice_eq_nocase(d->charset, w->charset)) {
        end_words(d);
    }
    d->charset = w->charset;
    d->found.count++;
    if (w->encoding == 'q') {
        decode_q(w->text, &d->octets);
    } else {
        decode_b(w->text, &d->octets);
    }
}

static void add_plain(struct decoding *d, struct slice text, bool utf8)
{
    end_words(d);
    if (!utf8 && ascii_has_8bit(text)) {
        d->charsets->read(d->charsets->arg, SLICE_LIT("windows-1252"), text, d->to);
    } else {
        buf_append_slice(d->to, text);
    }
}

static bool is_blank_text(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!is_space(text.p[i])) {
            return false;
        }
    }
    return true;
}

/* The next place where an encoded word may begin, or the end. */
static size_t next_start(struct slice text, size_t from)
{
    while (from < text.n) {
        const char *found = memchr(text.p + from, '=', text.n - from);
        if (found == NULL) {
            return text.n;
        }
        from = (size_t)(found - text.p);
        if (from + 1 < text.n && found[1] == '?') {
            return from;
        }
        from++;
    }
    return text.n;
}

static void decode_all(struct decoding *d, struct slice body)
{
    const bool utf8 = utf8_wrong(body.p, body.n) == 0;
    bool after_word = false;
    size_t plain = 0;

    for (size_t at = next_start(body, 0); at < body.n; at = next_start(body, at)) {
        struct slice rest = {body.p + at, body.n - at};
        struct word w;
        if (!take_word(&rest, &w)) {
            at += 2;
            continue;
        }
        const struct slice between = {body.p + plain, at - plain};
        if (!after_word || !is_blank_text(between)) {
            add_plain(d, between, utf8);
        }
        add_word(d, &w);
        after_word = true;
        at = plain = body.n - rest.n;
    }
    add_plain(d, (struct slice){body.p + plain, body.n - plain}, utf8);
}

/* Line ends of a fold go, other control characters become blanks; no blanks at the ends. */
static void tidy(struct buf *to, size_t from)
{
    size_t n = from;

    for (size_t i = from; i < to->n; i++) {
        const char c = to->p[i];
        if (c == '\r' || c == '\n') {
            const bool folded = i + 1 < to->n && is_space(to->p[i + 1]);
            if (folded || n == from) {
                continue;
            }
        }
        const bool control = (unsigned char)c < ' ' || c == 0x7f;
        if ((control || c == ' ') && n == from) {
            continue;
        }
        to->p[n++] = control ? ' ' : c;
    }
    while (n > from && to->p[n - 1] == ' ') {
        n--;
    }
    to->n = n;
}

void encoded_text_decode(struct slice body, const struct charset_reader *charsets, struct buf *to,
                         struct encoded_words *ret_found)
{
    struct decoding d = {.charsets = charsets, .to = to};
    const size_t from = to->n;

    d.found.bare_8bit = ascii_has_8bit(body);
    decode_all(&d, body);
    tidy(to, from);
    buf_free(&d.octets);
    if (ret_found != NULL) {
        *ret_found = d.found;
    }
}
