/* Words of configuration files, expressions and tables: what is a token, and where it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/buf.h"
#include "conf/lexer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* One token as a short text: <word> 'string' (operator and reserved as they are) ; for a newline.
 */
static void show(struct buf *out, const struct token *t)
{
    switch (t->kind) {
    case TOKEN_WORD: buf_printf(out, "<" SLICE_FMT ">", SLICE_ARG(t->text)); break;
    case TOKEN_STRING: buf_printf(out, "'" SLICE_FMT "'", SLICE_ARG(t->text)); break;
    case TOKEN_OPERATOR: buf_printf(out, " " SLICE_FMT " ", SLICE_ARG(t->text)); break;
    case TOKEN_COMMA:
    case TOKEN_RESERVED: buf_append_slice(out, t->text); break;
    case TOKEN_NEWLINE: buf_append(out, ";", 1); break;
    case TOKEN_END: break;
    case TOKEN_BAD:
        buf_printf(out, " BAD %u:%u " SLICE_FMT, t->place.line, t->place.column,
                   SLICE_ARG(t->text));
        break;
    }
}

static bool is_last(const struct token *t)
{
    return t->kind == TOKEN_END || t->kind == TOKEN_BAD;
}

static char *shown(struct slice text, enum lexer_mode mode)
{
    struct source source = {.name = "test", .text = text};
    struct buf out = {0};
    struct arena arena;
    struct lexer l;
    struct token t;

    arena_init(&arena);
    lexer_init(&l, &source, &arena);
    assert_int_equal(l.mode, LEXER_STATEMENTS);
    l.mode = mode;
    do {
        t = lexer_next(&l);
        assert_ptr_equal(t.place.source, &source);
        show(&out, &t);
    } while (!is_last(&t));
    arena_free(&arena);
    buf_append(&out, "", 1);
    return out.p;
}

struct row {
    struct slice text;
    const char *tokens;
};

static void assert_rows(const struct row *rows, size_t count, enum lexer_mode mode)
{
    for (size_t i = 0; i < count; i++) {
        /* In memory that ends with the text, so that AddressSanitizer sees what looks beyond. */
        char *copy = malloc(rows[i].text.n);
        assert_true(copy != NULL || rows[i].text.n == 0);
        memcpy(copy, rows[i].text.p, rows[i].text.n);
        char *tokens = shown((struct slice){copy, rows[i].text.n}, mode);
        assert_string_equal(tokens, rows[i].tokens);
        free(tokens);
        free(copy);
    }
}

static void statements(void **state)
{
    static const struct row rows[] = {
        {SLICE_LIT(""), ""},
        {SLICE_LIT("a b"), "<a><b>"},
        {SLICE_LIT("a=b c!d !e /x<y>z ~"), "<a=b><c!d><!e></x<y>z><~>"},
        {SLICE_LIT("a==b != c"), "<a==b><!=><c>"},
        {SLICE_LIT("/a b/"), "</a><b/>"},
        {SLICE_LIT("/%{a}/%{b}"), "</%{a}/%{b}>"},
        {SLICE_LIT("a{b} (c)"), "<a>{<b>}(<c>)"},
        {SLICE_LIT("a,b ,c"), "<a>,<b>,<c>"},
        {SLICE_LIT("a\nb"), "<a>;<b>"},
        {SLICE_LIT("a\n\n \t# c\n\r\nb\n"), "<a>;<b>;"},
        {SLICE_LIT("\n\n"), ";"},
        {SLICE_LIT("a,\n\n # c\nb\nc"), "<a>,<b>;<c>"},
        {SLICE_LIT("(\na\n)"), "(;<a>;)"},
        {SLICE_LIT("\"a\\\"b\\u00e9\" c"), "'a\"b\303\251'<c>"},
        {SLICE_LIT("a\nwhen b"), "<a><when><b>"},
        {SLICE_LIT("a\n# c\n\n  unless\tb\nor\nand"), "<a><unless><b><or><and>"},
        {SLICE_LIT("\nand"), "<and>"},
        {SLICE_LIT("a\nwhenever\nAnd\nor=\nand.b\n\"or\""),
         "<a>;<whenever>;<And>;<or=>;<and.b>;'or'"},
        {SLICE_LIT("a\nand,b\nor{"), "<a><and>,<b><or>{"},
        {SLICE_LIT("a\nwhen\"b\""), "<a> BAD 2:5 expected a blank, a comma or the end of the line, "
                                    "found \"\"\""},
        {SLICE_LIT("a\n when\001"), "<a> BAD 2:6 expected printable UTF-8 text, found the octet "
                                    "0x01"},
    };

    (void)state;
    assert_rows(rows, COUNT(rows), LEXER_STATEMENTS);
}

