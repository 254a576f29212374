/* See inspect/archive.h.
 *
 * Of a ZIP's members only the beginning is unpacked, unless there is something in them to be opened
 * in its turn; what other archives hold is unpacked in their order anyway. */
#include "inspect/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/buf.h"
#include "inspect/name.h"
#include "inspect/office.h"
#include "inspect/zip_list.h"
#include "parse/ascii.h"

/* ---- which are archives ---- */

enum pack { PACK_NONE, PACK_ZIP, PACK_STREAM, PACK_OTHER };

static const struct {
    size_t at;
    const char *octets;
    size_t n;
    enum pack pack;
} kinds[] = {
#define AT(at, text, pack)                                                                         \
    {                                                                                              \
        at, text, sizeof(text) - 1, pack                                                           \
    }
    AT(0, "PK\x03\x04", PACK_ZIP),
    AT(0, "PK\x05\x06", PACK_ZIP),
    AT(0, "PK00PK\x03\x04", PACK_ZIP),
    AT(0, "\x1f\x8b", PACK_STREAM),
    AT(0, "BZh", PACK_STREAM),
    AT(0,
       "\xfd"
       "7zXZ\0",
       PACK_STREAM),
    AT(0, "\x1f\x9d", PACK_STREAM),
    AT(0, "LZIP", PACK_STREAM),
    AT(0, "\x28\xb5\x2f\xfd", PACK_STREAM),
    AT(0, "\x04\x22\x4d\x18", PACK_STREAM),
    AT(0, "\x5d\0\0", PACK_STREAM),
    AT(0, "Rar!\x1a\x07", PACK_OTHER),
    AT(0, "7z\xbc\xaf\x27\x1c", PACK_OTHER),
    AT(0, "MSCF", PACK_OTHER),
    AT(0, "!<arch>\n", PACK_OTHER),
    AT(0, "xar!", PACK_OTHER),
    AT(0, "07070", PACK_OTHER),
    AT(0, "\xc7\x71", PACK_OTHER), /* cpio, of either order of octets */
    AT(0, "\x71\xc7", PACK_OTHER),
    AT(0, "\xed\xab\xee\xdb", PACK_STREAM),
    AT(257, "ustar", PACK_OTHER),
    AT(32769, "CD001", PACK_OTHER),
    AT(2, "-lh", PACK_OTHER),
    AT(2, "-lz", PACK_OTHER),
#undef AT
};

static enum pack pack_of(struct slice octets)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (octets.n >= kinds[i].at + kinds[i].n &&
            memcmp(octets.p + kinds[i].at, kinds[i].octets, kinds[i].n) == 0) {
            return kinds[i].pack;
        }
    }
    return PACK_NONE;
}

bool archive_is(struct slice octets)
{
    return pack_of(octets) != PACK_NONE;
}

/* ---- one archive under way ---- */

struct unpacking {
    struct inspect_run *run;
    const struct file *file;
    struct archive *a;
    enum pack pack;
    struct zip_facts zip;
    uint64_t made; /* octets so far */
    bool jar;      /* META-INF was there */
};

static struct archive *begin(enum pack pack, struct slice octets)
{
    struct archive *a = archive_read_new();

    if (!a) {
        return NULL;
    }
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_lzma(a);
    archive_read_support_filter_lzip(a);
    archive_read_support_filter_compress(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_lz4(a);
    archive_read_support_filter_rpm(a);
    if (pack != PACK_STREAM) {
        archive_read_support_format_zip(a);
        archive_read_support_format_7zip(a);
        archive_read_support_format_rar(a);
        archive_read_support_format_rar5(a);
        archive_read_support_format_cab(a);
        archive_read_support_format_iso9660(a);
        archive_read_support_format_lha(a);
        archive_read_support_format_ar(a);
        archive_read_support_format_xar(a);
        archive_read_support_format_tar(a);
        archive_read_support_format_cpio(a);
    } else { /* whatever it is that was packed, it is looked at as a file */
        archive_read_support_format_raw(a);
    }
    if (archive_read_open_memory(a, octets.p, octets.n) != ARCHIVE_OK) {
        archive_read_free(a);
        return NULL;
    }
    return a;
}

/* May `n` further octets be kept? Within the ratio, and what decoding may make in all. */
static bool may_make(struct unpacking *u, size_t n)
{
    const struct inspection_limits *limits = &u->run->request->limits;

    u->made += n;
    if (u->made > 1 << 20 && u->made / limits->ratio > u->file->octets.n) {
        inspect_reached(u->run, LIMIT_RATIO);
        return false;
    }
    return inspect_may_decode(u->run, n) == n && !inspect_late(u->run);
}

/* Reads up to `most` octets of the member; false at a limit, or when it cannot be read. */
static bool read_some(struct unpacking *u, size_t most, struct buf *to, bool *ret_end)
{
    while (to->n < most) {
        size_t room = most - to->n < 65536 ? most - to->n : 65536;
        la_ssize_t n = archive_read_data(u->a, buf_reserve(to, room), room);
        if (n < 0) {
            if (archive_read_has_encrypted_entries(u->a) <= 0) {
                inspect_odd(u->run, ANOMALY_ARCHIVE_BROKEN);
            }
            return false;
        }
        *ret_end = n == 0;
        if (n == 0) {
            return true;
        }
        to->n += (size_t)n;
        if (!may_make(u, (size_t)n)) {
            return false;
        }
    }
    return true;
}

/* ---- names ---- */

/* "a.exe.gz" is a.exe, packed; "a.tgz" a tar without a name. */
static struct slice packed_name(const struct file *f)
{
    struct slice name = {"", 0};

