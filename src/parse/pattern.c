/* PCRE2 behind bounds.
 *
 * A callout before each item of the pattern (PCRE2_AUTO_CALLOUT) counts the work: CALLOUT_COST for
 * itself and one for each octet the match has moved since the last one, forwards or backwards. That
 * holds over all places where a match may begin. It makes a match that backtracks two to three
 * times slower; most texts are turned down before the first callout, by the first or the last octet
 * that any match must have.
 *
 * PCRE2's JIT is not used: it wants memory that can be written and executed, which a confined
 * worker may not have, and takes a microsecond off a match, or adds some to it (decision 014).
 *
 * A task's stack is small: PCRE2 keeps its frames in the match data (since 10.41). */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "parse/pattern.h"
#include "parse/utf8.h"

/* In octets; about what it costs. */
#define CALLOUT_COST   16
#define TRY_COST       100

#define DEPTH_LIMIT    10000
#define HEAP_LIMIT_KIB 2048

struct pattern {
    pcre2_code *code;
};

/* What all matches of the process share. Nothing that matters is kept from one to the next. */
struct matcher {
    pcre2_match_context *context;
    pcre2_match_data *data;
};

struct work {
    size_t done;
    size_t most;
    size_t position;
};

static int count_work(pcre2_callout_block *block, void *arg)
{
    struct work *w = arg;
    const size_t position = block->current_position;

    w->done += CALLOUT_COST;
    w->done += position > w->position ? position - w->position : w->position - position;
    w->position = position;
    return w->done > w->most ? PCRE2_ERROR_CALLOUT : 0;
}

/* ---- compiling ---- */

static pcre2_compile_context *compile_context(void)
{
    pcre2_compile_context *c = pcre2_compile_context_create(NULL);

    if (c == NULL) {
        fatal("out of memory: no PCRE2 context");
    }
    pcre2_set_max_pattern_length(c, PATTERN_LENGTH_LIMIT);
    pcre2_set_parens_nest_limit(c, PATTERN_NEST_LIMIT);
    return c;
}

static int cause_of(int error, char *ret_why, size_t why_size)
{
    PCRE2_UCHAR text[256];

    if (pcre2_get_error_message(error, text, sizeof(text)) < 0) {
        (void)snprintf((char *)text, sizeof(text), "PCRE2's error %d", error);
    }
    (void)snprintf(ret_why, why_size, "%s", (const char *)text);
    return -EINVAL;
}

int pattern_compile(struct slice text, bool caseless, struct pattern **ret, char *ret_why,
                    size_t why_size, size_t *ret_offset)
{
    const uint32_t options =
        PCRE2_UTF | PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C | (caseless ? PCRE2_CASELESS : 0);
    pcre2_compile_context *context = compile_context();
    PCRE2_SIZE offset = 0;
    int error;

    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n, options,
                                     &error, &offset, context);
    pcre2_compile_context_free(context);
    if (code == NULL) {
        *ret_offset = offset < text.n ? offset : text.n;
        return cause_of(error, ret_why, why_size);
    }
    *ret = xmalloc(sizeof(**ret));
    (*ret)->code = code;
    return 0;
}

struct pattern *pattern_free(struct pattern *p)
{
    if (p != NULL) {
        pcre2_code_free(p->code);
        free(p);
    }
    return NULL;
}

/* ---- matching ---- */

static void matcher_make(struct matcher *m)
{
    m->context = pcre2_match_context_create(NULL);
    m->data = pcre2_match_data_create(1, NULL);
    if (m->context == NULL || m->data == NULL) {
        fatal("out of memory: no PCRE2 context");
    }
    (void)pcre2_set_match_limit(m->context, PATTERN_MATCH_LIMIT);
    (void)pcre2_set_depth_limit(m->context, DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(m->context, HEAP_LIMIT_KIB);
}

static const struct matcher *matcher(void)
{
    static struct matcher m;

    if (m.context == NULL) {
        matcher_make(&m);
    }
    return &m;
}

/* A copy with U+FFFD for each octet that is no part of a character. */
static struct slice with_replacements(struct slice text, size_t wrong)
{
    static const char replacement[] = {(char)0xef, (char)0xbf, (char)0xbd};
    char *copy = xmalloc(text.n + wrong * (sizeof(replacement) - 1) + 1);
    char *end = copy;
    uint32_t c;

    for (size_t i = 0; i < text.n;) {
        const size_t n = utf8_take(text.p + i, text.n - i, &c);
        end = mempcpy(end, n > 0 ? text.p + i : replacement, n > 0 ? n : sizeof(replacement));
        i += n > 0 ? n : 1;
    }
    return (struct slice){copy, (size_t)(end - copy)};
}

void pattern_subject_init(struct pattern_subject *s, struct slice text)
{
    static const struct pattern_limits usual = {PATTERN_SUBJECT_LIMIT, PATTERN_WORK_LIMIT,
                                                (size_t)PATTERN_WORK_LIMIT * 10};

    pattern_subject_init_within(s, text, &usual);
}

void pattern_subject_init_within(struct pattern_subject *s, struct slice text,
                                 const struct pattern_limits *limits)
{
    *s = (struct pattern_subject){.text = text, .limits = *limits, .work = limits->all};
}

void pattern_subject_fini(struct pattern_subject *s)
{
    free(s->copy);
    s->copy = NULL;
}

void pattern_subject_settle(struct pattern_subject *s)
{
    const size_t wrong = s->checked ? 0 : utf8_wrong(s->text.p, s->text.n);

    s->checked = true;
    if (wrong > 0) {
        s->text = with_replacements(s->text, wrong);
        s->copy = (char *)s->text.p;
    }
}

static int try_from(const struct pattern *p, struct pattern_subject *s, size_t at, uint32_t options)
{
    const struct matcher *m = matcher();
    struct work work = {.most = s->work < s->limits.each ? s->work : s->limits.each,
                        .done = TRY_COST,
                        .position = at};

    if (s->work == 0 || (!s->checked && s->text.n > s->limits.subject)) {
        return -E2BIG;
    }
    pattern_subject_settle(s);
    (void)pcre2_set_callout(m->context, count_work, &work);
    int r = pcre2_match(p->code, (PCRE2_SPTR)(s->text.n > 0 ? s->text.p : ""), s->text.n, at,
                        options | PCRE2_NO_UTF_CHECK, m->data, m->context);
    s->work -= work.done < s->work ? work.done : s->work;
    if (r >= 0) {
        return 1;
    }
    return r == PCRE2_ERROR_NOMATCH ? 0 : -E2BIG;
}

int pattern_try(const struct pattern *p, struct pattern_subject *s)
{
    return try_from(p, s, 0, 0);
}

int pattern_try_at(const struct pattern *p, struct pattern_subject *s, size_t at)
{
    return try_from(p, s, at, PCRE2_ANCHORED);
}

int pattern_match(const struct pattern *p, struct slice subject)
{
    struct pattern_subject s;

    pattern_subject_init(&s, subject);
    int r = pattern_try(p, &s);
    pattern_subject_fini(&s);
    return r;
}
