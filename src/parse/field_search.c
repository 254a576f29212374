/* Goes from LF to LF and looks at octets only where a line begins. A line that begins with a blank
 * goes on with the field before it, so a field has ended when the next line has begun. */
#include "parse/field_search.h"

#include <string.h>

#include "parse/ascii.h"

enum state {
    LINE_BEGIN,
    AFTER_CR,    /* a CR at the beginning of a line */
    IN_NAME,     /* what has come agrees with a name */
    BEHIND_NAME, /* blanks, perhaps */
    IN_LINE,     /* whatever is left of it belongs to the field, or to none */
};

void field_search_init(struct field_search *f, const struct slice *names, size_t count, size_t most)
{
    *f = (struct field_search){.names = {names, count, 0, 0}, .most = most, .state = LINE_BEGIN};
}

void field_search_free(struct field_search *f)
{
    buf_free(&f->body);
}

static void begin_field(struct field_search *f, bool wanted)
{
    f->wanted = wanted;
    f->begin = f->at;
    f->body.n = 0;
    f->cut = false;
}

/* The field that was being read ends in front of `end`: is it one to tell of? */
static bool end_field(struct field_search *f, uint64_t end, struct found_field *ret)
{
    if (!f->wanted) {
        return false;
    }
    f->wanted = false;
    struct slice body = buf_slice(&f->body);
    if (!f->cut && body.n > 0 && body.p[body.n - 1] == '\n') {
        body.n -= body.n > 1 && body.p[body.n - 2] == '\r' ? 2 : 1;
    }
    *ret = (struct found_field){
        .at = f->begin,
        .n = end - f->begin,
        .body = body,
        .cut = f->cut,
        .nobodys = f->names.matched == 0,
        .which = (size_t)f->which,
    };
    return true;
}

/* A line begins with `c`, which may be taken. True when the field before it has ended. */
static bool begin_line(struct field_search *f, char c, bool *ret_taken, struct found_field *ret)
{
    *ret_taken = false;
    if (ascii_is_blank(c)) {
        if (f->at == 0) {
            field_names_begin(&f->names);
            begin_field(f, true);
        }
        f->state = IN_LINE;
        return false;
    }
    if (c == '\r' || c == '\n') {
        f->state = AFTER_CR;
        f->done = c == '\n';
        *ret_taken = true;
        return end_field(f, f->at, ret);
    }
    f->state = IN_NAME;
    bool ended = end_field(f, f->at, ret);
    field_names_begin(&f->names);
    begin_field(f, false);
    return ended;
}

/* An octet that may belong to the name, or stand between it and the colon; whether it was taken. */
static bool take_octet(struct field_search *f, char c)
{
    if (f->state == IN_NAME && field_names_take(&f->names, ascii_lower(c))) {
        return true;
    }
    if (f->state == IN_NAME && field_names_whole(&f->names) >= 0) {
        f->which = field_names_whole(&f->names);
        f->state = BEHIND_NAME;
    }
    if (f->state == BEHIND_NAME && ascii_is_blank(c)) {
        return true;
    }
    bool colon = f->state == BEHIND_NAME && c == ':';
    f->wanted |= colon;
    f->done |= f->state == AFTER_CR && c == '\n';
    f->state = IN_LINE;
    return colon;
}

/* The rest of a line, as far as it is here: its octets. */
static size_t take_line(struct field_search *f, struct slice s)
{
    const char *lf = memchr(s.p, '\n', s.n);
    size_t n = lf != NULL ? (size_t)(lf - s.p) + 1 : s.n;

    if (lf != NULL) {
        f->state = LINE_BEGIN;
    }
    if (f->wanted && f->names.matched > 0) {
        size_t room = f->most - f->body.n;
        f->cut |= n > room;
        buf_append(&f->body, s.p, n < room ? n : room);
    }
    return n;
}

bool field_search_next(struct field_search *f, struct slice *piece, struct found_field *ret)
{
    bool found = false;

    while (piece->n > 0 && !f->done && !found) {
        size_t n = 0;

        if (f->state == IN_LINE) {
            n = take_line(f, *piece);
        } else if (f->state == LINE_BEGIN) {
            bool taken;
            found = begin_line(f, piece->p[0], &taken, ret);
            n = taken;
        } else {
            n = take_octet(f, piece->p[0]);
        }
        f->at += n;
        *piece = (struct slice){piece->p + n, piece->n - n};
    }
    return found;
}

bool field_search_end(struct field_search *f, struct found_field *ret)
{
    f->done = true;
    return end_field(f, f->at, ret);
}
