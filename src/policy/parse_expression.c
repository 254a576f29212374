/* The grammar of expressions, one function each:
 *
 *     expression = conjunct { "or" conjunct } ;
 *     conjunct   = negation { "and" negation } ;
 *     negation   = "not" negation | comparison ;
 *     comparison = operand [ operator operand | "in" … | match ] ;
 *     match      = ( "~" | "!~" ) ( string | NAME ) ;
 *     operand    = fact | NAME | constant | "unknown" "(" fact [ match ] ")" | "(" expression ")" ;
 */
#include "policy/parse.h"

#define MODE LEXER_EXPRESSIONS

static const char line_advice[] =
    "a condition goes on in the next line when that begins with \"and\" or \"or\"";

static struct term *parse_negation(struct policy_parser *p);

static struct term *new_term(struct policy_parser *p, enum term_kind kind, struct place place)
{
    struct term *t = arena_zalloc(p->arena, sizeof(*t));

    t->kind = kind;
    t->place = place;
    return t;
}

static struct term *expected(struct policy_parser *p, const char *advice, const char *what)
{
    (void)syntax_expected(p, MODE, advice, what);
    return NULL;
}

/* Words that cannot be operands. */
static bool is_keyword(struct slice text)
{
    static const char *const words[] = {"and", "or", "when", "unless", "in", "not"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_eq(text, slice_of(words[i]))) {
            return true;
        }
    }
    return false;
}

/* A string; or a word, which the compiler takes where it may be the name of a table. */
static int parse_parameter(struct policy_parser *p, const char *what, struct word *ret)
{
    const struct token token = words_peek(&p->words, MODE);

    if (token.kind != TOKEN_WORD || is_keyword(token.text)) {
        return syntax_string(p, MODE, what, ret);
    }
    *ret = words_take_word(&p->words, MODE);
    return 0;
}

/* "(" parameter { "," parameter } ")" behind a fact's name; the parenthesis has been taken. */
static struct term *parse_parameters(struct policy_parser *p, struct term *call)
{
    struct buf parameters = {0};
    struct word word;
    bool good;

    call->kind = TERM_CALL;
    do {
        good = parse_parameter(p, "a parameter in quotes", &word) == 0;
        if (good) {
            buf_append(&parameters, &word, sizeof(word));
        }
    } while (good && words_peek(&p->words, MODE).kind == TOKEN_COMMA &&
             words_take(&p->words, MODE).kind == TOKEN_COMMA);
    if (good && !words_accept(&p->words, MODE, ")")) {
        good = expected(p, NULL, "a comma or \")\" behind the parameter") != NULL;
    }
    if (good) {
        call->parameters = (const void *)arena_copy(p->arena, buf_slice(&parameters)).p;
        call->count = parameters.n / sizeof(word);
    }
    buf_free(&parameters);
    return good ? call : NULL;
}

/* A word, with the parameters that may be behind it. */
static struct term *parse_name(struct policy_parser *p, const char *advice, const char *what)
{
    struct token token = words_peek(&p->words, MODE);

    if (token.kind != TOKEN_WORD || is_keyword(token.text)) {
        return expected(p, advice, what);
    }
    struct term *t = new_term(p, TERM_WORD, token.place);
    t->word = words_take_word(&p->words, MODE);
    return words_accept(&p->words, MODE, "(") ? parse_parameters(p, t) : t;
}

/* "~" or "!~" and what is behind it. */
static struct term *parse_match(struct policy_parser *p, struct term *left)
{
    struct term *t = new_term(p, TERM_MATCH, left->place);
    const struct token operator= words_take(&p->words, MODE);

    t->left = left;
    t->compare = operator.text.n == 1 ? EXPRESSION_MATCH : EXPRESSION_NOT_MATCH;
    return parse_parameter(p, "a pattern in quotes", &t->word) == 0 ? t : NULL;
}

static bool match_is_next(struct policy_parser *p)
{
    return words_next_is(&p->words, MODE, "~") || words_next_is(&p->words, MODE, "!~");
}

