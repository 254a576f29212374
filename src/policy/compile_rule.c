/* One rule: its codes, times and texts, and its condition. */
#include <errno.h>

#include "parse/ascii.h"
#include "policy/compiler.h"
#include "policy/rule_text.h"

#define DOUBT_MOST 1000

struct bound {
    usec_t most;
    const char *text;
    const char *reason;
};

static const struct bound greeting_bound = {120 * USEC_SEC, "120s before the greeting",
                                            "others give up when they wait longer"};
static const struct bound reply_bound = {30 * USEC_SEC, "30s before a reply",
                                         "others give up when they wait longer"};
static const struct bound ban_bound = {3650 * (usec_t)86400 * USEC_SEC, "3650d for ban", NULL};

/* What an action answers: where none is given, and all it may be. */
struct codes {
    uint16_t standard;
    const char *enhanced;
    uint16_t allowed[8]; /* 0 behind the last */
    const char *text;
};

static const struct codes codes[RULE_KIND_COUNT] = {
    [RULE_REJECT] = {550,
                     "5.7.1",
                     {521, 550, 551, 552, 553, 554, 556},
                     "521, 550, 551, 552, 553, 554 or 556"},
    [RULE_DEFER] = {451, "4.7.1", {450, 451, 452, 455, 421}, "450, 451, 452 or 455, or now 421"},
    [RULE_DROP] = {421, "4.7.0", {421, 521, 550, 554}, "421, 521, 550 or 554"},
};

/* Three digits of a reply code, or -1. */
static int parse_code(struct slice text)
{
    int code = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_digit(text.p[i]) || text.n != 3) {
            return -1;
        }
        code = code * 10 + (text.p[i] - '0');
    }
    return code;
}

static bool is_allowed(const struct codes *row, int code)
{
    for (size_t i = 0; i < sizeof(row->allowed) / sizeof(row->allowed[0]); i++) {
        if (code != 0 && row->allowed[i] == code) {
            return true;
        }
    }
    return false;
}

static int check_code(struct compiler *c, const struct rule_syntax *s, struct rule *rule)
{
    const struct codes *row = &codes[s->kind];
    const char *action = actions[s->kind].name;
    char shown[WORD_SHOWN_MAX];
    int code = parse_code(s->code.text);

    if (!is_allowed(row, code)) {
        compile_error(c, s->code.place, NULL,
                      "expected one of the codes of %s, which are %s, found %s", action, row->text,
                      word_show(s->code.text, shown));
        return -EINVAL;
    }
    if (s->kind == RULE_DEFER && code == 421 && !word_given(&s->now)) {
        compile_error(c, s->code.place, "write \"defer now 421\", or 451 to go on with the session",
                      "421 ends the session, so it can only be answered at once");
        return -EINVAL;
    }
    rule->code = (uint16_t)code;
    return 0;
}

/* Part of an enhanced code: one to three digits, no zero in front. */
static bool take_number(struct slice *text)
{
    size_t n = 0;

    while (n < text->n && ascii_is_digit(text->p[n])) {
        n++;
    }
    bool good = n >= 1 && n <= 3 && (n == 1 || text->p[0] != '0');
    *text = (struct slice){text->p + n, text->n - n};
    return good;
}

static bool take_dot(struct slice *text)
{
    if (text->n == 0 || text->p[0] != '.') {
        return false;
    }
    *text = (struct slice){text->p + 1, text->n - 1};
    return true;
}

/* RFC 3463 2: class, subject, detail. */
static bool is_enhanced(struct slice text)
{
    return take_number(&text) && take_dot(&text) && take_number(&text) && take_dot(&text) &&
           take_number(&text) && text.n == 0;
}