static void expressions(void **state)
{
    static const struct row rows[] = {
        {SLICE_LIT("a == b != c < d <= e > f >= g ~ h !~ i = j"),
         "<a> == <b> != <c> < <d> <= <e> > <f> >= <g> ~ <h> !~ <i> = <j>"},
        {SLICE_LIT("rcpt.count>50"), "<rcpt.count> > <50>"},
        {SLICE_LIT("a==\"b\"!=c"), "<a> == 'b' != <c>"},
        {SLICE_LIT("a<=b<c>=d>e!~f~g=h"), "<a> <= <b> < <c> >= <d> > <e> !~ <f> ~ <g> = <h>"},
        {SLICE_LIT("===<>=!=="), " ==  =  <  >=  !=  = "},
        {SLICE_LIT("~=~~"), " ~  =  ~  ~ "},
        {SLICE_LIT("<"), " < "},
        {SLICE_LIT("="), " = "},
        {SLICE_LIT("a=#b\nc"), "<a> = ;<c>"},
        {SLICE_LIT("2001:db8::/32 -5 1.5K /x a@b a|b"), "<2001:db8::/32><-5><1.5K></x><a@b><a|b>"},
        {SLICE_LIT("%{a}==b"), "<%{a}> == <b>"},
        {SLICE_LIT("!"), " BAD 1:1 expected !=, !~ or the word \"not\", found \"!\""},
        {SLICE_LIT("a and !b"),
         "<a><and> BAD 1:7 expected !=, !~ or the word \"not\", found \"!\""},
        {SLICE_LIT("a! =b"), "<a> BAD 1:2 expected !=, !~ or the word \"not\", found \"!\""},
        {SLICE_LIT("!!="), " BAD 1:1 expected !=, !~ or the word \"not\", found \"!\""},
        {SLICE_LIT("(a\n\n# c\nb)\nc"), "(<a><b>);<c>"},
        {SLICE_LIT("((a\n)\n)\nb"), "((<a>));<b>"},
        {SLICE_LIT("a)\nb"), "<a>);<b>"},
        {SLICE_LIT(")(\na"), ")(<a>"},
        {SLICE_LIT("{\na\n}\n"), "{;<a>;};"},
        {SLICE_LIT("a\nand==b"), "<a><and> == <b>"},
        {SLICE_LIT("a\n or(b"), "<a><or>(<b>"},
        {SLICE_LIT("a\norb\nand-c\n"), "<a>;<orb>;<and-c>;"},
        {SLICE_LIT("\"a\"\"b\""), " BAD 1:4 expected a blank, a comma or the end of the line, "
                                  "found \"\"\""},
    };

    (void)state;
    assert_rows(rows, COUNT(rows), LEXER_EXPRESSIONS);
}

