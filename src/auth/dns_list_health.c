/* See auth/dns_list_health.h. A list is looked into by a task with a scope of its own; those that
 * need to know how it is for the first time wait for it. */
#include "auth/dns_list_health.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/list.h"

#define LOOK_EVERY        (300 * USEC_SEC)
#define LOOK_EVERY_UNWELL (60 * USEC_SEC)
#define WHY_MOST          120

enum list_state { LIST_NOT_KNOWN, LIST_WELL, LIST_UNWELL };

struct list_health {
    struct list link;
    struct dns_lists *owner;
    enum list_kind kind;
    struct dns_name zone;
    char zone_text[DNS_NAME_TEXT_MAX];
    enum list_state state;
    usec_t since;         /* in that state */
    usec_t next_look;     /* on rt_now()'s clock */
    usec_t question_time; /* as it was when the look began */
    bool looking;
    struct scope *scope; /* the looking task's, while it can be cancelled */
    struct cond looked;
    char why[WHY_MOST];
};

struct dns_lists {
    struct rt *rt;
    struct resolver *resolver;
    dns_lists_tell *tell;
    void *arg;
    struct list lists; /* struct list_health, in the order of their first use */
    bool draining;
};

struct dns_lists *dns_lists_new(struct rt *rt, struct resolver *r, dns_lists_tell *tell, void *arg)
{
    struct dns_lists *l = xcalloc(1, sizeof(*l));

    *l = (struct dns_lists){.rt = rt, .resolver = r, .tell = tell, .arg = arg};
    list_init(&l->lists);
    return l;
}

void dns_lists_drain(struct dns_lists *l)
{
    l->draining = true;
    list_for_each (it, &l->lists) {
        struct list_health *h = list_entry(it, struct list_health, link);
        if (h->scope != NULL) {
            scope_cancel(h->scope, -ESHUTDOWN);
        }
    }
}

bool dns_lists_look(const struct dns_lists *l)
{
    list_for_each (it, &l->lists) {
        if (list_entry(it, struct list_health, link)->looking) {
            return true;
        }
    }
    return false;
}

struct dns_lists *dns_lists_free(struct dns_lists *l)
{
    struct list *it;

    if (l == NULL) {
        return NULL;
    }
    while ((it = list_pop_front(&l->lists)) != NULL) {
        struct list_health *h = list_entry(it, struct list_health, link);
        if (h->looking) {
            panic("a look at the DNS list %s outlived its worker", h->zone_text);
        }
        free(h);
    }
    free(l);
    return NULL;
}

struct resolver *dns_lists_resolver(const struct dns_lists *l)
{
    return l->resolver;
}

/* ---- how a list is ---- */

static void tell(const struct list_health *h, bool trouble, const char *what)
{
    char line[DNS_NAME_TEXT_MAX + WHY_MOST + 80];

    if (h->owner->tell != NULL) {
        (void)snprintf(line, sizeof(line), "DNS list %s %s%s", h->zone_text, what, h->why);
        h->owner->tell(h->owner->arg, trouble, line);
    }
}

static void set_well(struct list_health *h)
{
    const bool again = h->state == LIST_UNWELL;

    if (h->state != LIST_WELL) {
        h->state = LIST_WELL;
        h->since = rt_now_of(h->owner->rt);
    }
    h->why[0] = '\0';
    if (again) {
        tell(h, false, "is well again and counts");
    }
}

/* `why` says it of the list: "does not list 127.0.0.2". */
static void set_unwell(struct list_health *h, const char *why, const char *object)
{
    const bool news = h->state != LIST_UNWELL;

    (void)snprintf(h->why, sizeof(h->why), "%s%s", why, object);
    if (news) {
        h->state = LIST_UNWELL;
        h->since = rt_now_of(h->owner->rt);
        tell(h, true, "is not well, and does not count until it is: it ");
    }
}

bool list_health_believes(struct list_health *h, const struct dns_answer *a)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct addr *address = &a->records[i].address;
        char text[ADDR_TEXT_MAX];
        if (!list_answer_counts(address)) {
            set_unwell(h,
                       address->octets[0] == 127 ? "does not answer us, and says so by "
                                                 : "answers as no list does, by ",
                       addr_format(address, text));
            return false;
        }
    }
    return true;
}

/* ---- looking into it ---- */

enum { ON_IT, NOT_ON_IT, QUESTIONS };

/* What each list has on it, and what none has (RFC 5782 5). */
static const char *const entries[][QUESTIONS] = {
    [LIST_OF_ADDRESSES] = {[ON_IT] = "127.0.0.2", [NOT_ON_IT] = "127.0.0.1"},
    [LIST_OF_DOMAINS] = {[ON_IT] = "test", [NOT_ON_IT] = "invalid"},
};

