/* Statements for what outside scanners say of messages: rules that they ask for each, newest first.
 */
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

/* Takes the kind's name off. */
static bool take_kind(const char **text, enum conf_scanner_kind *ret)
{
    static const char *const names[CONF_SCANNERS] = {
        [CONF_CLAMD] = "clamd", [CONF_RSPAMD] = "rspamd", [CONF_SPAMASSASSIN] = "spamassassin"};
    const size_t n = strcspn(*text, " :");
    for (unsigned i = 0; i < CONF_SCANNERS; i++) {
        if (strlen(names[i]) == n && strncmp(*text, names[i], n) == 0) {
            *ret = (enum conf_scanner_kind)i;
            *text += n;
            *text += strspn(*text, " ");
            return true;
        }
    }
    return false;
}

static void on_message(void *arg, struct slice message, struct scanner_move *ret)
{
    const struct scanner_asks *asks = arg;
    struct run *r = asks->run;
    for (unsigned i = r->scanner_rule_count; i-- > 0;) {
        struct scanner_rule *rule = &r->scanner_rules[i];
        const size_t n = strlen(rule->containing);
        if (rule->used_up || rule->kind != asks->scanner->kind ||
            (n > 0 && memmem(message.p, message.n, rule->containing, n) == NULL)) {
            continue;
        }
        rule->used_up = rule->once;
        *ret = rule->move;
        return;
    }
}

/* ---- rules ---- */

/* N [NAME,…] [to ACTION] */
static bool parse_scores(struct scanner_rule *rule, const char *text)
{
    if (!text_word(&text, rule->score, sizeof rule->score)) {
        return false;
    }
    if (*text != '\0' && strncmp(text, "to ", 3) != 0) {
        (void)text_word(&text, rule->names, sizeof rule->names);
    }
    if (strncmp(text, "to ", 3) == 0) {
        snprintf(rule->action, sizeof rule->action, "%s", text + 3);
        rule->move.action = rule->action;
        text = "";
    }
    rule->move.score = rule->score;
    rule->move.names = rule->names;
    return *text == '\0';
}

/* "STRING" */
static bool parse_says(struct scanner_rule *rule, const char *text)
{
    struct buf octets = {0};
    const char *rest = text_string(&octets, text);
    const bool good = rest != NULL && *rest == '\0' && octets.n <= sizeof rule->text;
    if (good) {
        memcpy(rule->text, octets.p, octets.n);
        rule->move.text = (struct slice){rule->text, octets.n};
    }
    buf_free(&octets);
    return good;
}

static bool parse_finds(struct scanner_rule *rule, const char *text)
{
    snprintf(rule->text, sizeof rule->text, "%s", text);
    rule->move.text = slice_of(rule->text);
    return *text != '\0' && rule->kind == CONF_CLAMD;
}

static bool parse_nothing(struct scanner_rule *rule, const char *text)
{
    (void)rule;
    return *text == '\0';
}

/* [after DURATION] (clean | finds NAME | scores … | says "STRING" | breaks | closes | hangs |
 * floods)
 */
static bool parse_move(struct scanner_rule *rule, const char *text)
{
    static const struct {
        const char *name;
        enum scanner_deed kind;
        bool (*parse)(struct scanner_rule *rule, const char *text);
    } moves[] = {
        {"clean", SCANNER_CLEAN, parse_nothing},   {"finds", SCANNER_FINDS, parse_finds},
        {"scores", SCANNER_SCORES, parse_scores},  {"says", SCANNER_SAYS, parse_says},
        {"breaks", SCANNER_BREAKS, parse_nothing}, {"closes", SCANNER_CLOSES, parse_nothing},
        {"hangs", SCANNER_HANGS, parse_nothing},   {"floods", SCANNER_FLOODS, parse_nothing},
    };
    if (strncmp(text, "after ", 6) == 0) {
        rule->move.delay = text_duration(text + 6, &text);
    }
    for (size_t i = 0; i < sizeof moves / sizeof moves[0] && rule->move.delay >= 0; i++) {
        const size_t n = strlen(moves[i].name);
        if (strncmp(text, moves[i].name, n) == 0 && (text[n] == ' ' || text[n] == '\0')) {
            rule->move.kind = moves[i].kind;
            return moves[i].parse(rule, text + n + strspn(text + n, " "));
        }
    }
    return false;
}

