/* See lexer.h for what a token is. */
#include "conf/lexer.h"

#include <errno.h>
#include <stdint.h>

#include "base/text.h"

void lexer_init(struct lexer *l, const struct source *source, struct arena *arena)
{
    lexer_init_part(l, source, source->text, (struct place){1, 1, source}, arena);
}

void lexer_init_part(struct lexer *l, const struct source *source, struct slice part,
                     struct place of_part, struct arena *arena)
{
    *l = (struct lexer){
        .source = source,
        .next = part.p,
        .end = part.n > 0 ? part.p + part.n : part.p,
        .line_start = of_part.column > 1 ? part.p - (of_part.column - 1) : part.p,
        .line = of_part.line,
        .arena = arena,
    };
}

static struct place place_of(const struct lexer *l, const char *p)
{
    return (struct place){l->line, (unsigned)(p - l->line_start) + 1, l->source};
}

static struct token token_at(const struct lexer *l, enum token_kind kind, const char *p, size_t n)
{
    return (struct token){kind, {p, n}, place_of(l, p)};
}

static struct token bad_at(const struct lexer *l, const char *p, struct slice cause)
{
    return (struct token){TOKEN_BAD, cause, place_of(l, p)};
}

static struct token bad_octet(const struct lexer *l, const char *p)
{
    return bad_at(l, p,
                  arena_printf(l->arena, "expected printable UTF-8 text, found the octet 0x%02x",
                               (unsigned)(unsigned char)*p));
}

static const char *line_end(const struct lexer *l, const char *p)
{
    const char *feed = p < l->end ? memchr(p, '\n', (size_t)(l->end - p)) : NULL;

    return feed != NULL ? feed : l->end;
}

static bool is_blank(const struct lexer *l, const char *p)
{
    /* A file from elsewhere may end its lines with CR LF. */
    return *p == ' ' || *p == '\t' || (*p == '\r' && p + 1 < l->end && p[1] == '\n');
}

static bool is_reserved(char c)
{
    return c == '(' || c == ')' || c == '{' || c == '}';
}

static bool is_operator(char c)
{
    return c == '=' || c == '!' || c == '<' || c == '>' || c == '~';
}

/* Does the octet begin an operator, which ends a word? */
static bool begins_operator(const struct lexer *l, const char *p)
{
    return l->mode == LEXER_EXPRESSIONS && is_operator(*p);
}

/* Blanks, comments and, if `lines`, line ends. */
static void skip(struct lexer *l, bool lines)
{
    while (l->next < l->end) {
        if (is_blank(l, l->next)) {
            l->next++;
        } else if (*l->next == '#') {
            l->next = line_end(l, l->next);
        } else if (*l->next == '\n' && lines) {
            l->next++;
            l->line++;
            l->line_start = l->next;
        } else {
            return;
        }
    }
}

/* What follows a word or string must not look like a part of it. */
static bool ends_token(const struct lexer *l, const char *p)
{
    return p == l->end || *p == '\n' || *p == ',' || is_blank(l, p) || is_reserved(*p) ||
           begins_operator(l, p);
}

static struct token not_ended(const struct lexer *l, const char *p)
{
    if (text_clean_length(p, (size_t)(l->end - p)) == 0) {
        return bad_octet(l, p);
    }
    return bad_at(l, p,
                  arena_printf(l->arena,
                               "expected a blank, a comma or the end of the line, found \"%c\"",
                               *p));
}

static const char *word_end(const struct lexer *l)
{
    const char *p = l->next;
    bool in_template = false;

    for (; p < l->end; p++) {
        if (*p == '{' && p > l->next && p[-1] == '%') {
            in_template = true;
        } else if (*p == '}' && in_template) {
            in_template = false;
        } else if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == ',' || *p == '"' ||
                   is_reserved(*p) || begins_operator(l, p)) {
            break;
        }
    }
    return p;
}

