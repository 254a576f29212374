/* See inspect/html_style.h. */
#include "inspect/html_style.h"

#include <stdlib.h>

#include "parse/ascii.h"

/* Octets of a declaration's value that are read. */
#define VALUE_MOST 63

/* How far apart the three parts of two colours are, in all, that are seen as one. */
#define ALIKE_MOST 24

static uint32_t hex_colour(const char *text, size_t n)
{
    uint32_t value = 0;

    for (size_t i = 0; i < n; i++) {
        const int digit = ascii_hex(text[i]);
        if (digit < 0) {
            return COLOUR_UNKNOWN;
        }
        value = value << 4 | (uint32_t)digit;
        if (n == 3) {
            value = value << 4 | (uint32_t)digit;
        }
    }
    return value;
}

static uint32_t rgb_colour(const char *text)
{
    uint32_t value = 0;
    char *end;

    for (int i = 0; i < 3; i++) {
        const unsigned long part = strtoul(text, &end, 10);
        if (end == text || part > 255 || (*end != ',' && *end != ')')) {
            return COLOUR_UNKNOWN;
        }
        value = value << 8 | (uint32_t)part;
        text = end + (*end == ',');
    }
    return value;
}

/* In lower case, without blanks. */
static uint32_t colour_of(const char *text)
{
    static const struct {
        const char *name;
        uint32_t colour;
    } names[] = {
        {"white", 0xffffff},  {"black", 0},         {"snow", 0xfffafa},   {"ivory", 0xfffff0},
        {"red", 0xff0000},    {"blue", 0x0000ff},   {"green", 0x008000},  {"yellow", 0xffff00},
        {"gray", 0x808080},   {"grey", 0x808080},   {"silver", 0xc0c0c0}, {"navy", 0x000080},
        {"maroon", 0x800000}, {"purple", 0x800080}, {"orange", 0xffa500}, {"whitesmoke", 0xf5f5f5},
    };
    const size_t n = strcspn(text, "!;");

    if (text[0] == '#') {
        const size_t digits = strspn(text + 1, "0123456789abcdef");
        return digits == 3 || digits == 6 ? hex_colour(text + 1, digits) : COLOUR_UNKNOWN;
    }
    if (strncmp(text, "rgb(", 4) == 0) {
        return rgb_colour(text + 4);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i].name) == n && memcmp(names[i].name, text, n) == 0) {
            return names[i].colour;
        }
    }
    return COLOUR_UNKNOWN;
}

/* Without blanks and in lower case, as a string. */
static void tidy(struct slice text, char ret[static VALUE_MOST + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < text.n && n < VALUE_MOST; i++) {
        if ((unsigned char)text.p[i] > ' ') {
            ret[n++] = ascii_lower(text.p[i]);
        }
    }
    ret[n] = '\0';
}

uint32_t html_colour(struct slice text)
{
    char value[VALUE_MOST + 1];

    tidy(text, value);
    /* The attributes allow hexadecimal numbers without the "#". */
    if (strlen(value) == 6 && strspn(value, "0123456789abcdef") == 6) {
        return hex_colour(value, 6);
    }
    return colour_of(value);
}

bool html_colours_alike(uint32_t a, uint32_t b)
{
    int apart = 0;

    if (a >= COLOUR_UNKNOWN || b >= COLOUR_UNKNOWN) {
        return false;
    }
    for (int shift = 0; shift < 24; shift += 8) {
        apart += abs((int)(a >> shift & 255) - (int)(b >> shift & 255));
    }
    return apart <= ALIKE_MOST;
}

/* A length in pixels, or -1 when it says none. */
static double length_of(const char *value)
{
    char *unit;
    const double n = strtod(value, &unit);

    if (unit == value || !(n >= 0)) {
        return -1;
    }
    if (strncmp(unit, "em", 2) == 0 || strncmp(unit, "rem", 3) == 0) {
        return n * 16;
    }
    if (*unit == '%') {
        return n * 16 / 100;
    }
    return strncmp(unit, "pt", 2) == 0 ? n * 4 / 3 : n;
}

static bool is_zero(const char *value)
{
    char *end;

    return strtod(value, &end) == 0 && end > value;
}

static void read_size(const char *value, struct html_style *ret)
{
    const double size = length_of(value);

    if (size == 0) {
        ret->hidden = true;
    } else if (size > 0) {
        ret->tiny = size < 4;
        ret->big = size >= 32;
    }
}

static void read_declaration(const char *name, const char *value, struct html_style *ret)
{
    if (strcmp(name, "display") == 0) {
        ret->hidden |= strncmp(value, "none", 4) == 0;
    } else if (strcmp(name, "visibility") == 0) {
        ret->hidden |= strncmp(value, "hidden", 6) == 0;
    } else if (strcmp(name, "opacity") == 0 || strcmp(name, "max-height") == 0) {
        ret->hidden |= is_zero(value);
    } else if (strcmp(name, "mso-hide") == 0) {
        ret->hidden |= strncmp(value, "all", 3) == 0;
    } else if (strcmp(name, "font-size") == 0) {
        read_size(value, ret);
    } else if (strcmp(name, "color") == 0) {
        ret->colour = colour_of(value);
    } else if (strcmp(name, "background-color") == 0 || strcmp(name, "background") == 0) {
        ret->background = colour_of(value);
    }
}

void html_style_read(struct slice style, struct html_style *ret)
{
    char name[VALUE_MOST + 1], value[VALUE_MOST + 1];

    while (style.n > 0) {
        const char *end = memchr(style.p, ';', style.n);
        const struct slice one = {style.p, end != NULL ? (size_t)(end - style.p) : style.n};
        const char *colon = memchr(one.p, ':', one.n);
        if (colon != NULL) {
            tidy((struct slice){one.p, (size_t)(colon - one.p)}, name);
            tidy((struct slice){colon + 1, (size_t)(one.p + one.n - colon - 1)}, value);
            read_declaration(name, value, ret);
        }
        const size_t taken = one.n + (end != NULL);
        style = (struct slice){style.p + taken, style.n - taken};
    }
}