    if (f->names->count > 0) {
        name = f->names->names[0];
        while (name.n > 0 && name.p[name.n - 1] != '.') {
            name.n--;
        }
        name.n -= name.n > 0 ? 1 : 0;
    }
    return memchr(name.p, '.', name.n) ? name : (struct slice){"", 0};
}

static struct slice member_name(struct unpacking *u, struct archive_entry *entry)
{
    const char *name;
    struct buf b = {0};

    if (archive_format(u->a) == ARCHIVE_FORMAT_RAW) {
        return packed_name(u->file);
    }
    name = archive_entry_pathname_utf8(entry);
    name = name ? name : archive_entry_pathname(entry);
    if (!name) {
        return (struct slice){"", 0};
    }
    inspect_to_utf8(u->run->inspect, (struct slice){"", 0}, slice_of(name), 4096, &b);
    struct slice ret = arena_copy(&u->run->scratch, buf_slice(&b));
    buf_free(&b);
    return ret;
}

static bool ends_with(struct slice s, const char *end)
{
    size_t n = strlen(end);

    return s.n >= n && strncasecmp(s.p + s.n - n, end, n) == 0;
}

static bool contains(struct slice s, const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i + n <= s.n; i++) {
        if (strncasecmp(s.p + i, text, n) == 0) {
            return true;
        }
    }
    return false;
}

/* What a member's name says of the whole archive. */
static void check_member_name(struct unpacking *u, struct slice name)
{
    if (ends_with(name, "vbaproject.bin") || contains(name, "xl/macrosheets/") ||
        (u->zip.document && (contains(name, "Basic/") || contains(name, "Scripts/")) &&
         !ends_with(name, "/"))) {
        inspect_flag(u->run, FINDING_OF_ATTACHMENT_MACRO);
    }
    u->jar |= slice_eq(name, SLICE_LIT("META-INF/MANIFEST.MF"));
    if ((u->jar && ends_with(name, ".class")) || slice_eq(name, SLICE_LIT("classes.dex"))) {
        inspect_flag(u->run, FINDING_OF_ATTACHMENT_EXECUTABLE);
    }
}

/* Members that documents are made of: nobody sees them as files. */
static bool is_inside_document(const struct unpacking *u, struct slice name)
{
    static const char *const ends[] = {".xml",     ".rels",   ".png", ".jpg", ".jpeg", ".gif",
                                       ".emf",     ".wmf",    ".vml", ".bin", ".svg",  ".tiff",
                                       ".odttf",   ".ttf",    ".rdf", ".bmp", "/",     "mimetype",
                                       ".fntdata", ".psmdcp", ".wdp", ".wav", ".json"};

    if (!u->zip.document || contains(name, "embeddings/")) {
        return false;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (ends_with(name, ends[i])) {
            return true;
        }
    }
    return false;
}

/* ---- what a document is made of ---- */

#define LIST_SEEN ((size_t)1 << 20)

/* A document's list of its parts says what they are, whatever their names are. In UTF-16 each
 * letter has an octet of zero beside it; and no program but one that hides something writes a
 * letter there by its number. */
static void check_list_of_parts(struct unpacking *u)
{
    struct buf b = {0};
    size_t n = 0;
    bool end;

    (void)read_some(u, LIST_SEEN, &b, &end);
    for (size_t i = 0; i < b.n; i++) {
        if (b.p[i] != '\0') {
            b.p[n++] = b.p[i];
        }
    }
    const struct slice list = {b.p, n};
    if (contains(list, "application/vnd.ms-office.vbaProject") ||
        contains(list, "macrosheet+xml") || contains(list, "application/vnd.ms-excel.macrosheet") ||
        contains(list, "&#")) {
        inspect_flag(u->run, FINDING_OF_ATTACHMENT_MACRO);
    }
    buf_free(&b);
}

