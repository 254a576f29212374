/* See parse/clamd_reply.h. */
#include "parse/clamd_reply.h"

#include <errno.h>

static bool take_end(struct slice *text, const char *end)
{
    const size_t n = strlen(end);

    if (text->n < n || memcmp(text->p + text->n - n, end, n) != 0) {
        return false;
    }
    text->n -= n;
    return true;
}

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* What stands behind "stream: " or "fd[10]: ". */
static struct slice behind_name(struct slice text)
{
    const char *colon = text.n > 0 ? memmem(text.p, text.n, ": ", 2) : NULL;

    return colon == NULL ? (struct slice){"", 0}
                         : (struct slice){colon + 2, text.n - (size_t)(colon + 2 - text.p)};
}

int clamd_reply_parse(struct slice reply, struct clamd_reply *ret)
{
    static const struct slice limit = SLICE_LIT("size limit exceeded");
    struct slice text = reply;

    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r')) {
        text.n--;
    }
    if (text.n == 0 || text.n > CLAMD_REPLY_MOST || !is_printable(text)) {
        return -EPROTO;
    }
    if (take_end(&text, " ERROR")) {
        const bool large = memmem(text.p, text.n, limit.p, limit.n) != NULL;
        *ret = (struct clamd_reply){large ? CLAMD_TOO_LARGE : CLAMD_FAILED, text};
        return 0;
    }
    text = behind_name(text);
    if (slice_eq(text, SLICE_LIT("OK"))) {
        *ret = (struct clamd_reply){CLAMD_CLEAN, {"", 0}};
        return 0;
    }
    if (!take_end(&text, " FOUND") || text.n == 0) {
        return -EPROTO;
    }
    text.n = text.n < CLAMD_NAME_MOST ? text.n : CLAMD_NAME_MOST;
    *ret = (struct clamd_reply){CLAMD_FOUND, text};
    return 0;
}
