/* A message on its way out without what is cut out: the pieces the reader gives, and what hops get
 * by DATA, by BDAT and as a file, wherever the cuts and the spool's blocks and its file lie. */
#include "hop_world.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "message/outgoing.h"

#define HELLO "> 220 hop", "EHLO mx.example", "> 250-hop", "> 250 PIPELINING"
#define SIZE_HELLO                                                                                 \
    "> 220 hop", "EHLO mx.example", "> 250-hop", "> 250-CHUNKING", "> 250-SIZE 0",                 \
        "> 250 PIPELINING"
#define CUTS_MOST 4000

/* ---- messages and cuts ---- */

static struct {
    struct buf octets;
    struct message_cut cuts[CUTS_MOST];
    size_t cut_count;
    struct buf kept; /* what is to come out */
    bool by_bdat;
    bool whole; /* the reader gave everything from one block */
    int prepared;
    int committed;
} o;

static unsigned seed;

static unsigned any(unsigned n)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 12) % n;
}

static void forget(void)
{
    buf_free(&o.octets);
    buf_free(&o.kept);
    memset(&o, 0, sizeof o);
}

/* Cuts out n octets, or makes the last cut longer. */
static void cut(uint64_t at, uint64_t n)
{
    struct message_cut *last = o.cut_count > 0 ? &o.cuts[o.cut_count - 1] : NULL;
    if (n == 0) {
        return;
    }
    if (last != NULL && last->at + last->n == at) {
        last->n += n;
        return;
    }
    assert_true(o.cut_count < CUTS_MOST);
    o.cuts[o.cut_count++] = (struct message_cut){.at = at, .n = n};
}

/* A line that goes out, or does not. */
static void line(const char *start, size_t n, bool goes)
{
    uint64_t at = o.octets.n;
    buf_append(&o.octets, start, strlen(start));
    memset(buf_reserve(&o.octets, n), 'x', n);
    o.octets.n += n;
    buf_append(&o.octets, "\r\n", 2);
    if (goes) {
        buf_append(&o.kept, o.octets.p + at, o.octets.n - at);
    } else {
        cut(at, o.octets.n - at);
    }
}

/* About n octets in lines of any length, many of which begin with a dot; of `parts` one is cut. */
static void make_lines(size_t n, unsigned parts)
{
    static const char *const starts[] = {"", ".", "..", "a", ".\r\n.", "x."};
    while (o.octets.n < n) {
        line(starts[any(6)], any(8) == 0 ? any(900) : any(40), any(parts) > 0);
    }
}

/* ---- the reader ---- */

static void load_made(struct hop_world *w)
{
    load_octets(w, buf_slice(&o.octets), o.by_bdat);
    w->message.cuts = o.cuts;
    w->message.cut_count = o.cut_count;
}

/* Reads all, `times` times, and holds the reader to its word on what stays where it is. */
static void read_all(struct hop_world *w, unsigned times)
{
    struct message *m = &w->message;
    for (unsigned i = 0; i < times; i++) {
        struct message_cursor c = {0};
        struct slice piece = {NULL, 1}, before = {NULL, 0};
        bool stays = false, rest = false;
        w->got.n = 0;
        while (piece.n > 0) {
            assert_int_equal(message_next(m, &c, &piece), 0);
            assert_true(!stays || (piece.n > 0 && piece.p > before.p + before.n));
            assert_true(!rest || piece.n == 0 || stays);
            buf_append_slice(&w->got, piece);
            stays = message_more_at_hand(&c);
            rest = message_rest_at_hand(m, &c);
            before = piece;
        }
        assert_true(rest && !stays);
        message_cursor_end(m, &c);
        assert_int_equal(w->got.n, message_size(m));
    }
}

static void read_made(struct hop_world *w)
{
    load_made(w);
    read_all(w, 2);
}

static void assert_read(void)
{
    struct hop_world *w = world_new();
    world_go(w, read_made);
    assert_int_equal(w->got.n, o.kept.n);
    assert_true(o.kept.n == 0 || memcmp(w->got.p, o.kept.p, o.kept.n) == 0);
    world_free(w);
    forget();
}

