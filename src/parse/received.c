/* See parse/received.h. The clause is read word by word, up to the word "by" outside of all
 * parentheses:
 *
 *   from helo (name [192.0.2.1])                  Postfix, sendmail, Gatepost, most others
 *   from name ([192.0.2.1]:1234 helo=helo)        Exim
 *   from [192.0.2.1] (port=1234 helo=helo)        Exim
 *   from unknown (HELO helo) (192.0.2.1)          qmail
 *   from helo (2001:db8::1) by …                  Exchange
 */
#include "parse/received.h"

#include "parse/ascii.h"

struct clause {
    struct slice rest;
    unsigned depth; /* of parentheses */
};

static bool is_space(int c)
{
    return ascii_is_blank(c) || c == '\r' || c == '\n';
}

static void skip_space(struct slice *s)
{
    while (s->n > 0 && is_space(*s->p)) {
        s->p++;
        s->n--;
    }
}

/* The next run of octets without blanks. */
static struct slice take_run(struct slice *s)
{
    skip_space(s);
    struct slice run = {s->p, 0};
    while (run.n < s->n && !is_space(run.p[run.n])) {
        run.n++;
    }
    s->p += run.n;
    s->n -= run.n;
    return run;
}

/* Of the quoted string that `s` begins with; 0 where it begins with none that ends. What a client's
 * certificate says of it stands in one, and is the client's word like a greeting. */
static size_t quoted_length(struct slice s)
{
    if (s.n == 0 || *s.p != '"') {
        return 0;
    }
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '"') {
            return i + 1;
        }
        i += s.p[i] == '\\';
    }
    return 0;
}

/* The next word: parentheses around it are counted and taken off. Empty at the end. */
static struct slice take_word(struct clause *c)
{
    struct slice *s = &c->rest;
    skip_space(s);
    while (s->n > 0 && (*s->p == '(' || *s->p == ')' || is_space(*s->p))) {
        c->depth += *s->p == '(';
        c->depth -= *s->p == ')' && c->depth > 0;
        s->p++;
        s->n--;
    }
    struct slice word = {s->p, quoted_length(*s)};
    while (word.n < s->n && !is_space(word.p[word.n]) && word.p[word.n] != '(' &&
           word.p[word.n] != ')') {
        word.n++;
    }
    s->p += word.n;
    s->n -= word.n;
    return word;
}

static bool parse_tagged(struct slice text, struct addr *ret)
{
    static const struct slice tag = {"IPv6:", 5};
    if (text.n > tag.n && slice_eq_nocase((struct slice){text.p, tag.n}, tag)) {
        text = (struct slice){text.p + tag.n, text.n - tag.n};
    }
    return addr_parse(text, ret) == 0;
}

/* "[192.0.2.1]", with whatever behind the bracket; or 1 with `bare` set where there is none. */
static bool parse_address(struct slice word, struct addr *ret, bool *ret_bare)
{
    *ret_bare = word.n == 0 || word.p[0] != '[';
    if (*ret_bare) {
        return parse_tagged(word, ret);
    }
    const char *end = memchr(word.p, ']', word.n);
    return end != NULL && parse_tagged((struct slice){word.p + 1, (size_t)(end - word.p) - 1}, ret);
}

static bool is_word(struct slice word, const char *wanted)
{
    return slice_eq_nocase(word, slice_of(wanted));
}

/* Does the word tell the greeting, or announce it? Then it is no address of the server's own. */
static bool is_greeting(struct slice word, struct clause *c, struct slice *ret_helo)
{
    static const struct slice told = {"helo=", 5};
    if (c->depth == 0) {
        return false;
    }
    if (word.n >= told.n && slice_eq_nocase((struct slice){word.p, told.n}, told)) {
        *ret_helo = (struct slice){word.p + told.n, word.n - told.n};
        return true;
    }
    if (is_word(word, "HELO") || is_word(word, "EHLO")) {
        *ret_helo = take_word(c);
        return true;
    }
    return false;
}

/* What stands between the first word and "by". An address in brackets counts more than one without.
 */
static void read_comments(struct clause *c, struct received_from *ret)
{
    bool in_brackets = false;
    for (struct slice word = take_word(c); word.n > 0; word = take_word(c)) {
        struct addr address;
        bool bare;
        if (c->depth == 0 && is_word(word, "by")) {
            return;
        }
        if (is_greeting(word, c, &ret->helo) || c->depth == 0 ||
            !parse_address(word, &address, &bare)) {
            continue;
        }
        if (!bare || !in_brackets) {
            ret->address = address;
            in_brackets = !bare;
        }
    }
}

bool received_from_parse(struct slice body, struct received_from *ret)
{
    struct clause c = {.rest = body};
    if (c.rest.n > RECEIVED_FROM_MOST) {
        c.rest.n = RECEIVED_FROM_MOST;
    }
    if (!is_word(take_run(&c.rest), "from")) {
        return false;
    }
    struct slice first = take_run(&c.rest);
    *ret = (struct received_from){.helo = first};
    if (is_word(first, "by")) {
        ret->helo.n = 0;
        return true;
    }
    read_comments(&c, ret);
    if (ret->address.family == ADDR_NONE) {
        bool bare;
        if (!parse_address(first, &ret->address, &bare) || bare) {
            ret->address = (struct addr){0};
        }
    }
    return true;
}
