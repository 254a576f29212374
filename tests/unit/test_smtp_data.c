/* The framing of DATA: exhaustively over the octets that smuggling is made of, and at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "smtp_data_model.h"

enum { WIRE_MAX = 4096 };

/* The result of decoding a wire in pieces. */
struct decoded {
    char message[WIRE_MAX];
    size_t size;
    size_t taken;
    bool ended;
    struct data_notes notes;
};

/* Hands over one piece, and says whether the data goes on. The octets around it would make sense
 * of a lone CR or LF, but are none of the decoder's business. */
static bool decode_piece(struct data_decoder *d, struct decoded *r, const char *p, size_t n)
{
    char *around = malloc(n + 2);
    char *piece = around + 1;
    size_t out = SIZE_MAX;
    size_t taken;

    assert_non_null(around);
    memcpy(piece, p, n);
    around[0] = '\r';
    piece[n] = '\n';
    taken = data_decode(d, piece, n, &out, &r->ended);
    assert_true(out <= taken && taken <= n);
    assert_true(r->ended || taken == n);
    assert_true(around[0] == '\r' && piece[n] == '\n');
    memcpy(r->message + r->size, piece, out);
    r->size += out;
    r->taken += taken;
    free(around);
    return !r->ended;
}

/* Bit i of `cuts` cuts behind octet from + i; nothing else is cut. */
static void decode_cut(const char *wire, size_t n, size_t from, uint64_t cuts, struct decoded *r)
{
    struct data_decoder d;
    size_t start = 0;

    data_decoder_init(&d);
    r->size = r->taken = 0;
    r->ended = false;
    for (size_t i = 0; i < n; i++) {
        bool cut = i >= from && i - from < 64 && (cuts >> (i - from) & 1) != 0;

        if (!cut && i + 1 < n)
            continue;
        if (!decode_piece(&d, r, wire + start, i + 1 - start))
            break;
        start = i + 1;
    }
    r->notes = d.notes;
}

static void assert_as_model(const struct decoded *r, const struct data_model *m,
                            const char *message)
{
    assert_int_equal(r->ended, m->ended);
    assert_int_equal(r->taken, m->taken);
    assert_int_equal(r->size, m->size);
    assert_memory_equal(r->message, message, m->size);
    assert_true(model_same_notes(&r->notes, &m->notes));
}

/* Where the data ends by definition: behind the first CRLF.CRLF, or an immediate .CRLF. */
static size_t end_by_definition(const char *wire, size_t n)
{
    const char *found = memmem(wire, n, "\r\n.\r\n", 5);

    if (n >= 3 && memcmp(wire, ".\r\n", 3) == 0)
        return 3;
    return found ? (size_t)(found - wire) + 5 : 0;
}

static void check_all_splits(struct slice before, struct slice middle, struct slice after)
{
    char wire[64];
    char message[64];
    size_t n = before.n + middle.n + after.n;
    size_t from = before.n == 0 ? 0 : before.n - 1;
    struct data_model m;
    size_t end;

    memcpy(wire, before.p, before.n);
    memcpy(wire + before.n, middle.p, middle.n);
    memcpy(wire + before.n + middle.n, after.p, after.n);
    end = end_by_definition(wire, n);
    m = model_decode(wire, n, message);
    assert_int_equal(m.ended, end != 0);
    assert_int_equal(m.taken, end == 0 ? n : end);

    for (uint64_t cuts = 0; cuts < (uint64_t)1 << (middle.n + 1); cuts++) {
        struct decoded r;

        decode_cut(wire, n, from, cuts, &r);
        assert_as_model(&r, &m, message);
    }
    for (size_t i = 0; i + 1 < n; i++) {
        struct decoded r;

        decode_cut(wire, n, i, 1, &r);
        assert_as_model(&r, &m, message);
    }
}

/* Every string of up to five octets of those that could be mistaken for an end, between ordinary
 * lines and at the very beginning, with all combinations of cuts in it. */
static void test_smuggling(void **state)
{
    static const char octets[] = {'\r', '\n', '\0', '.', 'a'};
    static const struct {
        struct slice before, after;
    } around[] = {
        {SLICE_LIT("first line\r\n"), SLICE_LIT("last line\r\n")},
        {SLICE_LIT("first line"), SLICE_LIT("last line\r\n.\r\nQUIT\r\n")},
        {SLICE_LIT(""), SLICE_LIT("\r\n.\r\nRSET\r\n")},
        {SLICE_LIT(""), SLICE_LIT("MAIL FROM:<a@example.org>\r\n")},
    };
    size_t strings = 1;

    (void)state;
    for (size_t n = 0; n <= 5; n++, strings *= sizeof(octets)) {
        for (size_t s = 0; s < strings; s++) {
            char middle[5];
            size_t rest = s;

            for (size_t i = 0; i < n; i++, rest /= sizeof(octets))
                middle[i] = octets[rest % sizeof(octets)];
            for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
                check_all_splits(around[i].before, (struct slice){middle, n}, around[i].after);
        }
    }
}

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* A message of lines long and short that is empty or ends in CRLF; the clean kind has no octets
 * that must be noticed. */
