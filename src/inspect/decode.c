/* See inspect/decode.h. */
#include "inspect/decode.h"

#include "parse/ascii.h"

/* ---- base64 ---- */

#define NO    0x40 /* no character of it */
#define BLANK 0x41
#define PAD   0x42

/* What a character stands for. */
static const uint8_t base64_values[256] = {
#define ROW16(v) v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v
    NO,        NO,        NO,        NO,        NO,        NO,        NO,        NO,
    NO,        BLANK,     BLANK,     NO,        NO,        BLANK,     NO,        NO, /* 0 */
    ROW16(NO),                                                                       /* 16 */
    BLANK,     NO,        NO,        NO,        NO,        NO,        NO,        NO,
    NO,        NO,        NO,        62,        NO,        NO,        NO,        63, /* ' ' */
    52,        53,        54,        55,        56,        57,        58,        59,
    60,        61,        NO,        NO,        NO,        PAD,       NO,        NO, /* '0' */
    NO,        0,         1,         2,         3,         4,         5,         6,
    7,         8,         9,         10,        11,        12,        13,        14, /* '@' */
    15,        16,        17,        18,        19,        20,        21,        22,
    23,        24,        25,        NO,        NO,        NO,        NO,        NO, /* 'P' */
    NO,        26,        27,        28,        29,        30,        31,        32,
    33,        34,        35,        36,        37,        38,        39,        40, /* '`' */
    41,        42,        43,        44,        45,        46,        47,        48,
    49,        50,        51,        NO,        NO,        NO,        NO,        NO, /* 'p' */
    ROW16(NO), ROW16(NO), ROW16(NO), ROW16(NO), ROW16(NO), ROW16(NO), ROW16(NO), ROW16(NO),
#undef ROW16
};

/* Whole groups of four without a blank between them, while there is room; how many octets of `p`
 * were taken, a multiple of four. */
static size_t base64_run(const uint8_t *p, size_t n, uint8_t *out, size_t room)
{
    size_t i = 0;

    for (size_t made = 0; i + 4 <= n && made + 3 <= room; i += 4, made += 3) {
        uint32_t a = base64_values[p[i]], b = base64_values[p[i + 1]];
        uint32_t c = base64_values[p[i + 2]], d = base64_values[p[i + 3]];
        if ((a | b | c | d) >= NO) {
            break;
        }
        uint32_t group = a << 18 | b << 12 | c << 6 | d;
        out[made] = (uint8_t)(group >> 16);
        out[made + 1] = (uint8_t)(group >> 8);
        out[made + 2] = (uint8_t)group;
    }
    return i;
}

struct base64_state {
    uint32_t group;
    unsigned count; /* characters in the group */
    bool padded;    /* it has ended */
};

/* Writes the octets of a group that has ended early. */
static size_t base64_rest(struct base64_state *s, uint8_t *out)
{
    size_t made = s->count > 1 ? s->count - 1 : 0;

    s->group <<= 6 * (4 - s->count);
    for (size_t i = 0; i < made; i++) {
        out[i] = (uint8_t)(s->group >> (16 - 8 * i));
    }
    *s = (struct base64_state){.padded = s->padded};
    return made;
}

/* One character that is not in a run of whole groups. */
static size_t base64_one(struct base64_state *s, uint8_t octet, uint8_t *out,
                         struct decode_oddities *odd)
{
    uint8_t value = base64_values[octet];

    if (value == BLANK) {
        return 0;
    }
    if (value == PAD) {
        s->padded = true;
        return base64_rest(s, out);
    }
    if (value == NO) {
        odd->illegal = true;
        return 0;
    }
    odd->after_padding |= s->padded;
    s->group = s->group << 6 | value;
    return ++s->count == 4 ? base64_rest(s, out) : 0;
}