/* False where the name would be too long. */
static bool name_entry(const struct list_health *h, const char *entry, struct dns_name *ret)
{
    struct addr a;

    if (h->kind == LIST_OF_ADDRESSES) {
        return addr_parse(slice_of(entry), &a) == 0 && dns_name_reverse(&a, &h->zone, ret) == 0;
    }
    return dns_name_parse(slice_of(entry), ret) == 0 && dns_name_join(ret, &h->zone) == 0;
}

static void conclude(struct list_health *h, const struct dns_question *q)
{
    for (size_t i = 0; i < QUESTIONS; i++) {
        const struct dns_answer *a = &q[i].answer;
        const char *entry = entries[h->kind][i];
        const bool none = a->state == DNS_NODATA || a->state == DNS_NO_NAME;
        if (a->state != DNS_ANSWER && !none) {
            set_unwell(h, "has no answer: ", dns_state_name(a->state));
            return;
        }
        if (!none && !list_health_believes(h, a)) {
            return;
        }
        if (none == (i == ON_IT)) {
            set_unwell(h, none ? "does not list " : "lists ", entry);
            return;
        }
    }
    set_well(h);
}

static int ask_entries(struct list_health *h, struct dns_question *q, struct arena *arena)
{
    for (size_t i = 0; i < QUESTIONS; i++) {
        q[i].type = DNS_A;
        if (!name_entry(h, entries[h->kind][i], &q[i].name)) {
            return -EINVAL;
        }
    }
    return resolver_ask(h->owner->resolver, q, QUESTIONS, rt_now() + h->question_time, arena);
}

static void look(void *arg)
{
    struct list_health *h = arg;
    struct arena arena;
    struct scope scope;

    arena_init(&arena);
    scope_enter(&scope);
    h->scope = &scope;
    struct dns_question *q = arena_zalloc(&arena, QUESTIONS * sizeof(*q));
    int error = h->owner->draining ? -ECANCELED : ask_entries(h, q, &arena);
    h->scope = NULL;
    scope_leave(&scope);
    if (error == 0) {
        conclude(h, q);
    } else if (error == -EINVAL) {
        set_unwell(h, "has a name that is too long", "");
    }
    h->next_look = rt_now() + (h->state == LIST_WELL ? LOOK_EVERY : LOOK_EVERY_UNWELL);
    h->looking = false;
    cond_wake_all(&h->looked);
    arena_free(&arena);
}

static void look_if_due(struct list_health *h, const struct auth_clock *c)
{
    struct rt *rt = h->owner->rt;

    if (h->looking || h->owner->draining || rt_now_of(rt) < h->next_look) {
        return;
    }
    h->looking = true;
    h->question_time = c->question_time;
    if (task_spawn(rt, rt_root_of(rt), look, h) < 0) {
        h->looking = false; /* the next use tries again */
    }
}

struct list_health *list_health_of(struct dns_lists *l, enum list_kind kind,
                                   const struct dns_name *zone, const struct auth_clock *c)
{
    struct list_health *h = NULL;

    list_for_each (it, &l->lists) {
        struct list_health *one = list_entry(it, struct list_health, link);
        if (one->kind == kind && dns_name_eq(&one->zone, zone)) {
            h = one;
        }
    }
    if (h == NULL) {
        h = xcalloc(1, sizeof(*h));
        h->owner = l;
        h->kind = kind;
        h->zone = *zone;
        (void)dns_name_format(zone, h->zone_text);
        cond_init(&h->looked);
        list_init(&h->link);
        list_push_back(&l->lists, &h->link);
    }
    look_if_due(h, c);
    return h;
}

int list_health_await(struct list_health *h, usec_t deadline, enum dns_state *ret)
{
    int r = 0;

    while (r == 0 && h->state == LIST_NOT_KNOWN && h->looking) {
        r = cond_wait(&h->looked, deadline);
    }
    if (r == -ECANCELED) {
        return r;
    }
    *ret = h->state == LIST_WELL ? DNS_ANSWER : r == -ETIMEDOUT ? DNS_TIMED_OUT : DNS_FAILED;
    return 0;
}

size_t dns_lists_figures(const struct dns_lists *l, struct dns_list_figure *ret, size_t max)
{
    size_t count = 0;

    list_for_each (it, &l->lists) {
        const struct list_health *h = list_entry(it, struct list_health, link);
        if (h->state == LIST_NOT_KNOWN) {
            continue;
        }
        if (count < max) {
            ret[count] = (struct dns_list_figure){
                .zone = h->zone_text,
                .domains = h->kind == LIST_OF_DOMAINS,
                .well = h->state == LIST_WELL,
                .since = h->since,
                .why = h->why,
            };
        }
        count++;
    }
    return count;
}
