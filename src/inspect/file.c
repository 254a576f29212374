/* See inspect/file.h. */
#include "inspect/file.h"

#include "inspect/archive.h"
#include "inspect/mime_scan.h"
#include "inspect/name.h"
#include "inspect/office.h"
#include "inspect/tnef.h"
#include "inspect/type.h"

void file_names_add(struct inspect_run *run, struct file_names *names, struct slice name)
{
    (void)run;
    for (size_t i = 0; i < names->count; i++) {
        if (slice_eq(names->names[i], name)) {
            return;
        }
    }
    if (name.n > 0 && names->count < FILE_NAMES_MOST) {
        names->names[names->count++] = name;
    }
}

/* ---- by its first octets ---- */

static const struct {
    const char *octets;
    size_t n;
} signatures[] = {
#define BEGINS(text)                                                                               \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    BEGINS("PK\x03\x04"),
    BEGINS("PK\x05\x06"),
    BEGINS("MZ"),
    BEGINS("%PDF-"),
    BEGINS("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), /* OLE */
    BEGINS("Rar!\x1a\x07"),
    BEGINS("7z\xbc\xaf\x27\x1c"),
    BEGINS("\x1f\x8b\x08"), /* gzip */
    BEGINS("\x7f"
           "ELF"),
    BEGINS("MSCF"),                  /* Cabinet */
    BEGINS("L\0\0\0\x01\x14\x02\0"), /* shell link */
    BEGINS("{\\rt"),
    BEGINS("BZh"),
    BEGINS("\xfd"
           "7zXZ"),
    BEGINS("ITSF"),             /* compiled HTML help */
    BEGINS("\xca\xfe\xba\xbe"), /* Mach-O, Java */
    BEGINS("\xcf\xfa\xed\xfe"),
    BEGINS("\xce\xfa\xed\xfe"),
#undef BEGINS
};

bool file_is_known(struct slice octets)
{
    for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
        if (octets.n > signatures[i].n &&
            memcmp(octets.p, signatures[i].octets, signatures[i].n) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- what runs ---- */

static bool begins(struct slice s, const char *text)
{
    size_t n = strlen(text);

    return s.n >= n && strncasecmp(s.p, text, n) == 0;
}

/* "MZ" alone may begin a text; a program has a header that it points to, or is one of DOS. */
static bool is_windows_program(struct slice s)
{
    if (s.n < 64 || memcmp(s.p, "MZ", 2) != 0) {
        return false;
    }
    for (size_t i = 2; i < 64; i++) {
        if ((uint8_t)s.p[i] < 9) {
            return true;
        }
    }
    return false;
}

static bool is_program(struct slice s)
{
    static const struct {
        const char *octets;
        size_t n;
    } programs[] = {
        {"\x7f"
         "ELF",
         4},
        {"\xcf\xfa\xed\xfe", 4},
        {"\xce\xfa\xed\xfe", 4},
        {"\xfe\xed\xfa\xcf", 4},
        {"\xfe\xed\xfa\xce", 4},
        {"\xca\xfe\xba\xbe", 4},
        {"L\0\0\0\x01\x14\x02\0", 8},
        {"ITSF", 4},
        {"#@~^", 4},
        {"dex\n03", 6},
    };

    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (s.n > programs[i].n && memcmp(s.p, programs[i].octets, programs[i].n) == 0) {
            return true;
        }
    }
    return is_windows_program(s);
}

/* Scripts that say so in their first line, and HTML that is run as an application. */
static bool is_script(struct slice s)
{
    struct slice first = {s.p, s.n < 4096 ? s.n : 4096};

    return begins(s, "#!") || begins(s, "@echo off") || begins(s, "<job") ||
           begins(s, "<package>") || begins(s, "<?xml version=\"1.0\"?><job") ||
           (first.n > 0 && memmem(first.p, first.n, "<HTA:APPLICATION", 16)) ||
           (first.n > 0 && memmem(first.p, first.n, "<hta:application", 16)) ||
           begins(s, "<scriptlet") || begins(s, "[InternetShortcut]") ||
           begins(s, "Windows Registry");
}

/* ---- all of it ---- */

static bool slice_begins(struct slice s, const char *text)
{
    struct slice rest;

    return slice_prefix(s, text, &rest);
}

/* A picture, sound or text by its header that is a program or an archive. */
static void check_declared(struct inspect_run *run, const struct file *f, bool runs)
{
    bool innocent = slice_begins(f->declared, "image/") || slice_begins(f->declared, "audio/") ||
                    slice_begins(f->declared, "video/") || slice_begins(f->declared, "text/");

    if (!f->member && innocent && (runs || file_is_known(f->octets))) {
        inspect_odd(run, ANOMALY_TYPE_DIFFERS);
    }
}

/* Its names, and whether they differ in what they say it is. */
static void enter_names(struct inspect_run *run, const struct file *f)
{
    struct slice first = {"", 0};

    for (size_t i = 0; i < f->names->count; i++) {
        struct slice name = f->names->names[i];
        struct slice extension = file_extension(name, arena_alloc(&run->scratch, name.n + 1));
        file_name(run, name);
        if (i == 0) {
            first = extension;
        } else if (!slice_eq(first, extension)) {
            inspect_odd(run, ANOMALY_NAME_DIFFERS);
        }
    }
}

static struct slice tnef_name(struct inspect_run *run, const struct tnef_file *t)
{
    struct slice charset = t->wide ? SLICE_LIT("utf-16le") : SLICE_LIT("");
    struct buf b = {0};

    inspect_to_utf8(run->inspect, charset, t->name.n > 0 ? t->name : t->title, 4096, &b);
    struct slice name = arena_copy(&run->scratch, buf_slice(&b));
    buf_free(&b);
    return name;
}

static void open_tnef(struct inspect_run *run, const struct file *f)
{
    struct tnef t;
    struct tnef_file in;

    if (!tnef_open(f->octets, &t)) {
        return;
    }
    if (f->depth + run->depth >= run->request->limits.depth) {
        inspect_reached(run, LIMIT_DEPTH);
        return;
    }
    while (tnef_next(&t, &in) && !inspect_late(run)) {
        struct file_names names = {0};
        struct file file = {
            .names = &names, .octets = in.octets, .depth = f->depth + 1, .member = true};
        if (++run->members > run->request->limits.members) {
            inspect_reached(run, LIMIT_MEMBERS);
            return;
        }
        file_names_add(run, &names, tnef_name(run, &in));
        inspect_file(run, &file);
    }
    if (t.broken) {
        inspect_odd(run, ANOMALY_TNEF_OPAQUE);
    }
}

/* A message that was saved as a file, which readers open as a message. */
static bool is_message(const struct file *f)
{
    static const char *const begins_with[] = {"Received:",     "Return-Path:",  "From:", "X-MS-",
                                              "MIME-Version:", "Delivered-To:", "From "};
    char out[FINDING_OCTETS_MOST];

    for (size_t i = 0; i < sizeof(begins_with) / sizeof(begins_with[0]); i++) {
        if (begins(f->octets, begins_with[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < f->names->count; i++) {
        struct slice name = f->names->names[i];
        if (name.n < sizeof(out) && slice_eq(file_extension(name, out), SLICE_LIT("eml"))) {
            return true;
        }
    }
    return false;
}

/* Its parts are looked at as those of a message that is attached as one. */
static void open_message(struct inspect_run *run, const struct file *f)
{
    uint64_t depth = run->depth, parts = run->parts, before = run->file_parts;

    if (f->depth + depth >= run->request->limits.depth) {
        inspect_reached(run, LIMIT_DEPTH);
        return;
    }
    run->depth += f->depth + 1;
    mime_scan(run, f->octets);
    run->depth = depth;
    run->file_parts = before + (run->parts - parts); /* with those of files in it */
}

void inspect_file(struct inspect_run *run, const struct file *f)
{
    bool runs = is_program(f->octets) || is_script(f->octets);

    enter_names(run, f);
    if (runs) {
        inspect_flag(run, FINDING_OF_ATTACHMENT_EXECUTABLE);
    }
    check_declared(run, f, runs);
    inspect_add(run, FINDING_OF_ATTACHMENT_TYPE, file_type(run, f->octets));
    if (archive_is(f->octets)) {
        archive_open(run, f);
    } else if (office_is(f->octets)) {
        office_open(run, f);
    } else if (is_message(f)) {
        open_message(run, f);
    } else {
        open_tnef(run, f);
    }
}
