/* See cmd/when.h. */
#include "cmd/when.h"

#include "base/buf.h"
#include "conf/value.h"

#define DATE_LEN (sizeof("2026-11-22") - 1)
#define TIME_LEN (sizeof("04:49") - 1)

/* The two digits at `p`, at most `most`; -1 for none. */
static int two_digits(const char *p, int most)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') {
        return -1;
    }
    const int n = (p[0] - '0') * 10 + p[1] - '0';
    return n <= most ? n : -1;
}

/* "Z", "+01:00" or nothing at the end of the text: takes it off. *ret is what lies between it and
 * UTC. False for a zone that is none. */
static bool take_zone(struct slice *text, usec_t *ret)
{
    const char *end = text->p + text->n;

    *ret = 0;
    if (text->n > 0 && (end[-1] == 'Z' || end[-1] == 'z')) {
        text->n--;
        return true;
    }
    if (text->n < DATE_LEN + 1 + TIME_LEN + 6 || (end[-6] != '+' && end[-6] != '-')) {
        return true;
    }
    const int hours = two_digits(end - 5, 23), minutes = two_digits(end - 2, 59);
    if (hours < 0 || minutes < 0 || end[-3] != ':') {
        return false;
    }
    *ret = (usec_t)(hours * 60 + minutes) * 60 * USEC_SEC * (end[-6] == '-' ? -1 : 1);
    text->n -= 6;
    return true;
}

/* A date, and perhaps a time with or without seconds, as RFC 3339 has it. */
static bool complete(struct slice text, struct buf *ret)
{
    buf_append(ret, text.p, text.n);
    if (text.n == DATE_LEN) {
        buf_append_slice(ret, SLICE_LIT("T00:00:00Z"));
        return true;
    }
    if (text.n < DATE_LEN + 1 + TIME_LEN || memchr("Tt ", ret->p[DATE_LEN], 3) == NULL) {
        return false;
    }
    ret->p[DATE_LEN] = 'T';
    if (text.n == DATE_LEN + 1 + TIME_LEN) {
        buf_append_slice(ret, SLICE_LIT(":00"));
    }
    buf_append(ret, "Z", 1);
    return true;
}

bool when_parse(struct slice text, usec_t now, usec_t *ret)
{
    struct buf whole = {0};
    usec_t zone, at;
    int64_t ago;

    if (value_parse(VALUE_TIME, text, &ago) == 0) {
        *ret = ago < now ? now - ago : 1;
        return true;
    }
    bool good = take_zone(&text, &zone) && complete(text, &whole) &&
                time_parse_rfc3339(buf_slice(&whole), &at) == 0;
    buf_free(&whole);
    if (good) {
        *ret = at - zone;
    }
    return good;
}
