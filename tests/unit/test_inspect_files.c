/* What files say by their names and by what they have in them. */
#include "inspect_world.h"

#include <archive.h>
#include <archive_entry.h>

/* Inspects one attached file, as it is. */
static void attach(struct inspect_world *w, struct slice octets)
{
    struct buf b = {0};

    buf_printf(&b, "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
                   "Content-Disposition: attachment\r\n\r\n");
    buf_append_slice(&b, octets);
    arena_reset(&w->arena);
    w->request.size = b.n;
    inspect_message(w->inspect, arena_copy(&w->arena, buf_slice(&b)), &w->request, &w->arena,
                    &w->found);
    buf_free(&b);
}

static void named(struct inspect_world *w, const char *parameter)
{
    struct buf b = {0};

    buf_printf(&b, "MIME-Version: 1.0\nContent-Disposition: attachment; %s\n\nhello\n%c", parameter,
               0);
    inspect_text(w, b.p);
    buf_free(&b);
}

static int64_t flag(const struct inspect_world *w, enum finding_id id)
{
    return w->found.of[id].number;
}

/* ---- names ---- */

static void test_names(void **state)
{
    static const struct {
        const char *parameter;
        const char *name;
        const char *extension;
        bool runs;
        const char *odd;
    } rows[] = {
        {"filename=a.PDF", "a.PDF", "pdf", false, NULL},
        {"filename=\"a.pdf.exe\"", "a.pdf.exe", "exe", true, "name-double-extension"},
        {"filename=\"a.pdf      .exe\"", "a.pdf      .exe", "exe", true, "name-gap"},
        {"filename=\"a.exe. \"", "a.exe. ", "exe", true, "name-trailing"},
        {"filename=\"C:\\x\\a.js\"", "C:\\x\\a.js", "js", true, "name-path"},
        {"filename=\"..\\\\a.js\"", "..\\a.js", "js", true, "name-path"},
        {"filename*=utf-8''a%E2%80%AEgpj.exe", "a\xe2\x80\xaegpj.exe", "exe", true,
         "name-right-to-left"},
        {"filename*=utf-8''a%E2%80%8B.exe", "a\xe2\x80\x8b.exe", "exe", true, "name-invisible"},
        {"filename*=utf-8''a%0A.exe", "a\n.exe", "exe", true, "name-control"},
        {"filename=\"b\xe4h.txt\"", "b\xc3\xa4h.txt", "txt", false, "name-8bit"},
        {"filename*0=\"a.e\"; filename*1=xe", "a.exe", "exe", true, NULL},
        {"filename*1=xe; filename*0=a.e", "a.exe", "exe", true, "parameter-pieces-broken"},
        {"filename*=iso-8859-1''%E4.txt", "\xc3\xa4.txt", "txt", false, NULL},
        {"filename=a.txt; filename*=utf-8''a.exe", "a.exe", "exe", true, "name-differs"},
        {"filename=\"=?utf-8?Q?a=2Eexe?=\"", "a.exe", "exe", true, "parameter-encoded-word"},
        {"filename=\"a.txt", "a.txt", "txt", false, "parameter-unclosed"},
        {"filename=a", "a", NULL, false, NULL},
        {"filename=a.{00000000-0000-0000-0000-000000000000}",
         "a.{00000000-0000-0000-0000-000000000000}", "{00000000-0000-0000-0000-000000000000}", true,
         NULL},
    };
    struct inspect_world *w = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        named(w, rows[i].parameter);
        assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_NAMES, rows[i].name));
        assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_EXECUTABLE), rows[i].runs);
        if (rows[i].extension) {
            assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_EXT, rows[i].extension));
        }
        if (rows[i].odd) {
            assert_true(inspect_is_odd(w, rows[i].odd));
        } else {
            assert_int_equal(w->found.of[FINDING_OF_MIME_ANOMALIES].count, 0);
        }
    }
}

/* ---- archives ---- */

