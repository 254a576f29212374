/* Zone files: each is read to its end or to a place within it that is told; what was read, a zone
 * answers, whatever is in it. */
#include "fuzz.h"

#include <errno.h>

#include "client/zone.h"

#define ENTRIES_MOST 64

static void check_problem(const struct zone_problem *problem, struct slice text)
{
    unsigned lines = 1;
    for (size_t i = 0; i < text.n; i++) {
        lines += text.p[i] == '\n';
    }
    FUZZ_CHECK(problem->line >= 1 && problem->line <= lines);
    FUZZ_CHECK(problem->column >= 1 && problem->column <= text.n + 1);
    FUZZ_CHECK(problem->text[0] != '\0' && memchr(problem->text, 0, sizeof(problem->text)));
}

static void check_answer(const struct zone *z, const struct zone_entry *entry)
{
    static const enum dns_type types[] = {DNS_A, DNS_TXT, DNS_MX, DNS_CNAME, DNS_DNAME, DNS_SOA};
    struct arena arena;
    struct dns_answer a;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        zone_find(z, &entry->owner, types[i], &arena, &a);
        FUZZ_CHECK((a.count > 0) == (a.state == DNS_ANSWER) && a.count <= DNS_RECORDS_MOST);
        FUZZ_CHECK((a.canonical != NULL) == (a.state <= DNS_NO_NAME));
        FUZZ_CHECK(a.ttl >= 0);
        struct dns_name below = entry->owner;
        if (dns_name_prepend(&below, SLICE_LIT("x")) == 0) {
            zone_find(z, &below, types[i], &arena, &a);
            FUZZ_CHECK((a.count > 0) == (a.state == DNS_ANSWER));
        }
    }
    /* The name is there. */
    zone_find(z, &entry->owner, DNS_DNSKEY, &arena, &a);
    FUZZ_CHECK(a.state != DNS_NO_NAME || !dns_name_eq(a.canonical, &entry->owner));
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size};
    struct zone_entry entries[ENTRIES_MOST];
    struct zone_reader reader;
    struct zone_problem problem, again;
    struct arena arena;
    struct zone *z = zone_new();
    size_t n = 0;
    int r = 1;
    arena_init(&arena);
    zone_reader_init(&reader, text);
    while (n < ENTRIES_MOST && (r = zone_reader_next(&reader, &arena, &entries[n], &problem)) > 0) {
        zone_add(z, &entries[n++]);
    }
    for (size_t i = 0; i < n; i++) {
        if (entries[i].kind != ZONE_LATENCY) {
            check_answer(z, &entries[i]);
        }
    }
    z = zone_free(z);
    if (r < 0) {
        check_problem(&problem, text);
    }
    if (r <= 0) {
        z = zone_new();
        FUZZ_CHECK(zone_read(z, text, &again) == r);
        FUZZ_CHECK(r == 0 || (again.line == problem.line && again.column == problem.column));
        z = zone_free(z);
    }
    arena_free(&arena);
    free((char *)text.p);
    return 0;
}
