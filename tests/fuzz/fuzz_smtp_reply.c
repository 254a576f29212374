/* A next hop's replies, a line each: what is understood must be what stands there. */
#include "fuzz.h"

#include <errno.h>

#include "parse/smtp_reply.h"

static void check_enhanced(uint16_t code, struct slice text)
{
    struct slice rest = {NULL, 0};
    unsigned subject, detail, number;
    char class;
    char copy[12];
    size_t n = smtp_enhanced_code(code, text, &rest);

    FUZZ_CHECK(smtp_enhanced_code(code, text, NULL) == n);
    if (n == 0) {
        FUZZ_CHECK(!rest.p);
        return;
    }
    FUZZ_CHECK(n >= 5 && n <= 9 && n <= text.n);
    memcpy(copy, text.p, n);
    copy[n] = '\0';
    FUZZ_CHECK(sscanf(copy, "%c.%3u.%3u", &class, &subject, &detail) == 3);
    number = (unsigned)(class - '0');
    FUZZ_CHECK(number == code / 100U && (number == 2 || number == 4 || number == 5));
    FUZZ_CHECK(fuzz_within(rest, text) && rest.p + rest.n == text.p + text.n);
    FUZZ_CHECK(rest.p >= text.p + n && (rest.n == 0 || (rest.p[0] != ' ' && rest.p[0] != '\t')));
}

static void check_line(const uint8_t *p, size_t n)
{
    struct slice line = {fuzz_copy(p, n), n};
    struct smtp_reply_line reply = {.code = 0};
    int r = smtp_reply_parse_line(line, &reply);
    char code[8];

    FUZZ_CHECK(r == 0 || (r == -EINVAL && reply.code == 0));
    if (r == 0) {
        snprintf(code, sizeof(code), "%u", reply.code);
        FUZZ_CHECK(reply.code >= 200 && reply.code <= 599 && memcmp(line.p, code, 3) == 0);
        FUZZ_CHECK(fuzz_within(reply.text, line));
        FUZZ_CHECK(reply.text.n == (n > 3 ? n - 4 : 0));
        FUZZ_CHECK(reply.last == (n == 3 || line.p[3] == ' ' || line.p[3] == '\t'));
        FUZZ_CHECK(reply.last || line.p[3] == '-');
        check_enhanced(reply.code, reply.text);
    }
    free((char *)line.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    while (size > 0) {
        const uint8_t *lf = memchr(data, '\n', size);
        size_t n = lf ? (size_t)(lf - data) : size;

        check_line(data, n);
        if (!lf)
            break;
        data += n + 1;
        size -= n + 1;
    }
    return 0;
}
