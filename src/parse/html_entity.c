/* The entities of HTML (https://html.spec.whatwg.org/#named-character-references): those of HTML 4
 * that stand in mail, and those of HTML 5 that hide what a URL or an address is made of. Others
 * stay as they are. */
#include <stdint.h>
#include <stdlib.h>

#include "parse/ascii.h"
#include "parse/html_scan.h"
#include "parse/utf8.h"

struct entity {
    char name[10];
    bool bare; /* may stand without ";" */
    uint16_t c;
};

/* In the order of strcmp. */
static const struct entity entities[] = {
    {"AElig", true, 0xc6},     {"Aacute", true, 0xc1},    {"Acirc", true, 0xc2},
    {"Agrave", true, 0xc0},    {"Alpha", false, 0x391},   {"Aring", true, 0xc5},
    {"Atilde", true, 0xc3},    {"Auml", true, 0xc4},      {"Beta", false, 0x392},
    {"Ccedil", true, 0xc7},    {"Chi", false, 0x3a7},     {"Dagger", false, 0x2021},
    {"ETH", true, 0xd0},       {"Eacute", true, 0xc9},    {"Ecirc", true, 0xca},
    {"Egrave", true, 0xc8},    {"Epsilon", false, 0x395}, {"Eta", false, 0x397},
    {"Euml", true, 0xcb},      {"Iacute", true, 0xcd},    {"Icirc", true, 0xce},
    {"Igrave", true, 0xcc},    {"Iota", false, 0x399},    {"Iuml", true, 0xcf},
    {"Kappa", false, 0x39a},   {"Mu", false, 0x39c},      {"NewLine", false, 0xa},
    {"Ntilde", true, 0xd1},    {"Nu", false, 0x39d},      {"OElig", false, 0x152},
    {"Oacute", true, 0xd3},    {"Ocirc", true, 0xd4},     {"Ograve", true, 0xd2},
    {"Omicron", false, 0x39f}, {"Oslash", true, 0xd8},    {"Otilde", true, 0xd5},
    {"Ouml", true, 0xd6},      {"Prime", false, 0x2033},  {"Rho", false, 0x3a1},
    {"Scaron", false, 0x160},  {"THORN", true, 0xde},     {"Tab", false, 0x9},
    {"Tau", false, 0x3a4},     {"Uacute", true, 0xda},    {"Ucirc", true, 0xdb},
    {"Ugrave", true, 0xd9},    {"Upsilon", false, 0x3a5}, {"Uuml", true, 0xdc},
    {"Yacute", true, 0xdd},    {"Yuml", false, 0x178},    {"Zeta", false, 0x396},
    {"aacute", true, 0xe1},    {"acirc", true, 0xe2},     {"acute", true, 0xb4},
    {"aelig", true, 0xe6},     {"agrave", true, 0xe0},    {"alpha", false, 0x3b1},
    {"amp", true, 0x26},       {"apos", false, 0x27},     {"aring", true, 0xe5},
    {"ast", false, 0x2a},      {"atilde", true, 0xe3},    {"auml", true, 0xe4},
    {"bdquo", false, 0x201e},  {"beta", false, 0x3b2},    {"brvbar", true, 0xa6},
    {"bsol", false, 0x5c},     {"bull", false, 0x2022},   {"ccedil", true, 0xe7},
    {"cedil", true, 0xb8},     {"cent", true, 0xa2},      {"check", false, 0x2713},
    {"chi", false, 0x3c7},     {"circ", false, 0x2c6},    {"colon", false, 0x3a},
    {"comma", false, 0x2c},    {"commat", false, 0x40},   {"copy", true, 0xa9},
    {"curren", true, 0xa4},    {"dagger", false, 0x2020}, {"darr", false, 0x2193},
    {"dash", false, 0x2010},   {"deg", true, 0xb0},       {"delta", false, 0x3b4},
    {"divide", true, 0xf7},    {"dollar", false, 0x24},   {"eacute", true, 0xe9},
    {"ecirc", true, 0xea},     {"egrave", true, 0xe8},    {"emsp", false, 0x2003},
    {"ensp", false, 0x2002},   {"epsilon", false, 0x3b5}, {"equals", false, 0x3d},
    {"eta", false, 0x3b7},     {"eth", true, 0xf0},       {"euml", true, 0xeb},
    {"euro", false, 0x20ac},   {"excl", false, 0x21},     {"fnof", false, 0x192},
    {"frac12", true, 0xbd},    {"frac14", true, 0xbc},    {"frac34", true, 0xbe},
    {"gamma", false, 0x3b3},   {"grave", false, 0x60},    {"gt", true, 0x3e},
    {"hairsp", false, 0x200a}, {"harr", false, 0x2194},   {"hearts", false, 0x2665},
    {"hellip", false, 0x2026}, {"hyphen", false, 0x2010}, {"iacute", true, 0xed},
    {"icirc", true, 0xee},     {"iexcl", true, 0xa1},     {"igrave", true, 0xec},
    {"infin", false, 0x221e},  {"iota", false, 0x3b9},    {"iquest", true, 0xbf},
    {"iuml", true, 0xef},      {"kappa", false, 0x3ba},   {"laquo", true, 0xab},
    {"larr", false, 0x2190},   {"lbrace", false, 0x7b},   {"lbrack", false, 0x5b},
    {"ldquo", false, 0x201c},  {"lowbar", false, 0x5f},   {"lpar", false, 0x28},
    {"lrm", false, 0x200e},    {"lsaquo", false, 0x2039}, {"lsquo", false, 0x2018},
    {"lt", true, 0x3c},        {"macr", true, 0xaf},      {"mdash", false, 0x2014},
    {"micro", true, 0xb5},     {"middot", true, 0xb7},    {"minus", false, 0x2212},
    {"nbsp", true, 0xa0},      {"ndash", false, 0x2013},  {"not", true, 0xac},
    {"ntilde", true, 0xf1},    {"nu", false, 0x3bd},      {"num", false, 0x23},
    {"numsp", false, 0x2007},  {"oacute", true, 0xf3},    {"ocirc", true, 0xf4},
    {"oelig", false, 0x153},   {"ograve", true, 0xf2},    {"oline", false, 0x203e},
    {"omicron", false, 0x3bf}, {"ordf", true, 0xaa},      {"ordm", true, 0xba},
    {"oslash", true, 0xf8},    {"otilde", true, 0xf5},    {"ouml", true, 0xf6},
    {"para", true, 0xb6},      {"percnt", false, 0x25},   {"period", false, 0x2e},
    {"permil", false, 0x2030}, {"phone", false, 0x260e},  {"plus", false, 0x2b},
    {"plusmn", true, 0xb1},    {"pound", true, 0xa3},     {"prime", false, 0x2032},
    {"puncsp", false, 0x2008}, {"quest", false, 0x3f},    {"quot", true, 0x22},
    {"radic", false, 0x221a},  {"raquo", true, 0xbb},     {"rarr", false, 0x2192},
    {"rbrace", false, 0x7d},   {"rbrack", false, 0x5d},   {"rdquo", false, 0x201d},
    {"reg", true, 0xae},       {"rho", false, 0x3c1},     {"rlm", false, 0x200f},
    {"rpar", false, 0x29},     {"rsaquo", false, 0x203a}, {"rsquo", false, 0x2019},
    {"sbquo", false, 0x201a},  {"scaron", false, 0x161},  {"sect", true, 0xa7},
    {"semi", false, 0x3b},     {"shy", true, 0xad},       {"sol", false, 0x2f},
    {"star", false, 0x2606},   {"starf", false, 0x2605},  {"sup1", true, 0xb9},
    {"sup2", true, 0xb2},      {"sup3", true, 0xb3},      {"szlig", true, 0xdf},
    {"tau", false, 0x3c4},     {"thinsp", false, 0x2009}, {"thorn", true, 0xfe},
    {"tilde", false, 0x2dc},   {"times", true, 0xd7},     {"trade", false, 0x2122},
    {"uacute", true, 0xfa},    {"uarr", false, 0x2191},   {"ucirc", true, 0xfb},
    {"ugrave", true, 0xf9},    {"uml", true, 0xa8},       {"upsilon", false, 0x3c5},
    {"uuml", true, 0xfc},      {"verbar", false, 0x7c},   {"vert", false, 0x7c},
    {"yacute", true, 0xfd},    {"yen", true, 0xa5},       {"yuml", true, 0xff},
    {"zwj", false, 0x200d},    {"zwnj", false, 0x200c},
};

