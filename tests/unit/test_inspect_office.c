/* Office's documents with macros and without: compound files made here, entry by entry, and ZIP
 * files with their list of parts. */
#include "inspect_world.h"

#include <archive.h>
#include <archive_entry.h>

#define SECTOR ((size_t)512)
#define PIECE  ((size_t)64)
#define SMALL  ((size_t)4096)
#define END    0xfffffffeU

static int64_t flag(const struct inspect_world *w, enum finding_id id)
{
    return w->found.of[id].number;
}

/* ---- compound files ([MS-CFB]) ---- */

enum kind { STORAGE = 1, STREAM = 2, ROOT = 5 };

struct part {
    const char *name;
    enum kind kind;
    struct slice octets;
};

static void put(struct buf *b, size_t at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        b->p[at + i] = (char)(unsigned char)(value >> (8 * i));
    }
}

/* `n` sectors of zeros; the number of the first. */
static uint32_t add_sectors(struct buf *b, size_t n)
{
    const uint32_t first = (uint32_t)(b->n / SECTOR - 1);

    memset(buf_reserve(b, n * SECTOR), 0, n * SECTOR);
    b->n += n * SECTOR;
    return first;
}

/* Sectors that follow each other, as the FAT, which is sector 0, has it. */
static void chain(struct buf *b, uint32_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put(b, SECTOR + (first + i) * 4, i + 1 < n ? first + i + 1 : END, 4);
    }
}

static void put_octets(struct buf *b, uint32_t at_sector, size_t at, struct slice octets)
{
    memcpy(b->p + (at_sector + 1) * SECTOR + at, octets.p, octets.n);
}

static void put_entry(struct buf *b, size_t at, const struct part *p, uint32_t first)
{
    const size_t n = strlen(p->name);

    for (size_t i = 0; i < n; i++) {
        put(b, at + 2 * i, (unsigned char)p->name[i], 2);
    }
    put(b, at + 64, 2 * (n + 1), 2);
    put(b, at + 66, p->kind, 1);
    put(b, at + 116, first, 4);
    put(b, at + 120, p->octets.n, 8);
}

/* A file of one directory sector: the root and three parts at most. */
static struct buf compound(const struct part *parts, size_t count)
{
    struct buf b = {0};

    memset(buf_reserve(&b, SECTOR), 0, SECTOR);
    b.n = SECTOR;
    memcpy(b.p, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    const uint32_t fat = add_sectors(&b, 1), directory = add_sectors(&b, 1);
    const uint32_t small_fat = add_sectors(&b, 1), small = add_sectors(&b, 8);
    put(&b, 24, 0x3e, 2);
    put(&b, 26, 3, 2); /* version */
    put(&b, 28, 0xfffe, 2);
    put(&b, 30, 9, 2);
    put(&b, 32, 6, 2);
    put(&b, 44, 1, 4);
    put(&b, 48, directory, 4);
    put(&b, 56, SMALL, 4);
    put(&b, 60, small_fat, 4);
    put(&b, 64, 1, 4);
    put(&b, 68, END, 4);
    put(&b, 76, fat, 4);
    memset(b.p + 80, 0xff, SECTOR - 80);
    memset(b.p + SECTOR, 0xff, SECTOR);
    put(&b, SECTOR, 0xfffffffd, 4);
    chain(&b, directory, 1);
    chain(&b, small_fat, 1);
    chain(&b, small, 8);
    const struct part root = {"Root Entry", ROOT, {"", 8 * SECTOR}};
    put_entry(&b, (directory + 1) * SECTOR, &root, small);
    uint32_t piece = 0;
    for (size_t i = 0; i < count; i++) {
        const struct part *p = &parts[i];
        const size_t n = p->octets.n;
        uint32_t first = 0;
        if (n >= SMALL) {
            first = add_sectors(&b, (n + SECTOR - 1) / SECTOR);
            chain(&b, first, (n + SECTOR - 1) / SECTOR);
            put_octets(&b, first, 0, p->octets);
        } else if (n > 0) { /* every other piece, so that the list of pieces counts */
            first = piece;
            for (size_t at = 0; at < n; at += PIECE, piece += 2) {
                const size_t length = n - at < PIECE ? n - at : PIECE;
                put_octets(&b, small, piece * PIECE, (struct slice){p->octets.p + at, length});
                put(&b, (small_fat + 1) * SECTOR + piece * 4, at + PIECE < n ? piece + 2 : END, 4);
            }
        }
        put_entry(&b, (directory + 1) * SECTOR + (i + 1) * 128, p, first);
    }
    return b;
}

static struct arena streams;

/* A stream of zeros with these octets somewhere in it. */
static struct slice stream(size_t n, size_t at, const char *octets, size_t length)
{
    char *p = arena_alloc(&streams, n);

