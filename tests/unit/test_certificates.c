/* When certificate and key that are not the ones in force are tried: once they lie still, and then
 * ever later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "proc/master_impl.h"

static char files[2][64];

static void put(const char *file, const char *text)
{
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* A master that serves with these files, loaded when they were others. */
static struct master *new_master(void)
{
    struct master *m = xcalloc(1, sizeof(*m));

    list_init(&m->generations);
    reload_init(m);
    m->serving = xcalloc(1, sizeof(*m->serving));
    m->serving->configuration = xcalloc(1, sizeof(*m->serving->configuration));
    m->serving->configuration->conf = xcalloc(1, sizeof(*m->serving->configuration->conf));
    m->serving->configuration->conf->tls_cert = files[0];
    m->serving->configuration->conf->tls_key = files[1];
    return m;
}

static void free_master(struct master *m)
{
    free(m->serving->configuration->conf);
    free(m->serving->configuration);
    free(m->serving);
    free(m);
}

/* Does a look ask for a reload? */
static bool asks(struct master *m)
{
    m->reload.asked[RELOAD_CERTIFICATES] = false;
    certificates_look(m);
    return m->reload.asked[RELOAD_CERTIFICATES];
}

static void test_again(void **state)
{
    (void)state;
    struct master *m = new_master();
    struct certificates *c = &m->certificates;
    usec_t waits[10];

    put(files[0], "one");
    assert_false(asks(m)); /* not still yet */
    assert_true(asks(m));
    assert_false(asks(m));
    for (size_t i = 0; i < 10; i++) {
        waits[i] = c->not_before - clock_monotonic();
        c->not_before = clock_monotonic();
        assert_true(asks(m)); /* tried again */
        assert_false(asks(m));
    }
    assert_in_range(waits[0], 50 * USEC_SEC, 60 * USEC_SEC);
    assert_in_range(waits[1], 110 * USEC_SEC, 120 * USEC_SEC);
    assert_in_range(waits[9], 3590 * USEC_SEC, 3600 * USEC_SEC);
    put(files[1], "another");
    assert_false(asks(m));
    assert_true(asks(m)); /* other files: at once */
    assert_in_range(c->not_before - clock_monotonic(), 50 * USEC_SEC, 60 * USEC_SEC);
    m->serving->certificate.files[0] = c->seen[0]; /* these serve now */
    m->serving->certificate.files[1] = c->seen[1];
    c->not_before = 1;
    assert_false(asks(m));
    free_master(m);
}

static int setup(void **state)
{
    char folder[] = "/tmp/test-certificates-XXXXXX";

    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(files[0], sizeof(files[0]), "%s/cert", folder);
    (void)snprintf(files[1], sizeof(files[1]), "%s/key", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(files[0]);
    (void)unlink(files[1]);
    *strrchr(files[0], '/') = '\0';
    return rmdir(files[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_again, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
