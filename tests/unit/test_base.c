/* Arenas, buffers, pools of blocks, lists, time, text cleaning, the log and digests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/block_pool.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/fatal.h"
#include "base/list.h"
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Allocations of every size are aligned, apart from each other and keep what is written. */
static void arena_keeps_apart(void **state)
{
    enum { ROUNDS = 2000 };
    static unsigned char *piece[ROUNDS];
    struct arena a;

    (void)state;
    arena_init(&a);
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < ROUNDS; i++) {
            size_t n = i * 7 % 301;
            piece[i] = arena_alloc(&a, n);
            assert_int_equal((uintptr_t)piece[i] % _Alignof(max_align_t), 0);
            memset(piece[i], (int)(i & 255), n);
        }
        for (size_t i = 0; i < ROUNDS; i++) {
            for (size_t k = 0; k < i * 7 % 301; k++) {
                assert_int_equal(piece[i][k], i & 255);
            }
        }
        arena_reset(&a);
    }
    arena_free(&a);
    assert_null(a.block);
}

/* After a reset the same memory is handed out again: nothing is allocated per message. */
static void arena_reuses_one_block(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a);
    for (int i = 0; i < 100; i++) {
        (void)arena_alloc(&a, 1000);
    }
    arena_reset(&a);
    struct arena_block *kept = a.block;
    assert_non_null(kept);
    void *first = arena_alloc(&a, 500);
    arena_reset(&a);
    assert_ptr_equal(arena_alloc(&a, 500), first);
    assert_ptr_equal(a.block, kept);
    arena_free(&a);
}

/* A request larger than any block neither wastes the room of the present block nor is kept. */
static void arena_large_requests(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a);
    char *large = arena_zalloc(&a, 1000000);
    assert_int_equal(large[0] | large[999999], 0);
    arena_reset(&a);
    assert_null(a.block);
    char *small = arena_alloc(&a, 16);
    large = arena_alloc(&a, 300000);
    memset(large, 1, 300000);
    assert_ptr_equal(arena_alloc(&a, 16), small + 16);
    arena_reset(&a);
    assert_ptr_equal(arena_alloc(&a, 16), small);
    arena_free(&a);
}

static void arena_zalloc_clears_reused_memory(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a);
    memset(arena_alloc(&a, 256), 0xff, 256);
    arena_reset(&a);
    unsigned char *p = arena_zalloc(&a, 256);
    for (size_t i = 0; i < 256; i++) {
        assert_int_equal(p[i], 0);
    }
    arena_free(&a);
}

static void arena_texts(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a);
    struct slice s = arena_copy(&a, (struct slice){"a\0b", 3});
    assert_int_equal(s.n, 3);
    assert_memory_equal(s.p, "a\0b\0", 4);
    s = arena_copy(&a, (struct slice){NULL, 0});
    assert_int_equal(s.n, 0);
    assert_string_equal(s.p, "");
    s = arena_printf(&a, "%s-%d", "x", 42);
    assert_int_equal(s.n, 4);
    assert_string_equal(s.p, "x-42");
    for (size_t width = 509; width < 515; width++) {
        s = arena_printf(&a, "%*d", (int)width, 7);
        assert_int_equal(s.n, width);
        assert_int_equal(strlen(s.p), width);
        assert_int_equal(s.p[width - 1], '7');
    }
    arena_free(&a);
}

static void buf_grows(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_append(&b, NULL, 0);
    assert_int_equal(buf_slice(&b).n, 0);
    for (int i = 0; i < 10000; i++) {
        buf_printf(&b, "%05d", i);
    }
    buf_append_slice(&b, SLICE_LIT("end"));
    assert_int_equal(b.n, 50003);
    assert_memory_equal(b.p, "000000000100002", 15);
    assert_memory_equal(b.p + 49995, "09999end", 8);
    buf_consume(&b, 49995);
    assert_int_equal(b.n, 8);
    assert_memory_equal(b.p, "09999end", 8);
    memcpy(buf_reserve(&b, 4), "less", 4);
    b.n += 4;
    assert_true(slice_eq(buf_slice(&b), SLICE_LIT("09999endless")));
    buf_consume(&b, b.n);
    assert_int_equal(b.n, 0);
    buf_free(&b);
    assert_null(b.p);
    buf_append(&b, "again", 5);
    assert_true(slice_eq(buf_slice(&b), SLICE_LIT("again")));
    buf_free(&b);
}

/* The terminating NUL of vsnprintf needs room although the buffer does not count it. */
static void buf_printf_at_the_edge(void **state)
{
    (void)state;
    for (size_t before = 240; before < 260; before++) {
        struct buf b = {0};
        memset(buf_reserve(&b, before), 'x', before);
        b.n += before;
        buf_printf(&b, "%s", "0123456789");
        assert_int_equal(b.n, before + 10);
        assert_memory_equal(b.p + before - 1, "x0123456789", 11);
        buf_free(&b);
    }
}

