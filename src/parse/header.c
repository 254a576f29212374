/* Counting fields, from LF to LF: of each line only as much is looked at as agrees with
 * a name. A lone LF ends a line here, since messages that came by BDAT may have such lines and
 * whoever delivers them will read them so. Must never judge a message: it only counts. */
#include "parse/header.h"

#include <string.h>

#include "base/slice.h"
#include "parse/ascii.h"

enum state {
    AT_START,    /* of the message */
    IN_NAME,     /* `matched` octets of a name were seen at the start of the line */
    BEHIND_NAME, /* the whole name, and perhaps white space */
    AFTER_CR,    /* a CR at the start of a line */
    IN_LINE,     /* the rest does not matter */
};

/* What is counted. No two begin with the same letter. */
static const struct slice names[] = {SLICE_LIT("received"), SLICE_LIT("authentication-results")};

void header_counter_init(struct header_counter *h)
{
    *h = (struct header_counter){.state = AT_START};
}

/* Does the octet go on with a name? The first octet says with which. */
static bool goes_on(struct header_counter *h, char c)
{
    char lower = ascii_lower(c);

    if (h->matched == 0)
        h->name = lower == names[1].p[0];
    if (lower != names[h->name].p[h->matched])
        return false;
    h->matched++;
    if (h->matched == names[h->name].n)
        h->state = BEHIND_NAME;
    return true;
}

static void count(struct header_counter *h)
{
    if (h->name == 0)
        h->received++;
    else
        h->results++;
}

/* An octet at the start of a line. Where it decides nothing the rest of the line is passed over,
 * from this octet on, for it may be the LF. Returns whether it was taken. */
static bool take_octet(struct header_counter *h, char c)
{
    switch (h->state) {
    case AT_START:
        h->begins_blank = ascii_is_blank(c);
        h->state = IN_NAME;
        return false;
    case IN_NAME:
        if (h->matched == 0 && (c == '\r' || c == '\n')) {
            h->done = c == '\n';
            h->state = AFTER_CR;
            return true;
        }
        if (goes_on(h, c))
            return true;
        break;
    case BEHIND_NAME:
        if (ascii_is_blank(c))
            return true;
        if (c == ':')
            count(h);
        break;
    case AFTER_CR: h->done = c == '\n'; break;
    default: break;
    }
    h->state = IN_LINE;
    return false;
}

void header_counter_feed(struct header_counter *h, const char *p, size_t n)
{
    const char *end = p + n;

    while (p < end && !h->done) {
        if (h->state != IN_LINE) {
            p += take_octet(h, *p);
            continue;
        }
        p = memchr(p, '\n', (size_t)(end - p));
        if (!p)
            return;
        p++;
        h->state = IN_NAME;
        h->matched = 0;
    }
}
