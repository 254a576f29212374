/* Counting fields, from LF to LF: of each line only as much is looked at as agrees with
 * a name. A lone LF ends a line here, since messages that came by BDAT may have such lines and
 * whoever delivers them will read them so. Must never judge a message: it only counts. */
#include "parse/header.h"

#include <string.h>

#include "base/slice.h"
#include "parse/ascii.h"

enum state {
    AT_START,    /* of the message */
    IN_NAME,     /* what was seen of the line agrees with a name */
    BEHIND_NAME, /* the whole name, and perhaps white space */
    AFTER_CR,    /* a CR at the start of a line */
    IN_LINE,     /* the rest does not matter */
};

/* What is counted in any case. */
static const struct slice names[] = {SLICE_LIT("received"), SLICE_LIT("authentication-results")};

static void begin_line(struct header_counter *h)
{
    field_names_begin(&h->ours);
    field_names_begin(&h->others);
}

void header_counter_init(struct header_counter *h)
{
    *h = (struct header_counter){.state = AT_START, .ours = {names, 2, 0, 0}};
    begin_line(h);
}

void header_counter_add(struct header_counter *h, const struct slice *more, size_t count)
{
    h->others = (struct field_names){more, count, 0, 0};
    begin_line(h);
}

/* Does the octet go on with a name? */
static bool goes_on(struct header_counter *h, char c)
{
    const char lower = ascii_lower(c);
    const size_t at = h->ours.matched > h->others.matched ? h->ours.matched : h->others.matched;
    /* Names of one list that have fallen behind are none any more. */
    const bool ours = h->ours.matched == at && field_names_take(&h->ours, lower);
    const bool others = h->others.matched == at && field_names_take(&h->others, lower);

    return ours || others;
}

static bool is_whole(const struct header_counter *h, const struct field_names *f)
{
    return f->matched ==
               (h->ours.matched > h->others.matched ? h->ours.matched : h->others.matched) &&
           field_names_whole(f) >= 0;
}

static void count(struct header_counter *h)
{
    if (is_whole(h, &h->ours) && field_names_whole(&h->ours) == 0)
        h->received++;
    else
        h->results++;
}

/* Blanks, then a colon: it is such a field. Whether the octet was taken. */
static bool behind_name(struct header_counter *h, char c)
{
    if (ascii_is_blank(c))
        return true;
    if (c == ':')
        count(h);
    h->state = IN_LINE;
    return false;
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
        if (h->ours.matched == 0 && h->others.matched == 0 && (c == '\r' || c == '\n')) {
            h->done = c == '\n';
            h->state = AFTER_CR;
            return true;
        }
        if (goes_on(h, c))
            return true;
        if (!is_whole(h, &h->ours) && !is_whole(h, &h->others))
            break;
        h->state = BEHIND_NAME;
        return behind_name(h, c);
    case BEHIND_NAME: return behind_name(h, c);
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
        begin_line(h);
    }
}
