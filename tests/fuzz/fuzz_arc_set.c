/* ARC sets of any header. The input is the header. What is found lies in it, and a chain has each
 * of its fields once and no other: counted by another reading. */
#include "fuzz.h"

#include <errno.h>

#include "parse/arc_set.h"
#include "parse/header_fields.h"

static size_t count_arc_fields(struct slice header)
{
    return header_count(header, SLICE_LIT("ARC-Authentication-Results")) +
           header_count(header, SLICE_LIT("ARC-Message-Signature")) +
           header_count(header, SLICE_LIT("ARC-Seal"));
}

static void check_set(const struct arc_fields *set, struct slice header, unsigned instance)
{
    for (size_t part = 0; part < ARC_PART_COUNT; part++) {
        FUZZ_CHECK(fuzz_within(set->field[part], header));
        FUZZ_CHECK(fuzz_within(set->body[part], set->field[part]));
        FUZZ_CHECK(strncasecmp(set->field[part].p, "ARC-", 4) == 0);
    }
    FUZZ_CHECK(fuzz_within(set->results, set->body[ARC_PART_RESULTS]));
    FUZZ_CHECK(fuzz_within(set->chain, set->body[ARC_PART_SEAL]));
    FUZZ_CHECK(slice_eq_nocase(set->chain, instance == 1 ? SLICE_LIT("none") : SLICE_LIT("pass")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arc_chain chain;
    char *copy = fuzz_copy(data, size);
    struct slice header = {copy, size};
    int rc = arc_chain_parse(header, &chain);
    size_t fields = count_arc_fields(header);

    FUZZ_CHECK(rc == 0 || rc == -ENOENT || rc == -EBADMSG);
    FUZZ_CHECK((rc == -ENOENT) == (fields == 0));
    if (rc == -EBADMSG) {
        FUZZ_CHECK(chain.problem != NULL && chain.instance <= ARC_SETS_MOST);
    }
    if (rc == 0) {
        FUZZ_CHECK(chain.count > 0 && fields == ARC_PART_COUNT * (size_t)chain.count);
        for (unsigned i = 1; i <= chain.count; i++) {
            check_set(&chain.sets[i - 1], header, i);
        }
    }
    free(copy);
    return 0;
}
