/* What a message says in our name: found wherever it stands, in the blocks and in the file, and
 * nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/buf.h"
#include "message/forged.h"
#include "message/outgoing.h"
#include "parse/header.h"
#include "rt/sim.h"
#include "rt/sys.h"

#define AR "Authentication-Results: "

static struct {
    struct slice octets;
    struct buf out; /* what goes out */
    uint32_t removed;
    size_t cuts;
    int result;
    bool fails; /* the file */
} o;

static const struct slice marks[] = {SLICE_LIT("x-spam-flag"), SLICE_LIT("x-spam")};

static int unreadable(enum sys_op op)
{
    return op == SYS_READ ? -EIO : 0;
}

static void search(void *arg)
{
    struct message *m = arg;
    struct arena arena;
    struct header_counter h;
    arena_init(&arena);
    header_counter_init(&h);
    header_counter_add(&h, marks, sizeof(marks) / sizeof(marks[0]));
    header_counter_feed(&h, o.octets.p, o.octets.n);
    assert_int_equal(spool_append(&m->spool, o.octets.p, o.octets.n, USEC_NEVER), 0);
    m->results_count = h.results;
    m->begins_blank = h.begins_blank;
    if (o.fails) {
        sys_fault = unreadable;
    }
    const struct forged_names ours = {
        .authserv_id = SLICE_LIT("mx.example.org"),
        .marks = marks,
        .mark_count = sizeof(marks) / sizeof(marks[0]),
    };
    o.result = message_cut_forged(m, &ours, &arena);
    sys_fault = NULL;
    o.removed = m->removed;
    o.cuts = m->cut_count;
    struct message_cursor c = {0};
    struct slice piece = {NULL, 1};
    while (o.result == 0 && piece.n > 0) {
        assert_int_equal(message_next(m, &c, &piece), 0);
        buf_append_slice(&o.out, piece);
    }
    message_cursor_end(m, &c);
    spool_reset(&m->spool);
    arena_free(&arena);
}

static void look(struct slice octets)
{
    struct sim *sim = sim_new(1);
    struct rt *rt = sim_rt(sim);
    struct budget budget;
    budget_init(&budget, 1 << 26);
    struct spool_config config = {.budget = &budget, .folder = "/tmp", .memory_each = 32768};
    struct message m = {0};
    spool_init(&m.spool, &config);
    o.octets = octets;
    buf_free(&o.out);
    task_spawn(rt, rt_root_of(rt), search, &m);
    sim_run(sim, USEC_NEVER);
    sim_rt_free(rt);
    sim_free(sim);
    budget_fini(&budget);
}

static void assert_out(struct slice octets, struct slice out, uint32_t removed)
{
    look(octets);
    assert_int_equal(o.result, 0);
    assert_int_equal(o.removed, removed);
    assert_int_equal(o.out.n, out.n);
    assert_true(out.n == 0 || memcmp(o.out.p, out.p, out.n) == 0);
}

/* ---- what goes and what stays ---- */

