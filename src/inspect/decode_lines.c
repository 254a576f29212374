/* uuencode (POSIX) and yEnc: encodings that stand in a text, between lines of their own. */
#include "inspect/decode.h"

/* ---- lines ---- */

/* Takes the next line off the front, without its line end. */
static bool next_line(struct slice *rest, struct slice *ret)
{
    const char *end;

    if (rest->n == 0) {
        return false;
    }
    end = memchr(rest->p, '\n', rest->n);
    ret->p = rest->p;
    ret->n = end ? (size_t)(end - rest->p) : rest->n;
    rest->n -= ret->n + (end ? 1 : 0);
    rest->p += ret->n + (end ? 1 : 0);
    if (ret->n > 0 && ret->p[ret->n - 1] == '\r') {
        ret->n--;
    }
    return true;
}

/* "begin 644 NAME": three or four octal digits. */
static bool uu_begins(struct slice line, struct slice *ret_name)
{
    struct slice rest;
    size_t digits = 0;

    if (!slice_prefix(line, "begin ", &rest)) {
        return false;
    }
    while (digits < rest.n && rest.p[digits] >= '0' && rest.p[digits] <= '7') {
        digits++;
    }
    if (digits < 3 || digits > 4 || digits == rest.n || rest.p[digits] != ' ') {
        return false;
    }
    *ret_name = (struct slice){rest.p + digits + 1, rest.n - digits - 1};
    return true;
}

/* "=ybegin line=128 size=… name=NAME" */
static bool yenc_begins(struct slice line, struct slice *ret_name)
{
    struct slice rest;

    if (!slice_prefix(line, "=ybegin ", &rest)) {
        return false;
    }
    const char *name = memmem(rest.p, rest.n, "name=", 5);
    *ret_name = (struct slice){"", 0};
    if (name) {
        *ret_name = (struct slice){name + 5, (size_t)(rest.p + rest.n - name - 5)};
    }
    return true;
}

static bool begins(struct slice line, struct slice *ret_name, enum mime_encoding *ret)
{
    if (line.n < 7 || (line.p[0] != 'b' && line.p[0] != '=')) {
        return false;
    }
    *ret = line.p[0] == 'b' ? ENCODING_UUENCODE : ENCODING_YENC;
    return uu_begins(line, ret_name) || yenc_begins(line, ret_name);
}

/* Of a line of uuencode: its length's character, and as many as that says at least. */
static bool uu_looks_right(struct slice line)
{
    size_t octets;

    if (line.n == 0 || line.p[0] < ' ' || line.p[0] > '`') {
        return false;
    }
    octets = (size_t)(line.p[0] - ' ') & 63;
    return line.n - 1 <= (octets + 2) / 3 * 4 + 3;
}

bool encoded_file_next(struct slice *rest, struct encoded_file *ret)
{
    struct slice at = *rest, line, first;

    for (struct slice before = at; next_line(&at, &line); before = at) {
        if (!begins(line, &ret->name, &ret->encoding)) {
            continue;
        }
        ret->lines = before;
        first = at;
        if (ret->encoding == ENCODING_UUENCODE && next_line(&first, &line) &&
            !uu_looks_right(line)) {
            continue;
        }
        while (next_line(&at, &line)) {
            struct slice ignored;
            if (slice_eq(line, SLICE_LIT("end")) || slice_prefix(line, "=yend ", &ignored)) {
                break;
            }
        }
        ret->lines.n = (size_t)(at.p - ret->lines.p);
        *rest = at;
        return true;
    }
    return false;
}

/* ---- decoding ---- */

static uint8_t uu_value(struct slice line, size_t at)
{
    return at < line.n ? (uint8_t)(line.p[at] - ' ') & 63 : 0;
}

static void uu_line(struct slice line, char out[static 63], struct decode_oddities *odd)
{
    size_t octets = uu_value(line, 0);

    odd->cut |= line.n - 1 < (octets * 4 + 2) / 3;
    for (size_t i = 0, at = 1; i < octets; i += 3, at += 4) {
        uint32_t group = (uint32_t)uu_value(line, at) << 18 |
                         (uint32_t)uu_value(line, at + 1) << 12 |
                         (uint32_t)uu_value(line, at + 2) << 6 | uu_value(line, at + 3);
        out[i] = (char)(group >> 16);
        out[i + 1] = (char)(group >> 8);
        out[i + 2] = (char)group;
    }
}

bool decode_uu(struct slice octets, size_t most, struct buf *ret, struct decode_oddities *odd)
{
    struct slice rest = octets, line, name;
    size_t start = ret->n;
    bool begun = false;

    while (next_line(&rest, &line)) {
        char out[66];
        if (!begun) {
            begun = uu_begins(line, &name);
            continue;
        }
        if (slice_eq(line, SLICE_LIT("end"))) {
            break;
        }
        if (line.n == 0 || line.p[0] < ' ' || line.p[0] > '`') {
            odd->illegal = true;
            continue;
        }
        size_t n = uu_value(line, 0);
        if (n > most - (ret->n - start)) {
            return false;
        }
        uu_line(line, out, odd);
        buf_append(ret, out, n);
    }
    return true;
}

bool decode_yenc(struct slice octets, size_t most, struct buf *ret, struct decode_oddities *odd)
{
    struct slice rest = octets, line, name;
    bool begun = false;
    size_t start = ret->n;

    while (next_line(&rest, &line)) {
        if (!begun) {
            begun = yenc_begins(line, &name);
            continue;
        }
        if (slice_prefix(line, "=yend", &name)) {
            break;
        }
        if (slice_prefix(line, "=ypart", &name)) {
            continue;
        }
        if (line.n > most - (ret->n - start)) {
            return false;
        }
        for (size_t i = 0; i < line.n; i++) {
            int shift = 42;
            if (line.p[i] == '=' && i + 1 < line.n) {
                i++;
                shift += 64;
            }
            char octet = (char)((uint8_t)line.p[i] - shift);
            buf_append(ret, &octet, 1);
        }
    }
    odd->cut |= rest.n == 0 && !begun;
    return true;
}
