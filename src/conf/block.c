/* The statements that src/policy reads: `table`, `set` and `policy`. Here only their extent is
 * found, from the first word to the last brace or the end of the line. That takes the lexer's
 * modes, since a string, a comment or a pattern may hold any brace. */
#include <errno.h>

#include "conf/parser.h"

/* A policy needs two, and its lists one more. */
#define BRACES_MOST 8

static bool is_octet(const struct token *t, char c)
{
    return t->kind == TOKEN_RESERVED && t->text.p[0] == c;
}

static bool is_word(const struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && slice_eq(t->text, slice_of(word));
}

static struct token take_in(struct parser *p, enum lexer_mode mode)
{
    p->lexer.mode = mode;
    struct token token = parser_take(p);
    p->lexer.mode = LEXER_STATEMENTS;
    return token;
}

static void keep(struct parser *p, enum conf_block_kind kind, const char *end)
{
    const char *start = p->name.text.p;
    struct conf_block block = {kind, {start, (size_t)(end - start)}, p->name.place};

    buf_append(&p->blocks, &block, sizeof(block));
}

static int unclosed(struct parser *p, struct place open, const char *octets)
{
    return parser_fail(p, open, "expected \"%c\" for this \"%c\", found the end of the file",
                       octets[1], octets[0]);
}

/* Is it something that stands behind a table or list, so that the brace in front is missing?
 * `separated`: a comma or a line end is between it and the entry in front. */
static bool is_behind_entries(const struct token *t, struct place open, bool separated)
{
    return (is_octet(t, '{') && t->place.line > open.line) ||
           (!separated && (is_word(t, "when") || is_word(t, "unless")));
}

/* Up to and with the brace that closes a table or list; the one at `open` was taken. */
static int take_entries(struct parser *p, struct place open)
{
    bool separated = true;

    for (;;) {
        struct token token = take_in(p, LEXER_ENTRIES);
        if (is_octet(&token, '}')) {
            return 0;
        }
        if (token.kind == TOKEN_END) {
            return unclosed(p, open, "{}");
        }
        if (is_behind_entries(&token, open, separated)) {
            return parser_fail(p, open,
                               "expected \"}\" for this \"{\", found \"" SLICE_FMT "\" in line %u",
                               SLICE_ARG(token.text), token.place.line);
        }
        if (token.kind == TOKEN_BAD || token.kind == TOKEN_RESERVED) {
            return parser_expected(p, &token, "an entry or \"}\"");
        }
        separated = token.kind == TOKEN_COMMA || token.kind == TOKEN_NEWLINE;
    }
}

static int take_name(struct parser *p, enum lexer_mode mode, const char *what)
{
    struct token token = take_in(p, mode);

    if (token.kind != TOKEN_WORD || !value_is_name(token.text)) {
        return parser_expected(p, &token, what);
    }
    return 0;
}

/* table NAME { ENTRY… } or table NAME file PATH */
int parse_table(struct parser *p)
{
    int r = take_name(p, LEXER_STATEMENTS, "the name of a table, such as partners");

    if (r < 0) {
        return r;
    }
    struct token token = parser_take(p);
    if (is_octet(&token, '{')) {
        r = take_entries(p, token.place);
    } else if (is_word(&token, "file")) {
        r = parser_value(p, "the path of the table's file", &token);
    } else {
        r = parser_expected(p, &token, "\"{\" and entries, or \"file\" and a path");
    }
    if (r == 0) {
        keep(p, CONF_BLOCK_TABLE, p->lexer.next);
    }
    return r;
}

/* Is it the end of an expression? Newlines inside parentheses are none. */
static bool ends(const struct token *t)
{
    return t->kind == TOKEN_NEWLINE || t->kind == TOKEN_END;
}

/* The expression of a `set`, whose first token is the next; *ret_end is its end. */
static int take_expression(struct parser *p, const char **ret_end)
{
    struct place outermost = {0};
    struct token token = {.kind = TOKEN_NEWLINE};

    p->lexer.mode = LEXER_EXPRESSIONS;
    for (;;) {
        bool behind_in = is_word(&token, "in");
        bool inside = p->lexer.parentheses > 0;
        *ret_end = p->lexer.next;
        token = parser_peek(p);
        if (ends(&token)) {
            p->lexer.mode = LEXER_STATEMENTS;
            return inside ? unclosed(p, outermost, "()") : 0;
        }
        if (token.kind == TOKEN_BAD || is_octet(&token, '}') ||
            (is_octet(&token, '{') && !behind_in)) {
            return parser_expected(p, &token, "an expression");
        }
        (void)parser_take(p);
        if (!inside) {
            outermost = token.place;
        }
        if (is_octet(&token, '{')) {
            int r = take_entries(p, token.place);
            if (r < 0) {
                return r;
            }
            p->lexer.mode = LEXER_EXPRESSIONS;
        }
    }
}