bool decode_base64(struct slice octets, size_t most, struct buf *ret, struct decode_oddities *odd)
{
    size_t room = octets.n / 4 * 3 + 3;
    bool cut = room > most;
    uint8_t *out = (uint8_t *)buf_reserve(ret, (cut ? most : room) + 4);
    struct base64_state s = {0};
    size_t made = 0, i = 0;

    room = cut ? most : room;
    while (i < octets.n && made < room) {
        if (s.count == 0 && !s.padded) {
            size_t run =
                base64_run((const uint8_t *)octets.p + i, octets.n - i, out + made, room - made);
            i += run;
            made += run / 4 * 3;
            if (i == octets.n) {
                break;
            }
        }
        made += base64_one(&s, (uint8_t)octets.p[i++], out + made, odd);
    }
    cut = i < octets.n;
    if (!cut) {
        odd->cut |= s.count > 0;
        made += base64_rest(&s, out + made);
    }
    ret->n += made < room ? made : room;
    return !cut;
}

/* ---- quoted-printable ---- */

/* The length of a soft line break behind "=", with the blanks in front of it; 0 when there is none.
 */
static size_t soft_break(struct slice rest)
{
    size_t i = 0;

    while (i < rest.n && ascii_is_blank(rest.p[i])) {
        i++;
    }
    if (i < rest.n && rest.p[i] == '\n') {
        return i + 1;
    }
    if (i + 1 < rest.n && rest.p[i] == '\r' && rest.p[i + 1] == '\n') {
        return i + 2;
    }
    return i == rest.n ? i : 0;
}

bool decode_quoted(struct slice octets, size_t most, struct buf *ret, struct decode_oddities *odd)
{
    const char *p = octets.p, *end = octets.p + octets.n;
    size_t room = octets.n < most ? octets.n : most;
    char *out = buf_reserve(ret, room + 1), *at = out, *full = out + room;

    while (p < end && at < full) {
        const char *equals = memchr(p, '=', (size_t)(end - p));
        size_t run = (size_t)((equals ? equals : end) - p);
        run = run < (size_t)(full - at) ? run : (size_t)(full - at);
        memcpy(at, p, run);
        at += run;
        p += run;
        if (p != equals || at == full) {
            continue;
        }
        struct slice rest = {p + 1, (size_t)(end - p - 1)};
        size_t skip = soft_break(rest);
        int high = rest.n >= 2 ? ascii_hex(rest.p[0]) : -1;
        int low = rest.n >= 2 ? ascii_hex(rest.p[1]) : -1;
        if (high >= 0 && low >= 0) {
            *at++ = (char)(high * 16 + low);
            p += 3;
        } else if (skip > 0 || rest.n == 0) {
            p += 1 + skip;
        } else {
            odd->illegal = true;
            *at++ = *p++;
        }
    }
    ret->n += (size_t)(at - out);
    return p == end;
}

/* ---- any ---- */

enum mime_encoding mime_encoding_of(struct slice name)
{
    static const struct {
        const char *name;
        enum mime_encoding encoding;
    } rows[] = {
        {"7bit", ENCODING_NONE},
        {"8bit", ENCODING_NONE},
        {"binary", ENCODING_NONE},
        {"base64", ENCODING_BASE64},
        {"quoted-printable", ENCODING_QUOTED},
        {"x-uuencode", ENCODING_UUENCODE},
        {"uuencode", ENCODING_UUENCODE},
        {"x-uue", ENCODING_UUENCODE},
        {"uue", ENCODING_UUENCODE},
        {"x-yencode", ENCODING_YENC},
        {"x-yenc", ENCODING_YENC},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (slice_eq_nocase(name, slice_of(rows[i].name))) {
            return rows[i].encoding;
        }
    }
    return ENCODING_UNKNOWN;
}

bool mime_decode(enum mime_encoding encoding, struct slice octets, size_t most, struct buf *ret,
                 struct decode_oddities *odd)
{
    size_t n = octets.n < most ? octets.n : most;

    switch (encoding) {
    case ENCODING_BASE64: return decode_base64(octets, most, ret, odd);
    case ENCODING_QUOTED: return decode_quoted(octets, most, ret, odd);
    case ENCODING_UUENCODE: return decode_uu(octets, most, ret, odd);
    case ENCODING_YENC: return decode_yenc(octets, most, ret, odd);
    case ENCODING_NONE:
    case ENCODING_UNKNOWN: break;
    }
    buf_append(ret, octets.p, n);
    return n == octets.n;
}