    memset(p, 0, n);
    memcpy(p + at, octets, length);
    return (struct slice){p, n};
}

struct expected {
    const char *type;
    bool macro;
    bool encrypted;
};

static void look(struct inspect_world *w, const struct part *parts, size_t count,
                 const struct expected *e)
{
    struct buf b = compound(parts, count);

    attach(w, buf_slice(&b));
    buf_free(&b);
    if (!inspect_has(w, FINDING_OF_ATTACHMENT_TYPE, e->type) ||
        flag(w, FINDING_OF_ATTACHMENT_MACRO) != e->macro ||
        flag(w, FINDING_OF_ATTACHMENT_ENCRYPTED) != e->encrypted) {
        inspect_print(w);
        fail_msg("with %s", parts[count - 1].name);
    }
}

#define WORD "application/msword"

static void test_word(void **state)
{
    struct inspect_world *w = *state;
    static const char plain[] = "\xec\xa5\xc1\0\0\0\0\0\0\0\0\0\0",
                      locked[] = "\xec\xa5\xc1\0\0\0\0\0\0\0\0\x01\0";
    const struct slice text = stream(SMALL, 0, plain, sizeof(plain) - 1);
    const struct slice secret = stream(SMALL, 0, locked, sizeof(locked) - 1);
    struct part parts[] = {{"WordDocument", STREAM, text}, {"1Table", STREAM, text}, {"", 0, {0}}};

    look(w, parts, 2, &(struct expected){WORD, false, false});
    static const char *const storages[] = {"Macros", "VBA", "_VBA_PROJECT", "mACROS"};
    for (size_t i = 0; i < 4; i++) {
        parts[2] = (struct part){storages[i], i == 2 ? STREAM : STORAGE, {"", 0}};
        look(w, parts, 3, &(struct expected){WORD, true, false});
    }
    parts[2] = (struct part){"ObjectPool", STORAGE, {"", 0}};
    look(w, parts, 3, &(struct expected){WORD, false, false});
    parts[0].octets = secret;
    look(w, parts, 2, &(struct expected){WORD, false, true});
}

/* BOF, a sheet of a kind, EOF. */
static struct slice workbook(size_t n, char kind)
{
    char octets[] = "\x09\x08\x04\0\0\x06\x05\0\x85\0\x0a\0\0\0\0\0\0\0\x02\0AB\x0a\0\0\0";