static int check_enhanced(struct compiler *c, const struct rule_syntax *s, struct rule *rule)
{
    char shown[WORD_SHOWN_MAX];
    struct slice text = s->enhanced.text;

    if (!is_enhanced(text)) {
        compile_error(c, s->enhanced.place, "class.subject.detail (RFC 3463)",
                      "expected an enhanced status code such as %s, found %s",
                      codes[s->kind].enhanced, word_show(text, shown));
        return -EINVAL;
    }
    if (text.p[0] - '0' != rule->code / 100 || text.p[1] != '.') {
        compile_error(c, s->enhanced.place, "both must say the same: 4 for now, 5 for good",
                      "the class of the enhanced code %s is not that of the code %u",
                      word_show(text, shown), rule->code);
        return -EINVAL;
    }
    rule->enhanced = text;
    return 0;
}

/* RFC 5321 3.1: instead of a greeting there are only these. */
static int check_greeting(struct compiler *c, const struct rule_syntax *s, const struct rule *rule)
{
    bool at_once = word_given(&s->now) || s->kind == RULE_DROP;
    const struct word *at = word_given(&s->code) ? &s->code : &s->now;

    if (s->phase != PHASE_CONNECT || !at_once || rule->code == 421 || rule->code == 554 ||
        (rule->code == 521 && s->kind == RULE_DROP)) {
        return 0;
    }
    compile_error(c, at->place, s->kind == RULE_DEFER ? "write 421 4.7.0" : "write 554 5.7.1",
                  "%u cannot stand where the greeting is expected (RFC 5321 3.1)", rule->code);
    return -EINVAL;
}

static int compile_codes(struct compiler *c, const struct rule_syntax *s, struct rule *rule)
{
    int r = 0;

    rule->code = codes[s->kind].standard;
    rule->enhanced = slice_of(codes[s->kind].enhanced);
    if (word_given(&s->code)) {
        r = check_code(c, s, rule);
    }
    if (r == 0 && word_given(&s->enhanced)) {
        r = check_enhanced(c, s, rule);
    }
    if (r == 0) {
        r = check_greeting(c, s, rule);
    }
    if (word_given(&s->now) && s->phase >= PHASE_RCPT && rule->code != 421) {
        finding_add(c->findings, FINDING_WARNING, s->now.place, "leave it out",
                    "\"now\" changes nothing at %s, where all is answered at once",
                    phase_name(s->phase));
    }
    return r;
}

/* A duration, or the name of one; *ret_place is where it is written. */
static int take_duration(struct compiler *c, const struct rule_syntax *s, struct value *ret,
                         struct place *ret_place)
{
    const struct term term = {.kind = TERM_WORD, .place = s->amount.place, .word = s->amount};
    const struct node *n = operand_compile(c, &term);
    char shown[WORD_SHOWN_MAX];

    if (n == NULL) {
        return -EINVAL;
    }
    if (n->x.kind != EXPRESSION_CONSTANT || n->x.type != TYPE_DURATION) {
        compile_error(c, s->amount.place, "a duration has a unit, as in 30s",
                      "expected a duration that does not change, found %s",
                      word_show(s->amount.text, shown));
        return -EINVAL;
    }
    *ret = n->x.value;
    *ret_place = n->via != NULL ? n->via->value->place : s->amount.place;
    return 0;
}

static int compile_duration(struct compiler *c, const struct rule_syntax *s, struct rule *rule)
{
    const struct bound *bound = s->kind == RULE_BAN         ? &ban_bound
                                : s->phase == PHASE_CONNECT ? &greeting_bound
                                                            : &reply_bound;
    struct value value;
    struct place place;
    int r = take_duration(c, s, &value, &place);

    if (r < 0) {
        return r;
    }
    if (value.number <= 0) {
        compile_error(c, place, NULL, "expected more than no time at all for %s",
                      actions[s->kind].name);
        return -EINVAL;
    }
    if (value.number > bound->most) {
        compile_error(c, place, bound->reason, "expected at most %s", bound->text);
        return -EINVAL;
    }
    rule->amount = value.number;
    return 0;
}

