/* See value.h. */
#include "conf/value.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* RFC 1035 2.3.4; 255 octets on the wire are 253 in text. */
#define LABEL_MAX  63
#define DOMAIN_MAX 253

/* utmp(5) and useradd(8) go no further. */
#define USER_MAX 32

struct unit {
    const char *name;
    int64_t worth;
};

/* From small to large, which value_format relies on. */
static const struct unit count_units[] = {{"", 1}};
static const struct unit size_units[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
static const struct unit time_units[] = {{"us", 1},       {"ms", 1000},      {"s", 1000000},
                                         {"m", 60000000}, {"h", 3600000000}, {"d", 86400000000}};

static const struct {
    const struct unit *units;
    size_t count;
} kinds[] = {
    [VALUE_COUNT] = {count_units, COUNT(count_units)},
    [VALUE_SIZE] = {size_units, COUNT(size_units)},
    [VALUE_TIME] = {time_units, COUNT(time_units)},
};

int value_parse(enum value_kind kind, struct slice text, int64_t *ret)
{
    int64_t number = 0;
    size_t i = 0;
    bool overflow = false;

    for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++) {
        overflow |= __builtin_mul_overflow(number, 10, &number);
        overflow |= __builtin_add_overflow(number, text.p[i] - '0', &number);
    }
    if (i == 0) {
        return -EINVAL;
    }
    struct slice suffix = {text.p + i, text.n - i};
    if (number == 0 && !overflow && suffix.n == 0) {
        *ret = 0;
        return 0;
    }
    for (size_t k = 0; k < kinds[kind].count; k++) {
        const struct unit *unit = &kinds[kind].units[k];
        if (slice_eq(suffix, slice_of(unit->name))) {
            if (overflow || __builtin_mul_overflow(number, unit->worth, &number)) {
                return -ERANGE;
            }
            *ret = number;
            return 0;
        }
    }
    return -EINVAL;
}

const char *value_format(enum value_kind kind, int64_t value, char ret_text[static VALUE_TEXT_MAX])
{
    struct unit best = {"", 1};

    for (size_t k = 0; k < kinds[kind].count && value != 0; k++) {
        if (value % kinds[kind].units[k].worth == 0) {
            best = kinds[kind].units[k];
        }
    }
    (void)snprintf(ret_text, VALUE_TEXT_MAX, "%" PRId64 "%s", value / best.worth, best.name);
    return ret_text;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_label(struct slice label, bool utf8)
{
    if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.n; i++) {
        bool allowed = is_alnum(label.p[i]) || label.p[i] == '-';
        if (!allowed && !(utf8 && ((unsigned char)label.p[i] & 0x80))) {
            return false;
        }
    }
    return true;
}

static bool is_number(struct slice label)
{
    for (size_t i = 0; i < label.n; i++) {
        if (label.p[i] < '0' || label.p[i] > '9') {
            return false;
        }
    }
    return true;
}

/* RFC 1123 2.1: the last label is not a number, which tells a name from an address. */
static bool are_labels(struct slice text, bool utf8)
{
    if (text.n > DOMAIN_MAX || text_clean_length(text.p, text.n) < text.n) {
        return false;
    }
    for (;;) {
        const char *dot = text.n > 0 ? memchr(text.p, '.', text.n) : NULL;
        struct slice label = {text.p, dot != NULL ? (size_t)(dot - text.p) : text.n};
        if (!is_label(label, utf8)) {
            return false;
        }
        if (dot == NULL) {
            return !is_number(label);
        }
        text = (struct slice){dot + 1, text.n - label.n - 1};
    }
}

bool value_is_host(struct slice text)
{
    return are_labels(text, false);
}

bool value_is_domain(struct slice text)
{
    return are_labels(text, true);
}

bool value_is_path(struct slice text)
{
    return text.n > 0 && text.n < PATH_MAX && text.p[0] == '/' &&
           text_clean_length(text.p, text.n) == text.n;
}

bool value_is_name(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool inside = c == '-' || c == '.' || (c >= '0' && c <= '9');
        bool letter = c == '_' || (is_alnum(c) && !inside);
        if (!letter && !(i > 0 && inside)) {
            return false;
        }
    }
    return text.n > 0;
}

bool value_is_user(struct slice text)
{
    return text.n <= USER_MAX && value_is_name(text);
}

bool value_is_template(struct slice text)
{
    static const char *const names[] = {"%{rcpt.local_part}", "%{rcpt.domain}"};

    while (text.n > 0) {
        const char *percent = memchr(text.p, '%', text.n);
        if (percent == NULL) {
            return true;
        }
        text = (struct slice){percent, text.n - (size_t)(percent - text.p)};
        size_t known = 0;
        for (size_t i = 0; i < COUNT(names); i++) {
            size_t n = strlen(names[i]);
            if (text.n >= n && memcmp(text.p, names[i], n) == 0) {
                known = n;
            }
        }
        if (known == 0) {
            return false;
        }
        text = (struct slice){text.p + known, text.n - known};
    }
    return true;
}
