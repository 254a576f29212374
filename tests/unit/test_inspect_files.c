/* What files say by their names and by what they have in them. */
#include "inspect_world.h"

#include <archive.h>
#include <archive_entry.h>

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

/* 7z with a text in it, whose name is to be seen or is not; nothing that we link can write these.
 */
static void test_encrypted_7z(void **state)
{
    static const char contents[] =
        "\x37\x7a\xbc\xaf\x27\x1c\x00\x04\xdf\xa4\xc7\xc3\x10\x00\x00\x00\x00\x00\x00\x00"
        "\x6a\x00\x00\x00\x00\x00\x00\x00\x56\x60\xb9\x8f\xdd\x69\x89\xe7\xd2\x91\x8b\xb0"
        "\x96\x29\x07\x97\xdd\xee\x0c\x83\x01\x04\x06\x00\x01\x09\x10\x00\x07\x0b\x01\x00"
        "\x02\x24\x06\xf1\x07\x01\x12\x53\x0f\x3d\xe6\xbd\x32\x6a\x24\x28\xee\xde\x70\x6f"
        "\x0d\xc9\xc1\xde\xc5\x01\x00\x01\x00\x0c\x0c\x0c\x00\x08\x0a\x01\x53\x14\xbf\x96"
        "\x00\x00\x05\x01\x19\x03\x00\x00\x00\x11\x13\x00\x6e\x00\x6f\x00\x74\x00\x65\x00"
        "\x2e\x00\x74\x00\x78\x00\x74\x00\x00\x00\x19\x00\x14\x0a\x01\x00\x7f\x39\xff\xe3"
        "\x96\x7e\xdd\x01\x15\x06\x01\x00\x20\x80\xa4\x81\x00\x00";
    static const char names[] =
        "\x37\x7a\xbc\xaf\x27\x1c\x00\x04\x18\x9d\xaa\xb4\x80\x00\x00\x00\x00\x00\x00\x00"
        "\x2e\x00\x00\x00\x00\x00\x00\x00\xb5\x4a\x12\x08\x98\xc4\xc9\x74\x1f\xa6\x3b\xbf"
        "\x2f\x68\x42\x02\x9f\x87\xb2\x3e\x12\x96\xef\x7b\x85\x08\x95\xf4\xe7\xd2\x8b\x4b"
        "\x9c\xc5\xf7\x91\xe0\xd1\xc7\x6c\xeb\x55\x0a\x84\x2c\x79\xed\x27\x40\x3f\x34\x55"
        "\x83\x18\x29\x03\x8c\xfe\xf2\xb8\xf2\xd8\x85\x89\xed\xdb\x11\x64\x1e\x85\xb9\x7f"
        "\xdc\x28\xe4\x01\xaa\x70\x3d\xe2\xa0\x39\xad\x91\x72\xd2\xe5\x0c\xaa\xf7\x46\x9f"
        "\xcf\x82\xcc\xc9\xf1\xad\x0d\xb9\xd8\x13\xb5\x99\xa5\xc7\x59\x4d\xca\xab\xd5\x90"
        "\x0d\x71\x5a\xf3\x32\xec\x41\x52\x42\xb6\xbf\xd3\x45\x09\xbd\x88\x1d\x16\x81\xbb"
        "\x17\x06\x10\x01\x09\x70\x00\x07\x0b\x01\x00\x01\x24\x06\xf1\x07\x01\x12\x53\x0f"
        "\x6e\xcf\x65\x0c\x0b\xc0\x74\x15\x85\xfe\xa8\xa1\x93\x2e\x0b\x50\x0c\x6a\x0a\x01"
        "\xe3\x01\xfa\x62\x00\x00";
    struct inspect_world *w = *state;

    attach(w, (struct slice){contents, sizeof(contents) - 1});
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_ENCRYPTED), 1);
    assert_true(inspect_has(w, FINDING_OF_ATTACHMENT_NAMES, "note.txt"));
    attach(w, (struct slice){names, sizeof(names) - 1});
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_ENCRYPTED), 1);
    assert_false(inspect_has(w, FINDING_OF_ATTACHMENT_NAMES, "note.txt"));
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

/* Outlook's packages within each other, far more than are opened: no stack is lost by that. */
static void test_tnef_within_tnef(void **state)
{
    enum { LEVELS = 50000, HEAD = 26, TAIL = 2 };
    static const char head[HEAD] = "\x78\x9f\x3e\x22\x01\0"
                                   "\x02\x02\x90\x06\0\0\0\0\0\0\0"
                                   "\x02\x0f\x80\x06\0";
    static const char tail[LEVELS * TAIL];
    struct inspect_world *w = *state;
    struct buf b = {0};

    for (uint32_t left = LEVELS; left-- > 0;) {
        const uint32_t length = left * (HEAD + TAIL);
        buf_append(&b, head, HEAD - 4);
        buf_append(&b, (const char *)&length, sizeof(length)); /* little-endian, as it is here */
    }
    buf_append(&b, tail, sizeof(tail));
    attach(w, buf_slice(&b));
    assert_true(inspect_has(w, FINDING_OF_INSPECT_LIMITS, "depth"));
    assert_false(inspect_is_odd(w, "tnef-broken"));
    buf_free(&b);
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
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_archives),
        cmocka_unit_test(test_encrypted),
        cmocka_unit_test(test_encrypted_7z),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_macros),
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_tnef),
        cmocka_unit_test(test_tnef_within_tnef),
        cmocka_unit_test(test_message_as_file),
        cmocka_unit_test(test_compound_file),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, inspect_world_open, inspect_world_close);
}