static size_t random_message(uint32_t *seed, char *p, size_t max)
{
    static const char odd[] = {'\r', '\n', '\0', '.', (char)0xe4, '\r', '.', 'x'};
    size_t target = random_next(seed) % (max - 2);
    uint32_t oddness = random_next(seed) % 4;
    size_t n = 0;

    if (target < 4)
        return 0;
    while (n + 2 < target) {
        uint32_t r = random_next(seed) % 100;

        if (r < 4 * oddness) {
            p[n++] = odd[random_next(seed) % (oddness == 1 ? 3 : sizeof(odd))];
        } else if (r < 30) {
            p[n++] = '\r';
            p[n++] = '\n';
        } else {
            p[n++] = r < 50 ? '.' : (char)('a' + r % 26);
        }
    }
    p[n++] = '\r';
    p[n++] = '\n';
    return n;
}

static size_t random_piece(uint32_t *seed, size_t left)
{
    size_t most = random_next(seed) % 2 ? 4 : 200;
    size_t n = random_next(seed) % most;

    return n < left ? n : left;
}

static struct data_notes scan_in_pieces(uint32_t *seed, const char *p, size_t n)
{
    struct data_decoder d;

    data_decoder_init(&d);
    for (size_t at = 0, piece; at < n; at += piece) {
        piece = random_piece(seed, n - at);
        data_scan(&d, p + at, piece);
    }
    data_scan_end(&d);
    return d.notes;
}

/* Decoding what was stuffed gives the message back, and the same notes as scanning it. */
static void test_stuffed_and_scanned_agree(void **state)
{
    static char message[WIRE_MAX / 2];
    static char wire[WIRE_MAX + 64];
    uint32_t seed = 20260722;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t size = random_message(&seed, message, round % 50 ? 300 : sizeof(message) - 16);
        size_t n = model_stuff(message, size, wire);
        struct data_notes expected = model_notes(message, size, true);
        struct data_notes scanned = scan_in_pieces(&seed, message, size);
        struct decoded r = {.ended = false};
        struct data_decoder d;

        memcpy(wire + n, ".\r\nQUIT\r\n", 9);
        data_decoder_init(&d);
        while (decode_piece(&d, &r, wire + r.taken, random_piece(&seed, n + 9 - r.taken)))
            ;
        assert_int_equal(r.taken, n);
        assert_int_equal(r.size, size);
        assert_memory_equal(r.message, message, size);
        assert_true(model_same_notes(&d.notes, &expected));
        assert_true(model_same_notes(&scanned, &expected));
    }
}

static void test_scan_end(void **state)
{
    struct data_decoder d;

    (void)state;
    data_decoder_init(&d);
    data_scan(&d, "ab\r\ncde\r", 8);
    assert_false(d.notes.bare_cr_or_lf);
    assert_int_equal(d.notes.longest_line, 3);
    data_scan_end(&d);
    assert_true(d.notes.bare_cr_or_lf);
    assert_int_equal(d.notes.longest_line, 4);
    assert_int_equal(d.notes.size, 8);

    data_decoder_init(&d);
    data_scan(&d, "ab\r", 3);
    data_scan(&d, "\n", 1);
    data_scan_end(&d);
    assert_false(d.notes.bare_cr_or_lf);
    assert_int_equal(d.notes.longest_line, 2);
}

