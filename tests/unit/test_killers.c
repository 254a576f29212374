/* Messages of which an inspector died: known for an hour, each by its own digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/fatal.h"
#include "store/killers.h"

static void for_an_hour(void **state)
{
    const struct digest one = {{1}}, other = {{2}};
    void *memory = xcalloc(1, killers_memory(16));
    struct killers *k = killers_init(memory, 16);

    (void)state;
    assert_false(killers_has(k, &one, 5));
    killers_add(k, &one, 5);
    assert_true(killers_has(k, &one, 5));
    assert_true(killers_has(k, &one, 5 + KILLERS_TIME - 1));
    assert_false(killers_has(k, &one, 5 + KILLERS_TIME));
    assert_false(killers_has(k, &other, 5));
    killers_fini(k);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(for_an_hour)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
