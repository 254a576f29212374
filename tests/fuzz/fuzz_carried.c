/* What a program is told by the one before it: any octets are refused, or understood within bounds
 * and told on in words that mean the same. */
#include "fuzz.h"

#include <errno.h>

#include "proc/carried.h"
#include "store/shm.h"

static void check_bounds(const struct carried *c)
{
    FUZZ_CHECK(c->program && c->state && c->layout);
    FUZZ_CHECK(c->journal && c->records[0] > 2 && c->records[1] > 2 && c->clerk != 1);
    FUZZ_CHECK(c->shared > 2 && c->files > 2 && c->generation_count > 0);
    FUZZ_CHECK(c->listener_count > 0 && c->generations_n > 0);
    for (size_t i = 0; i < c->listener_count; i++) {
        FUZZ_CHECK(c->listeners[i].fd > 2);
    }
    for (size_t i = 0; i < c->worker_count; i++) {
        FUZZ_CHECK(c->workers[i].slot < OWNER_SLOTS && c->workers[i].pid > 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {fuzz_copy(data, size), size};
    struct carried c, again;
    struct arena arena;
    char why[100] = "";
    struct buf told = {0};

    arena_init(&arena);
    int r = carried_parse(text, &arena, &c, why, sizeof(why));
    FUZZ_CHECK((r == 0 && why[0] == '\0') || (r == -EBADMSG && why[0] != '\0'));
    if (r == 0) {
        check_bounds(&c);
        carried_print(&c, &told);
        FUZZ_CHECK(carried_parse(buf_slice(&told), &arena, &again, why, sizeof(why)) == 0);
        FUZZ_CHECK(again.worker_count == c.worker_count && strcmp(again.layout, c.layout) == 0);
    }
    buf_free(&told);
    arena_free(&arena);
    free((char *)(uintptr_t)text.p);
    return 0;
}
