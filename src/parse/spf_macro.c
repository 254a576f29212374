/* See spf_macro.h. The grammar of RFC 7208 7.1 stands beside what reads it. */
#include "parse/spf_macro.h"

#include <errno.h>

#include "parse/ascii.h"

/* A run of literals, or a macro-expand. */
struct piece {
    bool is_literal;
    struct slice literal; /* what "%%", "%_" and "%-" stand for, too */
    enum spf_macro macro;
    bool escaped; /* the letter was upper case */
    bool reversed;
    unsigned parts; /* of the right-hand side; UINT_MAX: all */
    struct slice delimiters;
    bool macro_end; /* the text before here ends in a macro-expand */
};

struct reader {
    const char *at;
    const char *end;
    bool spaces;
    const char *what; /* is wrong at `at` */
};

static int peek(const struct reader *r)
{
    return r->at < r->end ? (unsigned char)*r->at : -1;
}

static bool is_alpha(int c)
{
    return ascii_is_let_dig(c) && !ascii_is_digit(c);
}

static bool is_delimiter(int c)
{
    return c > 0 && memchr(".-+,/_=", c, 7) != NULL;
}

/* macro-literal = %x21-24 / %x26-7E, and in an explain-string SP */
static bool is_literal(const struct reader *r, int c)
{
    return (c > ' ' && c <= '~' && c != '%') || (r->spaces && c == ' ');
}

static int refuse(struct reader *r, const char *what)
{
    r->what = what;
    return -EINVAL;
}

/* transformers = *DIGIT [ "r" ] *delimiter "}" */
static int read_transformers(struct reader *r, struct piece *ret)
{
    const char *digits = r->at;

    ret->parts = 0;
    while (ascii_is_digit(peek(r))) {
        ret->parts = ret->parts > 10000 ? ret->parts : 10 * ret->parts + (unsigned)(*r->at - '0');
        r->at++;
    }
    if (r->at == digits) {
        ret->parts = ~0U;
    } else if (ret->parts == 0) {
        r->at = digits;
        return refuse(r, "a macro that keeps no part");
    }
    if ((ret->reversed = peek(r) == 'r' || peek(r) == 'R')) {
        r->at++;
    }
    ret->delimiters.p = r->at;
    while (is_delimiter(peek(r))) {
        r->at++;
    }
    ret->delimiters.n = (size_t)(r->at - ret->delimiters.p);
    if (ret->delimiters.n == 0) {
        ret->delimiters = SLICE_LIT(".");
    }
    if (peek(r) != '}') {
        return refuse(r, "a macro that is not closed");
    }
    r->at++;
    return 1;
}

/* macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-" */
static int read_macro(struct reader *r, struct piece *ret)
{
    static const char letters[] = SPF_MACRO_LETTERS;
    static const struct slice fixed[] = {{"%", 1}, {" ", 1}, {"%20", 3}};
    static const char signs[] = "%_-";
    const char *found;

    r->at++;
    ret->macro_end = true;
    if (peek(r) > 0 && (found = memchr(signs, peek(r), 3)) != NULL) {
        r->at++;
        ret->is_literal = true;
        ret->literal = fixed[found - signs];
        return 1;
    }
    if (peek(r) != '{') {
        r->at--;
        return refuse(r, "a \"%\" that begins no macro");
    }
    r->at++;
    int letter = peek(r);
    ret->is_literal = false;
    ret->escaped = letter >= 'A' && letter <= 'Z';
    letter = ret->escaped ? letter - 'A' + 'a' : letter;
    if (!is_alpha(letter) || (found = memchr(letters, letter, SPF_MACRO_COUNT)) == NULL) {
        return refuse(r, "an unknown macro");
    }
    ret->macro = (enum spf_macro)(found - letters);
    r->at++;
    return read_transformers(r, ret);
}

/* macro-string = *( macro-expand / macro-literal ): 1 with the next piece, 0 at the end, -EINVAL
 * with r->what. */
static int read_piece(struct reader *r, struct piece *ret)
{
    const char *start = r->at;

    if (peek(r) == '%') {
        return read_macro(r, ret);
    }
    while (is_literal(r, peek(r))) {
        r->at++;
    }
    if (r->at < r->end && *r->at != '%') {
        return refuse(r, "a character that may not stand there");
    }
    ret->is_literal = true;
    ret->macro_end = false;
    ret->literal = (struct slice){start, (size_t)(r->at - start)};
    return ret->literal.n > 0;
}

/* toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum ) */
static bool is_toplabel(struct slice label)
{
    bool good = false; /* a letter, or a hyphen inside */

    if (label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.n; i++) {
        if (!ascii_is_let_dig(label.p[i]) && label.p[i] != '-') {
            return false;
        }
        good |= !ascii_is_digit(label.p[i]);
    }
    return good;
}

/* domain-end = ( "." toplabel [ "." ] ) / macro-expand, of which the second is seen by the caller
 */
static bool ends_in_toplabel(struct slice literal)
{
    if (literal.n > 0 && literal.p[literal.n - 1] == '.') {
        literal.n--;
    }
    const char *dot = literal.n > 0 ? memrchr(literal.p, '.', literal.n) : NULL;
    return dot != NULL &&
           is_toplabel((struct slice){dot + 1, (size_t)(literal.p + literal.n - dot - 1)});
}

static const char *macro_fault(const struct piece *p, enum spf_text kind, unsigned count)
{
    if (kind != SPF_EXPLAIN_STRING && (SPF_MACRO_BIT(p->macro) & SPF_MACRO_EXP_ONLY) != 0) {
        return "a macro that only an explanation may have";
    }
    return kind != SPF_MACRO_STRING && count > SPF_MACROS_MOST ? "too many macros" : NULL;
}

