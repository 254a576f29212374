/* Files that name files: what they bring, whose place an error has, and where it must end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/conf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define MAIN     "/etc/gp/main.conf"
#define REST     "listen 127.0.0.1:25\nroute example.org to smtp://127.0.0.1\n"

/* A file system of a few names. */
struct file {
    const char *path;
    const char *text;
};

struct disk {
    const struct file *files;
    size_t count;
    unsigned reads;
};

static int read_fake(void *arg, const char *path, struct buf *ret)
{
    struct disk *d = arg;

    d->reads++;
    assert_int_equal(path[0], '/');
    assert_int_equal(ret->n, 0);
    for (size_t i = 0; i < d->count; i++) {
        if (strcmp(d->files[i].path, path) == 0) {
            buf_append_slice(ret, slice_of(d->files[i].text));
            return 0;
        }
    }
    buf_append_slice(ret, SLICE_LIT("half"));
    return -EACCES;
}

static struct conf *parsed_as(const char *name, const char *text, struct disk *d)
{
    const struct conf_reader reader = {read_fake, d};
    struct conf *c = NULL;
    struct conf_error error;

    if (conf_parse_with(slice_of(text), name, &reader, &c, &error) < 0) {
        fail_msg("%s", error.text);
    }
    return c;
}

static void assert_refused(const char *text, struct disk *d, const char *expected)
{
    const struct conf_reader reader = {read_fake, d};
    struct conf *c = NULL;
    struct conf_error error;

    assert_int_equal(conf_parse_with(slice_of(text), MAIN, &reader, &c, &error), -EINVAL);
    assert_null(c);
    assert_string_equal(error.text, expected);
}

/* Statements and blocks of included files stand where the include does. */
static void included(void **state)
{
    static const struct file files[] = {
        {"/etc/gp/more/names", "hostname mx.example.org\ninclude ../routes\ntable b { }\n"},
        {"/etc/gp/more/../routes", REST "include \"/last one\" # x\ntable c { }"},
        {"/last one", "\n table d { } "},
        {"/empty", ""},
    };
    static const struct {
        const char *file;
        unsigned line, column;
        const char *text;
    } blocks[] = {
        {MAIN, 1, 1, "table a { }"},
        {"/last one", 2, 2, "table d { }"},
        {"/etc/gp/more/../routes", 4, 1, "table c { }"},
        {"/etc/gp/more/names", 3, 1, "table b { }"},
        {MAIN, 4, 1, "table e { }"},
    };
    struct disk d = {files, COUNT(files), 0};

    (void)state;
    struct conf *c =
        parsed_as(MAIN, "table a { }\ninclude more/names\ninclude /empty\ntable e { }", &d);
    assert_int_equal(d.reads, 4);
    assert_string_equal(c->hostname, "mx.example.org");
    assert_int_equal(c->listen_count, 1);
    assert_int_equal(c->route_count, 1);
    assert_int_equal(c->block_count, COUNT(blocks));
    for (size_t i = 0; i < COUNT(blocks); i++) {
        const struct conf_block *b = &c->blocks[i];
        assert_string_equal(b->place.source->name, blocks[i].file);
        assert_int_equal(b->place.line, blocks[i].line);
        assert_int_equal(b->place.column, blocks[i].column);
        assert_true(slice_eq(b->text, slice_of(blocks[i].text)));
    }
    assert_ptr_equal(c->blocks[1].place.source->from, c->blocks[2].place.source);
    assert_ptr_equal(c->blocks[3].place.source->from, c->blocks[0].place.source);
    struct place place = conf_place_of_listen(c, 0);
    assert_string_equal(place.source->name, "/etc/gp/more/../routes");
    assert_int_equal(place.line, 1);
    assert_int_equal(place.column, 8);
    place = conf_place_of_statement(c, "hostname");
    assert_string_equal(place.source->name, "/etc/gp/more/names");
    assert_int_equal(conf_place_of_statement(c, "tls").line, 0);
    assert_int_equal(conf_place_of_statement(c, "nothing").line, 0);
    conf_free(c);
}

