/* The files of a configuration as they were read: kept, handed over, and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/configuration.h"

struct world {
    char folder[64];
    char conf[80];
    char rest[80];
    char table[80];
};

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    static struct world w;

    (void)snprintf(w.folder, sizeof(w.folder), "/tmp/test-snapshot-XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    (void)snprintf(w.conf, sizeof(w.conf), "%s/main.conf", w.folder);
    (void)snprintf(w.rest, sizeof(w.rest), "%s/rest.conf", w.folder);
    (void)snprintf(w.table, sizeof(w.table), "%s/bad", w.folder);
    write_file(w.conf, "hostname mx.test\ninclude rest.conf\ntable bad file bad\n"
                       "policy {\n at rcpt { reject \"no\" when sender in bad }\n}\n");
    write_file(w.rest, "listen 127.0.0.1:25\nroute example.org to smtp://127.0.0.1\n");
    write_file(w.table, "a@client.test\n");
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    const struct world *w = *state;

    (void)unlink(w->conf);
    (void)unlink(w->rest);
    (void)unlink(w->table);
    return rmdir(w->folder);
}

static struct snapshot *handed_over(const struct snapshot *s)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    struct snapshot *copy = NULL;

    assert_true(fd >= 0);
    assert_int_equal(snapshot_write(s, fd), 0);
    assert_int_equal(snapshot_read(fd, &copy), 0);
    close(fd);
    return copy;
}

/* What was read once is what is read again, though the files are others or gone. */
static void test_handed_over(void **state)
{
    const struct world *w = *state;
    struct configuration *first = NULL, *second = NULL;
    struct configuration_words words;

    assert_int_equal(configuration_load(w->conf, NULL, &first, &words), 0);
    buf_free(&words.text);
    struct snapshot *copy = handed_over(first->files);
    write_file(w->rest, "nonsense\n");
    assert_int_equal(unlink(w->table), 0);
    assert_int_equal(configuration_load(w->conf, copy, &second, &words), 0);
    buf_free(&words.text);
    assert_string_equal(second->conf->hostname, "mx.test");
    assert_int_equal(second->conf->listen_count, 1);
    assert_int_equal(second->policy->table_count, 1);
    (void)configuration_free(first);
    (void)configuration_free(second);
    assert_int_equal(configuration_load(w->conf, NULL, &first, &words), -EINVAL);
    assert_non_null(strstr(words.error, "rest.conf:1:1: unknown statement"));
    assert_non_null(strstr(words.text.p, "\n    nonsense\n    ^\n"));
    buf_free(&words.text);
}

/* The error of a policy is told by its first line; warnings are no errors. */
static void test_words(void **state)
{
    const struct world *w = *state;
    struct configuration *c = NULL;
    struct configuration_words words;

    write_file(w->conf, "hostname mx.test\ninclude rest.conf\n"
                        "policy {\n at rcpt { reject \"no\" when nonsense }\n}\n");
    assert_int_equal(configuration_load(w->conf, NULL, &c, &words), -EINVAL);
    assert_null(c);
    assert_non_null(strstr(words.error, "main.conf:4:29: error: unknown"));
    assert_null(strchr(words.error, '\n'));
    buf_free(&words.text);
    assert_int_equal(configuration_load("/nonexistent/x.conf", NULL, &c, &words), -EINVAL);
    assert_string_equal(words.error,
                        "/nonexistent/x.conf:1:1: expected a readable file, found: No such file or "
                        "directory");
    buf_free(&words.text);
}

static void test_parse(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "gatepost snapshot ",
        "gatepost snapshot 1",
        "gatepost snapshot 1\n",
        "gatepost snapshot 1\n2 3\n/aabcd",
        "gatepost snapshot 1\n2 3\n/aab",
        "gatepost snapshot 1\n2  3\n/aabc",
        "gatepost snapshot 1\n 2 3\n/aabc",
        "gatepost snapshot 1\n2 -3\n/aabc",
        "gatepost snapshot 2\n2 3\n/aabc",
        "gatepost snapshot 0\nx",
        "gatepost snapshot 99999999999999999999\n",
        "gatepost snapshot 1\n2 18446744073709551615\n/aabc",
        "gatepost snapshot -1\n",
    };
    struct snapshot *s = NULL;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(snapshot_parse(slice_of(bad[i]), &s), -EBADMSG);
        assert_null(s);
    }
    assert_int_equal(snapshot_parse(SLICE_LIT("gatepost snapshot 2\n2 3\n/aabc2 0\n/b"), &s), 0);
    struct conf_reader reader = snapshot_reader(s);
    struct buf text = {0};
    assert_int_equal(reader.read(reader.arg, "/c", &text), -ENOENT);
    assert_int_equal(reader.read(reader.arg, "/b", &text), 0);
    assert_int_equal(text.n, 0);
    assert_int_equal(reader.read(reader.arg, "/a", &text), 0);
    assert_true(slice_eq(buf_slice(&text), SLICE_LIT("abc")));
    buf_free(&text);
    (void)snapshot_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_handed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
        cmocka_unit_test(test_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
