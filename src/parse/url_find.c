/* URLs in plain text: url_find and url_shown of parse/url.h. */
#include "parse/ascii.h"
#include "parse/organisation.h"
#include "parse/url.h"
#include "parse/utf8.h"

static struct slice tail(struct slice text, size_t n)
{
    return (struct slice){text.p + n, text.n - n};
}

static bool begins(struct slice text, const char *lower)
{
    const size_t n = strlen(lower);

    return text.n > n && strncasecmp(text.p, lower, n) == 0;
}

/* Octets of what begins a URL; 0 when none does. */
static size_t start_length(struct slice text)
{
    switch (ascii_lower(text.p[0])) {
    case 'h': return begins(text, "http://") ? 7 : begins(text, "https://") ? 8 : 0;
    case 'f': return begins(text, "ftp://") ? 6 : 0;
    case 'w': return begins(text, "www.") && ascii_is_let_dig(text.p[4]) ? 4 : 0;
    default: return 0;
    }
}

/* Blanks, quotes and the like of other scripts, which end a URL. */
static bool is_foreign_end(uint32_t c)
{
    return c == 0xa0 || c == 0xab || c == 0xbb || (c >= 0x2000 && c <= 0x206f) ||
           (c >= 0x3000 && c <= 0x303f) || (c >= 0xff00 && c <= 0xffef) || c == 0xfeff;
}

/* Octets of the URL that begins here. */
static size_t url_length(struct slice text)
{
    size_t n = 0;

    while (n < text.n && n < URL_MOST) {
        const unsigned char c = (unsigned char)text.p[n];
        uint32_t character;
        if (c <= ' ' || c == 0x7f || (c < 0x80 && strchr("<>\"`{}|^", c) != NULL)) {
            break;
        }
        const size_t taken = utf8_take(text.p + n, text.n - n, &character);
        if (taken == 0 || is_foreign_end(character)) {
            break;
        }
        n += taken;
    }
    return n;
}

/* Without what belongs to the sentence around it. A ")" does when nothing was opened. */
static size_t without_end(struct slice text)
{
    const bool opened = memchr(text.p, '(', text.n) != NULL;
    size_t n = text.n;

    while (n > 0 &&
           (strchr(".,;:!?'*]>", text.p[n - 1]) != NULL || (text.p[n - 1] == ')' && !opened))) {
        n--;
    }
    return n;
}

bool url_find(struct slice *text, struct slice *ret)
{
    bool inside = false; /* of a word */

    for (size_t i = 0; i < text->n; i++) {
        const struct slice here = tail(*text, i);
        const size_t start = inside ? 0 : start_length(here);
        if (start > 0) {
            const size_t n = url_length(here);
            const struct slice url = {here.p, without_end((struct slice){here.p, n})};
            if (url.n > start) {
                *text = tail(here, n);
                *ret = url;
                return true;
            }
            i += n - 1;
        }
        inside = ascii_is_let_dig(text->p[i]);
    }
    *text = tail(*text, text->n);
    return false;
}

/* Nothing but letters, digits, hyphens and dots, at least one, and a top-level domain. */
static bool is_host_name(struct slice text)
{
    char tld[64];
    size_t dot = 0;

    if (text.n < 4 || text.n > 253 || !ascii_is_let_dig(text.p[0])) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '.') {
            if (i == dot) {
                return false;
            }
            dot = i + 1;
        } else if (!ascii_is_let_dig(text.p[i]) && text.p[i] != '-') {
            return false;
        }
    }
    const size_t n = text.n - dot;
    if (dot == 0 || n < 2 || n >= sizeof(tld)) {
        return false;
    }
    ascii_lower_copy(tld, text.p + dot, n);
    return organisation_is_tld((struct slice){tld, n});
}

bool url_shown(struct slice text, struct slice *ret)
{
    while (text.n > 0 && strchr(" \t\r\n<([\"'", text.p[0]) != NULL) {
        text = tail(text, 1);
    }
    if (text.n == 0) {
        return false;
    }
    struct slice rest = text;
    if (start_length(text) > 0) {
        return url_find(&rest, ret) && ret->p == text.p;
    }
    const struct slice word = {text.p, url_length(text)};
    for (size_t i = word.n; i < text.n; i++) { /* nothing but blanks follow */
        if (strchr(" \t\r\n>)]\"'", text.p[i]) == NULL) {
            return false;
        }
    }
    *ret = word;
    ret->n = without_end(word);
    const struct slice name = {ret->p,
                               ret->n > 0 && ret->p[ret->n - 1] == '/' ? ret->n - 1 : ret->n};
    return is_host_name(name);
}
