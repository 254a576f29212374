/* Messages and attached files that nobody would send: an inspection comes back within its limits,
 * says nothing that its answer may not hold, and says the same twice. The first octet tells whether
 * the rest is a message or a file that is attached to one. */
#include "fuzz.h"

#include "inspect/inspect.h"

#define HEAD "MIME-Version: 1.0\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n"

static struct inspect *the_inspect(void)
{
    static struct inspect *i;
    char why[200];

    if (!i) {
        FUZZ_CHECK(inspect_new(&i, why, sizeof(why)) == 0);
    }
    return i;
}

static void check(const struct inspection *found, struct arena *arena)
{
    struct inspection back;
    struct buf b = {0};

    for (size_t id = 0; id < FINDINGS; id++) {
        const struct finding *f = &found->of[id];
        FUZZ_CHECK(f->count <= FINDING_TEXTS_MOST && f->text.n <= FINDING_OCTETS_MOST);
        for (size_t i = 0; i < f->count; i++) {
            FUZZ_CHECK(f->texts[i].n > 0 && f->texts[i].n <= FINDING_OCTETS_MOST);
        }
    }
    inspection_write(found, &b);
    FUZZ_CHECK(b.n <= INSPECTION_MOST);
    FUZZ_CHECK(inspection_read(buf_slice(&b), found->group_count, arena, &back) == 0);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct inspection_request r = {
        .work = INSPECT_HEADER | INSPECT_PARTS | INSPECT_TEXT,
        .limits = {.depth = 6,
                   .parts = 40,
                   .fields = 100,
                   .decoded = 1 << 20,
                   .members = 40,
                   .ratio = 20,
                   .time = 500000},
    };
    struct inspection found, again;
    struct arena arena;
    struct buf b = {0};

    if (size == 0) {
        return 0;
    }
    if (data[0] & 1) {
        buf_append(&b, HEAD, sizeof(HEAD) - 1);
    }
    buf_append(&b, data + 1, size - 1);
    char *exact = fuzz_copy(b.p, b.n);
    struct slice message = {exact, b.n};
    arena_init(&arena);
    r.size = message.n;
    inspect_message(the_inspect(), message, &r, &arena, &found);
    check(&found, &arena);
    inspect_message(the_inspect(), message, &r, &arena, &again);
    for (size_t id = 0; id < FINDINGS && found.of[FINDING_OF_INSPECT_LIMITS].count == 0; id++) {
        FUZZ_CHECK(found.of[id].count == again.of[id].count);
        FUZZ_CHECK(found.of[id].number == again.of[id].number);
    }
    arena_free(&arena);
    buf_free(&b);
    free(exact);
    return 0;
}
