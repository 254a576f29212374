/* See parse/tag_list.h. */
#include "parse/tag_list.h"

#include <errno.h>

#include "base/text.h"
#include "parse/ascii.h"

/* FWS; that a line end is followed by a blank has been seen to by whoever found the field's end. */
static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice tag_trim(struct slice s)
{
    while (s.n > 0 && is_white(s.p[0])) {
        s = (struct slice){s.p + 1, s.n - 1};
    }
    while (s.n > 0 && is_white(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

/* ---- lists of tags ---- */

/* tag-name = ALPHA *ALNUMPUNC */
static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!ascii_is_let_dig(s.p[i]) && s.p[i] != '_') {
            return false;
        }
    }
    return s.n > 0 && s.p[0] != '_' && !ascii_is_digit(s.p[0]);
}

/* tag-value = [ tval *( 1*(WSP / FWS) tval ) ]; tval = 1*VALCHAR */
static bool is_value(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        i += text_clean_length(s.p + i, s.n - i);
        if (i < s.n && !is_white(s.p[i])) {
            return false;
        }
    }
    return true;
}

/* tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS] */
static bool parse_tag(struct slice spec, struct tag *ret)
{
    const char *equals = spec.n > 0 ? memchr(spec.p, '=', spec.n) : NULL;

    if (equals == NULL) {
        return false;
    }
    const size_t n = (size_t)(equals - spec.p);
    ret->name = tag_trim((struct slice){spec.p, n});
    ret->whole = (struct slice){equals + 1, spec.n - n - 1};
    ret->value = tag_trim(ret->whole);
    return is_name(ret->name) && is_value(ret->value);
}

static const struct tag *find(const struct tag_list *list, struct slice name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (slice_eq(list->tags[i].name, name)) {
            return &list->tags[i];
        }
    }
    return NULL;
}

/* What is up to the next semicolon, which is taken, too. */
static struct slice take_spec(struct slice *rest)
{
    const char *end = memchr(rest->p, ';', rest->n);
    const struct slice spec = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};
    const size_t taken = spec.n + (end != NULL);

    *rest = (struct slice){rest->p + taken, rest->n - taken};
    return spec;
}

int tag_list_parse(struct slice text, struct tag_list *ret)
{
    struct slice rest = tag_trim(text);

    ret->count = 0;
    if (rest.n == 0) {
        return -EBADMSG;
    }
    while (rest.n > 0) {
        struct tag tag;
        if (!parse_tag(take_spec(&rest), &tag)) {
            return -EBADMSG;
        }
        if (find(ret, tag.name) != NULL) {
            return -EEXIST;
        }
        if (ret->count == TAG_LIST_MOST) {
            return -E2BIG;
        }
        ret->tags[ret->count++] = tag;
    }
    return 0;
}

const char *tag_list_problem(int error)
{
    return error == -EEXIST  ? "a tag occurs twice"
           : error == -E2BIG ? "more than 100 tags"
                             : "not a list of tags";
}

const struct tag *tag_list_find(const struct tag_list *list, const char *name)
{
    return find(list, slice_of(name));
}

/* ---- values ---- */

bool tag_next_item(struct slice *rest, struct slice *ret)
{
    if (rest->p == NULL) {
        return false;
    }
    const char *colon = rest->n > 0 ? memchr(rest->p, ':', rest->n) : NULL;
    const size_t n = colon != NULL ? (size_t)(colon - rest->p) : rest->n;

    *ret = tag_trim((struct slice){rest->p, n});
    *rest = colon != NULL ? (struct slice){colon + 1, rest->n - n - 1} : (struct slice){NULL, 0};
    return true;
}

bool tag_number(struct slice text, size_t digits, uint64_t *ret)
{
    uint64_t n = 0;

    if (text.n == 0 || text.n > digits) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_digit(text.p[i])) {
            return false;
        }
        const uint64_t digit = (uint64_t)(text.p[i] - '0');
        n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
    }
    *ret = n;
    return true;
}

static int digit_value(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* The digits' end: behind it is nothing but white space, and padding that fits `digits`, the number
 * of digits before it. */
static bool is_padding(struct slice rest, size_t digits)
{
    size_t pads = 0;

    for (size_t i = 0; i < rest.n; i++) {
        pads += rest.p[i] == '=';
        if (rest.p[i] != '=' && !is_white(rest.p[i])) {
            return false;
        }
    }
    return digits % 4 != 1 && (pads == 0 || pads == (4 - digits % 4) % 4);
}

int tag_base64(struct slice text, uint8_t *ret, size_t room, size_t *ret_n)
{
    size_t n = 0, digits = 0, i = 0;
    unsigned bits = 0; /* those of the last digits */

    for (; i < text.n; i++) {
        const int value = digit_value(text.p[i]);
        if (value < 0 && is_white(text.p[i])) {
            continue;
        }
        if (value < 0) {
            break;
        }
        bits = (bits << 6 | (unsigned)value) & 0xffff;
        if (digits++ % 4 != 0) {
            if (n == room) {
                return -EMSGSIZE;
            }
            ret[n++] = (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4)));
        }
    }
    *ret_n = n;
    return is_padding((struct slice){text.p + i, text.n - i}, digits) ? 0 : -EBADMSG;
}
