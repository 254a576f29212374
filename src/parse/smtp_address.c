/* Paths, read from left to right along the grammar of RFC 5321 4.1.2 and 4.1.3.
 *
 * Each function below is one production, takes what it stands for off the cursor, and says whether
 * it was there. This file must never let a control character through, and never guess what a
 * malformed path may have meant: two servers would guess differently. */
#include "parse/smtp_address.h"

#include <stdint.h>

#include "parse/address_literal.h"
#include "parse/ascii.h"

enum { DOMAIN_MAX = 255 }; /* RFC 5321 4.5.3.1.2 */

struct cursor {
    const char *at;
    const char *end;
    bool allow_utf8;
    bool high; /* an octet above 127 was met */
};

static int peek(const struct cursor *c)
{
    return c->at < c->end ? (unsigned char)*c->at : -1;
}

static bool skip(struct cursor *c, char expected)
{
    if (peek(c) != (unsigned char)expected)
        return false;
    c->at++;
    return true;
}

static struct slice between(const char *from, const char *to)
{
    return (struct slice){from, (size_t)(to - from)};
}

/* atext of RFC 5322 3.2.3 */
static bool is_atext(int c)
{
    static const char others[] = "!#$%&'*+-/=?^_`{|}~";

    return ascii_is_let_dig(c) || (c > 0 && memchr(others, c, sizeof(others) - 1));
}

/* The octets of the UTF8-non-ascii (RFC 6532 3.1) at `p`, or 0. The first octet decides the length
 * and the lowest value that needs it; surrogates and the control characters U+0080…U+009F are
 * none. */
static size_t utf8_length(const char *p, size_t n)
{
    static const uint32_t lowest[] = {0, 0, 0xa0, 0x800, 0x10000};
    unsigned char first = (unsigned char)p[0];
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    uint32_t value = first & (0x7fU >> length);

    if (first < 0xc0 || first > 0xf4 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | ((unsigned char)p[i] & 0x3f);
    }
    if (value < lowest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    return length;
}

/* One character above 127. Where UTF-8 was not announced any octet will do: the path is refused in
 * the end, and what is worth saying of it is that it needed SMTPUTF8. */
static bool skip_high(struct cursor *c)
{
    size_t length = 1;

    if (peek(c) < 0x80)
        return false;
    c->high = true;
    if (c->allow_utf8)
        length = utf8_length(c->at, (size_t)(c->end - c->at));
    c->at += length;
    return length != 0;
}

/* Atom = 1*atext */
static bool atom(struct cursor *c)
{
    const char *start = c->at;

    for (;;) {
        if (is_atext(peek(c)))
            c->at++;
        else if (!skip_high(c))
            break;
    }
    return c->at > start;
}

/* Dot-string = Atom *("." Atom) */
static bool dot_string(struct cursor *c)
{
    do {
        if (!atom(c))
            return false;
    } while (skip(c, '.'));
    return true;
}

/* Quoted-string = DQUOTE *(qtextSMTP / quoted-pairSMTP) DQUOTE */
static bool quoted_string(struct cursor *c)
{
    if (!skip(c, '"'))
        return false;
    while (!skip(c, '"')) {
        if (skip_high(c))
            continue;
        skip(c, '\\');
        if (peek(c) < ' ' || peek(c) > '~')
            return false;
        c->at++;
    }
    return true;
}

/* sub-domain = Let-dig [Ldh-str], and the underscore that real names have (RFC 8553) */
static bool sub_domain(struct cursor *c)
{
    const char *start = c->at;

    for (;;) {
        if (ascii_is_let_dig(peek(c)) || peek(c) == '-' || peek(c) == '_')
            c->at++;
        else if (!skip_high(c))
            break;
    }
    return c->at > start && start[0] != '-' && c->at[-1] != '-';
}

/* Domain = sub-domain *("." sub-domain) */
static bool domain_name(struct cursor *c)
{
    do {
        if (!sub_domain(c))
            return false;
    } while (skip(c, '.'));
    return true;
}

/* Standardized-tag ":" 1*dcontent; the tag is an Ldh-str. */
static bool is_tagged_literal(struct slice text)
{
    const char *colon = memchr(text.p, ':', text.n);
    struct addr ignored;
    struct slice tag;

    if (!colon || colon == text.p || colon + 1 == text.p + text.n)
        return false;
    tag = between(text.p, colon);
    if (slice_eq_nocase(tag, SLICE_LIT("IPv6")))
        return ipv6_literal_parse(between(colon + 1, text.p + text.n), &ignored);
    for (size_t i = 0; i < tag.n; i++) {
        if (!ascii_is_let_dig(tag.p[i]) && tag.p[i] != '-')
            return false;
    }
    return tag.p[tag.n - 1] != '-';
}

/* address-literal = "[" … "]". The octets inside are dcontent (printable, neither brackets nor
 * backslash) in each of its three forms. */
static bool address_literal(struct cursor *c)
{
    const char *start = c->at + 1;
    struct addr ignored;
    struct slice inner;

    if (!skip(c, '['))
        return false;
    while (peek(c) > ' ' && peek(c) <= '~' && !memchr("[\\]", peek(c), 3))
        c->at++;
    inner = between(start, c->at);
    return skip(c, ']') && (ipv4_literal_parse(inner, &ignored) || is_tagged_literal(inner));
}

/* [ A-d-l ":" ], A-d-l = "@" Domain *( "," "@" Domain ) */
static bool source_route(struct cursor *c, struct smtp_path *path)
{
    if (peek(c) != '@')
        return true;
    path->source_route = true;
    do {
        if (!skip(c, '@') || !domain_name(c))
            return false;
    } while (skip(c, ','));
    return skip(c, ':');
}

static bool contains_high(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] >= 0x80)
            return true;
    }
    return false;
}