int spf_text_check(struct slice text, enum spf_text kind, unsigned *ret_macros,
                   struct spf_fault *ret_fault)
{
    struct reader r = {text.p, text.p + text.n, kind == SPF_EXPLAIN_STRING, NULL};
    struct piece last = {.is_literal = true};
    unsigned macros = 0, count = 0;
    int more = 0;

    while (r.at < r.end) {
        const char *start = r.at;
        if ((more = read_piece(&r, &last)) <= 0) {
            break;
        }
        if (last.is_literal) {
            continue;
        }
        macros |= SPF_MACRO_BIT(last.macro);
        const char *wrong = macro_fault(&last, kind, ++count);
        if (wrong != NULL) {
            *ret_fault = (struct spf_fault){wrong, start};
            return -EINVAL;
        }
    }
    if (more < 0) {
        *ret_fault = (struct spf_fault){r.what, r.at};
        return -EINVAL;
    }
    if (kind == SPF_DOMAIN_SPEC && !last.macro_end && !ends_in_toplabel(last.literal)) {
        *ret_fault =
            (struct spf_fault){text.n == 0 ? "no domain" : "a domain without a top label", r.end};
        return -EINVAL;
    }
    *ret_macros = macros;
    return 0;
}

/* ---- expansion ---- */

/* Where expanded octets go: the first `size` of them are kept, or with `tail` the last: then they
 * are moved to the front whenever the room is full. */
struct sink {
    char *p;
    size_t n;
    size_t size;
    size_t tail; /* keep at least so many of the last; 0: keep the first */
};

static void put(struct sink *s, char c)
{
    if (s->n == s->size) {
        if (s->tail == 0) {
            return;
        }
        memmove(s->p, s->p + s->n - s->tail, s->tail);
        s->n = s->tail;
    }
    s->p[s->n++] = c;
}

/* RFC 3986 2.3 */
static bool is_unreserved(int c)
{
    return ascii_is_let_dig(c) || (c > 0 && memchr("-._~", c, 4) != NULL);
}

static void put_escaped(struct sink *s, char c)
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned char octet = (unsigned char)c;

    if (is_unreserved(octet)) {
        put(s, c);
        return;
    }
    put(s, '%');
    put(s, hex[octet >> 4]);
    put(s, hex[octet & 15]);
}

static bool splits(const struct piece *p, char c)
{
    return memchr(p->delimiters.p, c, p->delimiters.n) != NULL;
}

/* Puts text with its delimiters replaced by dots. */
static void put_part(struct sink *s, const struct piece *p, struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = splits(p, text.p[i]) ? '.' : text.p[i];
        if (p->escaped) {
            put_escaped(s, c);
        } else {
            put(s, c);
        }
    }
}

/* The last `parts` parts, in their order. */
static void put_right_hand(struct sink *s, const struct piece *p, struct slice value)
{
    size_t start = value.n;
    unsigned parts = p->parts;

    while (start > 0 && (!splits(p, value.p[start - 1]) || --parts > 0)) {
        start--;
    }
    put_part(s, p, (struct slice){value.p + start, value.n - start});
}

/* 7.3: reversed before the right-hand parts are taken, which are then the first ones. */
static void put_reversed(struct sink *s, const struct piece *p, struct slice value)
{
    size_t end = 0;
    unsigned parts = p->parts;

    while (end < value.n && (!splits(p, value.p[end]) || --parts > 0)) {
        end++;
    }
    for (size_t start = end;; start--) {
        if (start > 0 && !splits(p, value.p[start - 1])) {
            continue;
        }
        put_part(s, p, (struct slice){value.p + start, end - start});
        if (start == 0) {
            return;
        }
        put(s, '.');
        end = start - 1;
    }
}

static void expand(struct sink *s, struct slice text, bool spaces, const struct spf_values *values)
{
    struct reader r = {text.p, text.p + text.n, spaces, NULL};
    struct piece p;

    while (read_piece(&r, &p) > 0) {
        if (p.is_literal) {
            for (size_t i = 0; i < p.literal.n; i++) {
                put(s, p.literal.p[i]);
            }
        } else if (values->of[p.macro].n == 0) {
            continue;
        } else if (p.reversed) {
            put_reversed(s, &p, values->of[p.macro]);
        } else {
            put_right_hand(s, &p, values->of[p.macro]);
        }
    }
}

size_t spf_expand_name(struct slice spec, const struct spf_values *values,
                       char ret[static SPF_NAME_MOST])
{
    /* The octets that count: a name, the dot in front of it, and the one behind. */
    enum { TAIL = SPF_NAME_MOST + 2 };
    char room[4 * TAIL];
    struct sink s = {room, 0, sizeof(room), TAIL};
    const char *name = room;

    expand(&s, spec, false, values);
    if (s.n > 0 && room[s.n - 1] == '.') {
        s.n--;
    }
    if (s.n > SPF_NAME_MOST) {
        const char *dot = memchr(room + s.n - SPF_NAME_MOST - 1, '.', SPF_NAME_MOST + 1);
        if (dot == NULL) {
            return 0;
        }
        name = dot + 1;
        s.n = (size_t)(room + s.n - name);
    }
    memcpy(ret, name, s.n);
    return s.n;
}

size_t spf_expand_explanation(struct slice text, const struct spf_values *values, char *ret,
                              size_t most)
{
    struct sink s = {ret, 0, most, 0};

    expand(&s, text, true, values);
    for (size_t i = 0; i < s.n; i++) {
        if (ret[i] < ' ' || ret[i] > '~') {
            ret[i] = '?';
        }
    }
    return s.n;
}