/* In front of any file, and nowhere else; columns do not count it. */
static void byte_order_marks(void **state)
{
    static const struct file files[] = {
        {"/etc/gp/names", "\xef\xbb\xbfhostname mx.example.org\r\n"},
        {"/etc/gp/twice", "\xef\xbb\xbf\xef\xbb\xbfhostname mx.example.org\n"},
    };
    struct disk d = {files, COUNT(files), 0};

    (void)state;
    struct conf *c = parsed_as(MAIN, "\xef\xbb\xbftable a { }\ninclude names\n" REST, &d);
    assert_string_equal(c->hostname, "mx.example.org");
    assert_true(slice_eq(c->blocks[0].text, SLICE_LIT("table a { }")));
    assert_int_equal(c->blocks[0].place.column, 1);
    conf_free(c);
    assert_refused("\xef\xbb\xbfhostnam a", &d,
                   MAIN ":1:1: unknown statement \"hostnam\", did you mean \"hostname\"?");
    assert_refused(
        "include twice", &d,
        "/etc/gp/twice:1:1: unknown statement \"\xef\xbb\xbfhostname\", expected "
        "authentication_results, authserv_id, clamd, control, decisions, dnssec, "
        "hostname, "
        "include, inspectors, journal, limit, listen, log, marks, policy, proxy, received_spf, "
        "recipients, resolver, root_hints, route, rspamd, set, spamassassin, spool, "
        "state, table, tls, "
        "trust_anchor, user or workers");
    assert_refused("\xef\xbb", &d,
                   MAIN ":1:1: expected printable UTF-8 text, found the octet 0xef");
}

/* A path begins at the folder of the file it stands in, also where that was named without one. */
static void relative_paths(void **state)
{
    char here[4096], first[5000], second[5000];
    struct file files[] = {{first, "hostname mx.example.org"}, {second, REST}};
    struct disk d = {files, COUNT(files), 0};

    (void)state;
    assert_non_null(getcwd(here, sizeof(here)));
    (void)snprintf(first, sizeof(first), "%s/a.conf", here);
    (void)snprintf(second, sizeof(second), "%s/sub/b.conf", here);
    conf_free(parsed_as("main.conf", "include a.conf\ninclude .///./sub//b.conf", &d));
    conf_free(parsed_as("./main.conf", "include ././a.conf\ninclude ./sub/b.conf", &d));
    conf_free(parsed_as(
        "sub/main.conf", "include /../a.conf\ninclude b.conf",
        &(struct disk){(struct file[]){{"/../a.conf", "hostname mx.example.org"}, {second, REST}},
                       2, 0}));
}

static void wrong_includes(void **state)
{
    static const struct file files[] = {
        {"/etc/gp/wrong", "\n\n  hostnam x"},
        {"/etc/gp/limits", "limit recipients 5"},
        {"/etc/gp/open", "policy {\n"},
        {"/etc/gp/name", "# x\nhostname mx.example.org"},
        {"/etc/gp/listen", "listen [::1]:25\n"},
        {"/etc/gp/proxy", "proxy ::1"},
        {"/etc/gp/route", "route example.org to smtp://127.0.0.2"},
        {"/etc/gp/memory", "\n\n\nlimit message_memory 4M"},
        {"/etc/gp/recipients", "\nlimit recipients 200"},
    };
    static const struct {
        const char *text;
        const char *error;
    } rows[] = {
        {"include", MAIN ":1:8: expected the path of a file, found the end of the file"},
        {"include \"\"", MAIN ":1:9: expected the path of a file, found \"\""},
        {"include {", MAIN ":1:9: expected the path of a file, found \"{\""},
        {"include none more", MAIN ":1:14: expected the end of the line, found \"more\""},
        {"\n include none",
         MAIN ":2:10: expected a readable file, found: Permission denied (/etc/gp/none)"},
        {"include \"a\\u0000b\"", MAIN ":1:9: expected a readable file, found: not a path (a)"},
        {"include \"a\\nb\"", MAIN ":1:9: expected a readable file, found: not a path (a?b)"},
        {"include wrong", "/etc/gp/wrong:3:3: unknown statement \"hostnam\", did you mean "
                          "\"hostname\"?"},
        {"include limits",
         "/etc/gp/limits:1:18: expected recipients from 100 to 20000, found \"5\""},
        {"include open",
         "/etc/gp/open:1:8: expected \"}\" for this \"{\", found the end of the file"},
        {"include name\n", MAIN ":2:1: expected a statement \"listen\", found the end of the file"},
        {"include name\nhostname x.example",
         MAIN ":2:1: expected each statement but include, limit, listen, policy, proxy, "
              "recipients, resolver, "
              "route, set "
              "and table once, found \"hostname\" again (the first is in /etc/gp/name, line 2)"},
        {"listen [::1]:25\ninclude listen",
         "/etc/gp/listen:1:8: expected each address once, found "
         "\"[::1]:25\" again (the first is in " MAIN ", line 1)"},
        {"\nproxy 192.0.2.1, ::1\ninclude proxy",
         "/etc/gp/proxy:1:7: expected each network once, found \"::1\" again (the first is in " MAIN
         ", line 2)"},
        {"route example.org to smtp://127.0.0.1\ninclude route",
         "/etc/gp/route:1:7: expected each domain once, found \"example.org\" again (the first is "
         "in " MAIN ", line 1)"},
        {"include recipients\nlimit recipients 100",
         MAIN ":2:7: expected each limit once, found \"recipients\" again (the first is in "
              "/etc/gp/recipients, line 2)"},
        {"include name\n" REST "include memory\nlimit spool_memory 2M",
         MAIN ":5:7: expected message_memory to be at most spool_memory, found 4M and 2M"},
        {"include name\n" REST "limit spool_memory 2M\ninclude memory",
         "/etc/gp/memory:4:7: expected message_memory to be at most spool_memory, found 4M and 2M"},
    };
    struct disk d = {files, COUNT(files), 0};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_refused(rows[i].text, &d, rows[i].error);
    }
    assert_int_equal(strncmp(conf_source_error(-ENOENT), "No such file", 12), 0);
}

