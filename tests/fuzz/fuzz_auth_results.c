/* Authentication-Results: what is read lies within the payload or the arena and keeps the bounds; a
 * name that a field has claims it, however it is written. */
#include "fuzz.h"

#include "parse/auth_results.h"

static void check_method(const struct auth_method *m)
{
    size_t count = 0;

    FUZZ_CHECK(m->method.n > 0 && m->result.n > 0);
    for (const struct auth_property *p = m->properties; p != NULL; p = p->next) {
        FUZZ_CHECK(p->type.n > 0 && p->name.n > 0);
        FUZZ_CHECK(slice_eq(auth_method_property(m, p->type, p->name), p->value) ||
                   p != m->properties);
        count++;
    }
    FUZZ_CHECK(count <= AUTH_PROPERTIES_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice payload = {fuzz_copy(data, size), size};
    struct auth_results results;
    struct arena arena;
    size_t count = 0;

    arena_init(&arena);
    if (auth_results_parse(payload, &arena, &results) == 0) {
        FUZZ_CHECK(results.id.n > 0 && auth_results_claim(payload, results.id, &arena));
        for (const struct auth_method *m = results.methods; m != NULL; m = m->next) {
            check_method(m);
            count++;
        }
        FUZZ_CHECK(count <= AUTH_RESULTS_MOST && (!results.none || count == 0));
    }
    (void)auth_results_claim(payload, SLICE_LIT("mx.example.org"), &arena);
    arena_free(&arena);
    free((char *)payload.p);
    return 0;
}