static void entries(void **state)
{
    static const struct row rows[] = {
        {SLICE_LIT("192.0.2.0/24, .example.org\n!bad.example.org"),
         "<192.0.2.0/24>,<.example.org>;<!bad.example.org>"},
        {SLICE_LIT("/a b/ /c,d/i,!/{\"#(}/i\n/e/"), "</a b/></c,d/i>,<!/{\"#(}/i>;</e/>"},
        {SLICE_LIT("{/a{2}}/}"), "{</a{2}}/>}"},
        {SLICE_LIT("/a\\/b\\\\/ c"), "</a\\/b\\\\/><c>"},
        {SLICE_LIT("/\303\274\\d/"), "</\303\274\\d/>"},
        {SLICE_LIT("//"), "<//>"},
        {SLICE_LIT("a/b/c a!b a=b"), "<a/b/c><a!b><a=b>"},
        {SLICE_LIT("!\"a b\" ! \"c\" !d"), "<!>'a b'<!>'c'<!d>"},
        {SLICE_LIT("!{}"), "<!>{}"},
        {SLICE_LIT("!"), "<!>"},
        {SLICE_LIT("\"/a/\""), "'/a/'"},
        {SLICE_LIT("a\nand\nwhen b\n# c\nor"), "<a>;<and>;<when><b>;<or>"},
        {SLICE_LIT("(a\nb)"), "(<a>;<b>)"},
        {SLICE_LIT("a # /b\n/c#/"), "<a>;</c#/>"},
        {SLICE_LIT("/a/\r\n/b/"), "</a/>;</b/>"},
        {SLICE_LIT("/"), " BAD 1:1 expected a closing slash, found the end of the line"},
        {SLICE_LIT("a /b\nc/"), "<a> BAD 1:3 expected a closing slash, found the end of the line"},
        {SLICE_LIT("!/b\\/\n/"), " BAD 1:2 expected a closing slash, found the end of the line"},
        {SLICE_LIT("/b\\\n/"), " BAD 1:1 expected a closing slash, found the end of the line"},
        {SLICE_LIT("/b\\"), " BAD 1:1 expected a closing slash, found the end of the line"},
        {SLICE_LIT("/var/log"), " BAD 1:6 expected a blank, a comma or the end of the line, found "
                                "\"l\""},
        {SLICE_LIT("/a/ii"), " BAD 1:5 expected a blank, a comma or the end of the line, found "
                             "\"i\""},
        {SLICE_LIT("/a\tb/"), " BAD 1:3 expected printable UTF-8 text, found the octet 0x09"},
        {SLICE_LIT("/\377/"), " BAD 1:2 expected printable UTF-8 text, found the octet 0xff"},
        {SLICE_LIT("/a\r/"), " BAD 1:3 expected printable UTF-8 text, found the octet 0x0d"},
        {SLICE_LIT("/\000/"), " BAD 1:2 expected printable UTF-8 text, found the octet 0x00"},
    };

    (void)state;
    assert_rows(rows, COUNT(rows), LEXER_ENTRIES);
}

/* The parser changes the mode before it looks at the next token, as it does here. */
static void modes_change(void **state)
{
    static const char text[] = "when (client.ip in { /a=b/\n, 10.0.0.0/8\n!c }\nor d!=e)\nx=y";
    static const struct {
        enum lexer_mode mode;
        const char *token;
    } steps[] = {
        {LEXER_STATEMENTS, "<when>"},
        {LEXER_EXPRESSIONS, "("},
        {LEXER_EXPRESSIONS, "<client.ip>"},
        {LEXER_EXPRESSIONS, "<in>"},
        {LEXER_EXPRESSIONS, "{"},
        {LEXER_ENTRIES, "</a=b/>"},
        {LEXER_ENTRIES, ";"},
        {LEXER_ENTRIES, ","},
        {LEXER_ENTRIES, "<10.0.0.0/8>"},
        {LEXER_ENTRIES, ";"},
        {LEXER_ENTRIES, "<!c>"},
        {LEXER_ENTRIES, "}"},
        {LEXER_EXPRESSIONS, "<or>"},
        {LEXER_EXPRESSIONS, "<d>"},
        {LEXER_EXPRESSIONS, " != "},
        {LEXER_EXPRESSIONS, "<e>"},
        {LEXER_EXPRESSIONS, ")"},
        {LEXER_EXPRESSIONS, ";"},
        {LEXER_STATEMENTS, "<x=y>"},
        {LEXER_STATEMENTS, ""},
    };
    struct source source = {.name = "test", .text = SLICE_LIT(text)};
    struct arena arena;
    struct lexer l;

    (void)state;
    arena_init(&arena);
    lexer_init(&l, &source, &arena);
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct buf out = {0};
        l.mode = steps[i].mode;
        struct token t = lexer_next(&l);
        show(&out, &t);
        buf_append(&out, "", 1);
        assert_string_equal(out.p, steps[i].token);
        buf_free(&out);
    }
    arena_free(&arena);
}

static void assert_place(struct token t, unsigned line, unsigned column, const char *behind,
                         const struct lexer *l)
{
    assert_int_equal(t.place.line, line);
    assert_int_equal(t.place.column, column);
    assert_true(l->next == behind);
}