struct item {
    int value;
    struct list link;
};

static int list_sum(struct list *head)
{
    int digits = 0;

    list_for_each (it, head) {
        digits = digits * 10 + list_entry(it, struct item, link)->value;
    }
    return digits;
}

static void list_keeps_order(void **state)
{
    struct list head;
    struct item items[4] = {{1}, {2}, {3}, {4}};

    (void)state;
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_pop_front(&head));
    list_push_back(&head, &items[1].link);
    list_push_back(&head, &items[2].link);
    list_push_front(&head, &items[0].link);
    list_insert_before(&items[2].link, &items[3].link);
    assert_int_equal(list_sum(&head), 1243);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_int_equal(list_sum(&head), 143);
    assert_ptr_equal(list_pop_front(&head), &items[0].link);
    list_for_each_safe (it, next, &head) {
        list_remove(it);
    }
    assert_true(list_empty(&head));
}

static void times_as_text(void **state)
{
    static const struct {
        usec_t wall;
        const char *rfc5322;
        const char *rfc3339;
    } rows[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00.000Z"},
        {-5, "Thu, 01 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00.000Z"},
        {951782399 * USEC_SEC + 999999, "Mon, 28 Feb 2000 23:59:59 +0000",
         "2000-02-28T23:59:59.999Z"},
        {951782400 * USEC_SEC, "Tue, 29 Feb 2000 00:00:00 +0000", "2000-02-29T00:00:00.000Z"},
        {951868800 * USEC_SEC, "Wed, 01 Mar 2000 00:00:00 +0000", "2000-03-01T00:00:00.000Z"},
        {1795322970 * USEC_SEC + 123456, "Sun, 22 Nov 2026 04:49:30 +0000",
         "2026-11-22T04:49:30.123Z"},
        {4107542400 * USEC_SEC, "Mon, 01 Mar 2100 00:00:00 +0000", "2100-03-01T00:00:00.000Z"},
        {USEC_NEVER, "Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59.000Z"},
    };
    char text[TIME_RFC5322_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        time_format_rfc5322(rows[i].wall, text);
        assert_string_equal(text, rows[i].rfc5322);
        time_format_rfc3339(rows[i].wall, text);
        assert_string_equal(text, rows[i].rfc3339);
    }
}

/* Every day of two leap cycles against the C library. */
static void times_agree_with_libc(void **state)
{
    (void)state;
    for (time_t day = 0; day < 366 * 220; day++) {
        time_t second = day * 86400 + day % 86400;
        struct tm tm;
        char expected[64], text[TIME_RFC5322_MAX];
        assert_non_null(gmtime_r(&second, &tm));
        assert_true(strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S +0000", &tm) > 0);
        time_format_rfc5322(second * USEC_SEC, text);
        assert_string_equal(text, expected);
        usec_t wall = 0;
        time_format_rfc3339(second * USEC_SEC + 789000, text);
        assert_int_equal(time_parse_rfc3339(slice_of(text), &wall), 0);
        assert_int_equal(wall, second * USEC_SEC + 789000);
    }
}

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        usec_t wall; /* -1: refused */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-22T04:49:30.123456789Z", 1795322970 * USEC_SEC + 123456},
        {"2000-02-29T23:59:59.5Z", 951868799 * USEC_SEC + 500000},
        {"9999-12-31T23:59:59.999999Z", 253402300799 * USEC_SEC + 999999},
        {"1969-12-31T23:59:59Z", -1},
        {"2026-02-29T00:00:00Z", -1},
        {"2100-02-29T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2026-04-00T00:00:00Z", -1},
        {"2026-04-01T24:00:00Z", -1},
        {"2026-04-01T00:60:00Z", -1},
        {"2026-04-01T00:00:60Z", -1},
        {"2026-04-01 00:00:00Z", -1},
        {"2026-04-01T00:00:00", -1},
        {"2026-04-01T00:00:00.Z", -1},
        {"2026-04-01T00:00:00.1234567890Z", -1},
        {"2026-04-01T00:00:00.1", -1},
        {"2026-04-01T00:00:00.+1Z", -1},
        {"2026-04-01T00:00:00ZZ", -1},
        {"2026-04-01T00:00:00+00:00", -1},
        {"+026-04-01T00:00:00Z", -1},
        {"2026-04-01T00:00", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        usec_t wall = -1;
        int r = time_parse_rfc3339(slice_of(rows[i].text), &wall);
        if (r != (rows[i].wall < 0 ? -EINVAL : 0) || wall != rows[i].wall) {
            fail_msg("%s: %d, %jd", rows[i].text, r, (intmax_t)wall);
        }
    }
}