/* An archive of that format with one member, in `out`. */
static struct slice packed(int format, int filter, const char *name, struct slice octets, char *out,
                           size_t room, const char *options)
{
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    size_t used = 0;

    assert_int_equal(archive_write_set_format(a, format), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter(a, filter), ARCHIVE_OK);
    if (options) {
        assert_int_equal(archive_write_set_options(a, options), ARCHIVE_OK);
        assert_int_equal(archive_write_set_passphrase(a, "secret"), ARCHIVE_OK);
    }
    assert_int_equal(archive_write_open_memory(a, out, room, &used), ARCHIVE_OK);
    archive_entry_set_pathname(e, name);
    archive_entry_set_size(e, (la_int64_t)octets.n);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0644);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, octets.p, octets.n), (int)octets.n);
    archive_entry_free(e);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    return (struct slice){out, used};
}

static char program[200] = "MZ\x90\0\x03\0\0\0\x04";
static char room[1 << 20], outer[1 << 20];

static void test_archives(void **state)
{
    static const struct {
        int format;
        int filter;
        const char *type;
    } rows[] = {
        {ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, "application/zip"},
        {ARCHIVE_FORMAT_7ZIP, ARCHIVE_FILTER_NONE, "application/x-7z-compressed"},
        {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, "application/gzip"},
        {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_BZIP2, "application/x-bzip2"},
        {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_XZ, "application/x-xz"},
        {ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, NULL},
        {ARCHIVE_FORMAT_ISO9660, ARCHIVE_FILTER_NONE, NULL},
        {ARCHIVE_FORMAT_XAR, ARCHIVE_FILTER_NONE, NULL},
        {ARCHIVE_FORMAT_CPIO_POSIX, ARCHIVE_FILTER_NONE, NULL},
    };
    struct inspect_world *w = *state;
    struct slice octets = {program, sizeof(program)};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice made = packed(rows[i].format, rows[i].filter, "folder/inside.bin", octets,
                                   room, sizeof(room), NULL);
        attach(w, made);
        assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_EXT, "bin"));
        assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_EXECUTABLE), 1);
        assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_ENCRYPTED), 0);
        assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_COUNT), 1);
        if (rows[i].type) {
            assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_TYPE, rows[i].type));
        }
        attach(w, packed(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, "a.bin", made, outer,
                         sizeof(outer), NULL));
        assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_EXECUTABLE), 1);
        assert_int_equal(w->found.of[FINDING_OF_INSPECT_LIMITS].count, 0);
    }
}

static void test_encrypted(void **state)
{
    struct inspect_world *w = *state;
    struct slice octets = {program, sizeof(program)};

    attach(w, packed(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, "a.exe", octets, room, sizeof(room),
                     "zip:encryption=aes256"));
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_ENCRYPTED), 1);
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_EXECUTABLE), 1);
    attach(w, SLICE_LIT("%PDF-1.4\ntrailer << /Encrypt 5 0 R >>\n"));
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_ENCRYPTED), 1);
    attach(w, SLICE_LIT("%PDF-1.4\ntrailer << /Root 5 0 R >>\n"));
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_ENCRYPTED), 0);
    attach(w, (struct slice){"Rar!\x1a\x07\0\xce\x99\x73\x80\0\x0d\0\0\0\0\0\0\0\0\0\0\0", 24});
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_ENCRYPTED), 1);
}

static void test_broken(void **state)
{
    struct inspect_world *w = *state;
    struct slice octets = {program, sizeof(program)};
    struct slice zip =
        packed(ARCHIVE_FORMAT_7ZIP, ARCHIVE_FILTER_NONE, "a.exe", octets, room, sizeof(room), NULL);

    attach(w, (struct slice){zip.p, zip.n - 20});
    assert_true(inspect_is_odd(w, "archive-broken"));
}

/* ---- documents and programs ---- */

static void test_macros(void **state)
{
    struct inspect_world *w = *state;

    attach(w, packed(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, "word/vbaProject.bin", SLICE_LIT("x"),
                     room, sizeof(room), NULL));
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_MACRO), 1);
    attach(w, packed(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, "xl/macrosheets/sheet1.xml",
                     SLICE_LIT("x"), room, sizeof(room), NULL));
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_MACRO), 1);
    attach(w, packed(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, "word/document.xml", SLICE_LIT("x"),
                     room, sizeof(room), NULL));
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_MACRO), 0);
    attach(w, SLICE_LIT("{\\rtf1{\\object\\objemb{\\*\\objdata 0105}}}"));
    assert_true(inspect_is_odd(w, "rtf-object"));
}

