/* Tables, sets, and the entries of tables and lists. */
#include <errno.h>

#include "conf/value.h"
#include "policy/parse.h"

static int parse_name(struct policy_parser *p, const char *what, struct word *ret)
{
    struct token token = words_peek(&p->words, LEXER_EXPRESSIONS);

    if (token.kind != TOKEN_WORD || !value_is_name(token.text)) {
        return words_expected(
            &p->words, &token,
            "a name begins with a letter or \"_\" and has letters, digits, \"_\", \"-\" "
            "and \".\"",
            what);
    }
    *ret = words_take_word(&p->words, LEXER_EXPRESSIONS);
    return 0;
}

/* [ "!" ] and what is behind it; the "!" may belong to the word, or be one. */
static int parse_entry(struct policy_parser *p, struct table_entry *ret)
{
    static const char what[] = "an entry or \"}\"";
    struct token token = words_peek(&p->words, LEXER_ENTRIES);

    *ret = (struct table_entry){.text = token.text, .place = token.place};
    if (token.kind == TOKEN_WORD && token.text.p[0] == '!') {
        ret->negated = true;
        ret->text = (struct slice){token.text.p + 1, token.text.n - 1};
    }
    if (ret->negated && ret->text.n == 0) {
        (void)words_take(&p->words, LEXER_ENTRIES);
        token = words_peek(&p->words, LEXER_ENTRIES);
        if (token.kind != TOKEN_STRING) {
            return words_expected(&p->words, &token, NULL, "an entry behind \"!\"");
        }
        ret->text = token.text;
    }
    if (token.kind != TOKEN_WORD && token.kind != TOKEN_STRING) {
        return words_expected(&p->words, &token, NULL, what);
    }
    ret->quoted = token.kind == TOKEN_STRING;
    (void)words_take(&p->words, LEXER_ENTRIES);
    return 0;
}

/* A comma, which takes the line ends behind it along, or line ends. */
static int parse_separator(struct policy_parser *p)
{
    struct token token = words_peek(&p->words, LEXER_ENTRIES);

    if (words_next_is(&p->words, LEXER_ENTRIES, "}")) {
        return 0;
    }
    if (token.kind != TOKEN_COMMA && token.kind != TOKEN_NEWLINE) {
        return words_expected(&p->words, &token, NULL,
                              "a comma, a new line or \"}\" behind the entry");
    }
    (void)words_take(&p->words, LEXER_ENTRIES);
    if (token.kind == TOKEN_NEWLINE && words_peek(&p->words, LEXER_ENTRIES).kind == TOKEN_COMMA) {
        (void)words_take(&p->words, LEXER_ENTRIES);
    }
    return 0;
}

int syntax_entries(struct policy_parser *p, struct table_syntax *ret)
{
    struct buf entries = {0};
    struct table_entry entry;
    int r = 0;

    p->words.in_braces = true;
    if (words_peek(&p->words, LEXER_ENTRIES).kind == TOKEN_NEWLINE) {
        (void)words_take(&p->words, LEXER_ENTRIES);
    }
    while (r == 0 && !words_next_is(&p->words, LEXER_ENTRIES, "}")) {
        r = parse_entry(p, &entry);
        if (r == 0) {
            buf_append(&entries, &entry, sizeof(entry));
            r = parse_separator(p);
        }
    }
    if (r == 0) {
        (void)words_take(&p->words, LEXER_ENTRIES);
        p->words.in_braces = false;
        ret->entries = (const void *)arena_copy(p->arena, buf_slice(&entries)).p;
        ret->entry_count = entries.n / sizeof(entry);
    }
    buf_free(&entries);
    return r;
}

static int parse_table_content(struct policy_parser *p, struct table_syntax *t)
{
    struct words *w = &p->words;

    if (words_accept(w, LEXER_STATEMENTS, "{")) {
        return syntax_entries(p, t);
    }
    if (!words_accept(w, LEXER_STATEMENTS, "file")) {
        return syntax_expected(p, LEXER_STATEMENTS, NULL,
                               "\"{\" or \"file\" behind the table's name");
    }
    enum token_kind kind = words_peek(w, LEXER_STATEMENTS).kind;
    if (kind != TOKEN_WORD && kind != TOKEN_STRING) {
        return syntax_expected(p, LEXER_STATEMENTS, NULL, "the path of a file");
    }
    t->path = words_take_word(w, LEXER_STATEMENTS);
    return 0;
}

int syntax_table(struct policy_parser *p)
{
    struct table_syntax *t = arena_zalloc(p->arena, sizeof(*t));

    (void)words_take(&p->words, LEXER_STATEMENTS);
    int r = parse_name(p, "a name for the table", &t->name);
    if (r < 0) {
        return r;
    }
    t->standard = p->standard;
    t->order = p->order++;
    r = parse_table_content(p, t);
    t->broken = r < 0;
    buf_append(&p->syntax->tables, &t, sizeof(t));
    return r;
}

int syntax_set(struct policy_parser *p)
{
    struct set_syntax *s = arena_zalloc(p->arena, sizeof(*s));

    (void)words_take(&p->words, LEXER_STATEMENTS);
    int r = parse_name(p, "a name for the expression", &s->name);
    if (r < 0) {
        return r;
    }
    s->standard = p->standard;
    s->order = p->order++;
    if (words_accept(&p->words, LEXER_EXPRESSIONS, "=")) {
        s->value = syntax_expression(p);
    } else {
        (void)syntax_expected(p, LEXER_EXPRESSIONS, NULL, "\"=\" behind the name");
    }
    buf_append(&p->syntax->sets, &s, sizeof(s));
    return s->value != NULL ? 0 : -EINVAL;
}
