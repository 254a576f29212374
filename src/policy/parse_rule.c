/* rule = [ "observe" ] action [ "when" expression ] [ "unless" expression ] */
#include <errno.h>

#include "conf/suggest.h"
#include "parse/ascii.h"
#include "policy/parse.h"

static const char text_what[] = "the text in quotes";

/* [ CODE ENHANCED ] string */
static int parse_reply(struct policy_parser *p, struct rule_syntax *rule)
{
    struct words *w = &p->words;
    struct token token = words_peek(w, LEXER_STATEMENTS);

    if (token.kind == TOKEN_WORD && ascii_is_digit(token.text.p[0])) {
        rule->code = words_take_word(w, LEXER_STATEMENTS);
        token = words_peek(w, LEXER_STATEMENTS);
        if (token.kind != TOKEN_WORD || !ascii_is_digit(token.text.p[0])) {
            return words_expected(w, &token, "a code is always followed by its enhanced code",
                                  "an enhanced status code such as 5.7.1 behind the code");
        }
        rule->enhanced = words_take_word(w, LEXER_STATEMENTS);
        return syntax_string(p, LEXER_STATEMENTS, text_what, &rule->text);
    }
    return syntax_string(p, LEXER_STATEMENTS, "a reply code or the text in quotes", &rule->text);
}

/* ( "reject" | "defer" ) [ "now" ] … */
static int parse_refusal(struct policy_parser *p, struct rule_syntax *rule)
{
    if (words_next_is(&p->words, LEXER_STATEMENTS, "now")) {
        rule->now = words_take_word(&p->words, LEXER_STATEMENTS);
    }
    return parse_reply(p, rule);
}

/* "drop" ( "silent" | … ) */
static int parse_drop(struct policy_parser *p, struct rule_syntax *rule)
{
    rule->silent = words_accept(&p->words, LEXER_STATEMENTS, "silent");
    if (words_next_is(&p->words, LEXER_STATEMENTS, "now")) {
        return syntax_expected(p, LEXER_STATEMENTS, "drop is always at once: leave \"now\" out",
                               "a reply code, silent or the text in quotes");
    }
    return rule->silent ? 0 : parse_reply(p, rule);
}

/* A duration or number, or the name of one; what it is worth is the compiler's to say. */
static int parse_amount(struct policy_parser *p, const char *what, struct rule_syntax *rule)
{
    if (words_peek(&p->words, LEXER_STATEMENTS).kind != TOKEN_WORD ||
        words_next_is(&p->words, LEXER_STATEMENTS, "when") ||
        words_next_is(&p->words, LEXER_STATEMENTS, "unless")) {
        return syntax_expected(p, LEXER_STATEMENTS, NULL, what);
    }
    rule->amount = words_take_word(&p->words, LEXER_STATEMENTS);
    return 0;
}

static int parse_doubt(struct policy_parser *p, struct rule_syntax *rule)
{
    int r = parse_amount(p, "a number behind doubt", rule);

    return r < 0 ? r : syntax_string(p, LEXER_STATEMENTS, text_what, &rule->text);
}

static int parse_arguments(struct policy_parser *p, struct rule_syntax *rule)
{
    static const char duration[] = "a duration such as 5s, or the name of one";
    struct words *w = &p->words;

    switch (rule->kind) {
    case RULE_PASS:
    case RULE_JUNK: return 0;
    case RULE_TRUST: rule->all = words_accept(w, LEXER_STATEMENTS, "all"); return 0;
    case RULE_DEFER:
    case RULE_REJECT: return parse_refusal(p, rule);
    case RULE_DROP: return parse_drop(p, rule);
    case RULE_WAIT:
    case RULE_BAN: return parse_amount(p, duration, rule);
    case RULE_DOUBT: return parse_doubt(p, rule);
    case RULE_MARK:
        if (words_peek(w, LEXER_STATEMENTS).kind == TOKEN_STRING) {
            rule->text = words_take_word(w, LEXER_STATEMENTS);
        }
        return 0;
    case RULE_KIND_COUNT: break;
    }
    return 0;
}

