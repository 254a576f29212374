/* The statements around the rules: policies, their phases, included files. */
#include "policy/parse.h"

#include <errno.h>

#include "conf/suggest.h"

/* What a run of statements stands in. */
enum body { BODY_FILE, BODY_POLICY, BODY_PHASE };

static void parse_body(struct policy_parser *p, enum body body, enum phase phase, bool braced);

int syntax_expected(struct policy_parser *p, enum lexer_mode mode, const char *advice,
                    const char *what)
{
    struct token token = words_peek(&p->words, mode);

    return words_expected(&p->words, &token, advice, what);
}

int syntax_string(struct policy_parser *p, enum lexer_mode mode, const char *what, struct word *ret)
{
    if (words_peek(&p->words, mode).kind != TOKEN_STRING) {
        return syntax_expected(p, mode, NULL, what);
    }
    *ret = words_take_word(&p->words, mode);
    return 0;
}

/* "include" PATH: its statements stand for it. */
static int parse_include(struct policy_parser *p, enum body body, enum phase phase)
{
    struct words around;
    const struct source *source;

    (void)words_take(&p->words, LEXER_STATEMENTS);
    enum token_kind kind = words_peek(&p->words, LEXER_STATEMENTS).kind;
    if (kind != TOKEN_WORD && kind != TOKEN_STRING) {
        return syntax_expected(p, LEXER_STATEMENTS, NULL, "the path of a file");
    }
    struct word path = words_take_word(&p->words, LEXER_STATEMENTS);
    int r = conf_read_source(p->conf, path.place, path.text, &source);
    if (r < 0) {
        finding_add(p->findings, FINDING_ERROR, path.place, NULL,
                    "expected a readable file, found: %s", conf_source_error(r));
        return r;
    }
    around = p->words;
    words_init(&p->words, source->text, (struct place){1, 1, source}, p->arena, p->findings);
    parse_body(p, body, phase, false);
    words_free(&p->words);
    p->words = around;
    return 0;
}

/* PHASE_COUNT: there is none of that name. */
static enum phase find_phase(struct slice name)
{
    unsigned i = 0;

    while (i < PHASE_COUNT && !slice_eq(name, slice_of(phase_name((enum phase)i)))) {
        i++;
    }
    return (enum phase)i;
}

static const char *suggest_phase(struct slice name)
{
    const char *names[PHASE_COUNT];

    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        names[i] = phase_name((enum phase)i);
    }
    return suggest(name, names, PHASE_COUNT, sizeof(names[0]));
}

/* The phase's name; one that is only misspelt is told and then taken for what is meant. */
static enum phase parse_phase_name(struct policy_parser *p)
{
    static const char what[] = "connect, helo, mail, rcpt or message";
    char shown[WORD_SHOWN_MAX];

    if (words_peek(&p->words, LEXER_STATEMENTS).kind != TOKEN_WORD) {
        (void)syntax_expected(p, LEXER_STATEMENTS, NULL, what);
        return PHASE_COUNT;
    }
    struct token token = words_take(&p->words, LEXER_STATEMENTS);
    enum phase phase = find_phase(token.text);
    if (phase != PHASE_COUNT) {
        return phase;
    }
    const char *close = suggest_phase(token.text);
    (void)word_show(token.text, shown);
    if (close == NULL) {
        finding_add(p->findings, FINDING_ERROR, token.place, NULL, "unknown phase %s, expected %s",
                    shown, what);
        return PHASE_COUNT;
    }
    finding_add(p->findings, FINDING_ERROR, token.place, NULL,
                "unknown phase %s, did you mean \"%s\"?", shown, close);
    return find_phase(slice_of(close));
}

/* "at" phase "{" … "}" */
static int parse_phase(struct policy_parser *p)
{
    (void)words_take(&p->words, LEXER_STATEMENTS);
    enum phase phase = parse_phase_name(p);
    if (phase == PHASE_COUNT) {
        return -EINVAL;
    }
    if (!words_accept(&p->words, LEXER_STATEMENTS, "{")) {
        return syntax_expected(p, LEXER_STATEMENTS, NULL, "\"{\" behind the phase");
    }
    parse_body(p, BODY_PHASE, phase, true);
    return 0;
}

static void parse_standard(struct policy_parser *p)
{
    struct words around = p->words;

    p->standard = true;
    words_init(&p->words, policy_standard_source.text,
               (struct place){1, 1, &policy_standard_source}, p->arena, p->findings);
    parse_body(p, BODY_FILE, PHASE_CONNECT, false);
    words_free(&p->words);
    p->words = around;
    p->standard = false;
}

