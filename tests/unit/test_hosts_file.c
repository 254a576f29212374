/* Lines of hosts(5) and resolv.conf(5), and the table made of the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client/host_table.h"
#include "parse/hosts_file.h"

static const char hosts[] = "# the usual\n"
                            "127.0.0.1\tlocalhost\n"
                            "\n"
                            "192.0.2.7  Mail.Example.Org mail # the second\n"
                            "192.0.2.8 mail.example.org\r\n"
                            "fe80::1%lo0 localhost\n"
                            "192.0.2.9\n"
                            "what is this\n"
                            "fails broken\n"
                            "  ::1 localhost ip6-localhost\n"
                            "2001:db8::7 mail.example.org";

static void lines(void **state)
{
    (void)state;
    struct slice rest = slice_of(hosts), name;
    struct hosts_line line;
    static const char *const words[] = {"127.0.0.1", "192.0.2.7", "192.0.2.8", "fe80::1%lo0",
                                        "what",      "fails",     "::1",       "2001:db8::7"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_true(hosts_next_line(&rest, &line));
        assert_true(slice_eq(line.word, slice_of(words[i])));
        assert_int_equal(line.address.family == ADDR_NONE, i >= 3 && i <= 5);
    }
    assert_true(hosts_next_word(&line.names, &name));
    assert_true(slice_eq(name, SLICE_LIT("mail.example.org")));
    assert_false(hosts_next_word(&line.names, &name));
    assert_false(hosts_next_line(&rest, &line));
}

static void nothing(void **state)
{
    (void)state;
    static const struct slice texts[] = {SLICE_LIT(""), SLICE_LIT("\n\n"), SLICE_LIT("#"),
                                         SLICE_LIT("   "), SLICE_LIT("\0 1.2.3.4 a")};
    struct hosts_line line;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct slice rest = texts[i], server;
        assert_false(hosts_next_line(&rest, &line));
        rest = texts[i];
        assert_false(resolv_conf_next_server(&rest, &server));
    }
}

static void servers(void **state)
{
    (void)state;
    struct slice server, rest = SLICE_LIT("# of\nsearch example.org\nnameserver 192.0.2.53 ; it\n"
                                          "nameserver\nnameservers 1.1.1.1\n; nameserver 1.1.1.1\n"
                                          " nameserver\t2001:db8::53\noptions edns0");
    assert_true(resolv_conf_next_server(&rest, &server));
    assert_true(slice_eq(server, SLICE_LIT("192.0.2.53")));
    assert_true(resolv_conf_next_server(&rest, &server));
    assert_true(slice_eq(server, SLICE_LIT("2001:db8::53")));
    assert_false(resolv_conf_next_server(&rest, &server));
}

/* What the table says of a name, in one line. */
static const char *find(const struct host_table *t, const char *name, size_t max)
{
    static char text[256];
    struct addr found[4];
    size_t n = 99;
    enum host_state state = host_table_find(t, slice_of(name), found, max, &n);
    strcpy(text, state == HOST_FAILS ? "fails" : state == HOST_SILENT ? "silent" : "");
    for (size_t i = 0; i < n; i++) {
        char address[ADDR_TEXT_MAX];
        strcat(text, i > 0 ? " " : "");
        strcat(text, addr_format(&found[i], address));
    }
    assert_int_equal(state == HOST_FOUND, n > 0);
    return text;
}

static void table(void **state)
{
    (void)state;
    struct host_table *t = host_table_new(slice_of(hosts), false);
    assert_string_equal(find(t, "mail.example.org", 4), "2001:db8::7 192.0.2.7 192.0.2.8");
    assert_string_equal(find(t, "MAIL.example.ORG", 2), "2001:db8::7 192.0.2.7");
    assert_string_equal(find(t, "mail", 4), "192.0.2.7");
    assert_string_equal(find(t, "localhost", 4), "::1 127.0.0.1");
    assert_string_equal(find(t, "ip6-localhost", 4), "::1");
    assert_string_equal(find(t, "mai", 4), "");
    assert_string_equal(find(t, "mail.example.org.", 4), "");
    assert_string_equal(find(t, "is", 4), "");
    assert_string_equal(find(t, "broken", 4), "");
    host_table_free(t);

    t = host_table_new(SLICE_LIT("fails broken\nsilent mute\n192.0.2.1 here"), true);
    assert_int_equal(host_table_count(t), 3);
    assert_string_equal(find(t, "broken", 4), "fails");
    assert_string_equal(find(t, "mute", 4), "silent");
    assert_string_equal(find(t, "here", 4), "192.0.2.1");
    assert_null(host_table_free(t));
    assert_null(host_table_free(NULL));
    t = host_table_new(SLICE_LIT(""), true);
    assert_string_equal(find(t, "here", 4), "");
    host_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(nothing),
        cmocka_unit_test(servers),
        cmocka_unit_test(table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