/* set NAME = EXPRESSION */
int parse_set(struct parser *p)
{
    int r = take_name(p, LEXER_EXPRESSIONS, "a name to set, such as patience");

    if (r < 0) {
        return r;
    }
    struct token token = take_in(p, LEXER_EXPRESSIONS);
    if (token.kind != TOKEN_OPERATOR || !slice_eq(token.text, SLICE_LIT("="))) {
        return parser_expected(p, &token, "\"=\" and an expression");
    }
    const char *start = p->lexer.next, *end = start;
    r = take_expression(p, &end);
    if (r < 0) {
        return r;
    }
    if (end == start) {
        token = parser_peek(p);
        return parser_expected(p, &token, "an expression");
    }
    keep(p, CONF_BLOCK_SET, end);
    return 0;
}

/* Where in a policy we are. */
struct body {
    struct place open[BRACES_MOST]; /* of phases and the policy itself */
    size_t depth;
    bool line_start; /* the next token is the first of its line */
    bool behind_in;  /* the last token was "in" */
    bool in_table;   /* behind "table" */
    bool in_include; /* behind "include" */
};

static int open_brace(struct parser *p, struct body *b, const struct token *token)
{
    if (b->behind_in || b->in_table) {
        b->in_table = false;
        return take_entries(p, token->place);
    }
    if (b->depth == BRACES_MOST) {
        return parser_expected(p, token, "no more braces within each other");
    }
    b->open[b->depth++] = token->place;
    return 0;
}

/* What a word means for those behind it. A phase cannot stand inside another: the brace of the one
 * before is missing, and that is where to look. */
static int pass_word(struct parser *p, struct body *b, const struct token *token)
{
    if (b->line_start && b->depth > 1 && is_word(token, "at")) {
        return parser_fail(p, b->open[b->depth - 1],
                           "expected \"}\" for this \"{\", found the next phase in line %u",
                           token->place.line);
    }
    if (b->line_start) {
        b->in_table = is_word(token, "table");
        b->in_include = is_word(token, "include");
    }
    return 0;
}

static int pass_token(struct parser *p, struct body *b, const struct token *token)
{
    int r = 0;

    if (token->kind == TOKEN_END) {
        return unclosed(p, b->open[b->depth - 1], "{}");
    }
    if (token->kind == TOKEN_BAD) {
        return parser_expected(p, token, "a rule");
    }
    if (token->kind == TOKEN_NEWLINE) {
        b->line_start = true;
        b->in_table = false;
        b->in_include = false;
        return 0;
    }
    if (is_octet(token, '{')) {
        size_t before = b->depth;
        r = open_brace(p, b, token);
        b->line_start = b->depth > before;
    } else {
        b->depth -= is_octet(token, '}');
        r = pass_word(p, b, token);
        b->line_start = false;
    }
    b->behind_in = is_word(token, "in");
    return r;
}

/* Up to and with the policy's last brace; the first, at `open`, was taken. What is inside is judged
 * by src/policy, parentheses included: they hide no line end here. */
static int take_body(struct parser *p, struct place open)
{
    struct body b = {.open = {open}, .depth = 1, .line_start = true};
    int r = 0;

    while (r == 0 && b.depth > 0) {
        bool paths = b.in_table || b.in_include;
        p->lexer.parentheses = 0;
        struct token token = take_in(p, paths ? LEXER_STATEMENTS : LEXER_EXPRESSIONS);
        r = pass_token(p, &b, &token);
    }
    p->lexer.parentheses = 0;
    return r;
}

/* policy standard or policy { … } */
int parse_policy(struct parser *p)
{
    struct token token = parser_take(p);
    int r = 0;

    if (is_octet(&token, '{')) {
        r = take_body(p, token.place);
    } else if (!is_word(&token, "standard")) {
        r = parser_expected(p, &token, "\"standard\" or \"{\"");
    }
    if (r == 0) {
        keep(p, CONF_BLOCK_POLICY, p->lexer.next);
    }
    return r;
}
