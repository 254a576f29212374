/* See parse/xtext.h. */
#include "parse/xtext.h"

static bool is_xchar(unsigned char c)
{
    return c > ' ' && c <= '~' && c != '+' && c != '=';
}

/* The value of a hexadecimal digit, or -1. */
static int digit_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool xtext_is_printable(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '+') {
            if (!is_xchar((unsigned char)text.p[i])) {
                return false;
            }
            continue;
        }
        int high = text.n - i > 2 ? digit_value(text.p[i + 1]) : -1;
        int low = text.n - i > 2 ? digit_value(text.p[i + 2]) : -1;
        int octet = high < 0 || low < 0 ? -1 : 16 * high + low;
        if (octet < ' ' || octet > '~') {
            return false;
        }
        i += 2;
    }
    return true;
}

size_t xtext_encode(struct slice octets, char *ret, size_t room)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;

    for (size_t i = 0; i < octets.n; i++) {
        unsigned char c = (unsigned char)octets.p[i];
        size_t length = is_xchar(c) ? 1 : 3;
        if (length > room - n) {
            break;
        }
        if (length == 1) {
            ret[n++] = (char)c;
        } else {
            ret[n++] = '+';
            ret[n++] = digits[c >> 4];
            ret[n++] = digits[c & 15];
        }
    }
    return n;
}