static void text_is_cleaned(void **state)
{
    static const struct {
        struct slice dirty;
        const char *clean;
    } rows[] = {
        {SLICE_LIT("plain ~"), "plain ~"},
        {SLICE_LIT("a\r\nb\tc\x1b[2Jd\x7f"), "a??b?c?[2Jd?"},
        {SLICE_LIT("\0x"), "?x"},
        {SLICE_LIT("Gr\xc3\xbc\xc3\x9f"
                   "e \xe2\x82\xac \xf0\x9f\x93\xac"),
         "Gr\xc3\xbc\xc3\x9f"
         "e \xe2\x82\xac \xf0\x9f\x93\xac"},
        {SLICE_LIT("\xc2\x9b"
                   "31m"),
         "??31m"},                               /* U+009B, a control sequence introducer */
        {SLICE_LIT("\x9b\xff"), "??"},           /* not UTF-8 */
        {SLICE_LIT("\xc0\xaf"), "??"},           /* overlong */
        {SLICE_LIT("\xe0\x80\xaf"), "???"},      /* overlong */
        {SLICE_LIT("\xed\xa0\x80"), "???"},      /* a surrogate */
        {SLICE_LIT("\xf4\x90\x80\x80"), "????"}, /* above U+10FFFF */
        {SLICE_LIT("\xc3"), "?"},                /* cut short */
        {SLICE_LIT("\xe2\x82"), "??"},
        {SLICE_LIT("\xf0\x9f\x93"), "???"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[64];
        memcpy(text, rows[i].dirty.p, rows[i].dirty.n);
        text_clean(text, rows[i].dirty.n);
        assert_int_equal(rows[i].dirty.n, strlen(rows[i].clean));
        assert_memory_equal(text, rows[i].clean, rows[i].dirty.n);
    }
}

/* Runs `act` in a child and returns what it wrote to stderr and how it ended. */
static int child_says(void (*act)(void), char *ret_text, size_t size)
{
    int ends[2];
    int status = 0;
    size_t used = 0;
    ssize_t n;

    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        act();
        _exit(0);
    }
    (void)close(ends[1]);
    while ((n = read(ends[0], ret_text + used, size - 1 - used)) > 0) {
        used += (size_t)n;
    }
    ret_text[used] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void act_log(void)
{
    char longer[5000];

    log_line(LOG_NOTICE, "started");
    log_set_role("worker 1");
    log_line(LOG_WARNING, "bad name %s", "a\nb");
    memset(longer, 'y', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    log_line(LOG_ERROR, "%s", longer);
}

static void log_lines(void **state)
{
    char text[8192], expected[256];

    (void)state;
    assert_int_equal(child_says(act_log, text, sizeof(text)), 0);
    char *pid_end = strchr(text, ']');
    assert_non_null(pid_end);
    int head = (int)(pid_end - text) + 1;
    (void)snprintf(expected, sizeof(expected),
                   "%.*s: started\n%.*s worker 1: warning: bad name a?b\n%.*s worker 1: error: yyy",
                   head, text, head, text, head, text);
    assert_int_equal(strncmp(text, "gatepost[", 9), 0);
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    size_t n = strlen(text);
    assert_true(n < 3000);
    assert_string_equal(text + n - 2, "y\n");
}

static void act_fatal(void)
{
    fatal("no %s", "descriptors");
}

static void act_panic(void)
{
    char longer[3000];

    memset(longer, 'z', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    panic("%s", longer);
}

static void the_two_ways_to_die(void **state)
{
    char text[8192];

    (void)state;
    int status = child_says(act_fatal, text, sizeof(text));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
    assert_non_null(strstr(text, "]: fatal: no descriptors\n"));
    status = child_says(act_panic, text, sizeof(text));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "]: panic: zzz"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void assert_digest(struct digest d, const char *hex)
{
    char text[2 * DIGEST_LEN + 1];

    for (size_t i = 0; i < DIGEST_LEN; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", d.octets[i]);
    }
    assert_string_equal(text, hex);
}

/* The vectors of FIPS 180-2, whole, in pieces, and with the stream used again. */
static void digests(void **state)
{
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    struct digest_stream *d = digest_stream_new();

    (void)state;
    digest_stream_init(d);
    assert_digest(digest_stream_finish(d),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_stream_init(d);
    digest_stream_update(d, "abc", 3);
    assert_digest(digest_stream_finish(d), abc);
    digest_stream_init(d);
    digest_stream_update(d, "left over", 9);
    digest_stream_init(d);
    digest_stream_update(d, "a", 1);
    digest_stream_update(d, NULL, 0);
    digest_stream_update(d, "bc", 2);
    assert_digest(digest_stream_finish(d), abc);
    digest_stream_free(d);
    digest_stream_free(NULL);
}

/* Blocks are handed out again, the warmest first, and no more are kept than the pool's most. */
static void blocks_are_reused(void **state)
{
    enum { MORE = BLOCK_POOL_MOST + 5 };
    void *block[MORE];
    struct block_pool p;

    (void)state;
    block_pool_init(&p, 4096);
    for (size_t i = 0; i < MORE; i++) {
        block[i] = block_pool_get(&p);
        memset(block[i], 0xa5, 4096);
    }
    assert_int_equal(p.count, 0);
    for (size_t i = 0; i < MORE; i++) {
        block_pool_put(&p, block[i]);
    }
    assert_int_equal(p.count, BLOCK_POOL_MOST);
    for (size_t i = 0; i < BLOCK_POOL_MOST; i++) {
        assert_ptr_equal(block_pool_get(&p), block[BLOCK_POOL_MOST - 1 - i]);
    }
    for (size_t i = 0; i < BLOCK_POOL_MOST; i++) {
        block_pool_put(&p, block[i]);
    }
    block_pool_free(&p);
    assert_int_equal(p.count, 0);
}

/* What was in use at once since the last trim is kept; the rest goes, the coldest first. */
static void blocks_without_use_are_freed(void **state)
{
    enum { RUSH = 20, NEEDED = 3 };
    void *block[RUSH];
    struct block_pool p;

    (void)state;
    block_pool_init(&p, 4096);
    block_pool_trim(&p);
    for (size_t i = 0; i < RUSH; i++) {
        block[i] = block_pool_get(&p);
    }
    for (size_t i = 0; i < RUSH; i++) {
        block_pool_put(&p, block[i]);
    }
    block_pool_trim(&p); /* all have been needed since the last time */
    assert_int_equal(p.count, RUSH);
    for (int minute = 0; minute < 3; minute++) {
        for (size_t i = 0; i < NEEDED; i++) {
            block[i] = block_pool_get(&p);
        }
        for (size_t i = 0; i < NEEDED; i++) {
            block_pool_put(&p, block[i]);
        }
        block_pool_trim(&p);
        assert_int_equal(p.count, NEEDED);
    }
    assert_ptr_equal(block_pool_get(&p), block[NEEDED - 1]);
    block_pool_put(&p, block[NEEDED - 1]);
    block_pool_trim(&p);
    assert_int_equal(p.count, 1);
    block_pool_trim(&p);
    assert_int_equal(p.count, 0);
    block_pool_trim(&p);
    assert_int_equal(p.count, 0);
}

static void shown(const char *text, size_t n, size_t most, const char *expected)
{
    struct buf b = {0};

    text_show(&b, (struct slice){text, n}, most);
    buf_append(&b, "", 1);
    assert_string_equal(b.p, expected);
    buf_free(&b);
}

static void text_shown(void **state)
{
    (void)state;
    shown("plain \303\244", 8, 100, "plain \303\244");
    shown("a\0b\033[2J\x7f", 8, 100, "a?b?[2J?");
    shown("\302\233\377", 3, 100, "???");
    shown("two\nlines\n", 10, 100, "two | lines");
    /* U+202E turns around what follows, U+2066 isolates; U+061C, U+FEFF and a tag are not seen. */
    shown("a\342\200\256b\342\201\246c\330\234d\357\273\277e\363\240\201\201f", 21, 100,
          "a?b?c?d?e?f");
    shown("abcdef", 6, 6, "abcdef");
    shown("abcdefg", 7, 6, "abcdef... (7 octets)");
    shown("ab\303\244", 4, 3, "ab... (4 octets)"); /* no half character */
    shown("", 0, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_keeps_apart),
        cmocka_unit_test(arena_reuses_one_block),
        cmocka_unit_test(arena_large_requests),
        cmocka_unit_test(arena_zalloc_clears_reused_memory),
        cmocka_unit_test(arena_texts),
        cmocka_unit_test(buf_grows),
        cmocka_unit_test(buf_printf_at_the_edge),
        cmocka_unit_test(list_keeps_order),
        cmocka_unit_test(times_as_text),
        cmocka_unit_test(times_agree_with_libc),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(text_is_cleaned),
        cmocka_unit_test(log_lines),
        cmocka_unit_test(the_two_ways_to_die),
        cmocka_unit_test(text_shown),
        cmocka_unit_test(digests),
        cmocka_unit_test(blocks_are_reused),
        cmocka_unit_test(blocks_without_use_are_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