static void never_itself(void **state)
{

    static const struct file files[] = {
        {MAIN, "include a"},
        {"/etc/gp/a", "\ninclude /etc/gp/b"},
        {"/etc/gp/b", "include ./a"},
        {"/etc/gp/c", "include main.conf"},
        {"/etc/gp/d", "# twice is not within itself\n"},
    };
    struct disk d = {files, COUNT(files), 0};

    (void)state;
    assert_refused("include main.conf", &d,
                   MAIN ":1:9: expected a readable file, found: it would be read while it is being "
                        "read (" MAIN ")");
    assert_int_equal(d.reads, 0);
    assert_refused("include a", &d,
                   "/etc/gp/b:1:9: expected a readable file, found: it would be read while it is "
                   "being read (/etc/gp/a)");
    assert_refused("include .//c", &d,
                   "/etc/gp/c:1:9: expected a readable file, found: it would be read while it is "
                   "being read (" MAIN ")");
    /* The first file's name is as it was given, without a folder here. */
    const struct conf_reader reader = {read_fake, &d};
    struct conf *c = NULL;
    struct conf_error error;
    d.reads = 0;
    assert_int_equal(
        conf_parse_with(SLICE_LIT("include ./main.conf"), "main.conf", &reader, &c, &error),
        -EINVAL);
    assert_non_null(strstr(error.text, "found: it would be read while it is being read (/"));
    assert_int_equal(d.reads, 0);
    assert_refused("include d\ninclude d", &d,
                   MAIN ":2:10: expected a statement \"hostname\", found the end of the file");
}

/* Each file names the one behind it: /f1 to /f17. */
static int read_chain(void *arg, const char *path, struct buf *ret)
{
    unsigned *last = arg;
    unsigned number = 0;

    assert_int_equal(sscanf(path, "/f%u", &number), 1);
    if (number < *last) {
        buf_printf(ret, "include f%u", number + 1);
    }
    return 0;
}

static void sixteen_deep(void **state)
{
    unsigned last = 16;
    const struct conf_reader reader = {read_chain, &last};
    const struct slice text = SLICE_LIT("hostname mx.example.org\n" REST "include f1");
    struct conf *c = NULL;
    struct conf_error error;

    (void)state;
    assert_int_equal(conf_parse_with(text, "/main", &reader, &c, &error), 0);
    c = conf_free(c);
    last = 17;
    assert_int_equal(conf_parse_with(text, "/main", &reader, &c, &error), -EINVAL);
    assert_string_equal(error.text, "/f16:1:9: expected a readable file, found: it is named more "
                                    "than 16 files deep (/f17)");
    assert_string_equal(error.excerpt, "    include f17\n            ^\n");
}

/* Each of few files names the next twice, which would be read 2^16 times. */
static int read_twice(void *arg, const char *path, struct buf *ret)
{
    unsigned *reads = arg;
    unsigned number = 0;

    (*reads)++;
    assert_int_equal(sscanf(path, "/f%u", &number), 1);
    if (number < 16) {
        buf_printf(ret, "include f%u\ninclude f%u", number + 1, number + 1);
    }
    return 0;
}