/* Lines and columns, and `next` right behind the last token. */
static void places(void **state)
{
    static const char text[] = "ab \"c\"  # d\n\n\n\t ef,\ngh\n  when i\n";
    struct source source = {.name = "test", .text = SLICE_LIT(text)};
    struct arena arena;
    struct lexer l;

    (void)state;
    arena_init(&arena);
    lexer_init(&l, &source, &arena);
    assert_place(lexer_next(&l), 1, 1, text + 2, &l);   /* ab */
    assert_place(lexer_next(&l), 1, 4, text + 6, &l);   /* "c" */
    assert_place(lexer_next(&l), 1, 12, text + 12, &l); /* newline */
    assert_place(lexer_next(&l), 4, 3, text + 18, &l);  /* ef */
    assert_place(lexer_next(&l), 4, 5, text + 19, &l);  /* comma */
    assert_place(lexer_next(&l), 5, 1, text + 22, &l);  /* gh */
    assert_place(lexer_next(&l), 6, 3, text + 29, &l);  /* when */
    assert_place(lexer_next(&l), 6, 8, text + 31, &l);  /* i */
    assert_place(lexer_next(&l), 6, 9, text + 32, &l);  /* newline */
    for (int i = 0; i < 3; i++) {
        struct token t = lexer_next(&l);
        assert_int_equal(t.kind, TOKEN_END);
        assert_place(t, 7, 1, text + 32, &l);
    }
    arena_free(&arena);
}

/* A part ends at its last octet and its tokens stand where they do in the whole. */
static void parts(void **state)
{
    static const char text[] = "hostname mx\n  set a = b\nand c\nroute";
    struct source source = {.name = "test", .text = SLICE_LIT(text)};
    struct slice part = {text + 14, 15};
    struct arena arena;
    struct lexer l;

    (void)state;
    arena_init(&arena);
    lexer_init_part(&l, &source, part, (struct place){2, 3, &source}, &arena);
    l.mode = LEXER_EXPRESSIONS;
    assert_place(lexer_next(&l), 2, 3, text + 17, &l);  /* set */
    assert_place(lexer_next(&l), 2, 7, text + 19, &l);  /* a */
    assert_place(lexer_next(&l), 2, 9, text + 21, &l);  /* = */
    assert_place(lexer_next(&l), 2, 11, text + 23, &l); /* b */
    assert_place(lexer_next(&l), 3, 1, text + 27, &l);  /* and */
    struct token c = lexer_next(&l);
    assert_place(c, 3, 5, text + 29, &l);
    assert_true(slice_eq(c.text, SLICE_LIT("c")));
    c = lexer_next(&l);
    assert_int_equal(c.kind, TOKEN_END);
    assert_place(c, 3, 6, text + 29, &l);
    assert_ptr_equal(c.place.source, &source);

    /* Nothing behind the part is looked at: it ends with the word "and". */
    source.text = SLICE_LIT("a\nandroid");
    lexer_init_part(&l, &source, (struct slice){source.text.p, 5}, (struct place){1, 1, &source},
                    &arena);
    assert_int_equal(lexer_next(&l).kind, TOKEN_WORD);
    assert_int_equal(lexer_next(&l).kind, TOKEN_WORD);
    assert_int_equal(lexer_next(&l).kind, TOKEN_END);
    arena_free(&arena);
}

/* Neither many lines nor many words in one line take longer for each. */
static void long_files(void **state)
{
    enum { SIZE = 4000000 };
    static const char *const repeated[] = {"\n", "\"a\",", "#\n", "(\n", "a ", "\n\n/a/,"};
    static const enum lexer_mode modes[] = {LEXER_STATEMENTS, LEXER_EXPRESSIONS, LEXER_ENTRIES};
    struct buf text = {0};

    (void)state;
    for (size_t k = 0; k < COUNT(repeated); k++) {
        text.n = 0;
        while (text.n < SIZE) {
            buf_append(&text, repeated[k], strlen(repeated[k]));
        }
        for (size_t m = 0; m < COUNT(modes); m++) {
            struct source source = {.name = "test", .text = buf_slice(&text)};
            struct arena arena;
            struct lexer l;
            size_t tokens = 0;
            arena_init(&arena);
            lexer_init(&l, &source, &arena);
            l.mode = modes[m];
            while (lexer_next(&l).kind != TOKEN_END) {
                tokens++;
            }
            assert_true(tokens <= SIZE);
            arena_free(&arena);
        }
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements),   cmocka_unit_test(expressions), cmocka_unit_test(entries),
        cmocka_unit_test(modes_change), cmocka_unit_test(places),      cmocka_unit_test(parts),
        cmocka_unit_test(long_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