static void test_programs(void **state)
{
    static const struct slice rows[] = {
        {"\x7f"
         "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
         16},
        {"#!/bin/sh\nrm x\n", 15},
        {"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0", 16},
        {"<html><HTA:APPLICATION id=x>", 28},
        {"@echo off\r\ndel x\r\n", 18},
        {"\xcf\xfa\xed\xfe\x07\0\0\x01\x03\0\0\0", 12},
    };
    struct inspect_world *w = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        attach(w, rows[i]);
        assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_EXECUTABLE), 1);
    }
    attach(w, SLICE_LIT("MZ is how this text begins, and no program is that long a sentence, or "
                        "has so many words in it.\n"));
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_EXECUTABLE), 0);
}

/* A name that Windows would show, and one that it would keep, from Outlook's own package. */
static void test_tnef(void **state)
{
    static const char octets[] = "\x78\x9f\x3e\x22\x01\0"
                                 "\x02\x02\x90\x06\0\x02\0\0\0\0\0\0\0"
                                 "\x02\x10\x80\x01\0\x08\0\0\0A~1.EXE\0\0\0"
                                 "\x02\x0f\x80\x06\0\x0b\0\0\0#!/bin/sh\nx\0\0"
                                 "\x02\x05\x90\x06\0\x18\0\0\0\x01\0\0\0\x1f\0\x07\x37\x01\0\0\0"
                                 "\x08\0\0\0b\0.\0j\0\0\0\0\0";
    struct inspect_world *w = *state;

    attach(w, (struct slice){octets, sizeof(octets) - 1});
    assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_NAMES, "b.j"));
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_EXECUTABLE), 1);
    assert_false(inspect_is_odd(w, "tnef-broken"));
    attach(w, (struct slice){octets, sizeof(octets) - 20});
    assert_true(inspect_is_odd(w, "tnef-broken"));
}

/* A message that is attached as a file, in an archive too. */
static void test_message_as_file(void **state)
{
    static const struct slice inner =
        SLICE_LIT("From: a@example.org\r\nMIME-Version: 1.0\r\n"
                  "Content-Disposition: attachment; filename=inner.exe\r\n\r\nhello\r\n");
    struct inspect_world *w = *state;

    attach(w, inner);
    assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_NAMES, "inner.exe"));
    attach(w, packed(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, "a.eml", inner, room, sizeof(room),
                     NULL));
    assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_NAMES, "inner.exe"));
}

/* A workbook with a sheet of macros that is encrypted: a seed of the fuzzer. */
static void test_compound_file(void **state)
{
    struct inspect_world *w = *state;
    FILE *f = fopen(SOURCE_ROOT "/tests/fuzz/corpus/inspect/ole", "r");

    assert_non_null(f);
    size_t n = fread(room, 1, sizeof(room), f);
    fclose(f);
    assert_true(n > 1);
    attach(w, (struct slice){room + 1, n - 1});
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_MACRO), 1);
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_ENCRYPTED), 1);
    assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_TYPE, "application/vnd.ms-excel"));
}

/* What a limit leaves open: what is attached, and text only where that was left out, too. */
static void test_limits(void **state)
{
    struct inspect_world *w = *state;
    struct slice octets = {program, sizeof(program)};
    struct slice zip =
        packed(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, "a.exe", octets, room, sizeof(room), NULL);

    w->request.limits.members = 0;
    attach(w, zip);
    w->request.limits.members = 10000;
    assert_true(inspect_has(w, FINDING_OF_INSPECT_LIMITS, "members"));
    assert_true(w->found.of[FINDING_OF_ATTACHMENT_EXECUTABLE].open);
    assert_false(w->found.of[FINDING_OF_URL_DOMAINS].open);
    w->request.limits.parts = 1;
    inspect_text(w, "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n");
    w->request.limits.parts = 1000;
    assert_true(inspect_has(w, FINDING_OF_INSPECT_LIMITS, "parts"));
    assert_true(w->found.of[FINDING_OF_URL_DOMAINS].open);
    assert_false(w->found.of[FINDING_OF_SUBJECT].open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_archives),
        cmocka_unit_test(test_encrypted),     cmocka_unit_test(test_broken),
        cmocka_unit_test(test_macros),        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_tnef),          cmocka_unit_test(test_message_as_file),
        cmocka_unit_test(test_compound_file), cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, inspect_world_open, inspect_world_close);
}
