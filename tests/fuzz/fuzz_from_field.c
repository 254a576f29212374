/* From fields: what is told of lies within bounds, and an address alone in a field that can be read
 * is the same address when it is read again. (An address may also stand where the name of a group
 * should be, and need not be one then.) */
#include "fuzz.h"

#include "parse/from_field.h"

static void check_address(const struct from_address *a)
{
    FUZZ_CHECK(a->domain.n > 0 && a->mailbox.n > a->domain.n);
    FUZZ_CHECK(a->mailbox.p + a->mailbox.n == a->domain.p + a->domain.n);
    FUZZ_CHECK(a->domain.p[-1] == '@');
    for (size_t i = 0; i < a->mailbox.n; i++) {
        FUZZ_CHECK(a->mailbox.p[i] != '\r' && a->mailbox.p[i] != '\n');
    }
    for (size_t i = 0; i < a->domain.n; i++) {
        FUZZ_CHECK(!memchr("<>(),;:\"", a->domain.p[i], 9) || a->domain.p[0] == '[');
    }
}

static void check_again(const struct from_address *a, bool group, struct arena *arena)
{
    struct from_field again;

    from_field_parse(arena_printf(arena, "From: x <" SLICE_FMT ">", SLICE_ARG(a->mailbox)), arena,
                     &again);
    if (memchr(a->mailbox.p, '\0', a->mailbox.n) != NULL) {
        return; /* which printf does not pass on */
    }
    FUZZ_CHECK((again.problem == NULL && again.count == 1) || group);
    if (again.problem != NULL) {
        return;
    }
    FUZZ_CHECK(slice_eq(again.addresses[0].mailbox, a->mailbox));
    FUZZ_CHECK(slice_eq(again.addresses[0].domain, a->domain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice header = {fuzz_copy(data, size), size};
    struct from_field from;
    struct arena arena;

    arena_init(&arena);
    from_field_parse(header, &arena, &from);
    FUZZ_CHECK(from.count <= FROM_ADDRESSES_MOST && (!from.cut || from.count > 0));
    FUZZ_CHECK(from.problem != NULL || (from.fields == 1 && from.count > 0));
    FUZZ_CHECK(from.fields > 0 || from.count == 0);
    for (size_t i = 0; i < from.count; i++) {
        check_address(&from.addresses[i]);
    }
    if (from.problem == NULL && from.count == 1) {
        check_again(&from.addresses[0], memchr(header.p, ';', size) != NULL, &arena);
    }
    arena_free(&arena);
    free((char *)header.p);
    return 0;
}