/* Any octets may be cut out as far as the reader is concerned, in memory and in the file. */
static void test_any_cuts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 120; i++) {
        seed = i;
        size_t n = i % 3 == 0 ? any(300) : any(i % 3 == 1 ? 40000 : 250000);
        unsigned most = n < 300 ? 30 : i % 2 == 0 ? 40000 : 900;
        for (size_t at = 0; at < n;) {
            size_t part = 1 + any(most);
            part = part < n - at ? part : n - at;
            for (size_t j = 0; j < part; j++) {
                buf_append(&o.octets, (const char[]){(char)('a' + any(26))}, 1);
            }
            if (any(2) == 0) {
                cut(at, part);
            } else {
                buf_append(&o.kept, o.octets.p + at, part);
            }
            at += part;
        }
        assert_read();
    }
}

/* Around each border of a block, and around where the file begins and its buffer ends. */
static void test_borders(void **state)
{
    (void)state;
    const uint64_t room = SPOOL_BLOCK - 24;
    const uint64_t borders[] = {0,        room,     2 * room, 3 * room, 4 * room,
                                5 * room, 8 * room, 131072,   196608,   250000};
    for (size_t i = 0; i < sizeof borders / sizeof borders[0]; i++) {
        for (uint64_t before = 0; before < 3; before++) {
            for (uint64_t n = 1; n < 40000; n = n < 4 ? n + 1 : n * 11) {
                uint64_t at = borders[i] > before ? borders[i] - before : 0;
                if (at + n > 250000) {
                    continue;
                }
                for (size_t k = 0; k < 250000; k++) {
                    buf_append(&o.octets, (const char[]){(char)(k * 2654435761u >> 13)}, 1);
                }
                cut(at, n);
                buf_append(&o.kept, o.octets.p, at);
                buf_append(&o.kept, o.octets.p + at + n, 250000 - at - n);
                assert_read();
            }
        }
    }
}

/* ---- hops ---- */

static void deliver_made(struct hop_world *w)
{
    struct hop *h = begin(w);
    load_made(w);
    w->r[0]->wanted = true; /* not asked before: MAIL comes now, with the size */
    o.prepared = prepare(w, h, 1);
    if (o.prepared == 0 && answer_is_yes(&w->r[0]->answer)) {
        o.committed = commit(w, h, 1);
    }
    hop_end(h);
}

static void assert_delivered(const char *const *steps)
{
    struct hop_world *w = world_new();
    world_play(w, deliver_made, &steps, 1);
    assert_int_equal(o.committed, 0);
    assert_true(w->r[0]->confirmed);
    const size_t trace = strlen(TRACE_TEXT);
    assert_int_equal(w->got.n, trace + o.kept.n);
    assert_memory_equal(w->got.p, TRACE_TEXT, trace);
    assert_true(o.kept.n == 0 || memcmp(w->got.p + trace, o.kept.p, o.kept.n) == 0);
    world_free(w);
}

/* By DATA as a plain reader of RFC 5321 gets it; the size is declared as it goes out. */
static void assert_by_data(void)
{
    script data = {HELLO, MAIL_A, RCPT_R, OK, OK, "DATA", "> 354 go", ".", OK, "QUIT", NULL};
    assert_delivered(data);
}

/* By BDAT: chunks of 256 KiB, then the last one with up to a block of the spool. */
static void assert_by_bdat(void)
{
    const size_t size = strlen(TRACE_TEXT) + o.kept.n;
    const size_t last = o.whole ? size : o.kept.n < SPOOL_BLOCK ? o.kept.n : SPOOL_BLOCK;
    size_t first = size - last;
    char mail[80], lines[8][2][40];
    const char *steps[64] = {SIZE_HELLO};
    size_t n = 6, chunk = 0;
    snprintf(mail, sizeof mail, MAIL_A " SIZE=%zu", size);
    steps[n++] = mail;
    steps[n++] = RCPT_R;
    steps[n++] = OK;
    steps[n++] = OK;
    for (size_t left = first; left > 0; chunk++) {
        size_t part = left < 262144 ? left : 262144;
        snprintf(lines[chunk][0], sizeof lines[chunk][0], "BDAT %zu", part);
        snprintf(lines[chunk][1], sizeof lines[chunk][1], "#%zu", part);
        steps[n++] = lines[chunk][0];
        steps[n++] = lines[chunk][1];
        steps[n++] = OK;
        left -= part;
    }
    snprintf(lines[chunk][0], sizeof lines[chunk][0], "BDAT %zu LAST", last);
    snprintf(lines[chunk][1], sizeof lines[chunk][1], "#%zu", last);
    steps[n++] = lines[chunk][0];
    steps[n++] = lines[chunk][1];
    steps[n++] = OK;
    steps[n++] = "QUIT";
    assert_true(n < 64);
    assert_delivered(steps);
}