/* "unknown" "(" fact [ match ] ")"; the word has been looked at. */
static struct term *parse_unknown(struct policy_parser *p)
{
    struct token token = words_take(&p->words, MODE);
    struct term *t = new_term(p, TERM_UNKNOWN, token.place);

    if (!words_accept(&p->words, MODE, "(")) {
        return expected(p, "write unknown(FACT)", "\"(\" behind unknown");
    }
    t->left = parse_name(p, NULL, "the name of a fact");
    if (t->left != NULL && match_is_next(p)) {
        t->left = parse_match(p, t->left);
    }
    if (t->left != NULL && !words_accept(&p->words, MODE, ")")) {
        return expected(p, "unknown asks for one fact, not for an expression",
                        "\")\" behind the fact");
    }
    return t->left != NULL ? t : NULL;
}

static bool too_nested(struct policy_parser *p, struct place place)
{
    if (p->nesting < NESTING_MOST) {
        return false;
    }
    finding_add(p->findings, FINDING_ERROR, place, "give a part of it a name by \"set\"",
                "expected at most %d parentheses and nots inside each other", NESTING_MOST);
    return true;
}

/* A parenthesis that is still open where the next statement begins, or the block ends, is told
 * where it stands. */
static struct term *not_closed(struct policy_parser *p, struct place open)
{
    struct token token = words_peek(&p->words, MODE);
    char shown[WORD_SHOWN_MAX];
    bool behind = begins_statement(token.text) || words_next_is(&p->words, MODE, "}");

    if (token.place.line == open.line || token.kind == TOKEN_STRING || !behind) {
        return expected(p, NULL, "\"and\", \"or\" or \")\"");
    }
    finding_add(p->findings, FINDING_ERROR, open, NULL,
                "expected \")\" for this \"(\", found %s in line %u", word_show(token.text, shown),
                token.place.line);
    return NULL;
}

/* "(" expression ")" */
static struct term *parse_group(struct policy_parser *p)
{
    struct place place = words_peek(&p->words, MODE).place;

    if (too_nested(p, place)) {
        return NULL;
    }
    (void)words_take(&p->words, MODE);
    p->nesting++;
    struct term *t = syntax_expression(p);
    p->nesting--;
    if (t != NULL && !words_accept(&p->words, MODE, ")")) {
        return not_closed(p, place);
    }
    if (t != NULL) {
        t->place = place;
    }
    return t;
}

static struct term *parse_operand(struct policy_parser *p)
{
    struct words *w = &p->words;
    struct token token = words_peek(w, MODE);

    if (words_next_is(w, MODE, "(")) {
        return parse_group(p);
    }
    if (words_next_is(w, MODE, "{")) {
        return expected(p, "a list stands behind \"in\" only", "a fact, a name or a constant");
    }
    if (words_next_is(w, MODE, "unknown")) {
        return parse_unknown(p);
    }
    if (token.kind == TOKEN_STRING) {
        struct term *t = new_term(p, TERM_STRING, token.place);
        t->word = words_take_word(w, MODE);
        return t;
    }
    w->cut_short = token.kind == TOKEN_NEWLINE;
    return parse_name(p, w->cut_short ? line_advice : NULL, "a fact, a name or a constant");
}

/* What is behind "in": a list, a table's name or a network. */
static struct term *parse_in(struct policy_parser *p, struct term *left)
{
    struct words *w = &p->words;
    struct term *t = new_term(p, TERM_IN, left->place);

    (void)words_take(w, MODE);
    t->left = left;
    struct token token = words_peek(w, MODE);
    if (words_accept(w, MODE, "{")) {
        t->list = arena_zalloc(p->arena, sizeof(*t->list));
        t->list->name.place = token.place;
        t->list->standard = p->standard;
        return syntax_entries(p, t->list) == 0 ? t : NULL;
    }
    if (token.kind != TOKEN_WORD || is_keyword(token.text)) {
        return expected(p, NULL, "a table's name, a network or a list in braces");
    }
    t->word = words_take_word(w, MODE);
    return t;
}