static const struct {
    const char *text;
    const char *out; /* NULL: all of it */
    uint32_t removed;
} rows[] = {
    {"", NULL, 0},
    {"To: a\r\n\r\nhello\r\n", NULL, 0},
    {AR "mx.example.org; spf=pass\r\nTo: a\r\n\r\nhello\r\n", "To: a\r\n\r\nhello\r\n", 1},
    {"To: a\r\n" AR "mx.example.org;\r\n\tspf=pass\r\n dkim=pass\r\n\r\nhello\r\n",
     "To: a\r\n\r\nhello\r\n", 1},
    {AR "other.example; spf=pass\r\n\r\n", NULL, 0},
    {AR "example.org; spf=pass\r\n\r\n", NULL, 0},
    {AR "amx.example.org; spf=pass\r\n\r\n", NULL, 0},
    {AR "mx.example.org.evil.example; spf=pass\r\n\r\n", NULL, 0},
    {"authentication-RESULTS :\r\n MX.Example.ORG\r\n ;none\r\n\r\n", "\r\n", 1},
    {AR "(a (comment) with; mx.other) mx.example.org (v) 1; none\r\n\r\n", "\r\n", 1},
    {AR "\"mx.example.org\"; none\r\n\r\n", "\r\n", 1},
    {AR "mx.example.org./1; none\r\n\r\n", "\r\n", 1},
    {"ARC-Authentication-Results: i=1; mx.example.org; spf=pass\r\n\r\n", NULL, 0},
    {"X-Authentication-Results: mx.example.org; spf=pass\r\n\r\n", NULL, 0},
    {"Authentication-Results-X: mx.example.org; spf=pass\r\n\r\n", NULL, 0},
    {"Subject: x\r\n " AR "mx.example.org; spf=pass\r\n\r\n", NULL, 0},
    /* Our marks are ours alone, whatever they say. */
    {"X-Spam-Flag: NO\r\nTo: a\r\nx-SPAM :\r\n  yes\r\n\r\nX-Spam: b\r\n",
     "To: a\r\n\r\nX-Spam: b\r\n", 2},
    {"X-Spam-Flags: NO\r\nX-Spa: NO\r\nX-Spam-: a\r\nX-Spam Flag: b\r\n\r\n", NULL, 0},
    {"X-Spam-Score: 5\r\n" AR "mx.example.org; a=pass\r\nX-Spam-Flag:\r\n\r\n",
     "X-Spam-Score: 5\r\n\r\n", 2},
    {AR "other.example; none\r\nX-Spam: a\r\n\r\n", AR "other.example; none\r\n\r\n", 1},
    /* In the body everybody may say what they like. */
    {"To: a\r\n\r\n" AR "mx.example.org; spf=pass\r\n", NULL, 0},
    {"\r\n" AR "mx.example.org; spf=pass\r\n", NULL, 0},
    {AR "other.example; none\r\n\r\n" AR "mx.example.org; spf=pass\r\n", NULL, 0},
    /* Several, beside each other and not. */
    {AR "mx.example.org; a=pass\r\n" AR "mx.example.org; b=pass\r\nTo: a\r\n" AR
        "mx.example.org; c=pass\r\n" AR "x.example; d=pass\r\n" AR "mx.example.org; e=pass\r\n\r\n",
     "To: a\r\n" AR "x.example; d=pass\r\n\r\n", 4},
    /* Headers that do not end. */
    {"To: a\r\n" AR "mx.example.org; a=pass\r\n", "To: a\r\n", 1},
    {"To: a\r\n" AR "mx.example.org; a=pass", "To: a\r\n", 1},
    {AR "mx.example.org", "", 1},
    {AR "mx.example.org; a=pass\r\n folded\r\n\r", "\r", 1},
    /* Line ends that BDAT can bring. */
    {"To: a\n" AR "mx.example.org; a=pass\n\tx\nCc: b\n\n" AR "mx.example.org; none\n",
     "To: a\nCc: b\n\n" AR "mx.example.org; none\n", 1},
    /* What is no field does not hide one. */
    {"no field\r\n" AR "mx.example.org; a=pass\r\n\r\n", "no field\r\n\r\n", 1},
    {"\r\r\n" AR "mx.example.org; a=pass\r\n\r\n", "\r\r\n\r\n", 1},
    /* Lines that would go on with the field that we put in front. */
    {" spf=pass\r\n\tdkim=pass\r\nTo: a\r\n\r\nhello\r\n", "To: a\r\n\r\nhello\r\n", 0},
    {" \r\n" AR "mx.example.org; none\r\n\r\n", "\r\n", 1},
    {"\t", "", 0},
    {" alone\r\n\r\n indented\r\n", "\r\n indented\r\n", 0},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *out = rows[i].out != NULL ? rows[i].out : rows[i].text;
        assert_out(slice_of(rows[i].text), slice_of(out), rows[i].removed);
    }
}

