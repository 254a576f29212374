/* The statements that src/policy reads: their extent, whatever is inside, and what is refused. */
#include "conf_parsed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/buf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define DEEP     "policy {\n{{{{{{\n{ }"

/* Each is one block, whole, when it stands between other statements. */
static const struct {
    enum conf_block_kind kind;
    const char *text;
} blocks[] = {
    {CONF_BLOCK_TABLE, "table a { }"},
    {CONF_BLOCK_TABLE, "table a{}"},
    {CONF_BLOCK_TABLE, "table _A-1.b { 192.0.2.0/24, 2001:db8:1::/48\n\n !192.0.2.1 # }\n,x }"},
    {CONF_BLOCK_TABLE, "table a { /a}{2}/, !/\"{#/i \"}\" !\"{\" }"},
    {CONF_BLOCK_TABLE, "table a {\nand\nwhen\npolicy\n}"},
    {CONF_BLOCK_TABLE, "table a { a=b c!d }"},
    {CONF_BLOCK_TABLE, "table a file /etc/a=b!c"},
    {CONF_BLOCK_TABLE, "table file file file"},
    {CONF_BLOCK_TABLE, "table a file \"x, } y\""},
    {CONF_BLOCK_SET, "set a = 6s"},
    {CONF_BLOCK_SET, "set a=6s"},
    {CONF_BLOCK_SET, "set a = client.ip in { 192.0.2.1\n192.0.2.2 /a{2}}/ } and b==\"}\""},
    {CONF_BLOCK_SET, "set a = b\n  and c # x\n\n or d"},
    {CONF_BLOCK_SET, "set a = (b\n\nor (c\n)\n) and d"},
    {CONF_BLOCK_SET, "set a = (b in {\nc}\n)"},
    {CONF_BLOCK_SET, "set a = = = ,\n )"},
    {CONF_BLOCK_SET, "set a = (b in\n{ /)/ })"},
    {CONF_BLOCK_POLICY, "policy standard"},
    {CONF_BLOCK_POLICY, "policy { }"},
    {CONF_BLOCK_POLICY, "policy {\n at connect {\n  trust when client.ip in office\n }\n}"},
    {CONF_BLOCK_POLICY, "policy {\nat rcpt {\nreject \"}\" when helo in { /a{2}}/ } # }\n}\n}"},
    {CONF_BLOCK_POLICY, "policy {\nat rcpt {\njunk when a in {\n/}/\n\n!/{/i,}\n unless b}}"},
    {CONF_BLOCK_POLICY, "policy {\nat rcpt {\njunk when (a in\n{ /}/ }\n}\n}"},
    {CONF_BLOCK_POLICY, "policy {\nat rcpt {\njunk when ((a\n}\n}"},
    {CONF_BLOCK_POLICY, "policy {\nat rcpt {\njunk when ((a\ninclude b!c\n}\n}"},
    {CONF_BLOCK_POLICY, "policy {\nat rcpt { include b!c\n}\n}"},
    {CONF_BLOCK_POLICY, "policy {\nat rcpt {\njunk when a>=5 or b!=c\n}\n}"},
    {CONF_BLOCK_POLICY, "policy {\ninclude /a!b\nat rcpt {\n include c!d\n}\ninclude \"}\"\n}"},
    {CONF_BLOCK_POLICY, "policy {\ntable a { /}/ }\ntable b file /x!y\nset c=d in { /}/ }\n}"},
    {CONF_BLOCK_POLICY, "policy { table a { /}/ }\n}"},
    {CONF_BLOCK_POLICY, "policy {\nset table = a\nat b {\n}\nset a = table\nat c {\n}\n}"},
    {CONF_BLOCK_POLICY, "policy {\nset a = at\nat b {\nset at = x\n}\nset b = in\nat c {\n}\n}"},
    {CONF_BLOCK_POLICY, "policy { at a { b %{c} d }\nat e { } }"},
    {CONF_BLOCK_POLICY, "policy {\r\nat a {\r\n}\r\n}"},
    {CONF_BLOCK_POLICY, DEEP "}}}}}}\n}"},
};

static void extents(void **state)
{
    static const char *const behind[] = {"", "\n", " # x\n", "\t\r\n\n# y\nworkers 1"};
    struct buf text = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(blocks) * COUNT(behind); i++) {
        const char *block = blocks[i / COUNT(behind)].text;
        text.n = 0;
        buf_printf(&text, "%s  %s%s", MINIMAL, block, behind[i % COUNT(behind)]);
        struct conf *c = parsed(buf_slice(&text));
        assert_int_equal(c->block_count, 1);
        const struct conf_block *b = &c->blocks[0];
        assert_int_equal(b->kind, blocks[i / COUNT(behind)].kind);
        assert_int_equal(b->text.n, strlen(block));
        assert_memory_equal(b->text.p, block, b->text.n);
        assert_int_equal(b->place.line, 4);
        assert_int_equal(b->place.column, 3);
        assert_string_equal(b->place.source->name, "test.conf");
        assert_null(b->place.source->from);
        assert_true(slice_eq(b->place.source->text, buf_slice(&text)));
        assert_true(b->text.p == b->place.source->text.p + sizeof(MINIMAL) - 1 + 2);
        conf_free(c);
    }
    buf_free(&text);
}

