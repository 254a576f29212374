/* See rule_text.h. */
#include "policy/rule_text.h"

#include <errno.h>

/* Fields that say what the message is, how it came, or what became of it: another one of these
 * would change it or deceive whoever reads it. Those that end in "-" are beginnings. */
static const char *const kept_fields[] = {"Apparently-To",
                                          "ARC-",
                                          "Authentication-Results",
                                          "Auto-Submitted",
                                          "Bcc",
                                          "Cc",
                                          "Comments",
                                          "Content-",
                                          "Date",
                                          "Delivered-To",
                                          "Disposition-",
                                          "DKIM-",
                                          "DomainKey-",
                                          "Encrypted",
                                          "Envelope-To",
                                          "Errors-To",
                                          "From",
                                          "In-Reply-To",
                                          "Keywords",
                                          "List-",
                                          "Message-ID",
                                          "MIME-",
                                          "Original-",
                                          "Precedence",
                                          "Received",
                                          "Received-SPF",
                                          "References",
                                          "Reply-To",
                                          "Resent-",
                                          "Return-",
                                          "Sender",
                                          "Status",
                                          "Subject",
                                          "To"};

static bool is_kept_field(struct slice name)
{
    for (size_t i = 0; i < sizeof(kept_fields) / sizeof(kept_fields[0]); i++) {
        struct slice kept = slice_of(kept_fields[i]);
        struct slice begin = {name.p, name.n < kept.n ? name.n : kept.n};
        bool beginning = kept.p[kept.n - 1] == '-';
        if (slice_eq_nocase(beginning ? begin : name, kept)) {
            return true;
        }
    }
    return false;
}

/* Not empty, not too long, printable ASCII alone. */
static int check_text(struct compiler *c, const struct word *text, size_t most)
{
    if (text->text.n == 0) {
        compile_error(c, text->place, "whoever reads the reply must learn the reason",
                      "expected a text, found an empty one");
        return -EINVAL;
    }
    if (text->text.n > most) {
        compile_error(c, word_place(text, most), NULL, "expected a text of at most %zu octets",
                      most);
        return -EINVAL;
    }
    for (size_t i = 0; i < text->text.n; i++) {
        if (text->text.p[i] < ' ' || text->text.p[i] > '~') {
            compile_error(c, word_place(text, i), NULL,
                          "expected printable ASCII only, since every mail server must show it");
            return -EINVAL;
        }
    }
    return 0;
}

/* "Name: value", RFC 5322 2.2. */
static int check_field(struct compiler *c, const struct word *text)
{
    static const char advice[] = "such as \"X-Spam-Level: high\"";
    struct slice s = text->text;
    const char *colon = memchr(s.p, ':', s.n);
    struct slice name = {s.p, colon != NULL ? (size_t)(colon - s.p) : 0};
    char shown[WORD_SHOWN_MAX];

    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == ' ' || name.p[i] == '%') {
            compile_error(c, word_place(text, i), advice,
                          "expected a header field's name before the colon");
            return -EINVAL;
        }
    }
    if (name.n == 0 || s.n < name.n + 3 || colon[1] != ' ' || colon[2] == ' ') {
        compile_error(c, text->place, advice, "expected a header field, \"Name: value\"");
        return -EINVAL;
    }
    if (is_kept_field(name)) {
        compile_error(c, text->place, advice,
                      "the field %s is part of the message itself; mark by a field of your own",
                      word_show(name, shown));
        return -EINVAL;
    }
    return 0;
}

static int compile_field(struct compiler *c, const struct rule_syntax *s,
                         const struct text_template **ret)
{
    const struct word standard = {SLICE_LIT(MARK_STANDARD), s->place, NULL};

    if (!word_given(&s->text)) {
        return template_parse(c, &standard, s->phase, ret);
    }
    int r = check_text(c, &s->text, FIELD_WRITTEN_MOST);
    if (r == 0) {
        r = check_field(c, &s->text);
    }
    return r < 0 ? r : template_parse(c, &s->text, s->phase, ret);
}

int rule_text_compile(struct compiler *c, const struct rule_syntax *s,
                      const struct text_template **ret)
{
    if (s->kind == RULE_MARK) {
        return compile_field(c, s, ret);
    }
    if (!word_given(&s->text)) {
        return 0;
    }
    int r = check_text(c, &s->text, TEXT_WRITTEN_MOST);
    return r < 0 ? r : template_parse(c, &s->text, s->phase, ret);
}
