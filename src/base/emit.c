/* See base/emit.h. */
#include "base/emit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/decimal.h"
#include "base/text.h"

/* Digits of a 64-bit number with its sign. */
#define NUMBER_MOST 20

/* Of one escaped character: a surrogate pair. */
#define ESCAPE_MOST 12

static void put(struct emit *e, char c)
{
    buf_append(e->b, &c, 1);
}

/* ---- strings ---- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* The character that begins with the octet `*p`, of `n`: its number, and in *ret_length how many
 * octets it has. */
static uint32_t character(const unsigned char *p, size_t n, size_t *ret_length)
{
    size_t whole = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t number = p[0] & (0x7fU >> whole);

    *ret_length = 1;
    if (p[0] == 0xc2 && n > 1 && p[1] >= 0x80 && p[1] <= 0x9f) {
        *ret_length = 2; /* C1, which text_clean_length does not take for clean */
        return p[1];
    }
    if (p[0] < 0x80 || n < whole || text_clean_length((const char *)p, whole) != whole) {
        return p[0];
    }
    for (size_t i = 1; i < whole; i++) {
        number = number << 6 | (p[i] & 0x3f);
    }
    *ret_length = whole;
    return number;
}

/* \uXXXX, twice beyond the basic plane (RFC 8259 7). */
static void put_number_escape(struct emit *e, uint32_t number)
{
    char text[ESCAPE_MOST + 1];
    int n;

    if (number >= 0x10000) {
        number -= 0x10000;
        n = snprintf(text, sizeof(text), "\\u%04x\\u%04x", (unsigned)(0xd800 + (number >> 10)),
                     (unsigned)(0xdc00 + (number & 0x3ff)));
    } else {
        n = snprintf(text, sizeof(text), "\\u%04x", (unsigned)number);
    }
    buf_append(e->b, text, (size_t)n);
}

static void put_escape(struct emit *e, uint32_t number)
{
    static const char short_ones[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (size_t i = 0; i + 1 < sizeof(short_ones); i += 2) {
        if (number == (unsigned char)short_ones[i]) {
            put(e, '\\');
            put(e, short_ones[i + 1]);
            return;
        }
    }
    put_number_escape(e, number);
}

static void put_string(struct emit *e, struct slice text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    size_t i = 0;

    put(e, '"');
    while (i < text.n) {
        size_t from = i;
        while (i < text.n && is_plain(p[i])) {
            i++;
        }
        buf_append(e->b, text.p + from, i - from);
        if (i < text.n) {
            size_t length;
            put_escape(e, character(p + i, text.n - i, &length));
            i += length;
        }
    }
    put(e, '"');
}

/* ---- values ---- */

/* What comes in front of each value. */
static void begin(struct emit *e, const char *key)
{
    if (e->comma) {
        put(e, ',');
    }
    if (key != NULL) {
        put_string(e, slice_of(key));
        put(e, ':');
    }
    e->comma = true;
}

static void open_with(struct emit *e, const char *key, char bracket)
{
    begin(e, key);
    put(e, bracket);
    e->comma = false;
}

static void close_with(struct emit *e, char bracket)
{
    put(e, bracket);
    e->comma = true;
}

void emit_object(struct emit *e, const char *key)
{
    open_with(e, key, '{');
}

void emit_array(struct emit *e, const char *key)
{
    open_with(e, key, '[');
}

void emit_object_end(struct emit *e)
{
    close_with(e, '}');
}

void emit_array_end(struct emit *e)
{
    close_with(e, ']');
}

void emit_text(struct emit *e, const char *key, struct slice text)
{
    begin(e, key);
    put_string(e, text);
}

static void put_unsigned(struct emit *e, uint64_t n)
{
    char digits[NUMBER_MOST];
    size_t i = sizeof(digits);

    do {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buf_append(e->b, digits + i, sizeof(digits) - i);
}

void emit_number(struct emit *e, const char *key, int64_t n)
{
    begin(e, key);
    if (n < 0) {
        put(e, '-');
    }
    put_unsigned(e, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void emit_unsigned(struct emit *e, const char *key, uint64_t n)
{
    begin(e, key);
    put_unsigned(e, n);
}

void emit_thousandths(struct emit *e, const char *key, uint64_t n)
{
    begin(e, key);
    put_unsigned(e, n / 1000);
    const char rest[] = {'.', (char)('0' + n / 100 % 10), (char)('0' + n / 10 % 10),
                         (char)('0' + n % 10)};
    buf_append(e->b, rest, sizeof(rest));
}

void emit_decimal(struct emit *e, const char *key, int64_t thousandths)
{
    char text[DECIMAL_TEXT_MAX];

    begin(e, key);
    buf_append_slice(e->b, slice_of(decimal_format(thousandths, text)));
}

void emit_real(struct emit *e, const char *key, float n)
{
    begin(e, key);
    buf_printf(e->b, "%.9g", (double)n);
}

void emit_bool(struct emit *e, const char *key, bool value)
{
    begin(e, key);
    buf_append_slice(e->b, value ? SLICE_LIT("true") : SLICE_LIT("false"));
}
