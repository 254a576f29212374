/* Counting Received fields, from LF to LF: of each line only as much is looked at as agrees with
 * the name. A lone LF ends a line here, since messages that came by BDAT may have such lines and
 * whoever delivers them will read them so. Must never judge a message: it only counts. */
#include "parse/header.h"

#include <string.h>

#include "parse/ascii.h"

enum state {
    IN_NAME,     /* `matched` octets of the name were seen at the start of the line */
    BEHIND_NAME, /* the whole name, and perhaps white space */
    AFTER_CR,    /* a CR at the start of a line */
    IN_LINE,     /* the rest does not matter */
};

static const char name[] = "received";

void header_counter_init(struct header_counter *h)
{
    *h = (struct header_counter){.state = IN_NAME};
}

/* An octet at the start of a line. Where it decides nothing the rest of the line is passed over,
 * from this octet on, for it may be the LF. Returns whether it was taken. */
static bool take_octet(struct header_counter *h, char c)
{
    switch (h->state) {
    case IN_NAME:
        if (h->matched == 0 && (c == '\r' || c == '\n')) {
            h->done = c == '\n';
            h->state = AFTER_CR;
            return true;
        }
        /* The name is all letters, so that one bit makes them lower case. */
        if ((c | 0x20) == name[h->matched]) {
            h->matched++;
            if (h->matched == sizeof(name) - 1)
                h->state = BEHIND_NAME;
            return true;
        }
        break;
    case BEHIND_NAME:
        if (ascii_is_blank(c))
            return true;
        h->received += c == ':';
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