static void test_smtp(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 200, 2000, 15000, 16384, 40000, 70000, 140000, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (unsigned parts = 2; parts < 200; parts *= 9) {
            seed = (unsigned)i * 10 + parts;
            make_lines(sizes[i], parts);
            o.whole = o.octets.n <= SPOOL_BLOCK - 24;
            assert_by_data();
            assert_by_bdat();
            forget();
        }
    }
}

/* More pieces than one write takes, all of one block. */
static void test_many_pieces(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        line(i % 3 == 0 ? "." : "x", 1, true);
        line(".y", 1, false);
    }
    o.whole = true;
    assert_by_data();
    assert_by_bdat();
    forget();
}

/* The last blocks go entirely, the first do, or all of it does. */
static void test_ends(void **state)
{
    (void)state;
    for (unsigned which = 1; which < 8; which++) {
        line("first", 10, true);
        for (unsigned i = 0; i < 300; i++) {
            line(".", 270, (which & 1) == 0);
        }
        for (unsigned i = 0; i < 300; i++) {
            line("middle", 270, (which & 2) == 0);
        }
        for (unsigned i = 0; i < 300; i++) {
            line(".end", 270, (which & 4) == 0);
        }
        assert_by_data();
        assert_by_bdat();
        forget();
    }
    for (size_t n = 1; n < 100000; n *= 10) {
        line("all", n, false);
        o.whole = true;
        assert_by_data();
        forget();
    }
    line("all", 10, false);
    o.whole = true;
    assert_by_bdat();
    forget();
}

/* A line end is added behind what goes out, not behind what was received. */
static void test_unfinished(void **state)
{
    (void)state;
    line("kept", 3, true);
    cut(o.octets.n, 3);
    buf_append(&o.octets, "end", 3);
    assert_by_data();
    forget();
    line("cut", 3, false);
    buf_append(&o.octets, ".end", 4);
    buf_append(&o.kept, ".end\r\n", 6); /* as read line by line */
    assert_by_data();
    forget();
}

/* ---- Maildir ---- */

static char *only_file(const char *folder)
{
    char path[600];
    DIR *d = opendir(folder);
    char *content = NULL;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        content = calloc(1, 1 << 20);
        assert_non_null(content);
        size_t n = fread(content, 1, (1 << 20) - 1, f);
        content[n] = '\0';
        fclose(f);
        unlink(path);
    }
    closedir(d);
    return content;
}

/* Files end with a line end of their own where what goes out has none, and only there. */
static void make_mail(size_t size, unsigned part)
{
    make_lines(size, part == 0 ? 1 : 3);
    if (part == 1) {
        line("kept", 3, true);
        cut(o.octets.n, 3);
        buf_append(&o.octets, "end", 3);
    } else if (part == 2) {
        buf_append(&o.octets, "end", 3);
        buf_append(&o.kept, "end\n", 4);
    }
}

static void test_maildir(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 500, 600, 20000, 90000, 300000};
    char folder[] = "/tmp/gatepost-outgoing-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        seed = (unsigned)i;
        make_mail(sizes[i], (unsigned)i);
        struct hop_world *w = world_new();
        w->route =
            (struct conf_route){.kind = CONF_ROUTE_MAILDIR, .folder = folder, .name = folder};
        world_go(w, deliver_made);
        assert_int_equal(o.committed, 0);
        assert_true(w->r[0]->confirmed);
        snprintf(path, sizeof path, "%s/new", folder);
        char *content = only_file(path);
        struct buf want = {0};
        buf_printf(&want, "Return-Path: <a@x.example>\nReceived: from a by b\n");
        for (size_t j = 0; j < o.kept.n; j++) {
            buf_append(&want, o.kept.p + j, o.kept.p[j] != '\r');
        }
        assert_non_null(content);
        assert_int_equal(strlen(content), want.n);
        assert_memory_equal(content, want.p, want.n);
        buf_free(&want);
        free(content);
        world_free(w);
        forget();
    }
    static const char *const parts[] = {"new", "tmp", "cur"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, parts[i]);
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cuts), cmocka_unit_test(test_borders),
        cmocka_unit_test(test_smtp),     cmocka_unit_test(test_many_pieces),
        cmocka_unit_test(test_ends),     cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_maildir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