/* ---- long headers ---- */

static void fill(struct buf *b, size_t n)
{
    static const char line[] = "X-Filler: abcdefghijklmnopqrstuvwxyz\r\n";
    while (b->n < n) {
        buf_append(b, line, sizeof line - 1);
    }
}

/* Behind any amount of header, and lying across any border of the spool's pieces. */
static void test_far_away(void **state)
{
    (void)state;
    static const char forged[] = AR "(" AR ") mx.example.org;\r\n\tspf=pass\r\n";
    static const size_t places[] = {16360, 32720, 32720 + 65536, 300000, 1048576, 3000000};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (size_t before = 0; before < sizeof forged + 40; before += 3) {
            struct buf in = {0}, out = {0};
            fill(&in, places[i] - before);
            buf_append_slice(&out, buf_slice(&in));
            buf_append(&in, forged, sizeof forged - 1);
            buf_append(&in, "To: a\r\n\r\nhello\r\n", 16);
            buf_append(&out, "To: a\r\n\r\nhello\r\n", 16);
            assert_out(buf_slice(&in), buf_slice(&out), 1);
            buf_free(&in);
            buf_free(&out);
            before += i > 3 ? 30 : 0;
        }
    }
}

/* A field of more than we look at goes, and so does one whose name stands behind a long comment. */
static void test_long_field(void **state)
{
    (void)state;
    static const size_t sizes[] = {1000, 100000, 262000, 262144, 270000, 2000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buf in = {0}, out = {0};
        buf_printf(&in, AR "(");
        memset(buf_reserve(&in, sizes[i]), 'c', sizes[i]);
        in.n += sizes[i];
        buf_append_slice(&out, buf_slice(&in));
        buf_printf(&in, ") mx.example.org; a=pass\r\n\r\n");
        buf_printf(&out, ") other.example; a=pass\r\n\r\n");
        assert_out(buf_slice(&in), SLICE_LIT("\r\n"), 1);
        if (sizes[i] < 262000) {
            assert_out(buf_slice(&out), buf_slice(&out), 0);
        } else if (sizes[i] > 262144) {
            assert_out(buf_slice(&out), SLICE_LIT("\r\n"), 1);
            out.n -= 2;
            buf_printf(&out, AR "other.example; b=pass\r\n\r\n"); /* which is not long */
            assert_out(buf_slice(&out), SLICE_LIT(AR "other.example; b=pass\r\n\r\n"), 1);
        }
        buf_free(&in);
        buf_free(&out);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    struct buf in = {0}, out = {0};
    for (unsigned i = 0; i <= FORGED_PLACES_MOST; i++) {
        if (i == FORGED_PLACES_MOST) {
            assert_out(buf_slice(&in), buf_slice(&out), 2 * i);
            assert_int_equal(o.cuts, FORGED_PLACES_MOST);
        }
        buf_printf(&in, "A: b\r\n" AR "mx.example.org; none\r\n" AR "mx.example.org\r\n");
        buf_printf(&out, "A: b\r\n");
    }
    look(buf_slice(&in));
    assert_int_equal(o.result, -E2BIG);
    buf_free(&in);
    buf_free(&out);
    /* Side by side they are one place, as many as there are. */
    for (unsigned i = 0; i < 40000; i++) {
        buf_printf(&in, AR "mx.example.org; none\r\n");
    }
    assert_out(buf_slice(&in), SLICE_LIT(""), 40000);
    assert_int_equal(o.cuts, 1);
    buf_free(&in);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct buf in = {0};
    buf_printf(&in, AR "mx.example.org; none\r\n");
    fill(&in, 200000);
    o.fails = true;
    look(buf_slice(&in));
    assert_int_equal(o.result, -EIO);
    o.fails = false;
    buf_free(&in);
}

static int tidy(void **state)
{
    (void)state;
    buf_free(&o.out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_far_away),
        cmocka_unit_test(test_long_field), cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, tidy);
}
