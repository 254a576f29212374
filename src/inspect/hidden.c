/* See inspect/hidden.h. */
#include "inspect/hidden.h"

#include "inspect/anomaly.h"
#include "inspect/decode.h"
#include "inspect/file.h"
#include "parse/ascii.h"

/* ---- base64 ---- */

static bool is_base64(char c)
{
    return ascii_is_let_dig(c) || c == '+' || c == '/' || c == '=';
}

/* How base64 begins whose octets begin as files do: the first characters of what file_is_known
 * knows, so that a text's lines need not be decoded. */
static bool may_begin_file(struct slice line)
{
    static const char *const beginnings[] = {
        "UEsD", "UEsF", "TVqQ", "TVpA", "TVo",  "TVp",   "JVBE", "0M8R", "UmFy", "N3q8",
        "H4sI", "f0VM", "TVND", "TAAA", "e1xy", "QlpoO", "/Td6", "SVRT", "yv66", "z/rt"};
    struct slice rest;

    if (line.n < 4 || !memchr("UTJ0RNHfeQ/SYyz", line.p[0], 15)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (slice_prefix(line, beginnings[i], &rest)) {
            return true;
        }
    }
    return false;
}

bool base64_makes_file(struct slice text)
{
    struct decode_oddities odd = {0};
    struct buf b = {0};
    bool known;

    while (text.n > 0 && strchr(" \t\r\n", text.p[0]) && text.p[0]) {
        text = (struct slice){text.p + 1, text.n - 1};
    }
    if (!may_begin_file(text)) {
        return false;
    }
    decode_base64(text, 512, &b, &odd);
    known = !odd.illegal && file_is_known(buf_slice(&b));
    buf_free(&b);
    return known;
}

/* Lines from the front that are nothing but base64: up to a blank line or another text. */
static size_t base64_lines(struct slice text)
{
    size_t end = 0;

    for (size_t i = 0; i <= text.n; i++) {
        if (i == text.n || text.p[i] == '\n') {
            if (i == end || (i == end + 1 && text.p[end] == '\r')) {
                return end;
            }
            end = i + 1 < text.n ? i + 1 : text.n;
        } else if (!is_base64(text.p[i]) && !strchr(" \t\r", text.p[i])) {
            return end;
        }
    }
    return end;
}

/* ---- each place ---- */

struct hidden {
    struct inspect_run *run;
    enum hidden_place place;
};

static void found(struct hidden *h, enum anomaly in_text)
{
    static const enum anomaly outside[] = {
        [HIDDEN_IN_PREAMBLE] = ANOMALY_PREAMBLE_PART, [HIDDEN_IN_EPILOGUE] = ANOMALY_EPILOGUE_PART};

    inspect_odd(h->run, h->place == HIDDEN_IN_TEXT ? in_text : outside[h->place]);
}

/* Looks at one as at a part; false when no more are looked at. */
static bool look(struct hidden *h, enum mime_encoding e, struct slice octets, struct slice name)
{
    struct decode_oddities odd = {0};
    struct file_names names = {0};
    struct buf b = {0};
    uint64_t left = h->run->request->limits.decoded - h->run->decoded;
    struct file f = {.names = &names, .declared = SLICE_LIT("application/octet-stream")};

    if (h->run->hidden >= h->run->request->limits.parts) {
        inspect_reached(h->run, LIMIT_PARTS);
        return false;
    }
    h->run->hidden++;
    file_names_add(h->run, &names, name);
    f.cut = !mime_decode(e, octets, left < octets.n ? (size_t)left : octets.n, &b, &odd);
    inspect_may_decode(h->run, b.n);
    f.octets = buf_slice(&b);
    inspect_count(h->run, FINDING_OF_ATTACHMENT_COUNT);
    inspect_file(h->run, &f);
    buf_free(&b);
    return !inspect_late(h->run);
}

static void encoded_files(struct hidden *h, struct slice text)
{
    struct encoded_file e;

    while (encoded_file_next(&text, &e)) {
        found(h, ANOMALY_UUENCODE_IN_TEXT);
        if (!look(h, e.encoding, e.lines, e.name)) {
            return;
        }
    }
}

static bool names_part(struct slice line)
{
    static const char *const fields[] = {
        "content-type:", "content-disposition:", "content-transfer-encoding:"};

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(fields[i]);
        if (line.n >= n && strncasecmp(line.p, fields[i], n) == 0) {
            return true;
        }
    }
    return false;
}

void hidden_files(struct inspect_run *run, struct slice text, enum hidden_place place)
{
    struct hidden h = {run, place};
    struct slice rest = text;
    bool begin = false; /* a line that uuencode or yEnc may begin with */

    while (rest.n > 0) {
        const char *lf = memchr(rest.p, '\n', rest.n);
        size_t n = lf ? (size_t)(lf - rest.p) + 1 : rest.n, skip = 0;
        while (skip < n && ascii_is_blank(rest.p[skip])) {
            skip++;
        }
        struct slice line = {rest.p + skip, n - skip};
        begin |= n > 8 && (memcmp(rest.p, "begin ", 6) == 0 || memcmp(rest.p, "=ybegin", 7) == 0);
        if (may_begin_file(line) && base64_makes_file((struct slice){line.p, rest.n - skip})) {
            n = skip + base64_lines((struct slice){line.p, rest.n - skip});
            n = n > line.n + skip ? n : line.n + skip;
            found(&h, ANOMALY_FILE_IN_TEXT);
            if (!look(&h, ENCODING_BASE64, (struct slice){line.p, n - skip},
                      (struct slice){"", 0})) {
                return;
            }
        } else if (place != HIDDEN_IN_TEXT && n > 12 && names_part(line)) {
            found(&h, ANOMALY_FILE_IN_TEXT);
        }
        rest = (struct slice){rest.p + n, rest.n - n};
    }
    if (begin) {
        encoded_files(&h, text);
    }
}
