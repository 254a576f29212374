/* See parse/decision_mention.h. The text is looked at as it is, with quoted-printable undone, and
 * what it has in base64; then each of these with its line ends taken out: an id is whole in one of
 * them. */
#include "parse/decision_mention.h"

#include <string.h>

#include "parse/mail_undo.h"

/* Digits of a number; more are no number of ours. */
#define DIGITS_MOST 9

/* The alphabet's letter for one that was typed, 0 for none (Crockford: o is 0, i and l are 1). */
static char letter(char c)
{
    if (c >= 'a' && c <= 'z') {
        c = (char)(c & ~0x20);
    }
    c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
    return c != '\0' && strchr(DECISION_ID_ALPHABET, c) != NULL ? c : '\0';
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* ".12" at the beginning of the text: takes it off. */
static bool take_number(struct slice *text, unsigned *ret)
{
    unsigned number = 0;
    size_t n = 1;

    if (text->n < 2 || text->p[0] != '.') {
        return false;
    }
    while (n < text->n && n <= DIGITS_MOST && text->p[n] >= '0' && text->p[n] <= '9') {
        number = number * 10 + (unsigned)(text->p[n++] - '0');
    }
    if (n == 1 || (n < text->n && is_word(text->p[n]))) {
        return false;
    }
    *ret = number;
    *text = (struct slice){text->p + n, text->n - n};
    return true;
}

/* The mention that begins with the text, which is the beginning of a word. */
static bool take_mention(struct slice text, struct decision_mention *ret)
{
    *ret = (struct decision_mention){0};
    if (text.n < DECISION_ID_LEN) {
        return false;
    }
    for (size_t i = 0; i < DECISION_ID_LEN; i++) {
        ret->connection[i] = letter(text.p[i]);
        if (ret->connection[i] == '\0') {
            return false;
        }
    }
    struct slice rest = {text.p + DECISION_ID_LEN, text.n - DECISION_ID_LEN};
    if (rest.n > 0 && is_word(rest.p[0])) {
        return false;
    }
    ret->has_transaction = take_number(&rest, &ret->transaction);
    if (ret->has_transaction && !take_number(&rest, &ret->recipient)) {
        ret->recipient = 0;
    }
    return true;
}

struct finding_mentions {
    struct decision_mention *found;
    size_t count;
    size_t most;
};

static bool is_same(const struct decision_mention *a, const struct decision_mention *b)
{
    return strcmp(a->connection, b->connection) == 0 && a->has_transaction == b->has_transaction &&
           a->transaction == b->transaction && a->recipient == b->recipient;
}

static void keep(struct finding_mentions *f, const struct decision_mention *m)
{
    for (size_t i = 0; i < f->count; i++) {
        if (is_same(&f->found[i], m)) {
            return;
        }
    }
    if (f->count < f->most) {
        f->found[f->count++] = *m;
    }
}

/* 0: in brackets; 1: with a number; 2: a word alone. */
static int rank(const struct decision_mention *m)
{
    return m->in_brackets && m->has_transaction ? 0 : m->has_transaction ? 1 : 2;
}

static void look_for(struct finding_mentions *f, struct slice text, int wanted)
{
    for (size_t i = 0; i + DECISION_ID_LEN <= text.n && f->count < f->most; i++) {
        struct decision_mention m;
        if (i > 0 && is_word(text.p[i - 1])) {
            continue;
        }
        if (take_mention((struct slice){text.p + i, text.n - i}, &m)) {
            m.in_brackets = i > 0 && text.p[i - 1] == '[';
            if (rank(&m) == wanted) {
                keep(f, &m);
            }
        }
    }
}

/* In a text as it is, and with its line ends taken out. */
struct reading {
    struct slice text;
    struct buf joined;
};

static void look_in_all(struct finding_mentions *f, struct reading *readings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mail_undo_lines(readings[i].text, &readings[i].joined);
    }
    for (int wanted = 0; wanted <= 2; wanted++) {
        for (size_t i = 0; i < n; i++) {
            look_for(f, readings[i].text, wanted);
        }
        for (size_t i = 0; i < n; i++) {
            look_for(f, buf_slice(&readings[i].joined), wanted);
        }
    }
    for (size_t i = 0; i < n; i++) {
        buf_free(&readings[i].joined);
    }
}

size_t decision_mentions(struct slice text, struct decision_mention *ret, size_t most)
{
    struct finding_mentions f = {ret, 0, most};
    struct buf printable = {0}, base64 = {0};

    if (text.n > DECISION_MENTION_TEXT_MOST) {
        text.n = DECISION_MENTION_TEXT_MOST;
    }
    mail_undo_quoted_printable(text, &printable);
    mail_undo_base64(text, &base64);
    struct reading readings[] = {
        {.text = text}, {.text = buf_slice(&printable)}, {.text = buf_slice(&base64)}};
    look_in_all(&f, readings, sizeof(readings) / sizeof(readings[0]));
    buf_free(&printable);
    buf_free(&base64);
    return f.count;
}