    octets[17] = kind;
    return stream(n, 0, octets, sizeof(octets) - 1);
}

static void test_excel(void **state)
{
    struct inspect_world *w = *state;
    static const struct expected good = {"application/vnd.ms-excel", false, false},
                                 bad = {"application/vnd.ms-excel", true, false};
    static const size_t sizes[] = {SMALL, 3 * SMALL + 100, 90, 1000};

    for (size_t i = 0; i < 4; i++) {
        struct part part = {"Workbook", STREAM, workbook(sizes[i], 0)};
        look(w, &part, 1, &good);
        part.octets = workbook(sizes[i], 1);
        look(w, &part, 1, &bad);
        part.name = "wORKBOOK";
        part.octets = workbook(sizes[i], 1);
        look(w, &part, 1, &bad);
    }
    struct part parts[] = {{"Workbook", STREAM, workbook(SMALL, 0)},
                           {"_VBA_PROJECT_CUR", STORAGE, {"", 0}}};
    look(w, parts, 2, &bad);
}

/* VbaInfo with its only atom ([MS-PPT] 2.4.10): whose second number says whether there are macros.
 */
static void test_powerpoint(void **state)
{
    struct inspect_world *w = *state;
    static const char
        with[] = "\x1f\0\xff\x03\x14\0\0\0\x02\0\0\x04\x0c\0\0\0\x05\0\0\0\x01\0\0\0\x02\0\0\0",
        without[] = "\x1f\0\xff\x03\x14\0\0\0\x02\0\0\x04\x0c\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0";
    static const struct expected good = {"application/vnd.ms-powerpoint", false, false},
                                 bad = {"application/vnd.ms-powerpoint", true, false};
    static const struct {
        size_t n, at;
    } rows[] = {{SMALL, 500}, {20000, 500}, {20000, 19990 - sizeof(with)}, {400, 50}, {28, 0}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct part part = {"PowerPoint Document", STREAM,
                            stream(rows[i].n, rows[i].at, with, sizeof(with) - 1)};
        look(w, &part, 1, &bad);
        part.octets = stream(rows[i].n, rows[i].at, without, sizeof(without) - 1);
        look(w, &part, 1, &good);
    }
    /* Cut off in the middle of it. */
    const struct part cut = {"PowerPoint Document", STREAM, stream(24, 0, with, 24)};
    look(w, &cut, 1, &bad);
    const struct part shorter = {"PowerPoint Document", STREAM, stream(18, 0, with, 18)};
    look(w, &shorter, 1, &good);
}

static void test_encrypted(void **state)
{
    struct inspect_world *w = *state;
    const struct part parts[] = {{"EncryptionInfo", STREAM, stream(100, 0, "\x04", 1)},
                                 {"EncryptedPackage", STREAM, stream(SMALL, 0, "x", 1)}};

    look(w, parts, 2, &(struct expected){"application/x-ole-storage", false, true});
}

/* Whatever is cut off, or points beyond the file or to itself: it ends. */
static void test_broken(void **state)
{
    struct inspect_world *w = *state;
    const struct part part = {"Workbook", STREAM, workbook(1000, 1)};
    struct buf b = compound(&part, 1);

    for (size_t n = 0; n <= b.n; n += 100) {
        attach(w, (struct slice){b.p, n});
    }
    for (size_t at = 44; at < 4 * SECTOR; at += 4) {
        char kept[4];
        memcpy(kept, b.p + at, 4);
        for (uint32_t value = 0; value < 4; value++) {
            put(&b, at, value < 3 ? value : 0xfffffff0U, 4);
            attach(w, buf_slice(&b));
        }
        memcpy(b.p + at, kept, 4);
    }
    attach(w, buf_slice(&b));
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_MACRO), 1);
    buf_free(&b);
}

/* ---- compound files whose FAT is longer than the header can say ---- */

#define IN_HEADER 109
#define PER       ((size_t)128)   /* numbers in a sector */
#define SECTORS   ((size_t)31000) /* their FAT needs two sectors of the DIFAT */
#define BLOCKS    ((SECTORS + PER - 1) / PER)
#define FAT       1 /* the sector */
#define DIFAT     (FAT + BLOCKS)
#define IN_DIFAT  (PER - 1) /* sectors of the FAT that one of the DIFAT names */

static void put_in_sector(struct buf *b, size_t sector, size_t place, uint64_t number)
{
    put(b, (sector + 1) * SECTOR + 4 * place, number, 4);
}

/* A file whose directory is sector 0 so far; all else is free. */
static struct buf large(void)
{
    const struct part nothing = {"Root Entry", ROOT, {"", 0}};
    struct buf b = {0};