/* Several are kept in their order, and the words of each can be read again where they stand. */
static void several(void **state)
{
    static const char text[] = MINIMAL "policy standard\ntable a { b }\n  set c = d\nworkers 2\n"
                                       "policy {\n}\ntable e file f";
    static const struct {
        enum conf_block_kind kind;
        unsigned line, column;
        const char *second; /* word */
    } expected[] = {
        {CONF_BLOCK_POLICY, 4, 1, "standard"}, {CONF_BLOCK_TABLE, 5, 1, "a"},
        {CONF_BLOCK_SET, 6, 3, "c"},           {CONF_BLOCK_POLICY, 8, 1, "{"},
        {CONF_BLOCK_TABLE, 10, 1, "e"},
    };
    struct conf *c = parsed(SLICE_LIT(text));
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(c->workers, 2);
    assert_int_equal(c->block_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct conf_block *b = &c->blocks[i];
        struct lexer l;
        lexer_init_part(&l, b->place.source, b->text, b->place, &arena);
        struct token first = lexer_next(&l), second = lexer_next(&l);
        assert_int_equal(b->kind, expected[i].kind);
        assert_int_equal(first.place.line, expected[i].line);
        assert_int_equal(first.place.column, expected[i].column);
        assert_int_equal(second.place.line, expected[i].line);
        assert_int_equal(second.place.column, expected[i].column + first.text.n + 1);
        assert_true(slice_eq(second.text, slice_of(expected[i].second)));
        struct token last = second;
        while (last.kind != TOKEN_END) {
            assert_int_not_equal(last.kind, TOKEN_BAD);
            last = lexer_next(&l);
        }
    }
    conf_free(c);
    c = parsed(SLICE_LIT(MINIMAL));
    assert_int_equal(c->block_count, 0);
    conf_free(c);
    arena_free(&arena);
}