static void test_each_note(void **state)
{
    static const struct {
        struct slice wire, message;
        struct data_notes notes;
    } rows[] = {
        {SLICE_LIT(".\r\n"), SLICE_LIT(""), {.size = 0}},
        {SLICE_LIT("a\r\n.\r\n"), SLICE_LIT("a\r\n"), {.longest_line = 1, .size = 3}},
        {SLICE_LIT("..\r\n.\r\n"),
         SLICE_LIT(".\r\n"),
         {.has_leading_dot = true, .longest_line = 1, .size = 3}},
        {SLICE_LIT(".a\r\n.\r\n"), SLICE_LIT("a\r\n"), {.longest_line = 1, .size = 3}},
        {SLICE_LIT("a.\r\n.\r\n"), SLICE_LIT("a.\r\n"), {.longest_line = 2, .size = 4}},
        {SLICE_LIT("a\rb\r\n.\r\n"),
         SLICE_LIT("a\rb\r\n"),
         {.bare_cr_or_lf = true, .longest_line = 3, .size = 5}},
        {SLICE_LIT("a\nb\r\n.\r\n"),
         SLICE_LIT("a\nb\r\n"),
         {.bare_cr_or_lf = true, .longest_line = 3, .size = 5}},
        {SLICE_LIT("a\n.\n.\r\n\r\n.\r\n"),
         SLICE_LIT("a\n.\n.\r\n\r\n"),
         {.bare_cr_or_lf = true, .longest_line = 5, .size = 9}},
        {SLICE_LIT("\r\r\n.\r\n"),
         SLICE_LIT("\r\r\n"),
         {.bare_cr_or_lf = true, .longest_line = 1, .size = 3}},
        {SLICE_LIT(".\r.\r\n.\r\n"),
         SLICE_LIT(".\r\n"),
         {.bare_cr_or_lf = true, .has_leading_dot = true, .longest_line = 1, .size = 3}},
        {SLICE_LIT(".\r\r\n.\r\n"), SLICE_LIT("\r\n"), {.bare_cr_or_lf = true, .size = 2}},
        {SLICE_LIT("\0\r\n.\r\n"),
         SLICE_LIT("\0\r\n"),
         {.has_nul = true, .longest_line = 1, .size = 3}},
        {SLICE_LIT("\x80\r\n.\r\n"),
         SLICE_LIT("\x80\r\n"),
         {.has_8bit = true, .longest_line = 1, .size = 3}},
        {SLICE_LIT("1234567890123456789012345678901234567\xff\r\n.\r\n"),
         SLICE_LIT("1234567890123456789012345678901234567\xff\r\n"),
         {.has_8bit = true, .longest_line = 38, .size = 40}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decoded r;

        decode_cut(rows[i].wire.p, rows[i].wire.n, 0, 0, &r);
        assert_true(r.ended);
        assert_int_equal(r.size, rows[i].message.n);
        assert_memory_equal(r.message, rows[i].message.p, r.size);
        assert_true(model_same_notes(&r.notes, &rows[i].notes));
    }
}

/* What stands behind the end is the next command: neither taken nor noted. */
static void test_behind_the_end(void **state)
{
    struct decoded r;
    static const char wire[] = "a\r\n.\r\n\0\xff\r.\n a much longer line";

    (void)state;
    decode_cut(wire, sizeof(wire) - 1, 0, 0, &r);
    assert_true(r.ended);
    assert_int_equal(r.taken, 6);
    assert_false(r.notes.has_nul || r.notes.has_8bit || r.notes.bare_cr_or_lf);
    assert_int_equal(r.notes.longest_line, 1);
    assert_int_equal(r.notes.size, 3);
}

/* A message without dot-stuffed lines is left where it is: it may stand in memory that cannot be
 * written. So may all of a message up to its first dot. */
static void test_nothing_moved(void **state)
{
    static const char wire[] = "Subject: a\r\n\r\nno dots. here\r\n\r\nbye\r\n.\r\nQUIT\r\n";
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct data_decoder d;
    size_t out = 0;
    bool ended = false;
    char *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(p, MAP_FAILED);
    memcpy(p, wire, sizeof(wire) - 1);
    assert_int_equal(mprotect(p, page, PROT_READ), 0);

    data_decoder_init(&d);
    assert_int_equal(data_decode(&d, p, sizeof(wire) - 1, &out, &ended), sizeof(wire) - 1 - 6);
    assert_true(ended);
    assert_int_equal(out, sizeof(wire) - 1 - 9);
    assert_int_equal(munmap(p, page), 0);
}

static void test_nothing_given(void **state)
{
    struct data_decoder d;
    char none;
    size_t out = 7;
    bool ended = true;

    (void)state;
    data_decoder_init(&d);
    assert_int_equal(data_decode(&d, &none, 0, &out, &ended), 0);
    assert_int_equal(out, 0);
    assert_false(ended);
    data_scan(&d, &none, 0);
    data_scan_end(&d);
    assert_int_equal(d.notes.size, 0);
    assert_false(d.notes.bare_cr_or_lf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smuggling),      cmocka_unit_test(test_stuffed_and_scanned_agree),
        cmocka_unit_test(test_scan_end),       cmocka_unit_test(test_each_note),
        cmocka_unit_test(test_behind_the_end), cmocka_unit_test(test_nothing_moved),
        cmocka_unit_test(test_nothing_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
