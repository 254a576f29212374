/* See auth/dns_list.h. */
#include "auth/dns_list.h"

#include <stdlib.h>

#include "auth/dns_list_health.h"
#include "base/text.h"
#include "parse/address_literal.h"
#include "parse/helo_name.h"

bool dns_list_zone_fits(struct slice zone)
{
    static const struct addr longest = {.family = ADDR_V6};
    struct dns_name name, whole;

    return dns_name_parse(zone, &name) == 0 && dns_name_labels(&name) > 0 &&
           dns_name_reverse(&longest, &name, &whole) == 0;
}

/* ---- what answers say ---- */

static int compare_slices(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    const int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

    return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

static int compare_addresses(const void *a, const void *b)
{
    const struct addr *x = a, *y = b;

    return memcmp(x->octets, y->octets, 4);
}

/* Those that the filter lets pass, as texts in the order of their numbers. */
static void keep_answers(const struct dns_answer *a, const struct list_filter *f,
                         struct arena *arena, struct dns_list_answer *ret)
{
    struct addr *passed = arena_alloc(arena, a->count * sizeof(*passed));
    size_t count = 0;

    for (size_t i = 0; i < a->count; i++) {
        if (list_filter_matches(f, &a->records[i].address)) {
            passed[count++] = a->records[i].address;
        }
    }
    qsort(passed, count, sizeof(*passed), compare_addresses);
    struct slice *texts = arena_alloc(arena, count * sizeof(*texts));
    for (size_t i = 0; i < count; i++) {
        char text[ADDR_TEXT_MAX];
        if (ret->count == 0 || !addr_same_host(&passed[i], &passed[i - 1])) {
            texts[ret->count++] = arena_copy(arena, slice_of(addr_format(&passed[i], text)));
        }
    }
    ret->answers = texts;
    ret->listed = count > 0;
}

static void understand(const struct dns_answer *a, const struct list_filter *f,
                       struct list_health *h, struct arena *arena, struct dns_list_answer *ret)
{
    *ret = (struct dns_list_answer){.state = DNS_ANSWER};
    if (a->state == DNS_ANSWER && !list_health_believes(h, a)) {
        ret->state = DNS_FAILED;
    } else if (a->state == DNS_ANSWER) {
        keep_answers(a, f, arena, ret);
    } else if (a->state != DNS_NODATA && a->state != DNS_NO_NAME) {
        ret->state = a->state;
    }
}

/* ---- asking ---- */

/* A question for the list, and its health. */
static int ask(struct dns_lists *l, enum list_kind kind, const struct dns_name *zone,
               const struct dns_name *name, const struct list_filter *f, const struct auth_clock *c,
               struct arena *arena, struct dns_list_answer *ret)
{
    struct list_health *h = list_health_of(l, kind, zone, c);
    const usec_t end = auth_question_end(c);
    struct arena scratch;
    struct dns_answer a;
    enum dns_state state = DNS_ANSWER;

    arena_init(&scratch);
    int error = resolver_ask_one(dns_lists_resolver(l), name, DNS_A, end, &scratch, &a);
    if (error == 0) {
        error = list_health_await(h, end, &state);
    }
    if (error == 0) {
        understand(&a, f, h, arena, ret);
        if (state != DNS_ANSWER && ret->state == DNS_ANSWER) {
            *ret = (struct dns_list_answer){.state = state};
        }
    }
    arena_free(&scratch);
    return error;
}

/* The name that is asked for: false where there can be none, so that it is on no list. */
static bool name_of_address(const struct list_filter *f, const struct addr *a,
                            struct dns_name *ret_zone, struct dns_name *ret)
{
    return dns_name_parse(f->zone, ret_zone) == 0 && dns_name_reverse(a, ret_zone, ret) == 0;
}

int dns_list_ask_address(struct dns_lists *l, const struct list_filter *f, const struct addr *a,
                         const struct auth_clock *c, struct arena *arena,
                         struct dns_list_answer *ret)
{
    struct dns_name zone, name;

    if (!name_of_address(f, a, &zone, &name)) {
        *ret = (struct dns_list_answer){.state = DNS_ANSWER};
        return 0;
    }
    return ask(l, LIST_OF_ADDRESSES, &zone, &name, f, c, arena, ret);
}

/* Is that no domain, but an address, with brackets or (in HELO) without? Lists of domains answer a
 * question for one with an error that looks like a hit: 127.0.1.255. */
static bool is_address(struct slice domain)
{
    struct addr ignored;

    domain = helo_without_last_dot(domain);
    return (domain.n > 0 && domain.p[0] == '[') || ipv4_literal_parse(domain, &ignored) ||
           ipv6_literal_parse(domain, &ignored);
}

int dns_list_ask_domain(struct dns_lists *l, const struct list_filter *f, struct slice domain,
                        const struct auth_clock *c, struct arena *arena,
                        struct dns_list_answer *ret)
{
    struct dns_name zone, name;

    if (is_address(domain) || dns_name_parse_idn(domain, &name) < 0 ||
        dns_name_labels(&name) == 0 || dns_name_parse(f->zone, &zone) < 0 ||
        dns_name_join(&name, &zone) < 0) {
        *ret = (struct dns_list_answer){.state = DNS_ANSWER};
        return 0;
    }
    return ask(l, LIST_OF_DOMAINS, &zone, &name, f, c, arena, ret);
}

/* ---- reasons ---- */

static struct slice join_reasons(const struct dns_answer *a, struct arena *scratch,
                                 struct arena *arena)
{
    struct slice *texts = arena_alloc(scratch, a->count * sizeof(*texts));
    char reason[DNS_LIST_REASON_MOST];
    size_t n = 0;

    for (size_t i = 0; i < a->count; i++) {
        texts[i] = a->records[i].text;
    }
    qsort(texts, a->count, sizeof(*texts), compare_slices);
    for (size_t i = 0; i < a->count; i++) {
        const struct slice parts[] = {n > 0 ? SLICE_LIT("; ") : SLICE_LIT(""), texts[i]};
        for (size_t k = 0; k < 2; k++) {
            const size_t room = sizeof(reason) - n;
            const size_t taken = parts[k].n < room ? parts[k].n : room;
            memcpy(reason + n, parts[k].p, taken);
            n += taken;
        }
    }
    text_clean(reason, n);
    return arena_copy(arena, (struct slice){reason, n});
}

int dns_list_reason(struct dns_lists *l, const struct list_filter *f, const struct addr *a,
                    const struct auth_clock *c, struct arena *arena, enum dns_state *ret_state,
                    struct slice *ret)
{
    struct dns_list_answer listed;
    struct dns_name zone, name;
    struct arena scratch;
    struct dns_answer answer = {.state = DNS_NODATA};

    arena_init(&scratch);
    int error = dns_list_ask_address(l, f, a, c, &scratch, &listed);
    if (error == 0 && listed.state == DNS_ANSWER && listed.listed &&
        name_of_address(f, a, &zone, &name)) {
        error = resolver_ask_one(dns_lists_resolver(l), &name, DNS_TXT, auth_question_end(c),
                                 &scratch, &answer);
    }
    if (error == 0) {
        *ret = answer.state == DNS_ANSWER ? join_reasons(&answer, &scratch, arena) : SLICE_LIT("");
        *ret_state = listed.state != DNS_ANSWER        ? listed.state
                     : dns_state_is_sure(answer.state) ? DNS_ANSWER
                                                       : answer.state;
    }
    arena_free(&scratch);
    return error;
}
