/* See inspect/inspect.h. */
#include <errno.h>
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "inspect/answer.h"
#include "inspect/magic.h"
#include "inspect/mime_scan.h"
#include "inspect/second.h"

int inspect_new(struct inspect **ret, char *ret_why, size_t why_size)
{
    struct inspect *i = xcalloc(1, sizeof(*i));
    int r = inspect_charsets_new(&i->charsets);

    if (r < 0) {
        snprintf(ret_why, why_size, "the C library has no table of Windows-1252");
    } else {
        r = inspect_magic_new(&i->magic, ret_why, why_size);
    }
    if (r == 0) {
        r = inspect_rules_new(&i->rules);
    }
    if (r == 0 && getrandom(i->secret, sizeof(i->secret), 0) != (ssize_t)sizeof(i->secret)) {
        snprintf(ret_why, why_size, "no random octets");
        r = -EIO;
    }
    if (r < 0) {
        inspect_free(i);
        return r;
    }
    g_mime_init();
    *ret = i;
    return 0;
}

struct inspect *inspect_free(struct inspect *i)
{
    if (i) {
        inspect_rules_free(i->rules);
        inspect_magic_free(i->magic);
        inspect_charsets_free(i->charsets);
    }
    free(i);
    return NULL;
}

int inspect_set_rules(struct inspect *i, struct slice octets)
{
    return inspect_rules_set(i->rules, octets);
}

void inspect_message(struct inspect *i, struct slice message, const struct inspection_request *r,
                     struct arena *arena, struct inspection *ret)
{
    struct inspect_run run = {
        .inspect = i,
        .request = r,
        .message = message,
        .arena = arena,
        .ret = ret,
        .deadline = clock_monotonic() + r->limits.time,
    };

    inspect_answer_begin(&run);
    inspect_rules_begin(&run);
    mime_scan(&run, message);
    if (inspect_wants(&run, INSPECT_PARTS)) {
        second_read(&run);
    }
    inspect_set_number(&run, FINDING_OF_MIME_PARTS, (int64_t)(run.parts - run.file_parts));
    inspect_finish_text(&run);
    inspect_rules_end(&run);
    inspect_answer_end(&run);
}
