/* What an inspector that has been taken over may answer, and what it may be asked: what is read is
 * within its bounds, and comes back when it is written. */
#include "fuzz.h"

#include "parse/inspection.h"
#include "parse/inspection_request.h"

static void check_answer(struct slice octets, struct arena *arena)
{
    struct inspection in, back;
    struct buf b = {0};
    size_t groups = octets.n % 5;

    if (inspection_read(octets, groups, arena, &in) < 0) {
        return;
    }
    FUZZ_CHECK(in.group_count == groups);
    for (size_t i = 0; i < FINDINGS; i++) {
        FUZZ_CHECK(in.of[i].count <= FINDING_TEXTS_MOST);
        FUZZ_CHECK(in.of[i].text.n <= FINDING_OCTETS_MOST);
    }
    inspection_write(&in, &b);
    FUZZ_CHECK(inspection_read(buf_slice(&b), groups, arena, &back) == 0);
    buf_free(&b);
}

static void check_groups(struct slice octets, struct arena *arena)
{
    const struct pattern_group *groups;
    struct buf b = {0};
    size_t count;

    if (pattern_groups_read(octets, arena, &groups, &count) == 0) {
        FUZZ_CHECK(count <= PATTERN_GROUPS_MOST);
        pattern_groups_write(groups, count, &b);
        FUZZ_CHECK(b.n == octets.n);
    }
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = fuzz_copy(data, size);
    struct slice octets = {exact, size};
    struct inspection_request request;
    char back[INSPECTION_REQUEST_OCTETS];
    struct arena arena;

    arena_init(&arena);
    check_answer(octets, &arena);
    check_groups(octets, &arena);
    if (inspection_request_read(octets, &request) == 0) {
        inspection_request_write(&request, back);
        FUZZ_CHECK(memcmp(back, exact, 8) == 0);
    }
    arena_free(&arena);
    free(exact);
    return 0;
}