static bool comparison_kind(struct slice operator, enum expression_kind * ret)
{
    static const struct {
        const char *text;
        enum expression_kind kind;
    } rows[] = {
        {"==", EXPRESSION_EQUAL},  {"!=", EXPRESSION_NOT_EQUAL},
        {"<", EXPRESSION_LESS},    {"<=", EXPRESSION_LESS_EQUAL},
        {">", EXPRESSION_GREATER}, {">=", EXPRESSION_GREATER_EQUAL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (slice_eq(operator, slice_of(rows[i].text))) {
            *ret = rows[i].kind;
            return true;
        }
    }
    return false;
}

/* What is behind an operator. */
static struct term *parse_operator(struct policy_parser *p, struct term *left)
{
    struct word operator;
    enum expression_kind kind;

    if (words_next_is(&p->words, MODE, "=")) {
        return expected(p, "equality is written \"==\"", "an operator");
    }
    if (match_is_next(p)) {
        return parse_match(p, left);
    }
    operator= words_take_word(&p->words, MODE);
    if (!comparison_kind(operator.text, &kind)) {
        return expected(p, NULL, "an operator");
    }
    struct term *t = new_term(p, TERM_COMPARE, left->place);
    t->left = left;
    t->compare = kind;
    t->word = operator;
    t->right = parse_operand(p);
    return t->right != NULL ? t : NULL;
}

static struct term *parse_comparison(struct policy_parser *p)
{
    struct words *w = &p->words;
    struct term *t = parse_operand(p);

    if (t == NULL) {
        return NULL;
    }
    if (words_next_is(w, MODE, "not")) {
        return expected(p, "\"not\" stands in front: not client.ip in office", "an operator");
    }
    bool compared = false;
    if (words_next_is(w, MODE, "in")) {
        t = parse_in(p, t);
        compared = true;
    } else if (words_peek(w, MODE).kind == TOKEN_OPERATOR) {
        t = parse_operator(p, t);
        compared = true;
    }
    if (t != NULL && compared &&
        (words_next_is(w, MODE, "in") || words_peek(w, MODE).kind == TOKEN_OPERATOR)) {
        return expected(p, "comparisons do not chain: join two of them by \"and\"",
                        "\"and\", \"or\" or the end of the condition");
    }
    return t;
}

/* "not" negation | comparison */
static struct term *parse_negation(struct policy_parser *p)
{
    struct place place = words_peek(&p->words, MODE).place;

    if (!words_next_is(&p->words, MODE, "not")) {
        return parse_comparison(p);
    }
    if (too_nested(p, place)) {
        return NULL;
    }
    (void)words_take(&p->words, MODE);
    struct term *t = new_term(p, TERM_NOT, place);
    p->nesting++;
    t->left = parse_negation(p);
    p->nesting--;
    return t->left != NULL ? t : NULL;
}

/* Terms with `word` between them: the only one, or all as items of `kind`. */
static struct term *parse_items(struct policy_parser *p, enum term_kind kind, const char *word,
                                struct term *(*parse_item)(struct policy_parser *p))
{
    struct buf items = {0};
    struct term *item;

    do {
        item = parse_item(p);
        buf_append(&items, &item, sizeof(item));
    } while (item != NULL && words_accept(&p->words, MODE, word));
    if (item != NULL && items.n > sizeof(item)) {
        struct term **all = (struct term **)(void *)arena_copy(p->arena, buf_slice(&items)).p;
        item = new_term(p, kind, all[0]->place);
        item->items = all;
        item->count = items.n / sizeof(struct term *);
    }
    buf_free(&items);
    return item;
}

static struct term *parse_conjunct(struct policy_parser *p)
{
    return parse_items(p, TERM_AND, "and", parse_negation);
}

struct term *syntax_expression(struct policy_parser *p)
{
    return parse_items(p, TERM_OR, "or", parse_conjunct);
}