/* scanner KIND [once] [TEXT]: ACTION */
static void st_scanner(struct run *r, const char *rest)
{
    const char *colon = strstr(rest, ": ");
    struct scanner_rule *rule = &r->scanner_rules[r->scanner_rule_count];
    if (r->scanner_rule_count == RULES_MAX) {
        fail(r, "too many rules for scanners");
        return;
    }
    *rule = (struct scanner_rule){0};
    if (colon == NULL || !take_kind(&rest, &rule->kind)) {
        fail(r, "scanner KIND [once] [TEXT]: ACTION");
        return;
    }
    rule->once = strncmp(rest, "once", 4) == 0 && (rest[4] == ' ' || rest[4] == ':');
    rest += rule->once ? 4 + (rest[4] == ' ') : 0;
    if (rest < colon) {
        snprintf(rule->containing, sizeof rule->containing, "%.*s", (int)(colon - rest), rest);
    }
    if (!parse_move(rule, colon + 2)) {
        fail(r, "no action of a scanner: %s", colon + 2);
        return;
    }
    r->scanner_rule_count++;
}

static void st_usual(struct run *r, const char *rest)
{
    (void)rest;
    r->scanner_rule_count = 0;
}

static void listen_or_not(struct run *r, const char *rest, bool on)
{
    enum conf_scanner_kind kind;
    if (!take_kind(&rest, &kind)) {
        fail(r, "there is no such scanner");
        return;
    }
    mail_scanner_listen(r->scanners[kind].scanner, on);
}

static void st_down(struct run *r, const char *rest)
{
    listen_or_not(r, rest, false);
}

static void st_up(struct run *r, const char *rest)
{
    listen_or_not(r, rest, true);
}

/* ---- what must be true ---- */

/* The kind's name off *text, and the scanner; the case fails where there is none. */
static const struct mail_scanner *take_scanner(struct run *r, const char **text)
{
    enum conf_scanner_kind kind;
    if (!take_kind(text, &kind)) {
        fail(r, "there is no such scanner");
        return NULL;
    }
    return r->scanners[kind].scanner;
}

/* expect scanned KIND N */
static void st_scanned(struct run *r, const char *rest)
{
    const struct mail_scanner *m = take_scanner(r, &rest);
    if (m != NULL && m->asked != expected_number(r, rest)) {
        fail(r, "it was asked about %u messages", m->asked);
    }
}

/* expect given KIND N */
static void st_given(struct run *r, const char *rest)
{
    const struct mail_scanner *m = take_scanner(r, &rest);
    if (m != NULL && m->given != expected_number(r, rest)) {
        fail(r, "it was given the descriptors of %u messages", m->given);
    }
}

/* Does `text` fit the pattern? With "*" in front, anywhere. */
static void check_text(struct run *r, struct slice text, const char *pattern, const char *what)
{
    if (!text_matches(pattern, text, false)) {
        fail(r, "%s was %.*s", what, (int)(text.n < 2000 ? text.n : 2000), text.p);
    }
}

/* expect scan KIND PATTERN: the last message that it had. */
static void st_scan(struct run *r, const char *rest)
{
    const struct mail_scanner *m = take_scanner(r, &rest);
    if (m != NULL) {
        check_text(r, buf_slice(&m->message), rest, "the message");
    }
}

/* expect asked KIND PATTERN: the last command, or header, with which it was asked. */
static void st_asked(struct run *r, const char *rest)
{
    const struct mail_scanner *m = take_scanner(r, &rest);
    if (m != NULL) {
        check_text(r, buf_slice(&m->request), rest, "the request");
    }
}

const struct statement scanner_statements[] = {
    {"scanner", st_scanner},
    {"scanner as usual", st_usual},
    {"scanner down", st_down},
    {"scanner up", st_up},
    {NULL},
};

const struct statement scanner_expect_statements[] = {
    {"expect scanned", st_scanned},
    {"expect given", st_given},
    {"expect scan", st_scan},
    {"expect asked", st_asked},
    {NULL},
};

/* ---- beginning and end ---- */

void scanners_begin(struct run *r)
{
    for (unsigned i = 0; i < CONF_SCANNERS; i++) {
        struct mail_scanner *m = mail_scanner_new(r->house, (enum conf_scanner_kind)i);
        r->scanners[i] = (struct scanner_asks){.run = r, .scanner = m};
        m->script = on_message;
        m->script_arg = &r->scanners[i];
    }
}

void scanners_end(struct run *r)
{
    for (unsigned i = 0; i < CONF_SCANNERS; i++) {
        mail_scanner_free(r->scanners[i].scanner);
    }
}

void scanners_check(struct run *r)
{
    for (unsigned i = 0; i < CONF_SCANNERS; i++) {
        const struct mail_scanner *m = r->scanners[i].scanner;
        if (m->open > 0) {
            fail(r, "a scanner has %u connections open", m->open);
        }
        if (m->complaint[0] != '\0' && !r->killed) {
            fail(r, "a scanner complains: %s", m->complaint);
        }
    }
}