static int compile_doubt(struct compiler *c, const struct rule_syntax *s, struct rule *rule)
{
    struct value value = value_number(TYPE_NUMBER, 0);
    char shown[WORD_SHOWN_MAX];
    int r = constant_parse(c, &s->amount, &value);

    if (r < 0) {
        return r;
    }
    if (r == 0 || value.type != TYPE_NUMBER || value.number == 0 || value.number < -DOUBT_MOST ||
        value.number > DOUBT_MOST) {
        compile_error(c, s->amount.place, NULL,
                      "expected a number from -%d to %d but not 0, found %s", DOUBT_MOST,
                      DOUBT_MOST, word_show(s->amount.text, shown));
        return -EINVAL;
    }
    rule->amount = value.number;
    return 0;
}

static int compile_action(struct compiler *c, const struct rule_syntax *s, struct rule *rule)
{
    switch (s->kind) {
    case RULE_DEFER:
    case RULE_REJECT:
    case RULE_DROP: return s->silent ? 0 : compile_codes(c, s, rule);
    case RULE_WAIT:
    case RULE_BAN: return compile_duration(c, s, rule);
    case RULE_DOUBT: return compile_doubt(c, s, rule);
    case RULE_PASS:
    case RULE_TRUST:
    case RULE_JUNK:
    case RULE_MARK:
    case RULE_KIND_COUNT: break;
    }
    return 0;
}

static void check_phase(struct compiler *c, const struct rule_syntax *s)
{
    if (!(actions[s->kind].phases & (1u << s->phase))) {
        compile_error(c, s->action.place,
                      s->kind == RULE_WAIT ? "wait at mail or rcpt instead"
                                           : "move it to rcpt or message",
                      "%s cannot stand at %s", actions[s->kind].name, phase_name(s->phase));
    }
}

/* "when A unless B" is A and not B; either may be missing. False after an error. */
static bool compile_conditions(struct compiler *c, const struct rule_syntax *s,
                               const struct node **ret)
{
    struct node *when = NULL, *unless = NULL;

    if (s->when != NULL) {
        when = condition_compile(c, s->when);
    }
    if (s->unless != NULL) {
        unless = condition_compile(c, s->unless);
        unless = unless != NULL
                     ? node_new(c, EXPRESSION_NOT, TYPE_BOOL, s->unless->place, unless, NULL)
                     : NULL;
    }
    bool good = (s->when == NULL || when != NULL) && (s->unless == NULL || unless != NULL);
    if (good && when != NULL && unless != NULL) {
        *ret = node_new(c, EXPRESSION_AND, TYPE_BOOL, when->x.place, when, unless);
        return *ret != NULL;
    }
    *ret = when != NULL ? when : unless;
    return good;
}

/* "gatepost.conf:23" */
static const char *where(struct compiler *c, struct place place)
{
    const char *slash = strrchr(place.source->name, '/');

    return arena_printf(c->arena, "%s:%u", slash != NULL ? slash + 1 : place.source->name,
                        place.line)
        .p;
}

struct made_rule *rule_compile(struct compiler *c, const struct rule_syntax *s)
{
    struct made_rule *made = arena_zalloc(c->arena, sizeof(*made));
    struct rule *rule = &made->rule;
    size_t errors = c->findings->errors;

    rule->kind = s->kind;
    rule->phase = s->phase;
    rule->observe = s->observe;
    rule->now = word_given(&s->now);
    rule->silent = s->silent;
    rule->all = s->all;
    rule->place = s->place;
    rule->where = where(c, s->place);
    rule->written = s->shown;
    rule->label = arena_printf(c->arena, "%s %s", rule->where, actions[rule->kind].name).p;
    made->syntax = s;
    check_phase(c, s);
    (void)compile_action(c, s, rule);
    (void)rule_text_compile(c, s, &rule->text);
    bool good = compile_conditions(c, s, &made->condition);
    if (made->condition != NULL) {
        uses_check(c, made->condition, s->phase);
        rule->condition = &made->condition->x;
    }
    /* What a set has wrong is told there, and only once. */
    return good && c->findings->errors == errors ? made : NULL;
}