/* One "when" or "unless" with its expression. */
static int parse_condition(struct policy_parser *p, const char *word, const struct term **ret)
{
    struct token token = words_peek(&p->words, LEXER_STATEMENTS);

    if (*ret != NULL) {
        finding_add(p->findings, FINDING_ERROR, token.place,
                    "join both conditions by \"and\" or \"or\"",
                    "expected \"%s\" once in a rule, found it again", word);
        return -EINVAL;
    }
    (void)words_take(&p->words, LEXER_STATEMENTS);
    *ret = syntax_expression(p);
    return *ret != NULL ? 0 : -EINVAL;
}

static int parse_conditions(struct policy_parser *p, struct rule_syntax *rule)
{
    int r = 0;

    while (r == 0) {
        if (words_next_is(&p->words, LEXER_STATEMENTS, "when")) {
            r = parse_condition(p, "when", &rule->when);
        } else if (words_next_is(&p->words, LEXER_STATEMENTS, "unless")) {
            r = parse_condition(p, "unless", &rule->unless);
        } else {
            break;
        }
    }
    return r;
}

static int unknown_action(struct policy_parser *p, const struct word *word)
{
    char shown[WORD_SHOWN_MAX];
    const char *close = suggest(word->text, &actions[0].name, RULE_KIND_COUNT, sizeof(actions[0]));

    (void)word_show(word->text, shown);
    if (close != NULL) {
        finding_add(p->findings, FINDING_ERROR, word->place, NULL,
                    "unknown action %s, did you mean \"%s\"?", shown, close);
    } else {
        finding_add(p->findings, FINDING_ERROR, word->place,
                    "a rule begins with what it does: pass, trust, reject, defer, drop, junk, "
                    "wait, doubt, mark or ban, perhaps with \"observe\" in front",
                    "unknown action %s", shown);
    }
    return -EINVAL;
}

static int parse_action(struct policy_parser *p, struct rule_syntax *rule)
{
    if (words_peek(&p->words, LEXER_STATEMENTS).kind != TOKEN_WORD) {
        return syntax_expected(p, LEXER_STATEMENTS, NULL, "an action behind observe");
    }
    rule->action = words_take_word(&p->words, LEXER_STATEMENTS);
    for (unsigned i = 0; i < RULE_KIND_COUNT; i++) {
        if (slice_eq(rule->action.text, slice_of(actions[i].name))) {
            rule->kind = (enum rule_kind)i;
            return parse_arguments(p, rule);
        }
    }
    return unknown_action(p, &rule->action);
}

/* What could have stood where the rule's end was expected. */
static int rule_end(struct policy_parser *p, const struct rule_syntax *rule)
{
    struct token token = words_peek(&p->words, LEXER_STATEMENTS);
    bool conditions = rule->when != NULL || rule->unless != NULL;

    if (token.kind == TOKEN_NEWLINE || token.kind == TOKEN_END ||
        words_next_is(&p->words, LEXER_STATEMENTS, "}")) {
        return 0;
    }
    return words_expected(&p->words, &token, NULL,
                          conditions ? "\"and\", \"or\" or the end of the line"
                                     : "\"when\", \"unless\" or the end of the line");
}

int syntax_rule(struct policy_parser *p, enum phase phase)
{
    struct rule_syntax *rule = arena_zalloc(p->arena, sizeof(*rule));

    words_show_begin(&p->words);
    rule->phase = phase;
    rule->place = words_peek(&p->words, LEXER_STATEMENTS).place;
    rule->observe = words_accept(&p->words, LEXER_STATEMENTS, "observe");
    int r = parse_action(p, rule);
    if (r == 0) {
        r = parse_conditions(p, rule);
    }
    if (r == 0) {
        r = rule_end(p, rule);
    }
    if (r < 0) {
        return r;
    }
    rule->shown = arena_copy(p->arena, buf_slice(&p->words.shown));
    buf_append(&p->syntax->rules, &rule, sizeof(rule));
    return 0;
}
