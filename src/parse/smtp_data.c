/* Dot-unstuffing in place, and the notes taken on the way.
 *
 * A line ends at CRLF and nowhere else, so the search goes from LF to LF and asks for the CR
 * before it. The octets between are only ever looked at by memchr and by whole words. This file
 * must never let anything but CRLF "." CRLF end the data (RFC 5321 4.1.1.4): whatever else a
 * server behind us might take for an end would let one message smuggle in another. */
#include "parse/smtp_data.h"

enum state {
    AT_LINE_START,
    IN_LINE,
    AFTER_CR,     /* a CR inside a line, which an LF may still complete */
    AFTER_DOT,    /* a dot at the start of a line, already removed */
    AFTER_DOT_CR, /* and a CR behind it, withheld: either the end of the data or a bare CR */
};

void data_decoder_init(struct data_decoder *d)
{
    *d = (struct data_decoder){.state = AT_LINE_START};
}

static inline size_t distance(const char *from, const char *to)
{
    return (size_t)(to - from);
}

static inline void note_line_length(struct data_decoder *d)
{
    if (d->line > d->notes.longest_line)
        d->notes.longest_line = d->line;
}

static inline void end_line(struct data_decoder *d)
{
    note_line_length(d);
    d->line = 0;
    d->state = AT_LINE_START;
}

/* Octets of a line that no line end is among; any CR in them is bare. */
static inline void add_to_line(struct data_decoder *d, const char *p, size_t n)
{
    d->line += n;
    if (!d->notes.bare_cr_or_lf && memchr(p, '\r', n))
        d->notes.bare_cr_or_lf = true;
}

/* The rest of a piece that has no LF in it. */
static void take_unfinished(struct data_decoder *d, const char *p, const char *end)
{
    size_t n = distance(p, end);

    d->state = IN_LINE;
    if (end[-1] == '\r') {
        d->state = AFTER_CR;
        n--;
    }
    add_to_line(d, p, n);
}

/* Takes from `p` (before `end`) up to and including the next LF, or up to `end`, and returns
 * where it stopped. The state is one of the first three, before and after. */
static inline const char *take_to_lf(struct data_decoder *d, const char *p, const char *end)
{
    const char *lf;

    if (d->state == AFTER_CR) {
        if (*p == '\n') {
            end_line(d);
            return p + 1;
        }
        d->notes.bare_cr_or_lf = true;
        d->line++;
    }

    lf = memchr(p, '\n', distance(p, end));
    if (!lf) {
        take_unfinished(d, p, end);
        return end;
    }
    if (lf > p && lf[-1] == '\r') {
        add_to_line(d, p, distance(p, lf) - 1);
        end_line(d);
    } else {
        d->notes.bare_cr_or_lf = true;
        d->line += distance(p, lf) + 1;
        d->state = IN_LINE;
    }
    return lf + 1;
}

/* Whether an octet above 127 is among them: 32 at a time, in words. */
static bool any_8bit(const char *p, size_t n)
{
    const uint64_t high_bits = 0x8080808080808080;
    uint64_t word[4];
    uint64_t seen = 0;
    size_t i = 0;

    for (; i + sizeof(word) <= n; i += sizeof(word)) {
        memcpy(word, p + i, sizeof(word));
        seen |= word[0] | word[1] | word[2] | word[3];
    }
    for (; i < n; i++)
        seen |= (unsigned char)p[i];
    return (seen & high_bits) != 0;
}

/* What does not depend on lines: asked once for a whole piece of the message. */
static void note_octets(struct data_decoder *d, const char *p, size_t n)
{
    d->notes.size += n;
    if (n == 0)
        return;
    if (!d->notes.has_nul && memchr(p, '\0', n))
        d->notes.has_nul = true;
    if (!d->notes.has_8bit && any_8bit(p, n))
        d->notes.has_8bit = true;
    /* Of an unfinished line as well, so that the notes hold at any moment. */
    note_line_length(d);
}

/* At a place where a dot may have to be removed: takes what belongs to it, one octet at most, and
 * returns whether it did. Otherwise the state is one that take_to_lf knows. */
static inline bool take_framing(struct data_decoder *d, char c, bool *ret_end)
{
    switch (d->state) {
    case AT_LINE_START:
        if (c != '.')
            return false;
        d->state = AFTER_DOT;
        return true;
    case AFTER_DOT:
        if (c == '\r') {
            d->state = AFTER_DOT_CR;
            return true;
        }
        break;
    case AFTER_DOT_CR:
        if (c == '\n') {
            d->state = AT_LINE_START;
            *ret_end = true;
            return true;
        }
        d->notes.bare_cr_or_lf = true;
        break;
    default: return false;
    }
    /* Something follows the stuffing dot, and it is the first octet of the message's line. */
    d->notes.has_leading_dot |= c == '.';
    d->state = IN_LINE;
    return false;
}

size_t data_decode(struct data_decoder *d, char *p, size_t n, size_t *ret_out, bool *ret_end)
{
    const char *at = p;
    const char *end = p + n;
    char *out = p;
    bool ended = false;

    while (at < end && !ended) {
        const char *run = at;

        if (take_framing(d, *at, &ended)) {
            at++;
            continue;
        }
        do {
            at = take_to_lf(d, at, end);
        } while (at < end && !(d->state == AT_LINE_START && *at == '.'));

        /* Nothing is moved before the first dot was removed, and each octet once at most. */
        if (out != run)
            memmove(out, run, distance(run, at));
        out += distance(run, at);
    }

    note_octets(d, p, distance(p, out));
    *ret_out = distance(p, out);
    *ret_end = ended;
    return distance(p, at);
}

void data_scan(struct data_decoder *d, const char *p, size_t n)
{
    const char *at = p;
    const char *end = p + n;

    while (at < end) {
        if (d->state == AT_LINE_START && *at == '.')
            d->notes.has_leading_dot = true;
        at = take_to_lf(d, at, end);
    }
    note_octets(d, p, n);
}

void data_scan_end(struct data_decoder *d)
{
    if (d->state == AFTER_CR) {
        d->notes.bare_cr_or_lf = true;
        d->line++;
        note_line_length(d);
        d->state = IN_LINE;
    }
}
