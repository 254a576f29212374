/* Records of the memory: what is decoded is encoded to the same octets again, and whatever its
 * times and counts are, adding, decaying and weighing it stay within their bounds. */
#include "fuzz.h"

#include <math.h>

#include "store/record.h"

static const struct record_rules rules = {
    .half_life = 30 * 86400 * USEC_SEC,
    .returned_time = 36 * 86400 * USEC_SEC,
    .window = 86400 * USEC_SEC,
};

static void check_record(const struct record *r)
{
    FUZZ_CHECK(r->kind > 0 && r->kind < RECORD_KINDS);
    FUZZ_CHECK(r->name_n <= RECORD_NAME_MAX && r->note_n <= RECORD_NOTE_MAX);
    FUZZ_CHECK(r->first >= 0 && r->last >= 0 && r->returned >= 0 && r->until >= 0);
    for (int i = 0; i < TALLY_COUNT; i++) {
        FUZZ_CHECK(isfinite(r->tally[i]) && r->tally[i] >= 0);
    }
    for (int i = 0; i < RATE_COUNT; i++) {
        FUZZ_CHECK(isfinite(r->rate[i]) && r->rate[i] >= 0);
    }
}

static void check_same_octets(const struct record *r, const uint8_t *data, size_t size)
{
    uint8_t octets[RECORD_OCTETS_MAX];
    FUZZ_CHECK(record_encode(r, octets) == size && memcmp(octets, data, size) == 0);
}

static void check_round(const struct record *r)
{
    uint8_t octets[RECORD_OCTETS_MAX];
    struct record back;
    size_t n = record_encode(r, octets);
    FUZZ_CHECK(record_decode(octets, n, &back));
    check_record(&back);
    check_same_octets(&back, octets, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = (uint8_t *)fuzz_copy(data, size);
    struct record r = {.kind = 77}, sum;
    if (!record_decode(exact, size, &r)) {
        FUZZ_CHECK(r.kind == 77);
        free(exact);
        return 0;
    }
    check_record(&r);
    check_same_octets(&r, exact, size);
    free(exact);

    const usec_t walls[] = {0, 1, r.last, r.until, r.first, USEC_NEVER};
    for (size_t i = 0; i < sizeof(walls) / sizeof(walls[0]); i++) {
        double worth = record_worth(&r, walls[i]);
        FUZZ_CHECK(isfinite(worth) && worth >= 0);
        (void)record_has_returned(&r, &rules, walls[i]);
        sum = r;
        record_clamp(&sum, walls[i]);
        FUZZ_CHECK(sum.last <= walls[i] && sum.first <= walls[i]);
        record_decay(&sum, &rules, walls[i]);
        check_round(&sum);
        FUZZ_CHECK(record_good(&sum) <= record_good(&r) && record_bad(&sum) <= record_bad(&r));
        record_add(&sum, &r, &rules);
        check_record(&sum);
        check_round(&sum);
        FUZZ_CHECK(sum.last >= r.last && sum.days >= r.days && sum.until >= r.until);
    }
    FUZZ_CHECK(record_expires(&r, &rules) >= 0);
    FUZZ_CHECK(!record_is_proven(&r) || r.days >= 2);
    return 0;
}