    memset(buf_reserve(&b, SECTOR), 0xff, SECTOR);
    b.n = SECTOR;
    memcpy(b.p, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    (void)add_sectors(&b, SECTORS);
    put(&b, 30, 9, 2);
    put(&b, 48, 0, 4);
    put(&b, 60, END, 4);
    put(&b, 68, DIFAT, 4);
    put(&b, 72, 2, 4);
    memset(b.p + (FAT + 1) * SECTOR, 0xff, (BLOCKS + 2) * SECTOR);
    for (size_t i = 0; i < BLOCKS; i++) {
        const size_t rest = i - IN_HEADER;
        if (i < IN_HEADER) {
            put(&b, 76 + 4 * i, FAT + i, 4);
        } else {
            put_in_sector(&b, DIFAT + rest / IN_DIFAT, rest % IN_DIFAT, FAT + i);
        }
    }
    put_in_sector(&b, DIFAT, IN_DIFAT, DIFAT + 1);
    put_in_sector(&b, DIFAT + 1, IN_DIFAT, END);
    put_entry(&b, SECTOR, &nothing, END);
    put_in_sector(&b, FAT, 0, END);
    return b;
}

/* A macro that is found by following a chain whose second sector and those behind it are named
 * around there, and no two of them follow each other: as a storage of the directory ... */
static void add_storage(struct buf *b, size_t there)
{
    const struct part vba = {"VBA", STORAGE, {"", 0}};

    put_in_sector(b, FAT, 0, there);
    put_in_sector(b, FAT, there, there - 7);
    put_in_sector(b, FAT, there - 7, END);
    put_entry(b, (there - 7 + 1) * SECTOR, &vba, 0);
}

/* ... or within a stream, from the end of its third sector to its fourth. */
static void add_stream(struct buf *b, size_t there)
{
    static const char with[] =
        "\x1f\0\xff\x03\x14\0\0\0\x02\0\0\x04\x0c\0\0\0\x05\0\0\0\x01\0\0\0\x02\0\0\0";
    const struct slice octets = stream(SMALL, 3 * SECTOR - 10, with, sizeof(with) - 1);
    const struct part part = {"PowerPoint Document", STREAM, octets};

    for (size_t i = 0; i < SMALL / SECTOR; i++) {
        const size_t number = there - 3 * i;
        put_octets(b, (uint32_t)number, 0, (struct slice){octets.p + i * SECTOR, SECTOR});
        put_in_sector(b, FAT, number, (i + 1) * SECTOR < SMALL ? number - 3 : END);
    }
    put_entry(b, SECTOR + 128, &part, (uint32_t)there);
}

static bool has_macro(struct inspect_world *w, const struct buf *b)
{
    attach(w, buf_slice(b));
    assert_int_equal(w->found.of[FINDING_OF_INSPECT_LIMITS].count, 0);
    return flag(w, FINDING_OF_ATTACHMENT_MACRO) != 0;
}

/* Named by the header, by the first sector of the DIFAT, by the second; at the seams, too. */
static void test_large(void **state)
{
    static const size_t places[] = {5000,
                                    IN_HEADER * PER + 10,
                                    20000,
                                    (IN_HEADER + IN_DIFAT) * PER - 1,
                                    (IN_HEADER + IN_DIFAT) * PER + 10,
                                    SECTORS - 1};
    static void (*const ways[])(struct buf * b, size_t there) = {add_storage, add_stream};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        for (size_t way = 0; way < 2; way++) {
            struct buf b = large();
            assert_false(i == 0 && has_macro(*state, &b));
            ways[way](&b, places[i]);
            if (!has_macro(*state, &b)) {
                fail_msg("place %zu, way %zu", i, way);
            }
            buf_free(&b);
        }
    }
}

/* What the DIFAT says wrongly leads nowhere, and nothing is lost that was named in front of it. */
static void test_wrong_difat(void **state)
{
    static const uint64_t wrong[] = {0, DIFAT, SECTORS, SECTORS + 1, 0x7fffffff, 0xfffffff0, END};
    const size_t last = SECTORS - 50;
    struct buf b = large();

    add_stream(&b, 20000);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        put_in_sector(&b, DIFAT, IN_DIFAT, wrong[i]);
        assert_true(has_macro(*state, &b));
        put(&b, 68, wrong[i], 4);
        assert_int_equal(has_macro(*state, &b), wrong[i] == DIFAT);
        put(&b, 68, DIFAT, 4);
        put_in_sector(&b, DIFAT, 20000 / PER - IN_HEADER, wrong[i]);
        assert_false(has_macro(*state, &b));
        put_in_sector(&b, DIFAT, 20000 / PER - IN_HEADER, FAT + 20000 / PER);
    }
    add_stream(&b, last); /* the first sector of the DIFAT is taken for the second */
    put_in_sector(&b, DIFAT, IN_DIFAT, DIFAT);
    assert_false(has_macro(*state, &b));
    put_in_sector(&b, DIFAT, IN_DIFAT, DIFAT + 1);
    assert_true(has_macro(*state, &b));
    buf_free(&b);
}

/* ---- ZIP files with a list of their parts ---- */

struct member {
    const char *name;
    struct slice octets;
};

static void attach_zip(struct inspect_world *w, const struct member *members, size_t count)
{
    static char out[20000];
    struct archive *a = archive_write_new();
    size_t used = 0;

    assert_int_equal(archive_write_set_format_zip(a), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(a, out, sizeof(out), &used), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *e = archive_entry_new();
        archive_entry_set_pathname(e, members[i].name);
        archive_entry_set_size(e, (la_int64_t)members[i].octets.n);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        assert_int_equal(archive_write_data(a, members[i].octets.p, members[i].octets.n),
                         (int)members[i].octets.n);
        archive_entry_free(e);
    }
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    attach(w, (struct slice){out, used});
}

