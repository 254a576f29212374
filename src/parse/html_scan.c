/* See parse/html_scan.h. */
#include "parse/html_scan.h"

#include "parse/ascii.h"

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static struct slice tail(struct slice text, size_t n)
{
    return (struct slice){text.p + n, text.n - n};
}

/* Where `c` is next, or the end. */
static size_t find(struct slice text, size_t from, char c)
{
    const char *found = from < text.n ? memchr(text.p + from, c, text.n - from) : NULL;

    return found != NULL ? (size_t)(found - text.p) : text.n;
}

void html_scan_init(struct html_scan *s, struct slice html)
{
    *s = (struct html_scan){.rest = html, .raw = SLICE_LIT("")};
}

/* ---- comments ---- */

/* Where a comment's inside, which begins at `from`, ends: at "-->" or "--!>". *ret_after is behind
 * that. */
static size_t comment_end(struct slice text, size_t from, size_t *ret_after)
{
    for (size_t at = find(text, from, '>'); at < text.n; at = find(text, at + 1, '>')) {
        size_t dash = at;
        if (dash > from && text.p[dash - 1] == '!') {
            dash--;
        }
        if (dash >= from + 2 && text.p[dash - 1] == '-' && text.p[dash - 2] == '-') {
            *ret_after = at + 1;
            return dash - 2;
        }
        /* "<!-->" and "<!--->" are whole comments */
        if (at == from || (at == from + 1 && text.p[from] == '-')) {
            *ret_after = at + 1;
            return from;
        }
    }
    *ret_after = text.n;
    return text.n;
}

/* What begins with "<!", "<?", or "</" and no letter. */
static void take_comment(struct html_scan *s, struct html_token *ret)
{
    struct slice inside;
    size_t begin = 2;
    size_t after;
    size_t end;

    if (slice_prefix(s->rest, "<!--", &inside)) {
        begin = 4;
        end = comment_end(s->rest, begin, &after);
    } else {
        end = find(s->rest, begin, '>');
        after = end < s->rest.n ? end + 1 : end;
    }
    *ret = (struct html_token){.kind = HTML_COMMENT, .name = SLICE_LIT("")};
    ret->octets = (struct slice){s->rest.p + begin, end - begin};
    s->rest = tail(s->rest, after);
}

/* ---- tags ---- */

static size_t skip_spaces(struct slice text, size_t at)
{
    while (at < text.n && is_space(text.p[at])) {
        at++;
    }
    return at;
}

/* Where the ">" of a tag stands: not one within quotes behind a "=". */
static size_t tag_end(struct slice text, size_t at)
{
    while (at < text.n && text.p[at] != '>') {
        if (text.p[at++] != '=') {
            continue;
        }
        at = skip_spaces(text, at);
        if (at < text.n && (text.p[at] == '"' || text.p[at] == '\'')) {
            at = find(text, at + 1, text.p[at]);
            at += at < text.n;
        }
    }
    return at;
}

