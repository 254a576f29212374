/* See parse/spamd_reply.h. */
#include "parse/spamd_reply.h"

#include <errno.h>

#include "base/decimal.h"
#include "parse/ascii.h"

/* A number of at most nine digits; false for anything else. */
static bool take_number(struct slice *text, size_t *ret)
{
    size_t n = 0, at = 0;

    for (; at < text->n && at < 9 && ascii_is_digit(text->p[at]); at++) {
        n = n * 10 + (size_t)(text->p[at] - '0');
    }
    *text = (struct slice){text->p + at, text->n - at};
    *ret = n;
    return at > 0;
}

/* SPAMD/1.1 0 EX_OK */
static int parse_status(struct slice line, struct spamd_reply *ret)
{
    struct slice rest;
    size_t code;

    if (!slice_prefix(line, "SPAMD/", &rest)) {
        return -EPROTO;
    }
    const char *blank = rest.n > 0 ? memchr(rest.p, ' ', rest.n) : NULL;
    if (blank == NULL) {
        return -EPROTO;
    }
    rest = slice_trim((struct slice){blank, rest.n - (size_t)(blank - rest.p)}, " \t");
    if (!take_number(&rest, &code) || (rest.n > 0 && rest.p[0] != ' ')) {
        return -EPROTO;
    }
    ret->code = (unsigned)code;
    ret->said = slice_trim(rest, " \t");
    return 0;
}

/* True ; 15.0 / 5.0 */
static bool parse_score(struct slice value, int64_t *ret)
{
    const char *from = value.n > 0 ? memchr(value.p, ';', value.n) : NULL;
    const char *to = value.n > 0 ? memchr(value.p, '/', value.n) : NULL;

    return from != NULL && to != NULL && from < to &&
           decimal_parse(slice_trim((struct slice){from + 1, (size_t)(to - from - 1)}, " \t"),
                         ret) == 0;
}

/* What a field says, where it has that name. */
static bool is_field(struct slice line, const char *name, struct slice *ret)
{
    const size_t n = strlen(name);

    if (line.n <= n || line.p[n] != ':' ||
        !slice_eq_nocase((struct slice){line.p, n}, slice_of(name))) {
        return false;
    }
    *ret = slice_trim((struct slice){line.p + n + 1, line.n - n - 1}, " \t");
    return true;
}

/* Fields up to the empty line. 0, -EAGAIN, -EPROTO. */
static int parse_fields(struct slice *text, struct spamd_reply *ret, bool *ret_scored,
                        size_t *ret_length)
{
    struct slice line, value;

    *ret_length = SIZE_MAX;
    while (slice_take_line(text, &line)) {
        if (line.n == 0) {
            return 0;
        }
        if (is_field(line, "Content-length", &value) &&
            (!take_number(&value, ret_length) || value.n > 0)) {
            return -EPROTO;
        }
        if (is_field(line, "Spam", &value)) {
            if (*ret_scored || !parse_score(value, &ret->score)) {
                return -EPROTO;
            }
            *ret_scored = true;
        }
    }
    return -EAGAIN;
}

static int parse_begun(struct slice text, bool ended, struct spamd_reply *r)
{
    struct slice line;
    bool scored = false;
    size_t length;

    if (!slice_take_line(&text, &line)) {
        return -EAGAIN;
    }
    int e = parse_status(line, r);
    if (e < 0 || r->code != 0) {
        return e;
    }
    e = parse_fields(&text, r, &scored, &length);
    if (e < 0) {
        return e;
    }
    if (!scored) {
        return -EPROTO;
    }
    if (length == SIZE_MAX ? !ended : text.n < length) {
        return -EAGAIN;
    }
    r->rules = (struct slice){text.p, length < text.n ? length : text.n};
    return 0;
}

int spamd_reply_parse(struct slice octets, bool ended, struct spamd_reply *ret)
{
    struct spamd_reply r = {.said = {"", 0}, .rules = {"", 0}};
    int e = octets.n > SPAMD_REPLY_MOST ? -EPROTO : parse_begun(octets, ended, &r);

    if (e == 0) {
        *ret = r;
    }
    return e == -EAGAIN && (ended || octets.n == SPAMD_REPLY_MOST) ? -EPROTO : e;
}

static bool is_of_name(char c)
{
    return ascii_is_let_dig(c) || c == '_' || c == '-' || c == '.';
}

bool spamd_rule_next(struct slice *rules, struct slice *ret)
{
    while (rules->n > 0) {
        size_t n = 0;
        while (n < rules->n && is_of_name(rules->p[n])) {
            n++;
        }
        const struct slice name = {rules->p, n};
        const size_t taken = n > 0 ? n : 1;
        *rules = (struct slice){rules->p + taken, rules->n - taken};
        if (n > 0 && n <= SPAMD_RULE_MOST) {
            *ret = name;
            return true;
        }
    }
    return false;
}