static const struct {
    const char *text;
    const char *error; /* behind "test.conf:" */
} wrong[] = {
    {"table", "1:6: expected the name of a table, such as partners, found the end of the file"},
    {"table\na { }",
     "1:6: expected the name of a table, such as partners, found the end of the line"},
    {"table { a }", "1:7: expected the name of a table, such as partners, found \"{\""},
    {"table \"a\" { }", "1:7: expected the name of a table, such as partners, found \"a\""},
    {"table 1a { }", "1:7: expected the name of a table, such as partners, found \"1a\""},
    {"table -a { }", "1:7: expected the name of a table, such as partners, found \"-a\""},
    {"table a/b { }", "1:7: expected the name of a table, such as partners, found \"a/b\""},
    {"table \303\274 { }",
     "1:7: expected the name of a table, such as partners, found \"\303\274\""},
    {"table a",
     "1:8: expected \"{\" and entries, or \"file\" and a path, found the end of the file"},
    {"table a\n{ b }",
     "1:8: expected \"{\" and entries, or \"file\" and a path, found the end of the line"},
    {"table a /etc/b", "1:9: expected \"{\" and entries, or \"file\" and a path, found \"/etc/b\""},
    {"table a file", "1:13: expected the path of the table's file, found the end of the file"},
    {"table a file { b }", "1:14: expected the path of the table's file, found \"{\""},
    {"table a file b c", "1:16: expected the end of the line, found \"c\""},
    {"table a { b } c", "1:15: expected the end of the line, found \"c\""},
    {"table a { b } }", "1:15: expected the end of the line, found \"}\""},
    {"\n table a { b\n\nc\n", "2:10: expected \"}\" for this \"{\", found the end of the file"},
    {"table a { \"}\" # }", "1:9: expected \"}\" for this \"{\", found the end of the file"},
    {"table a { b { c } }", "1:13: expected an entry or \"}\", found \"{\""},
    {"table a { b\n\npolicy {\n}\n", "1:9: expected \"}\" for this \"{\", found \"{\" in line 3"},
    {"set a = b in { c\ntable d { e }\n",
     "1:14: expected \"}\" for this \"{\", found \"{\" in line 2"},
    {"policy {\n at a {\n  b when c in { d, e\n  f \"g\" when h\n }\n}\n",
     "3:15: expected \"}\" for this \"{\", found \"when\" in line 4"},
    {"policy {\n at a {\n  b when c in { d, e unless h\n }\n}\n",
     "3:15: expected \"}\" for this \"{\", found \"unless\" in line 3"},
    {"table a { (b) }", "1:11: expected an entry or \"}\", found \"(\""},
    {"table a { /b }", "1:11: expected a closing slash, found the end of the line"},
    {"table a {\n\"b\n\" }", "2:1: expected a closing quote, found the end of the line"},
    {"set", "1:4: expected a name to set, such as patience, found the end of the file"},
    {"set = 5", "1:5: expected a name to set, such as patience, found \"=\""},
    {"set \"a\" = 5", "1:5: expected a name to set, such as patience, found \"a\""},
    {"set 5=5", "1:5: expected a name to set, such as patience, found \"5\""},
    {"set a", "1:6: expected \"=\" and an expression, found the end of the file"},
    {"set a 5", "1:7: expected \"=\" and an expression, found \"5\""},
    {"set a == 5", "1:7: expected \"=\" and an expression, found \"==\""},
    {"set a =", "1:8: expected an expression, found the end of the file"},
    {"set a =\n5", "1:8: expected an expression, found the end of the line"},
    {"set a = # 5\n", "1:12: expected an expression, found the end of the line"},
    {"set a = !b", "1:9: expected !=, !~ or the word \"not\", found \"!\""},
    {"set a = { b }", "1:9: expected an expression, found \"{\""},
    {"set a = b }", "1:11: expected an expression, found \"}\""},
    {"set a = b in { c", "1:14: expected \"}\" for this \"{\", found the end of the file"},
    {"set a = ((b)\nhostname x\nworkers 1",
     "1:9: expected \")\" for this \"(\", found the end of the file"},
    {"set a = (b) and (c\n", "1:17: expected \")\" for this \"(\", found the end of the file"},
    {"set a = b\nand", "2:4: expected a statement \"hostname\", found the end of the file"},
    {"policy", "1:7: expected \"standard\" or \"{\", found the end of the file"},
    {"policy\n{\n}", "1:7: expected \"standard\" or \"{\", found the end of the line"},
    {"policy standart", "1:8: expected \"standard\" or \"{\", found \"standart\""},
    {"policy \"standard\"", "1:8: expected \"standard\" or \"{\", found \"standard\""},
    {"policy standard {", "1:17: expected the end of the line, found \"{\""},
    {"policy { } }", "1:12: expected the end of the line, found \"}\""},
    {"policy {", "1:8: expected \"}\" for this \"{\", found the end of the file"},
    {"policy {\n at a {\n  b\n", "2:7: expected \"}\" for this \"{\", found the end of the file"},
    {"policy {\n at a {\n }\n", "1:8: expected \"}\" for this \"{\", found the end of the file"},
    {"policy {\n at a {\n pass\n at b {\n }\n}\n",
     "2:7: expected \"}\" for this \"{\", found the next phase in line 4"},
    {"policy {\n at a {\n  b when c in { d\n }\n",
     "2:7: expected \"}\" for this \"{\", found the end of the file"},
    {"policy {\n at a {\n  b when c in { d\n",
     "3:15: expected \"}\" for this \"{\", found the end of the file"},
    {"policy {\n at a {\n  b when c in { { } }", "3:17: expected an entry or \"}\", found \"{\""},
    {"policy {\n at a {\n  reject \"b\n }\n}",
     "3:10: expected a closing quote, found the end of the line"},
    {"policy {\n at a {\n  b when !c\n }\n}",
     "3:10: expected !=, !~ or the word \"not\", found \"!\""},
    {"policy {\ninclude a\nb!c\n}", "3:2: expected !=, !~ or the word \"not\", found \"!\""},
    {"policy {\ntable a file b\nc!d\n}", "3:2: expected !=, !~ or the word \"not\", found \"!\""},
    {"policy {\n\377\n}", "2:1: expected printable UTF-8 text, found the octet 0xff"},
    {DEEP "}}}}}}", "1:8: expected \"}\" for this \"{\", found the end of the file"},
    {"policy {\n{{{{{{{\n{{", "3:1: expected no more braces within each other, found \"{\""},
};

static void wrong_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct conf *c = NULL;
        struct conf_error error;
        char expected[sizeof(error.text)];
        (void)snprintf(expected, sizeof(expected), "test.conf:%s", wrong[i].error);
        assert_int_not_equal(conf_parse(slice_of(wrong[i].text), "test.conf", &c, &error), 0);
        assert_null(c);
        assert_string_equal(error.text, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extents),
        cmocka_unit_test(several),
        cmocka_unit_test(wrong_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
