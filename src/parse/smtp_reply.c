/* A next hop's replies (RFC 5321 4.2). Must never read sense into a line without a code: what is
 * not plainly a reply is an error of the hop's, and the mail stays with the client. */
#include "parse/smtp_reply.h"

#include <errno.h>

#include "parse/ascii.h"

int smtp_reply_parse_line(struct slice line, struct smtp_reply_line *ret)
{
    struct smtp_reply_line reply;

    if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || !ascii_is_digit(line.p[1]) ||
        !ascii_is_digit(line.p[2]))
        return -EINVAL;
    if (line.n > 3 && line.p[3] != '-' && !ascii_is_blank(line.p[3]))
        return -EINVAL;

    reply.code = (uint16_t)(100 * (line.p[0] - '0') + 10 * (line.p[1] - '0') + (line.p[2] - '0'));
    reply.last = line.n == 3 || line.p[3] != '-';
    reply.text = (struct slice){line.p + line.n, 0};
    if (line.n > 3)
        reply.text = (struct slice){line.p + 4, line.n - 4};
    *ret = reply;
    return 0;
}

/* "." and one to three digits at `text`: its length, or 0. */
static size_t sub_code_length(struct slice text)
{
    size_t n = 1;

    if (text.n < 2 || text.p[0] != '.')
        return 0;
    while (n < text.n && n <= 4 && ascii_is_digit(text.p[n]))
        n++;
    return n >= 2 && n <= 4 ? n : 0;
}

size_t smtp_enhanced_code(uint16_t code, struct slice text, struct slice *ret_rest)
{
    /* RFC 3463 2: class "." subject "." detail, class 2, 4 or 5. */
    int class = code / 100;
    size_t n = 1;

    if (text.n == 0 || (class != 2 && class != 4 && class != 5) || text.p[0] != '0' + class)
        return 0;
    for (int part = 0; part < 2; part++) {
        size_t length = sub_code_length((struct slice){text.p + n, text.n - n});

        if (length == 0)
            return 0;
        n += length;
    }
    /* Not the beginning of something else, such as an address or a version. */
    if (n < text.n && (ascii_is_let_dig(text.p[n]) || text.p[n] == '.'))
        return 0;

    if (ret_rest) {
        size_t rest = n;

        while (rest < text.n && ascii_is_blank(text.p[rest]))
            rest++;
        *ret_rest = (struct slice){text.p + rest, text.n - rest};
    }
    return n;
}