/* Elements that hold no tags. */
static bool is_raw(struct slice name)
{
    static const char *const names[] = {"script",   "style",   "title", "textarea",
                                        "noframes", "noembed", "xmp",   "iframe"};

    if (name.n < 3 || name.n > 8) {
        return false;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_eq_nocase(name, slice_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static void take_tag(struct html_scan *s, bool close, struct html_token *ret)
{
    const size_t begin = close ? 2 : 1;
    size_t name = begin;

    while (name < s->rest.n && !is_space(s->rest.p[name]) && s->rest.p[name] != '/' &&
           s->rest.p[name] != '>') {
        name++;
    }
    const size_t end = tag_end(s->rest, name);
    *ret = (struct html_token){.kind = close ? HTML_CLOSE : HTML_OPEN};
    ret->name = (struct slice){s->rest.p + begin, name - begin};
    ret->octets = (struct slice){s->rest.p + name, end - name};
    ret->self_closed = end > name && s->rest.p[end - 1] == '/';
    s->rest = tail(s->rest, end < s->rest.n ? end + 1 : end);
    if (!close && is_raw(ret->name)) {
        s->raw = ret->name;
    }
}

/* ---- text ---- */

/* Is this what begins with "<" something other than text? */
static bool is_markup(struct slice text)
{
    if (text.n < 2) {
        return false;
    }
    return is_letter(text.p[1]) || text.p[1] == '!' || text.p[1] == '?' ||
           (text.p[1] == '/' && text.n > 2);
}

static void take_text(struct html_scan *s, struct html_token *ret)
{
    size_t end = find(s->rest, 0, '<');

    while (end < s->rest.n && !is_markup(tail(s->rest, end))) {
        end = find(s->rest, end + 1, '<');
    }
    *ret = (struct html_token){.kind = HTML_TEXT, .name = SLICE_LIT("")};
    ret->octets = (struct slice){s->rest.p, end};
    s->rest = tail(s->rest, end);
}

/* Everything up to the end tag of that name. */
static void take_raw(struct html_scan *s, struct html_token *ret)
{
    const struct slice name = s->raw;
    size_t end = find(s->rest, 0, '<');

    while (end < s->rest.n) {
        const struct slice at = tail(s->rest, end);
        if (at.n >= name.n + 2 && at.p[1] == '/' && strncasecmp(at.p + 2, name.p, name.n) == 0 &&
            (at.n == name.n + 2 || !ascii_is_let_dig(at.p[name.n + 2]))) {
            break;
        }
        end = find(s->rest, end + 1, '<');
    }
    *ret = (struct html_token){.kind = HTML_RAW, .name = name};
    ret->octets = (struct slice){s->rest.p, end};
    s->rest = tail(s->rest, end);
    s->raw = SLICE_LIT("");
}

bool html_scan_next(struct html_scan *s, struct html_token *ret)
{
    if (s->rest.n == 0) {
        return false;
    }
    if (s->raw.n > 0) {
        take_raw(s, ret);
    } else if (s->rest.p[0] != '<' || !is_markup(s->rest)) {
        take_text(s, ret);
    } else if (is_letter(s->rest.p[1])) {
        take_tag(s, false, ret);
    } else if (s->rest.p[1] == '/' && is_letter(s->rest.p[2])) {
        take_tag(s, true, ret);
    } else {
        take_comment(s, ret);
    }
    return true;
}

/* ---- attributes ---- */

static size_t name_end(struct slice text)
{
    size_t at = 1; /* a "=" in front is part of the name */

    while (at < text.n && !is_space(text.p[at]) && text.p[at] != '=' && text.p[at] != '/') {
        at++;
    }
    return at;
}

/* What is behind the "=". */
static void take_value(struct slice *rest, struct slice *ret)
{
    const size_t at = skip_spaces(*rest, 0);
    size_t end;

    *rest = tail(*rest, at);
    if (rest->n > 0 && (rest->p[0] == '"' || rest->p[0] == '\'')) {
        end = find(*rest, 1, rest->p[0]);
        *ret = (struct slice){rest->p + 1, end - 1};
        *rest = tail(*rest, end < rest->n ? end + 1 : end);
        return;
    }
    for (end = 0; end < rest->n && !is_space(rest->p[end]);) {
        end++;
    }
    *ret = (struct slice){rest->p, end};
    *rest = tail(*rest, end);
}

bool html_attribute_next(struct slice *attributes, struct html_attribute *ret)
{
    struct slice rest = *attributes;

    while (rest.n > 0 && (is_space(rest.p[0]) || rest.p[0] == '/')) {
        rest = tail(rest, 1);
    }
    if (rest.n == 0) {
        return false;
    }
    const size_t end = name_end(rest);
    *ret = (struct html_attribute){{rest.p, end}, SLICE_LIT("")};
    rest = tail(rest, end);
    const size_t sign = skip_spaces(rest, 0);
    if (sign < rest.n && rest.p[sign] == '=') {
        rest = tail(rest, sign + 1);
        take_value(&rest, &ret->value);
    }
    *attributes = rest;
    return true;
}