/* ---- members ---- */

#define PREFIX ((size_t)33024) /* by which a member's kind is told: a CD has its label there */

static bool is_worth_all(struct unpacking *u, struct slice octets)
{
    return u->pack != PACK_ZIP || archive_is(octets) || office_is(octets);
}

/* What its header says it would unpack to. */
static bool check_declared(struct unpacking *u, struct archive_entry *entry)
{
    int64_t size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
    uint64_t ratio = u->run->request->limits.ratio;

    if (size > 1 << 20 && (uint64_t)size / ratio > u->file->octets.n) {
        inspect_reached(u->run, LIMIT_RATIO);
        return false;
    }
    return true;
}

static bool look_at(struct unpacking *u, struct archive_entry *entry, struct slice name)
{
    struct file_names names = {0};
    struct file member = {.names = &names, .depth = u->file->depth + 1, .member = true};
    struct buf b = {0};
    bool end = false, good = true, huge = !check_declared(u, entry);

    file_names_add(u->run, &names, name);
    if (archive_entry_is_encrypted(entry) > 0) {
        inspect_flag(u->run, FINDING_OF_ATTACHMENT_ENCRYPTED);
    } else {
        good = read_some(u, PREFIX, &b, &end);
        if (good && !end && !huge && is_worth_all(u, buf_slice(&b))) {
            good = read_some(u, SIZE_MAX, &b, &end);
        }
    }
    member.octets = buf_slice(&b);
    member.cut = !end;
    inspect_file(u->run, &member);
    buf_free(&b);
    return (good && !(huge && u->pack != PACK_ZIP)) || u->pack == PACK_ZIP;
}

/* The next member; false when there is none, or a limit was reached. */
static bool next_member(struct unpacking *u)
{
    struct archive_entry *entry;
    int r = archive_read_next_header(u->a, &entry);
    struct slice name;

    if (r == ARCHIVE_EOF) {
        return false;
    }
    if (r < ARCHIVE_WARN) {
        if (archive_read_has_encrypted_entries(u->a) > 0) {
            inspect_flag(u->run, FINDING_OF_ATTACHMENT_ENCRYPTED);
        } else {
            inspect_odd(u->run, ANOMALY_ARCHIVE_BROKEN);
        }
        return false;
    }
    if (u->run->members >= u->run->request->limits.members) {
        inspect_reached(u->run, LIMIT_MEMBERS);
        return false;
    }
    u->run->members++;
    name = member_name(u, entry);
    check_member_name(u, name);
    if (u->pack == PACK_ZIP && ends_with(name, "[Content_Types].xml") &&
        archive_entry_is_encrypted(entry) <= 0) {
        check_list_of_parts(u);
        return !inspect_has_reached(u->run, LIMIT_TIME) &&
               !inspect_has_reached(u->run, LIMIT_DECODED);
    }
    if (archive_entry_filetype(entry) == AE_IFDIR || is_inside_document(u, name)) {
        return !inspect_late(u->run);
    }
    return look_at(u, entry, name) && !inspect_has_reached(u->run, LIMIT_TIME) &&
           !inspect_has_reached(u->run, LIMIT_DECODED);
}

/* RAR with its headers encrypted shows nothing at all (RAR 4: a flag of the main header; RAR 5: a
 * header of type 4 comes first). */
static bool rar_is_encrypted(struct slice s)
{
    if (s.n > 20 && memcmp(s.p, "Rar!\x1a\x07\x00", 7) == 0) {
        return ((uint8_t)s.p[10] & 0x80) != 0;
    }
    return s.n > 20 && memcmp(s.p, "Rar!\x1a\x07\x01\x00", 8) == 0 && s.p[13] == 4;
}

void archive_open(struct inspect_run *run, const struct file *f)
{
    struct unpacking u = {.run = run, .file = f, .pack = pack_of(f->octets)};

    if (u.pack == PACK_ZIP) {
        zip_list_read(run, f->octets, &u.zip);
        inspect_add_name(run, FINDING_OF_ATTACHMENT_TYPE, u.zip.type);
        if (u.zip.overlap) {
            inspect_odd(run, ANOMALY_ARCHIVE_OVERLAP);
        }
    }
    if (f->depth + run->depth >= run->request->limits.depth) {
        inspect_reached(run, LIMIT_DEPTH);
        return;
    }
    if (rar_is_encrypted(f->octets) || u.zip.encrypted) {
        inspect_flag(run, FINDING_OF_ATTACHMENT_ENCRYPTED);
    }
    u.a = begin(u.pack, f->octets);
    if (!u.a) {
        inspect_odd(run, ANOMALY_ARCHIVE_BROKEN);
        return;
    }
    while (next_member(&u)) {
    }
    archive_read_free(u.a);
}
