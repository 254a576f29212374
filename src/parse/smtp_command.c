/* Command lines taken apart by the grammar of RFC 5321 4.1.2. Must never change a line or keep
 * it: every slice that is returned points into it. */
#include "parse/smtp_command.h"

#include <errno.h>

#include "parse/ascii.h"

static struct slice behind(struct slice text, size_t n)
{
    return n == 0 ? text : (struct slice){text.p + n, text.n - n};
}

void smtp_command_split(struct slice line, struct slice *ret_verb, struct slice *ret_argument)
{
    const char *space = line.n == 0 ? NULL : memchr(line.p, ' ', line.n);
    size_t verb = space ? (size_t)(space - line.p) : line.n;
    struct slice argument = behind(line, verb);

    while (argument.n > 0 && ascii_is_blank(argument.p[0]))
        argument = behind(argument, 1);
    while (argument.n > 0 && ascii_is_blank(argument.p[argument.n - 1]))
        argument.n--;
    *ret_verb = (struct slice){line.p, verb};
    *ret_argument = argument;
}

/* esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-"): its length, or 0. */
static size_t keyword_length(struct slice text)
{
    size_t n = 0;

    while (n < text.n && (ascii_is_let_dig(text.p[n]) || (n > 0 && text.p[n] == '-')))
        n++;
    return n;
}

/* esmtp-value = 1*(%d33-60 / %d62-126): its length, or 0. */
static size_t value_length(struct slice text)
{
    size_t n = 0;

    while (n < text.n && text.p[n] > ' ' && text.p[n] <= '~' && text.p[n] != '=')
        n++;
    return n;
}

static struct slice behind_spaces(struct slice text)
{
    while (text.n > 0 && text.p[0] == ' ')
        text = behind(text, 1);
    return text;
}

int smtp_param_next(struct slice *rest, struct smtp_param *ret)
{
    struct slice text = behind_spaces(*rest);
    struct smtp_param param = {.has_value = false};

    if (text.n == 0) {
        *rest = text;
        return 0;
    }
    param.keyword = (struct slice){text.p, keyword_length(text)};
    if (param.keyword.n == 0)
        return -EINVAL;
    text = behind(text, param.keyword.n);
    param.value = (struct slice){text.p, 0};

    if (text.n > 0 && text.p[0] == '=') {
        text = behind(text, 1);
        param.has_value = true;
        param.value = (struct slice){text.p, value_length(text)};
        if (param.value.n == 0)
            return -EINVAL;
        text = behind(text, param.value.n);
    }
    if (text.n > 0 && text.p[0] != ' ')
        return -EINVAL;
    *rest = text;
    *ret = param;
    return 1;
}

int smtp_number_parse(struct slice text, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_digit(text.p[i]))
            return -EINVAL;
    }
    if (text.n == 0)
        return -EINVAL;
    if (text.n > 20)
        return -ERANGE;
    for (size_t i = 0; i < text.n; i++) {
        uint64_t digit = (uint64_t)(text.p[i] - '0');

        if (value > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        value = 10 * value + digit;
    }
    *ret = value;
    return 0;
}

int smtp_bdat_parse(struct slice argument, uint64_t *ret_size, bool *ret_last)
{
    struct slice size;
    struct slice last;
    int r;

    smtp_command_split(argument, &size, &last);
    if (last.n != 0 && !slice_eq_nocase(last, SLICE_LIT("LAST")))
        return -EINVAL;
    r = smtp_number_parse(size, ret_size);
    if (r < 0)
        return r;
    *ret_last = last.n != 0;
    return 0;
}
