/* A message and its key record through the whole of ARC: a chain that passes passes in all its
 * parts, one that does not has a reason, and neither asks more than it may. */
#include "fuzz_signed.h"

#include "auth/arc.h"
#include "parse/arc_set.h"

static void check_set(const struct arc_outcome *o, size_t i, struct slice header)
{
    const struct arc_set *set = &o->sets[i];

    FUZZ_CHECK(set->instance == o->count - i);
    FUZZ_CHECK(fuzz_within(set->domain, header) && fuzz_within(set->selector, header));
    FUZZ_CHECK(fuzz_within(set->results, header));
    if (o->result == AUTH_PASS) {
        FUZZ_CHECK(set->seal == AUTH_PASS);
        FUZZ_CHECK(set->instance < o->oldest_pass || set->message == AUTH_PASS);
    }
}

static void check(struct signed_message *m, struct resolver *r, const struct auth_clock *clock,
                  struct arena *arena)
{
    struct arc_outcome o;

    FUZZ_CHECK(arc_verify(m, r, clock, arena, &o) == 0);
    FUZZ_CHECK(o.result == AUTH_NONE || o.result == AUTH_PASS || o.result == AUTH_FAIL ||
               o.result == AUTH_TEMPERROR);
    FUZZ_CHECK((o.problem.n == 0) == (o.result == AUTH_NONE || o.result == AUTH_PASS));
    FUZZ_CHECK(o.count <= ARC_SETS_MOST && o.oldest_pass <= o.count);
    FUZZ_CHECK(o.result != AUTH_PASS || o.count > 0);
    FUZZ_CHECK(resolver_stats(r)->asked <= o.count + 1 + ARC_OLDER_MOST);
    for (size_t i = 0; i < o.count; i++) {
        check_set(&o, i, signed_message_text(m));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_signed_run((struct fuzz_signed){.check = check}, data, size);
    return 0;
}