/* At a line end: goes to the next word if that is one of those that carry a statement on. */
static bool carry_on(struct lexer *l)
{
    static const char *const words[] = {"and", "or", "when", "unless"};
    struct lexer ahead = *l;

    skip(&ahead, true);
    struct slice word = {ahead.next, (size_t)(word_end(&ahead) - ahead.next)};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_eq(word, slice_of(words[i]))) {
            *l = ahead;
            return true;
        }
    }
    return false;
}

static struct token lex_word(struct lexer *l)
{
    const char *end = word_end(l);
    size_t n = (size_t)(end - l->next);
    struct token token = token_at(l, TOKEN_WORD, l->next, n);
    size_t clean = text_clean_length(l->next, n);

    if (clean < n || n == 0) {
        return bad_octet(l, l->next + clean);
    }
    if (!ends_token(l, end)) {
        return not_ended(l, end);
    }
    l->next = end;
    return token;
}

static struct token lex_operator(struct lexer *l)
{
    char behind = '\0';

    if (l->end - l->next > 1) {
        behind = l->next[1];
    }
    bool two = *l->next != '~' && (behind == '=' || (*l->next == '!' && behind == '~'));
    if (*l->next == '!' && !two) {
        return bad_at(l, l->next, SLICE_LIT("expected !=, !~ or the word \"not\", found \"!\""));
    }
    struct token token = token_at(l, TOKEN_OPERATOR, l->next, two ? 2 : 1);
    l->next += token.text.n;
    return token;
}

/* The first `closing` behind `p` in its line that no backslash escapes; NULL for none. */
static const char *find_closing(const struct lexer *l, const char *p, char closing)
{
    for (p++; p < l->end && *p != '\n'; p++) {
        if (*p == closing) {
            return p;
        }
        if (*p == '\\' && p + 1 < l->end && p[1] != '\n') {
            p++;
        }
    }
    return NULL;
}

/* `slash` is the first one; a "!" may be in front. */
static struct token lex_pattern(struct lexer *l, const char *slash)
{
    const char *closing = find_closing(l, slash, '/');

    if (closing == NULL) {
        return bad_at(l, slash, SLICE_LIT("expected a closing slash, found the end of the line"));
    }
    const char *p = closing + 1;
    if (p < l->end && *p == 'i') {
        p++;
    }
    struct token token = token_at(l, TOKEN_WORD, l->next, (size_t)(p - l->next));
    size_t clean = text_clean_length(token.text.p, token.text.n);
    if (clean < token.text.n) {
        return bad_octet(l, token.text.p + clean);
    }
    if (!ends_token(l, p)) {
        return not_ended(l, p);
    }
    l->next = p;
    return token;
}

static struct token lex_entry(struct lexer *l)
{
    const char *behind = l->next + (*l->next == '!');

    if (behind < l->end && *behind == '/') {
        return lex_pattern(l, behind);
    }
    if (behind > l->next && behind < l->end && *behind == '"') {
        struct token token = token_at(l, TOKEN_WORD, l->next, 1);
        l->next = behind;
        return token;
    }
    return lex_word(l);
}

static int hex4(const char *p, const char *end, uint32_t *ret)
{
    uint32_t value = 0;

    if (end - p < 4) {
        return -EINVAL;
    }
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        char c = p[i] >= 'A' && p[i] <= 'F' ? (char)(p[i] | 0x20) : p[i];
        const char *at = memchr(digits, c, 16);
        if (at == NULL) {
            return -EINVAL;
        }
        value = value << 4 | (uint32_t)(at - digits);
    }
    *ret = value;
    return 0;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* "\uXXXX" or, above U+FFFF, two of them that form a surrogate pair. `*p` is at the "u". */
static int unescape_unicode(const char **p, const char *end, char **out)
{
    uint32_t c, low;

    if (hex4(*p + 1, end, &c) < 0 || (c >= 0xdc00 && c <= 0xdfff)) {
        return -EINVAL;
    }
    *p += 5;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (end - *p < 2 || (*p)[0] != '\\' || (*p)[1] != 'u' || hex4(*p + 2, end, &low) < 0 ||
            low < 0xdc00 || low > 0xdfff) {
            return -EINVAL;
        }
        *p += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    *out = put_utf8(*out, c);
    return 0;
}

