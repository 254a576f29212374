/* What a hostile DNS can make of names and DNS lists: the first line is a HELO name and a sender's
 * domain, the rest a zone. Whatever it says, no more is asked, waited for and kept than there are
 * bounds for, and what is kept can be shown. */
#include "fuzz.h"

#include "auth/client_names.h"
#include "auth/dns_list.h"
#include "base/text.h"
#include "client/zone.h"
#include "rt/sim.h"

#define QUESTION_TIME (5 * USEC_SEC)
#define WHOLE_TIME    (12 * USEC_SEC)

struct world {
    struct rt *rt;
    struct resolver *resolver;
    struct dns_lists *lists;
    struct arena arena;
    struct slice name;
    bool done;
};

static const struct addr client = {.family = ADDR_V4, .octets = {192, 0, 2, 1}};

static struct auth_clock clock_now(void)
{
    return (struct auth_clock){.question_time = QUESTION_TIME, .deadline = rt_now() + WHOLE_TIME};
}

/* Since `before`, and `began`. */
static void check_cost(const struct world *w, uint64_t before, usec_t began, uint64_t most)
{
    FUZZ_CHECK(resolver_stats(w->resolver)->asked - before <= most);
    FUZZ_CHECK(rt_now() - began <= WHOLE_TIME);
}

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || text.p[i] > '~') {
            return false;
        }
    }
    return true;
}

static void check_client(struct world *w)
{
    const struct auth_clock c = clock_now();
    const uint64_t before = resolver_stats(w->resolver)->asked;
    const usec_t began = rt_now();
    struct client_names n;
    bool named = false;

    FUZZ_CHECK(client_names_find(w->resolver, &client, &c, &w->arena, &n) == 0);
    check_cost(w, before, began, 1 + NAMES_FOLLOWED_MOST);
    FUZZ_CHECK(n.ptr_count <= NAMES_FOLLOWED_MOST);
    FUZZ_CHECK(n.ptr_state == DNS_ANSWER || (n.ptr_count == 0 && n.name_state == n.ptr_state));
    for (size_t i = 0; i < n.ptr_count; i++) {
        const struct slice *a = &n.ptr[i];
        FUZZ_CHECK(a->n > 0 && is_plain(*a));
        FUZZ_CHECK(i == 0 || !slice_eq(a[-1], *a));
        named = named || slice_eq(*a, n.name);
    }
    FUZZ_CHECK(n.name.n == 0 || (named && n.name_state == DNS_ANSWER));
}

static void check_names(struct world *w)
{
    const struct auth_clock c = clock_now();
    uint64_t before = resolver_stats(w->resolver)->asked;
    usec_t began = rt_now();
    struct helo_names helo;
    struct mail_domain domain;

    FUZZ_CHECK(helo_names_find(w->resolver, w->name, &client, &c, &helo) == 0);
    check_cost(w, before, began, 2);
    FUZZ_CHECK(!helo.matches || (helo.resolves && helo.resolves_state == DNS_ANSWER));
    before = resolver_stats(w->resolver)->asked;
    const struct auth_clock again = clock_now();
    began = rt_now();
    FUZZ_CHECK(mail_domain_find(w->resolver, w->name, &again, &domain) == 0);
    check_cost(w, before, began, 1 + 2 * NAMES_FOLLOWED_MOST);
    FUZZ_CHECK(!domain.null_mx || domain.exists);
    FUZZ_CHECK(!domain.exists || domain.exists_state == DNS_ANSWER);
}

static void check_lists(struct world *w)
{
    static const struct list_filter f = {.zone = {"list.example", 12}, .any = true};
    const struct auth_clock c = clock_now();
    const uint64_t before = resolver_stats(w->resolver)->asked;
    struct dns_list_answer a;
    enum dns_state state = DNS_BOGUS;
    struct slice reason = {NULL, 0};

    FUZZ_CHECK(dns_list_ask_address(w->lists, &f, &client, &c, &w->arena, &a) == 0);
    FUZZ_CHECK(a.listed == (a.count > 0) && (a.state == DNS_ANSWER || !a.listed));
    for (size_t i = 0; i < a.count; i++) {
        struct addr answer;
        FUZZ_CHECK(addr_parse(a.answers[i], &answer) == 0 && list_answer_counts(&answer));
    }
    FUZZ_CHECK(dns_list_ask_domain(w->lists, &f, w->name, &c, &w->arena, &a) == 0);
    FUZZ_CHECK(a.state == DNS_ANSWER || !a.listed);
    FUZZ_CHECK(dns_list_reason(w->lists, &f, &client, &c, &w->arena, &state, &reason) == 0);
    FUZZ_CHECK(reason.n <= DNS_LIST_REASON_MOST &&
               text_clean_length(reason.p, reason.n) == reason.n);
    FUZZ_CHECK(resolver_stats(w->resolver)->asked - before <= 2 * 3 + 2);
}

static void ask_all(void *arg)
{
    struct world *w = arg;

    check_client(w);
    check_names(w);
    check_lists(w);
    w->done = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    struct zone_problem problem;

    if (end == NULL) {
        return 0;
    }
    char *name = fuzz_copy(data, (size_t)(end - data));
    char *text = fuzz_copy(end + 1, size - (size_t)(end - data) - 1);
    struct sim *sim = sim_new(1);
    struct zone *zone = zone_new();
    (void)zone_read(zone, (struct slice){text, size - (size_t)(end - data) - 1}, &problem);
    struct world w = {.rt = sim_rt(sim), .name = {name, (size_t)(end - data)}};
    w.resolver = resolver_of_zone(w.rt, zone);
    w.lists = dns_lists_new(w.rt, w.resolver, NULL, NULL);
    arena_init(&w.arena);
    FUZZ_CHECK(task_spawn(w.rt, rt_root_of(w.rt), ask_all, &w) == 0);
    FUZZ_CHECK(sim_run_until(sim, &w.done));
    sim_run(sim, USEC_NEVER);
    arena_free(&w.arena);
    dns_lists_free(w.lists);
    resolver_free(w.resolver);
    zone_free(zone);
    sim_rt_free(w.rt);
    sim_free(sim);
    free(text);
    free(name);
    return 0;
}
