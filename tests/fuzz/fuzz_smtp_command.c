/* A command line: split, its parameters taken one by one, every word tried as a number. What is
 * taken must lie in the line, in order, and put together again must be the line. */
#include "fuzz.h"

#include <ctype.h>
#include <errno.h>

#include "parse/smtp_command.h"

static bool only_digits(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!isdigit((unsigned char)text.p[i]))
            return false;
    }
    return text.n > 0;
}

static void check_number(struct slice text)
{
    uint64_t value = 0;
    int r = smtp_number_parse(text, &value);
    char copy[32];

    FUZZ_CHECK((r == -EINVAL) == !only_digits(text));
    if (r == -EINVAL)
        return;
    if (text.n > 20) {
        FUZZ_CHECK(r == -ERANGE);
        return;
    }
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    errno = 0;
    FUZZ_CHECK(strtoull(copy, NULL, 10) == (r == 0 ? value : UINT64_MAX));
    FUZZ_CHECK(-errno == r);
}

static void check_parameter(struct slice before, struct slice rest, const struct smtp_param *p)
{
    FUZZ_CHECK(fuzz_within(p->keyword, before) && p->keyword.n > 0);
    for (size_t i = 0; i < p->keyword.n; i++)
        FUZZ_CHECK(isalnum((unsigned char)p->keyword.p[i]) || (i > 0 && p->keyword.p[i] == '-'));
    for (const char *c = before.p; c < p->keyword.p; c++)
        FUZZ_CHECK(*c == ' ');
    FUZZ_CHECK(p->has_value == (p->value.n > 0));
    FUZZ_CHECK(p->value.p == p->keyword.p + p->keyword.n + (p->has_value ? 1 : 0));
    for (size_t i = 0; i < p->value.n; i++)
        FUZZ_CHECK(isgraph((unsigned char)p->value.p[i]) && p->value.p[i] != '=');
    FUZZ_CHECK(rest.p == p->value.p + p->value.n);
    FUZZ_CHECK(rest.p + rest.n == before.p + before.n);
    FUZZ_CHECK(rest.n == 0 || rest.p[0] == ' ');
    check_number(p->value);
}

static void check_parameters(struct slice argument)
{
    struct slice rest = argument;
    struct smtp_param p;

    for (;;) {
        struct slice before = rest;
        int r = smtp_param_next(&rest, &p);

        FUZZ_CHECK(r == 0 || r == 1 || r == -EINVAL);
        if (r == -EINVAL)
            FUZZ_CHECK(rest.p == before.p && rest.n == before.n);
        if (r <= 0)
            return;
        check_parameter(before, rest, &p);
    }
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct slice line = {copy, size};
    struct slice verb, argument;
    const char *end;

    if (size == 0) {
        free(copy);
        return 0;
    }
    smtp_command_split(line, &verb, &argument);
    FUZZ_CHECK(verb.p == line.p && fuzz_within(verb, line) && fuzz_within(argument, line));
    FUZZ_CHECK(!memchr(verb.p, ' ', verb.n));
    FUZZ_CHECK(verb.n == line.n || line.p[verb.n] == ' ');
    FUZZ_CHECK(argument.n == 0 || (!blank(argument.p[0]) && !blank(argument.p[argument.n - 1])));
    for (const char *c = verb.p + verb.n; c < argument.p; c++)
        FUZZ_CHECK(blank(*c));
    end = line.p + line.n;
    for (const char *c = argument.p + argument.n; c < end; c++)
        FUZZ_CHECK(blank(*c));

    check_number(verb);
    check_number(argument);
    check_parameters(argument);
    free(copy);
    return 0;
}