/* `*p` is behind the backslash, which another octet always follows. */
static int unescape(const char **p, const char *end, char **out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";

    if (**p == 'u') {
        return unescape_unicode(p, end, out);
    }
    const char *at = memchr(letters, **p, sizeof(letters) - 1);
    if (at == NULL) {
        return -EINVAL;
    }
    *(*out)++ = meanings[at - letters];
    (*p)++;
    return 0;
}

static struct token bad_escape(const struct lexer *l, const char *escape, const char *closing)
{
    int shown = escape[1] == 'u' ? 6 : 2;

    if (shown > closing - escape) {
        shown = (int)(closing - escape);
    }
    return bad_at(l, escape,
                  arena_printf(l->arena,
                               "expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t, \\uXXXX or a "
                               "surrogate pair of these, found %.*s",
                               shown, escape));
}

static struct token lex_string(struct lexer *l)
{
    const char *p = l->next + 1;
    const char *closing = find_closing(l, l->next, '"');
    struct token token = token_at(l, TOKEN_STRING, l->next, 0);

    if (closing == NULL) {
        return bad_at(l, l->next, SLICE_LIT("expected a closing quote, found the end of the line"));
    }
    char *decoded = arena_alloc(l->arena, (size_t)(closing - p)); /* escapes only ever shrink */
    char *out = decoded;
    while (p < closing) {
        const char *escape = memchr(p, '\\', (size_t)(closing - p));
        size_t plain = (size_t)((escape != NULL ? escape : closing) - p);
        size_t clean = text_clean_length(p, plain);
        if (clean < plain) {
            return bad_octet(l, p + clean);
        }
        out = mempcpy(out, p, plain);
        p += plain;
        if (escape != NULL) {
            p++;
            if (unescape(&p, closing, &out) < 0) {
                return bad_escape(l, escape, closing);
            }
        }
    }
    token.text = (struct slice){decoded, (size_t)(out - decoded)};
    l->next = closing + 1;
    return ends_token(l, l->next) ? token : not_ended(l, l->next);
}

/* One octet that is a token by itself. */
static struct token lex_single(struct lexer *l, enum token_kind kind)
{
    struct token token = token_at(l, kind, l->next, 1);

    l->next++;
    return token;
}

static struct token lex_newline(struct lexer *l)
{
    struct token token = lex_single(l, TOKEN_NEWLINE);

    l->line++;
    l->line_start = l->next;
    l->skip_lines = true;
    return token;
}

static struct token lex_parenthesis(struct lexer *l)
{
    if (l->mode == LEXER_EXPRESSIONS && *l->next == '(') {
        l->parentheses++;
    } else if (l->mode == LEXER_EXPRESSIONS && l->parentheses > 0) {
        l->parentheses--;
    }
    return lex_single(l, TOKEN_RESERVED);
}

static struct token lex_other(struct lexer *l)
{
    if (begins_operator(l, l->next)) {
        return lex_operator(l);
    }
    return l->mode == LEXER_ENTRIES ? lex_entry(l) : lex_word(l);
}

struct token lexer_next(struct lexer *l)
{
    skip(l, l->skip_lines || (l->mode == LEXER_EXPRESSIONS && l->parentheses > 0));
    l->skip_lines = false;
    if (l->next == l->end) {
        return token_at(l, TOKEN_END, l->next, 0);
    }
    if (*l->next == '\n' && (l->mode == LEXER_ENTRIES || !carry_on(l))) {
        return lex_newline(l);
    }
    switch (*l->next) {
    case ',': l->skip_lines = true; return lex_single(l, TOKEN_COMMA);
    case '(':
    case ')': return lex_parenthesis(l);
    case '{':
    case '}': return lex_single(l, TOKEN_RESERVED);
    case '"': return lex_string(l);
    default: return lex_other(l);
    }
}