static int compare_name(const void *name, const void *row)
{
    return strcmp(name, ((const struct entity *)row)->name);
}

static const struct entity *find_entity(struct slice name)
{
    char text[sizeof(entities[0].name)];

    if (name.n >= sizeof(text)) {
        return NULL;
    }
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return bsearch(text, entities, sizeof(entities) / sizeof(entities[0]), sizeof(entities[0]),
                   compare_name);
}

/* What browsers make of numbers that are C1 controls: the characters of windows-1252. */
static uint32_t number_means(uint32_t n)
{
    static const uint16_t windows[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178,
    };

    if (n >= 0x80 && n < 0xa0) {
        return windows[n - 0x80];
    }
    return n == 0 || n > 0x10ffff ? UTF8_REPLACEMENT : n;
}

static int digit_of(char c, unsigned base)
{
    if (ascii_is_digit(c)) {
        return c - '0';
    }
    c = ascii_lower(c);
    return base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "&#65;" or "&#x41;", also without ";": octets of it, or 0. */
static size_t take_number(struct slice text, uint32_t *ret)
{
    const bool hex = text.n > 2 && ascii_lower(text.p[2]) == 'x';
    const unsigned base = hex ? 16 : 10;
    const size_t first = hex ? 3 : 2;
    uint32_t value = 0;
    size_t at = first;

    while (at < text.n && digit_of(text.p[at], base) >= 0) {
        if (value <= 0x10ffff) {
            value = value * base + (uint32_t)digit_of(text.p[at], base);
        }
        at++;
    }
    if (at == first) {
        return 0;
    }
    *ret = number_means(value);
    return at + (at < text.n && text.p[at] == ';');
}

/* "&amp;", and some also without ";": octets of it, or 0. */
static size_t take_name(struct slice text, uint32_t *ret)
{
    struct slice name = {text.p + 1, 0};

    while (name.n + 1 < text.n && name.n < sizeof(entities[0].name) &&
           ascii_is_let_dig(name.p[name.n])) {
        name.n++;
    }
    const struct entity *e = name.n > 0 ? find_entity(name) : NULL;
    const bool ended = name.n + 1 < text.n && name.p[name.n] == ';';
    if (e == NULL || !(ended || e->bare)) {
        return 0;
    }
    *ret = e->c;
    return name.n + 1 + ended;
}

size_t html_decode(struct slice text, char *out, size_t *needless)
{
    size_t written = 0;

    while (text.n > 0) {
        const char *sign = memchr(text.p, '&', text.n);
        const size_t plain = sign != NULL ? (size_t)(sign - text.p) : text.n;
        memmove(out + written, text.p, plain);
        written += plain;
        text = (struct slice){text.p + plain, text.n - plain};
        if (text.n == 0) {
            break;
        }
        const bool number = text.n > 1 && text.p[1] == '#';
        uint32_t c = '&';
        size_t taken = number ? take_number(text, &c) : take_name(text, &c);
        if (number && taken > 0 && c < 0x80 && ascii_is_let_dig((int)c) && needless != NULL) {
            ++*needless;
        }
        taken += taken == 0;
        text = (struct slice){text.p + taken, text.n - taken};
        written += utf8_put(c, out + written);
    }
    return written;
}
