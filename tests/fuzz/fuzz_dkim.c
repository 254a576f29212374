/* A message and its key record through the whole of DKIM: fed in pieces, every result has its
 * reason, and what passes says who signed it. */
#include "fuzz_signed.h"

#include "auth/dkim.h"

static void check_one(const struct dkim_result *r)
{
    FUZZ_CHECK(r->result != AUTH_NONE && r->result != AUTH_SOFTFAIL);
    FUZZ_CHECK((r->result == AUTH_PASS) == (r->problem.n == 0));
    FUZZ_CHECK(r->result != AUTH_PASS || r->key_bits >= 256); /* the least of any kind */
    FUZZ_CHECK(r->result != AUTH_PASS || (r->domain.n > 0 && r->identity.n > r->domain.n));
}

static void check(struct signed_message *m, struct resolver *r, const struct auth_clock *clock,
                  struct arena *arena)
{
    struct dkim_outcome outcome;

    FUZZ_CHECK(dkim_verify(m, r, clock, arena, &outcome) == 0);
    FUZZ_CHECK(outcome.count <= DKIM_SIGNATURES_MOST);
    for (size_t i = 0; i < outcome.count; i++) {
        check_one(&outcome.signatures[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_signed_run((struct fuzz_signed){.check = check}, data, size);
    return 0;
}
