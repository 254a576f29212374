/* Texts with facts in them: "%{NAME}", "%{NAME(PARAMETER)}" with or without quotes around the
 * parameter, and "%%". */
#include "policy/template.h"

#include <errno.h>

#include "policy/compiler.h"

/* What is being read of one text. */
struct reading {
    struct compiler *c;
    const struct word *string;
    enum phase phase;
    struct buf literal; /* in front of the next fact, "%%" undone */
    struct buf parts;   /* struct template_part */
};

static void add_part(struct reading *r, const struct fact_use *use)
{
    struct template_part part = {arena_copy(r->c->arena, buf_slice(&r->literal)), use};

    buf_append(&r->parts, &part, sizeof(part));
    r->literal.n = 0;
}

static struct slice strip(struct slice text, char c)
{
    while (text.n > 0 && text.p[0] == c) {
        text.p++;
        text.n--;
    }
    while (text.n > 0 && text.p[text.n - 1] == c) {
        text.n--;
    }
    return text;
}

/* Takes what is in front of the next comma off `*text`. */
static struct slice next_parameter(struct slice *text)
{
    const char *comma = memchr(text->p, ',', text->n);
    struct slice one = {text->p, comma != NULL ? (size_t)(comma - text->p) : text->n};
    size_t taken = comma != NULL ? one.n + 1 : one.n;

    *text = (struct slice){text->p + taken, text->n - taken};
    return strip(strip(one, ' '), '"');
}

/* "(A, B)" behind a name, or nothing. How many there are, with those that fit; -EINVAL for no
 * parameters. */
static int take_parameters(struct slice text, struct slice *ret, unsigned most)
{
    int count = 0;

    if (text.n == 0) {
        return 0;
    }
    if (text.p[text.n - 1] != ')') {
        return -EINVAL;
    }
    text = (struct slice){text.p + 1, text.n - 2};
    while (text.n > 0) {
        struct slice one = next_parameter(&text);
        if (one.n == 0) {
            return -EINVAL;
        }
        if ((unsigned)count < most) {
            ret[count] = one;
        }
        count++;
    }
    return count;
}

static const struct fact_use *find_use(struct reading *r, struct slice inner, struct place place)
{
    const char *open = inner.n > 0 ? memchr(inner.p, '(', inner.n) : NULL;
    struct slice name = {inner.p, open != NULL ? (size_t)(open - inner.p) : inner.n};
    struct slice behind = {inner.p + name.n, inner.n - name.n};
    const struct fact *fact = fact_find(r->c, name);
    char shown[WORD_SHOWN_MAX];

    if (fact == NULL) {
        const char *close = name_suggest(r->c, name, true, false, false);
        compile_error(r->c, place, close != NULL ? NULL : "%% stands for a percent sign",
                      close != NULL ? "unknown fact %s, did you mean \"%s\"?" : "unknown fact %s",
                      word_show(name, shown), close);
        return NULL;
    }
    if (fact_matches_patterns(fact, NULL)) {
        compile_error(r->c, place, "say in words what was found", "%s has no text to be filled in",
                      fact->name);
        return NULL;
    }
    struct slice *parameters =
        arena_zalloc(r->c->arena, fact->parameters * sizeof(*parameters) + 1);
    if (take_parameters(behind, parameters, fact->parameters) != (int)fact->parameters) {
        compile_error(r->c, place, NULL, "expected %%{%s%s}, found %%{" SLICE_FMT "}", fact->name,
                      fact->parameters > 0 ? "(PARAMETER)" : "", SLICE_ARG(inner));
        return NULL;
    }
    for (unsigned i = 0; i < fact->parameters; i++) {
        if (!parameter_check(r->c, fact, parameters[i], place)) {
            return NULL;
        }
    }
    return use_of(r->c, fact, parameters, place);
}

/* At "%": how many octets it and what belongs to it are; 0 after an error, which ends it all. */
static size_t take_percent(struct reading *r, struct slice rest, size_t offset)
{
    if (rest.n > 1 && rest.p[1] == '%') {
        buf_append(&r->literal, "%", 1);
        return 2;
    }
    const char *closing = rest.n > 1 && rest.p[1] == '{' ? memchr(rest.p, '}', rest.n) : NULL;
    if (closing == NULL) {
        compile_error(r->c, word_place(r->string, offset), "%% stands for a percent sign",
                      "expected %%{FACT} or %%%% behind the percent sign");
        return 0;
    }
    struct place place = word_place(r->string, offset + 2);
    struct slice inner = {rest.p + 2, (size_t)(closing - rest.p) - 2};
    const struct fact_use *use = find_use(r, inner, place);
    if (use == NULL) {
        return 0;
    }
    use_check(r->c, use, r->phase, place, NULL);
    add_part(r, use);
    return inner.n + 3;
}

static int read_all(struct reading *r)
{
    struct slice text = r->string->text;
    size_t at = 0, taken = 1;

    while (at < text.n && taken > 0) {
        if (text.p[at] == '%') {
            taken = take_percent(r, (struct slice){text.p + at, text.n - at}, at);
        } else {
            buf_append(&r->literal, text.p + at, 1);
            taken = 1;
        }
        at += taken;
    }
    return taken > 0 ? 0 : -EINVAL;
}

int template_parse(struct compiler *c, const struct word *string, enum phase phase,
                   const struct text_template **ret)
{
    struct reading reading = {.c = c, .string = string, .phase = phase};
    int r = read_all(&reading);

    if (r == 0) {
        if (reading.literal.n > 0) {
            add_part(&reading, NULL);
        }
        struct text_template *t = arena_alloc(c->arena, sizeof(*t));
        t->count = reading.parts.n / sizeof(struct template_part);
        t->parts = (const void *)arena_copy(c->arena, buf_slice(&reading.parts)).p;
        *ret = t;
    }
    buf_free(&reading.literal);
    buf_free(&reading.parts);
    return r;
}
