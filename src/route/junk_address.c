#include "route/junk_address.h"

#include <string.h>

struct slice junk_address(struct slice mailbox, struct slice domain, const char *detail,
                          struct arena *arena)
{
    if (mailbox.n <= domain.n + 1 || mailbox.p[mailbox.n - domain.n - 1] != '@') {
        return mailbox;
    }
    struct slice local = {mailbox.p, mailbox.n - domain.n - 1};
    const struct slice behind = {local.p + local.n, domain.n + 1};
    const bool quoted = local.n >= 2 && local.p[0] == '"';
    local.n -= quoted;
    /* An octet in front of it is the least that a user's name has. */
    const size_t first = quoted ? 2 : 1;
    const char *own = local.n > first ? memchr(local.p + first, detail[0], local.n - first) : NULL;
    if (own != NULL && (!quoted || own[-1] != '\\')) {
        local.n = (size_t)(own - local.p);
    }
    return arena_printf(arena, SLICE_FMT "%s%s" SLICE_FMT, SLICE_ARG(local), detail,
                        quoted ? "\"" : "", SLICE_ARG(behind));
}