/* Mailbox = Local-part "@" ( Domain / address-literal ). In a forward path "a@b@c" is taken as
 * local part "a@b", which is then told as the relay trick that it is. */
static bool mailbox(struct cursor *c, enum smtp_path_kind kind, struct smtp_path *path)
{
    const char *start = c->at;

    path->quoted = peek(c) == '"';
    if (!(path->quoted ? quoted_string(c) : dot_string(c)))
        return false;
    path->mailbox = path->local_part = between(start, c->at);
    path->domain = between(c->at, c->at);

    /* RFC 5321 4.1.1.3: "RCPT TO:<Postmaster>" */
    if (kind == SMTP_FORWARD_PATH && !path->source_route && peek(c) == '>')
        return slice_eq_nocase(path->mailbox, SLICE_LIT("postmaster"));

    do {
        const char *at_sign = c->at;

        if (!skip(c, '@'))
            return false;
        path->literal = peek(c) == '[';
        if (!(path->literal ? address_literal(c) : domain_name(c)))
            return false;
        path->local_part = between(start, at_sign);
        path->domain = between(at_sign + 1, c->at);
    } while (kind == SMTP_FORWARD_PATH && peek(c) == '@');
    path->mailbox = between(start, c->at);
    path->utf8 = contains_high(path->mailbox);
    return true;
}

static bool is_relay_trick(struct slice local_part)
{
    return memchr(local_part.p, '%', local_part.n) || memchr(local_part.p, '!', local_part.n) ||
           memchr(local_part.p, '@', local_part.n);
}

enum smtp_path_error smtp_path_parse(struct slice text, enum smtp_path_kind kind, bool allow_utf8,
                                     struct smtp_path *ret, struct slice *ret_rest)
{
    struct cursor c = {text.p, text.p + text.n, allow_utf8, false};
    struct smtp_path path = {.null = false};

    if (!skip(&c, '<'))
        return SMTP_PATH_SYNTAX;
    if (kind == SMTP_REVERSE_PATH && peek(&c) == '>') {
        path.null = true;
        path.mailbox = path.local_part = path.domain = between(c.at, c.at);
    } else if (!source_route(&c, &path) || !mailbox(&c, kind, &path)) {
        return SMTP_PATH_SYNTAX;
    }
    if (!skip(&c, '>'))
        return SMTP_PATH_SYNTAX;

    if (c.high && !allow_utf8)
        return SMTP_PATH_NEEDS_UTF8;
    if (path.domain.n > DOMAIN_MAX)
        return SMTP_PATH_LONG;

    *ret = path;
    *ret_rest = between(c.at, c.end);
    if (kind == SMTP_FORWARD_PATH && is_relay_trick(path.local_part))
        return SMTP_PATH_RELAY;
    return SMTP_PATH_OK;
}

bool smtp_helo_valid(struct slice text)
{
    /* What RFC 5322 3.2.3 calls specials, dot and colon aside: they quote, comment or address. */
    static const char never[] = "()<>[]\\,;@\"";

    if (text.n > DOMAIN_MAX)
        return false;
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = (struct slice){text.p + 1, text.n - 2};
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || text.p[i] > '~' || memchr(never, text.p[i], sizeof(never) - 1))
            return false;
    }
    return text.n > 0;
}

size_t smtp_local_part_unquote(struct slice local, char *ret)
{
    size_t length = 0;

    if (local.n == 0 || local.p[0] != '"') {
        memcpy(ret, local.p, local.n);
        return local.n;
    }
    for (size_t i = 1; i < local.n && local.p[i] != '"'; i++) {
        if (local.p[i] == '\\' && i + 1 < local.n)
            i++;
        ret[length++] = local.p[i];
    }
    return length;
}

struct slice smtp_mailbox_domain(struct slice mailbox)
{
    if (mailbox.n == 0) {
        return SLICE_LIT("");
    }
    const char *end = mailbox.p + mailbox.n;
    const char *at_sign = memrchr(mailbox.p, '@', mailbox.n);
    if (end[-1] == ']') {
        const char *bracket = memrchr(mailbox.p, '[', mailbox.n);
        at_sign = bracket != NULL && bracket > mailbox.p && bracket[-1] == '@' ? bracket - 1 : NULL;
    }
    if (at_sign == NULL) {
        return SLICE_LIT("");
    }
    return (struct slice){at_sign + 1, (size_t)(end - at_sign - 1)};
}