/* "policy" "standard", at most once, or "policy" "{" … "}" */
static int parse_policy(struct policy_parser *p)
{
    (void)words_take(&p->words, LEXER_STATEMENTS);
    p->policies++;
    if (words_accept(&p->words, LEXER_STATEMENTS, "{")) {
        parse_body(p, BODY_POLICY, PHASE_CONNECT, true);
        return 0;
    }
    struct token token = words_peek(&p->words, LEXER_STATEMENTS);
    if (p->standard || !words_accept(&p->words, LEXER_STATEMENTS, "standard")) {
        return words_expected(&p->words, &token, NULL, "\"standard\" or \"{\" behind policy");
    }
    if (p->standard_place.line != 0) {
        finding_add(p->findings, FINDING_ERROR, token.place, NULL,
                    "expected policy standard once, found it again (the first is in line %u)",
                    p->standard_place.line);
        return -EINVAL;
    }
    p->standard_place = token.place;
    parse_standard(p);
    return 0;
}

static int parse_statement(struct policy_parser *p, enum body body, enum phase phase)
{
    static const char *const expected[] = {
        [BODY_FILE] = "table, set or policy",
        [BODY_POLICY] = "at, table, set, include or the end of the policy",
        [BODY_PHASE] = "a rule",
    };
    struct words *w = &p->words;

    if (body != BODY_PHASE && words_next_is(w, LEXER_STATEMENTS, "table")) {
        return syntax_table(p);
    }
    if (body != BODY_PHASE && words_next_is(w, LEXER_STATEMENTS, "set")) {
        return syntax_set(p);
    }
    if (body == BODY_FILE && words_next_is(w, LEXER_STATEMENTS, "policy")) {
        return parse_policy(p);
    }
    if (body == BODY_POLICY && words_next_is(w, LEXER_STATEMENTS, "at")) {
        return parse_phase(p);
    }
    if (body != BODY_FILE && words_next_is(w, LEXER_STATEMENTS, "include")) {
        return parse_include(p, body, phase);
    }
    if (body == BODY_PHASE && words_peek(w, LEXER_STATEMENTS).kind == TOKEN_WORD) {
        return syntax_rule(p, phase);
    }
    return syntax_expected(p, LEXER_STATEMENTS, NULL, expected[body]);
}

/* Nothing may follow a statement in its line but the brace that ends what it stands in. */
static int parse_end(struct policy_parser *p, bool braced)
{
    struct token token = words_peek(&p->words, LEXER_STATEMENTS);

    if (token.kind == TOKEN_NEWLINE || token.kind == TOKEN_END ||
        (braced && words_next_is(&p->words, LEXER_STATEMENTS, "}"))) {
        return 0;
    }
    return words_expected(&p->words, &token, NULL, "the end of the line");
}

/* Statements up to the closing brace, which is taken, or to the end. */
static void parse_body(struct policy_parser *p, enum body body, enum phase phase, bool braced)
{
    struct words *w = &p->words;

    for (;;) {
        struct token token = words_peek(w, LEXER_STATEMENTS);
        bool closing = words_next_is(w, LEXER_STATEMENTS, "}");
        if (token.kind == TOKEN_END) {
            if (braced) {
                (void)words_expected(w, &token, NULL, "\"}\"");
            }
            return;
        }
        if (closing && !braced) {
            (void)words_expected(w, &token, NULL, "a statement");
        }
        if (closing || token.kind == TOKEN_NEWLINE) {
            (void)words_take(w, LEXER_STATEMENTS);
            if (closing && braced) {
                return;
            }
            continue;
        }
        int r = parse_statement(p, body, phase);
        if (r == 0) {
            r = parse_end(p, braced);
        }
        if (r < 0) {
            words_skip_statement(w);
        }
    }
}

void policy_parse(const struct conf *conf, struct findings *findings, struct arena *arena,
                  struct syntax *ret)
{
    struct policy_parser p = {.conf = conf, .findings = findings, .arena = arena, .syntax = ret};

    *ret = (struct syntax){0};
    for (size_t i = 0; i < conf->block_count; i++) {
        words_init(&p.words, conf->blocks[i].text, conf->blocks[i].place, arena, findings);
        parse_body(&p, BODY_FILE, PHASE_CONNECT, false);
        words_free(&p.words);
    }
    if (p.policies == 0) {
        parse_standard(&p);
    }
}

void syntax_free(struct syntax *s)
{
    buf_free(&s->rules);
    buf_free(&s->tables);
    buf_free(&s->sets);
}