static void not_without_end(void **state)
{
    unsigned reads = 0;
    const struct conf_reader reader = {read_twice, &reads};
    struct conf *c = NULL;
    struct conf_error error;

    (void)state;
    assert_int_equal(conf_parse_with(SLICE_LIT("include f1"), "/main", &reader, &c, &error),
                     -EINVAL);
    assert_int_equal(reads, CONF_SOURCES_MAX);
    assert_non_null(strstr(error.text, "found: there are more than 1000 files (/f"));
}

/* What src/policy asks for later. */
static void sources(void **state)
{
    static const struct file files[] = {{"/etc/gp/sub/t", "x\n"}, {"/etc/gp/p", "set a = b"}};
    struct disk d = {files, COUNT(files), 0};
    struct conf *c = parsed_as(MAIN, "include p\nhostname mx.example.org\n" REST, &d);
    const struct source *s = NULL, *untouched = NULL;
    struct place place = c->blocks[0].place;

    (void)state;
    assert_int_equal(conf_read_source(c, place, SLICE_LIT("sub/t"), &s), 0);
    assert_string_equal(s->name, "/etc/gp/sub/t");
    assert_true(slice_eq(s->text, SLICE_LIT("x\n")));
    assert_ptr_equal(s->from, place.source);
    place = (struct place){1, 1, s};
    assert_int_equal(conf_read_source(c, place, SLICE_LIT("../p"), &untouched), -EACCES);
    assert_int_equal(conf_read_source(c, place, SLICE_LIT("/etc/gp/p"), &untouched), -EDEADLK);
    assert_int_equal(conf_read_source(c, place, SLICE_LIT(MAIN), &untouched), -EDEADLK);
    assert_int_equal(conf_read_source(c, place, SLICE_LIT(""), &untouched), -EINVAL);
    assert_int_equal(conf_read_source(c, place, SLICE_LIT("a\0b"), &untouched), -EINVAL);
    char longest[5000];
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(
        conf_read_source(c, place, (struct slice){longest, sizeof(longest)}, &untouched),
        -ENAMETOOLONG);
    assert_null(untouched);
    /* A place without a file is taken to be in the first one's folder. */
    assert_int_equal(conf_read_source(c, (struct place){0}, SLICE_LIT("p"), &s), 0);
    assert_string_equal(s->name, "/etc/gp/p");
    conf_free(c);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_disk_error(const char *file, const char *text, const char *cause)
{
    struct conf *c = NULL;
    struct conf_error error;

    write_file(file, text);
    assert_int_equal(conf_load(file, &c, &error), -EINVAL);
    if (strstr(error.text, cause) == NULL) {
        fail_msg("\"%s\" has no \"%s\"", error.text, cause);
    }
}

static void on_disk(void **state)
{
    char folder[] = "/tmp/gatepost-test-include-XXXXXX";
    char file[100], more[100], pipe_path[100];
    struct conf *c = NULL;
    struct conf_error error;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof(file), "%s/main.conf", folder);
    (void)snprintf(more, sizeof(more), "%s/more", folder);
    (void)snprintf(pipe_path, sizeof(pipe_path), "%s/pipe", folder);
    write_file(file, "hostname mx.example.org\ninclude more\n");
    write_file(more, REST);
    assert_int_equal(conf_load(file, &c, &error), 0);
    assert_string_equal(conf_place_of_listen(c, 0).source->name, more);
    c = conf_free(c);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_disk_error(file, "include pipe",
                      ":1:9: expected a readable file, found: not a regular "
                      "file (/tmp/");
    assert_disk_error(file, "include /dev/zero", "found: not a regular file (/dev/zero)");
    assert_disk_error(file, "include .", "found: Is a directory");
    assert_disk_error(file, "include none", "found: No such file or directory");
    int fd = open(more, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 16 << 20), 0);
    assert_disk_error(file, "include more", "more:3:1: expected printable UTF-8 text");
    assert_int_equal(ftruncate(fd, (16 << 20) + 1), 0);
    assert_disk_error(file, "include more",
                      ":1:9: expected a readable file, found: more than 16 MiB");
    (void)close(fd);
    (void)unlink(pipe_path);
    (void)unlink(more);
    (void)unlink(file);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(included),        cmocka_unit_test(byte_order_marks),
        cmocka_unit_test(relative_paths),  cmocka_unit_test(wrong_includes),
        cmocka_unit_test(never_itself),    cmocka_unit_test(sixteen_deep),
        cmocka_unit_test(not_without_end), cmocka_unit_test(sources),
        cmocka_unit_test(on_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