#define TYPES(type)                                                                                \
    SLICE_LIT("<?xml version=\"1.0\"?><Types><Default Extension=\"bin\" ContentType=\"" type       \
              "\"/></Types>")

static void test_zip(void **state)
{
    static const struct {
        const char *main, *part;
        struct slice types;
        bool macro;
    } rows[] = {
        {"word/document.xml", "word/vbaProject.bin", TYPES("application/vnd.ms-office.vbaProject"),
         true},
        {"ppt/presentation.xml", "ppt/vbaProject.bin", TYPES("application/octet-stream"), true},
        {"xl/workbook.xml", "xl/VBAPROJECT.BIN", TYPES("application/octet-stream"), true},
        {"xl/workbook.xml", "xl/macrosheets/sheet1.xml", TYPES("application/xml"), true},
        {"xl/workbook.xml", "xl/MacroSheets/sheet1.xml", TYPES("application/xml"), true},
        /* By the list alone. */
        {"word/document.xml", "word/picture.bin", TYPES("application/vnd.ms-office.vbaProject"),
         true},
        {"xl/workbook.xml", "xl/worksheets/sheet1.xml",
         TYPES("application/vnd.ms-excel.macrosheet+xml"), true},
        {"xl/workbook.xml", "xl/worksheets/sheet1.bin",
         TYPES("application/vnd.ms-excel.intlmacrosheet+xml"), true},
        {"xl/workbook.xml", "xl/worksheets/sheet1.bin",
         TYPES("application/vnd.ms-excel.macrosheet"), true},
        {"word/document.xml", "word/picture.bin",
         TYPES("application/vnd.ms-office.vbaProj&#101;ct"), true},
        {"word/document.xml",
         "word/picture.bin",
         {"v\0b\0a\0 "
          "\0a\0p\0p\0l\0i\0c\0a\0t\0i\0o\0n\0/\0v\0n\0d\0.\0m\0s\0-\0o\0f\0f\0i\0c\0e\0.\0"
          "v\0b\0a\0P\0r\0o\0j\0e\0c\0t\0",
          80},
         true},
        /* None. */
        {"word/document.xml", "word/picture.bin", TYPES("application/octet-stream"), false},
        {"xl/workbook.xml", "xl/printerSettings/printerSettings1.bin",
         TYPES("application/vnd.openxmlformats-officedocument.spreadsheetml.printerSettings"),
         false},
        {"ppt/presentation.xml", "ppt/embeddings/x.xml", TYPES("application/xml"), false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct member members[] = {{"[Content_Types].xml", rows[i].types},
                                         {rows[i].main, SLICE_LIT("<x/>")},
                                         {rows[i].part, SLICE_LIT("x")}};
        attach_zip(*state, members, 3);
        if (flag(*state, FINDING_OF_ATTACHMENT_MACRO) != rows[i].macro) {
            fail_msg("row %zu: %s", i, rows[i].part);
        }
    }
}

/* What is embedded in a document is a file of its own. */
static void test_embedded(void **state)
{
    struct inspect_world *w = *state;
    const struct part part = {"VBA", STORAGE, {"", 0}};
    struct buf b = compound(&part, 1);
    const struct member members[] = {
        {"[Content_Types].xml", TYPES("application/vnd.openxmlformats-officedocument.oleObject")},
        {"word/document.xml", SLICE_LIT("<x/>")},
        {"word/embeddings/oleObject1.bin", buf_slice(&b)}};

    attach_zip(w, members, 3);
    assert_int_equal(flag(w, FINDING_OF_ATTACHMENT_MACRO), 1);
    buf_free(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_word),        cmocka_unit_test(test_excel),
        cmocka_unit_test(test_powerpoint),  cmocka_unit_test(test_encrypted),
        cmocka_unit_test(test_broken),      cmocka_unit_test(test_large),
        cmocka_unit_test(test_wrong_difat), cmocka_unit_test(test_zip),
        cmocka_unit_test(test_embedded),
    };

    arena_init(&streams);
    const int failed = cmocka_run_group_tests(tests, inspect_world_open, inspect_world_close);
    arena_free(&streams);
    return failed;
}
