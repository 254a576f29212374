/* What the SPF check asks the DNS, what the answers mean for it (RFC 7208 2.6, 4.4, 5), and its
 * limits (4.6.4). */
#include <stdarg.h>
#include <stdio.h>

#include "auth/spf_impl.h"
#include "rt/rt.h"

int spf_problem(struct spf_check *c, int error, const char *format, ...)
{
    char text[SPF_TEXT_MOST];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    c->problem = spf_clean(c->arena, slice_of(text));
    return error;
}

struct slice spf_clean(struct arena *arena, struct slice text)
{
    size_t n = text.n < SPF_TEXT_MOST ? text.n : SPF_TEXT_MOST;
    char *clean = arena_alloc(arena, n + 1);

    for (size_t i = 0; i < n; i++) {
        clean[i] = '?';
        if (text.p[i] >= ' ' && text.p[i] <= '~') {
            clean[i] = text.p[i];
        }
    }
    clean[n] = '\0';
    return (struct slice){clean, n};
}

int spf_count_lookup(struct spf_check *c)
{
    if (c->explaining || c->lookups < SPF_LOOKUPS_MOST) {
        c->lookups += !c->explaining;
        return 0;
    }
    return spf_problem(c, SPF_PERMERROR, "more than %d terms that ask the DNS", SPF_LOOKUPS_MOST);
}

int spf_count_void(struct spf_check *c)
{
    if (c->explaining || c->void_counted) {
        return 0;
    }
    c->void_counted = true;
    if (c->voids < SPF_VOIDS_MOST) {
        c->voids++;
        return 0;
    }
    return spf_problem(c, SPF_PERMERROR, "more than %d terms to which the DNS has nothing",
                       SPF_VOIDS_MOST);
}

int spf_ask(struct spf_check *c, struct dns_question *questions, size_t n, struct arena *arena)
{
    usec_t now = rt_now(), whole = c->query->deadline;
    usec_t left = whole - now, most = c->query->question_time;
    int r = 0;

    if (left > 0) {
        r = resolver_ask(c->query->resolver, questions, n, now + (most < left ? most : left),
                         arena);
    }
    return r == 0 && rt_now() >= whole
               ? spf_problem(c, SPF_TEMPERROR, "the DNS took too long in all")
               : r;
}

int spf_use(struct spf_check *c, const struct dns_question *q)
{
    char name[DNS_NAME_TEXT_MAX];

    switch (q->answer.state) {
    case DNS_ANSWER: return 1;
    case DNS_NODATA:
    case DNS_NO_NAME: return spf_count_void(c);
    default: break;
    }
    dns_name_format(&q->name, name);
    return spf_problem(c, SPF_TEMPERROR, "%s for %s of %s", dns_state_name(q->answer.state),
                       dns_type_name(q->type), name);
}

int spf_look_up(struct spf_check *c, struct slice name, enum dns_type type,
                const struct dns_answer **ret)
{
    struct dns_question *q = arena_zalloc(&c->scratch, sizeof(*q));

    q->type = type;
    if (dns_name_parse(name, &q->name) < 0) {
        return 0;
    }
    int r = spf_ask(c, q, 1, &c->scratch);
    *ret = &q->answer;
    return r < 0 ? r : spf_use(c, q);
}
