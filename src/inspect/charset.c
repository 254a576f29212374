/* Character sets (inspect/inspect_impl.h). All that may be converted later is opened once, because
 * the C library reads its tables from files that an inspector cannot open any more. */
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "inspect/inspect_impl.h"
#include "parse/ascii.h"
#include "parse/encoded_word.h"
#include "parse/utf8.h"

/* By the names of IANA's registry and of what mailers write; several for the same table. */
static const char *const known[] = {
    "windows-1252",   "iso-8859-1",    "iso-8859-2",   "iso-8859-3",   "iso-8859-4",
    "iso-8859-5",     "iso-8859-6",    "iso-8859-7",   "iso-8859-8",   "iso-8859-9",
    "iso-8859-10",    "iso-8859-11",   "iso-8859-13",  "iso-8859-14",  "iso-8859-15",
    "iso-8859-16",    "windows-1250",  "windows-1251", "windows-1253", "windows-1254",
    "windows-1255",   "windows-1256",  "windows-1257", "windows-1258", "koi8-r",
    "koi8-u",         "ibm437",        "ibm850",       "ibm852",       "ibm866",
    "macintosh",      "tis-620",       "gb2312",       "gbk",          "gb18030",
    "hz-gb-2312",     "big5",          "big5-hkscs",   "euc-jp",       "shift_jis",
    "iso-2022-jp",    "iso-2022-jp-2", "euc-kr",       "iso-2022-kr",  "iso-2022-cn",
    "ks_c_5601-1987", "cp949",         "windows-874",  "utf-7",        "utf-16",
    "utf-16le",       "utf-16be",      "utf-32",       "utf-32le",     "utf-32be",
    "ucs-2",          "windows-31j",   "georgian-ps",  "armscii-8",    "viscii",
    "iso-8859-8-i",   "x-sjis",        "cp1252",       "cp1251",       "cp932",
    "latin1",         "euc-tw",        "johab",        "mac-cyrillic", "ibm858",
    "us-ascii-8bit",  "tcvn",
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

/* What the C library calls otherwise. */
static const struct {
    const char *name;
    const char *other;
} aliases[] = {
    {"hz-gb-2312", "HZ"},           {"ks_c_5601-1987", "CP949"}, {"euc-kr", "CP949"},
    {"gb2312", "GB18030"},          {"gbk", "GB18030"},          {"windows-874", "CP874"},
    {"windows-31j", "CP932"},       {"shift_jis", "CP932"},      {"x-sjis", "CP932"},
    {"iso-8859-8-i", "ISO-8859-8"}, {"iso-8859-1", "CP1252"},    {"latin1", "CP1252"},
    {"iso-8859-11", "CP874"},       {"tis-620", "CP874"},        {"iso-8859-9", "CP1254"},
};

struct inspect_charsets {
    iconv_t by[KNOWN]; /* (iconv_t)-1 where this host has no table */
};

static iconv_t open_one(const char *name)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (strcmp(aliases[i].name, name) == 0) {
            name = aliases[i].other;
            break;
        }
    }
    return iconv_open("UTF-8", name);
}

int inspect_charsets_new(struct inspect_charsets **ret)
{
    struct inspect_charsets *c = xcalloc(1, sizeof(*c));

    for (size_t i = 0; i < KNOWN; i++) {
        c->by[i] = open_one(known[i]);
    }
    /* A table is read at its first use, not when it is opened. */
    for (size_t i = 0; i < KNOWN; i++) {
        char in[] = "a", out[16];
        char *from = in, *to = out;
        size_t left = 1, room = sizeof(out);
        if (c->by[i] != (iconv_t)-1) {
            (void)iconv(c->by[i], &from, &left, &to, &room);
        }
    }
    if (c->by[0] == (iconv_t)-1) {
        inspect_charsets_free(c);
        return -ENOENT;
    }
    *ret = c;
    return 0;
}

