/* Paths: the first octet says forward or reverse and whether UTF-8 is allowed. What is accepted
 * must hold no control character, be put together of its parts, and be accepted again without its
 * source route with the same result. */
#include "fuzz.h"

#include "parse/smtp_address.h"

static bool is_clean(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == '\x7f')
            return false;
    }
    return true;
}

static bool has_high(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] > 127)
            return true;
    }
    return false;
}

static bool has_relay_mark(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '%' || text.p[i] == '!' || text.p[i] == '@')
            return true;
    }
    return false;
}

static void check_unquoted(struct slice local)
{
    char *meant = fuzz_copy(local.p, local.n);
    size_t n = smtp_local_part_unquote(local, meant);

    FUZZ_CHECK(n <= local.n && is_clean((struct slice){meant, n}));
    if (local.n > 0 && local.p[0] != '"')
        FUZZ_CHECK(n == local.n && memcmp(meant, local.p, n) == 0);
    free(meant);
}

static void check_path(struct slice text, const struct smtp_path *path, struct slice rest)
{
    struct slice taken = {text.p, (size_t)(rest.p - text.p)};

    FUZZ_CHECK(fuzz_within(rest, text) && rest.p + rest.n == text.p + text.n);
    FUZZ_CHECK(taken.n >= 2 && taken.p[0] == '<' && rest.p[-1] == '>');
    FUZZ_CHECK(fuzz_within(path->mailbox, taken) && is_clean(taken));
    FUZZ_CHECK(path->mailbox.p + path->mailbox.n + 1 == rest.p);
    FUZZ_CHECK(path->source_route == (path->mailbox.p != text.p + 1));
    FUZZ_CHECK(path->utf8 == has_high(path->mailbox));
    FUZZ_CHECK(path->null == (path->mailbox.n == 0));
    FUZZ_CHECK(path->domain.n <= 255);
    FUZZ_CHECK(path->local_part.p == path->mailbox.p);
    FUZZ_CHECK(path->domain.p + path->domain.n == path->mailbox.p + path->mailbox.n);
    if (path->domain.n > 0) {
        FUZZ_CHECK(path->local_part.n > 0 && path->domain.p[-1] == '@');
        FUZZ_CHECK(path->mailbox.n == path->local_part.n + 1 + path->domain.n);
        FUZZ_CHECK(path->literal == (path->domain.p[0] == '['));
    } else if (!path->null) {
        FUZZ_CHECK(slice_eq_nocase(path->mailbox, SLICE_LIT("postmaster")));
    }
    check_unquoted(path->local_part);
}

static void check_again(const struct smtp_path *path, enum smtp_path_kind kind, bool utf8,
                        enum smtp_path_error expected)
{
    struct smtp_path again;
    struct slice rest;
    size_t n = path->mailbox.n;
    char *text = malloc(n + 2);

    FUZZ_CHECK(text);
    text[0] = '<';
    memcpy(text + 1, path->mailbox.p, n);
    text[n + 1] = '>';
    FUZZ_CHECK(smtp_path_parse((struct slice){text, n + 2}, kind, utf8, &again, &rest) == expected);
    FUZZ_CHECK(rest.n == 0 && !again.source_route);
    FUZZ_CHECK(slice_eq(again.local_part, path->local_part));
    FUZZ_CHECK(slice_eq(again.domain, path->domain));
    FUZZ_CHECK(again.quoted == path->quoted && again.literal == path->literal);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_path path;
    struct slice text, rest = {NULL, 0};
    enum smtp_path_error error;
    enum smtp_path_kind kind;
    bool utf8;

    if (size == 0)
        return 0;
    kind = data[0] & 1 ? SMTP_FORWARD_PATH : SMTP_REVERSE_PATH;
    utf8 = data[0] & 2;
    text = (struct slice){fuzz_copy(data + 1, size - 1), size - 1};

    error = smtp_path_parse(text, kind, utf8, &path, &rest);
    if (error == SMTP_PATH_OK || error == SMTP_PATH_RELAY) {
        check_path(text, &path, rest);
        check_again(&path, kind, utf8, error);
        FUZZ_CHECK(utf8 || !has_high((struct slice){text.p, text.n - rest.n}));
        FUZZ_CHECK((error == SMTP_PATH_RELAY) ==
                   (kind == SMTP_FORWARD_PATH && has_relay_mark(path.local_part)));
    } else {
        FUZZ_CHECK(!rest.p);
        FUZZ_CHECK(error != SMTP_PATH_NEEDS_UTF8 || (!utf8 && has_high(text)));
        FUZZ_CHECK(error != SMTP_PATH_LONG || text.n > 255);
    }
    if (smtp_helo_valid(text))
        FUZZ_CHECK(is_clean(text) && !has_high(text) && !memchr(text.p, ' ', text.n));
    free((char *)text.p);
    return 0;
}
