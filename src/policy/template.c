/* Texts with facts in them, filled in. Their facts come from strangers: what goes out is short, in
 * one line, and nothing that a terminal or a mail reader would interpret. */
#include <string.h>

#include "policy/needs.h"
#include "policy/template.h"

/* At the end of what was cut. */
static const struct slice cut_mark = SLICE_LIT("...");

struct output {
    char text[TEMPLATE_WHOLE_MOST];
    size_t n;
    bool cut;
};

static void put(struct output *out, const char *p, size_t n)
{
    const size_t room = sizeof(out->text) - out->n;

    if (n > room) {
        out->cut = true;
        n = room;
    }
    if (n > 0) {
        memcpy(out->text + out->n, p, n);
        out->n += n;
    }
}

/* A character of UTF-8 becomes one "?", and so does any other octet that cannot be printed; line
 * ends and tabs are blanks. */
static void put_fact(struct output *out, struct slice text)
{
    char clean[TEMPLATE_FACT_MOST];
    size_t n = 0;
    bool cut = false;

    for (size_t i = 0; i < text.n && !cut; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        if ((c & 0xc0) == 0x80 && i > 0 && ((unsigned char)text.p[i - 1] & 0x80) != 0) {
            continue;
        }
        if (n == sizeof(clean)) {
            cut = true;
        } else if (c == '\t' || c == '\n' || c == '\r') {
            clean[n++] = ' ';
        } else {
            clean[n++] = c < 0x20 || c > 0x7e ? '?' : (char)c;
        }
    }
    if (cut) {
        memcpy(clean + sizeof(clean) - cut_mark.n, cut_mark.p, cut_mark.n);
    }
    put(out, clean, n);
}

/* Makes room for the mark, without half a character in front of it. */
static void end_cut(struct output *out)
{
    size_t n = sizeof(out->text) - cut_mark.n;

    while (n > 0 && ((unsigned char)out->text[n] & 0xc0) == 0x80) {
        n--;
    }
    memcpy(out->text + n, cut_mark.p, cut_mark.n);
    out->n = n + cut_mark.n;
}

struct slice template_fill(const struct text_template *t, const struct evidence *e)
{
    struct output out;
    struct value value;

    if (t->count == 0) {
        return SLICE_LIT("");
    }
    if (t->count == 1 && t->parts[0].use == NULL && t->parts[0].literal.n <= sizeof(out.text)) {
        return t->parts[0].literal;
    }
    out.n = 0;
    out.cut = false;
    for (size_t i = 0; i < t->count; i++) {
        const struct fact_use *use = t->parts[i].use;
        put(&out, t->parts[i].literal.p, t->parts[i].literal.n);
        if (use != NULL && fact_peek(use, e, &value)) {
            put_fact(&out, fact_text(use, &value, e->arena));
        } else if (use != NULL) {
            put_fact(&out, SLICE_LIT("unknown"));
        }
    }
    if (out.cut) {
        end_cut(&out);
    }
    while (out.n > 0 && out.text[out.n - 1] == ' ') { /* a fact at the end may say nothing */
        out.n--;
    }
    return arena_copy(e->arena, (struct slice){out.text, out.n});
}

bool template_weigh(const struct text_template *t, const struct evidence *e, struct needs *needs)
{
    bool lacks = false;
    struct value value;

    for (size_t i = 0; t != NULL && i < t->count; i++) {
        if (t->parts[i].use != NULL && !fact_peek(t->parts[i].use, e, &value)) {
            needs_add(needs, t->parts[i].use, evidence_scratch(e));
            lacks = true;
        }
    }
    return lacks;
}