struct inspect_charsets *inspect_charsets_free(struct inspect_charsets *c)
{
    for (size_t i = 0; c && i < KNOWN; i++) {
        if (c->by[i] != (iconv_t)-1) {
            iconv_close(c->by[i]);
        }
    }
    free(c);
    return NULL;
}

static bool is_utf8(struct slice charset)
{
    return charset.n == 0 || slice_eq_nocase(charset, SLICE_LIT("utf-8")) ||
           slice_eq_nocase(charset, SLICE_LIT("utf8")) ||
           slice_eq_nocase(charset, SLICE_LIT("us-ascii")) ||
           slice_eq_nocase(charset, SLICE_LIT("ascii")) ||
           slice_eq_nocase(charset, SLICE_LIT("unknown-8bit"));
}

static iconv_t find(const struct inspect_charsets *c, struct slice charset)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (slice_eq_nocase(charset, slice_of(known[i]))) {
            return c->by[i];
        }
    }
    return (iconv_t)-1;
}

static bool append(struct buf *to, const char *p, size_t n, size_t *most)
{
    if (n > *most) {
        *most = 0;
        return false;
    }
    buf_append(to, p, n);
    *most -= n;
    return true;
}

/* Converts until `most` octets are made. */
static void convert(iconv_t cd, struct slice octets, size_t most, struct buf *to)
{
    char out[4096];
    char *from = (char *)octets.p; /* iconv does not write there */
    size_t left = octets.n;

    (void)iconv(cd, NULL, NULL, NULL, NULL);
    while (left > 0 && most > 0) {
        char *at = out;
        size_t room = sizeof(out);
        size_t r = iconv(cd, &from, &left, &at, &room);
        size_t made = (size_t)(at - out);
        append(to, out, made < most ? made : most, &most);
        if (r == (size_t)-1 && errno != E2BIG && left > 0) {
            append(to, "\xef\xbf\xbd", 3, &most);
            from++;
            left--;
        }
    }
}

/* Runs that are UTF-8 as they are, single octets between them as Windows-1252. */
static void keep(iconv_t latin, struct slice octets, size_t most, struct buf *to)
{
    size_t clean = 0, i = 0;

    while (i < octets.n && i < most) {
        uint32_t c;
        size_t n = utf8_take(octets.p + i, octets.n - i, &c);
        if (n > 0) {
            i += n;
            continue;
        }
        size_t run = i - clean;
        if (!append(to, octets.p + clean, run, &most) || most < 3) {
            return;
        }
        size_t before = to->n;
        convert(latin, (struct slice){octets.p + i, 1}, most, to);
        most -= to->n - before;
        octets = (struct slice){octets.p + i + 1, octets.n - i - 1};
        i = 0;
        clean = 0;
    }
    append(to, octets.p + clean, i - clean < most ? i - clean : most, &most);
}

bool inspect_to_utf8(const struct inspect *i, struct slice charset, struct slice octets,
                     size_t most, struct buf *ret)
{
    iconv_t cd;

    if (octets.n == 0) {
        return true;
    }
    if (is_utf8(charset)) {
        keep(i->charsets->by[0], octets, most, ret);
        return true;
    }
    cd = find(i->charsets, charset);
    if (cd == (iconv_t)-1) {
        keep(i->charsets->by[0], octets, most, ret);
        return false;
    }
    convert(cd, octets, most, ret);
    return true;
}

static void read_charset(void *arg, struct slice charset, struct slice octets, struct buf *to)
{
    inspect_to_utf8(arg, charset, octets, SIZE_MAX, to);
}

bool inspect_words(const struct inspect *i, struct slice text, struct buf *ret)
{
    struct charset_reader reader = {read_charset, (void *)i};
    struct encoded_words found = {0};
    size_t start = ret->n;

    if (text.n == 0 || !memmem(text.p, text.n, "=?", 2)) {
        return false;
    }
    encoded_text_decode(text, &reader, ret, &found);
    ret->n = found.count > 0 ? ret->n : start;
    return found.count > 0;
}
