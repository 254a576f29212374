/* See inspect/office.h. */
#include "inspect/office.h"

#include <strings.h>

#include "inspect/ole.h"

static bool is_ole(struct slice s)
{
    return s.n > 8 && memcmp(s.p, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) == 0;
}

/* Readers look for "%PDF-" in the first 1,024 octets. */
static bool is_pdf(struct slice s)
{
    return s.n > 5 && memmem(s.p, s.n < 1024 ? s.n : 1024, "%PDF-", 5) != NULL;
}

/* Word takes what begins with "{\rt" for RTF. */
static bool is_rtf(struct slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\r' || s.p[0] == '\n' || s.p[0] == '\t')) {
        s = (struct slice){s.p + 1, s.n - 1};
    }
    return s.n > 4 && memcmp(s.p, "{\\rt", 4) == 0;
}

bool office_is(struct slice octets)
{
    return is_ole(octets) || is_pdf(octets) || is_rtf(octets);
}

static bool has(struct slice s, const char *text)
{
    return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

/* ---- compound files ---- */

struct look {
    struct inspect_run *run;
    const struct ole *ole;
    const char *type;
    unsigned read; /* streams */
};

static uint32_t le(const char *p, size_t n)
{
    uint32_t value = 0;

    while (n-- > 0) {
        value = value << 8 | (uint8_t)p[n];
    }
    return value;
}

/* A workbook's records ([MS-XLS] 2.4): FILEPASS says that it is encrypted, BOUNDSHEET whether a
 * sheet has macros of Excel 4. */
static void read_workbook(struct inspect_run *run, struct slice s)
{
    for (size_t at = 0; at + 4 <= s.n;) {
        uint32_t id = le(s.p + at, 2), n = le(s.p + at + 2, 2);
        if (id == 0x2f) {
            inspect_flag(run, FINDING_OF_ATTACHMENT_ENCRYPTED);
        }
        if (id == 0x85 && at + 10 <= s.n && s.p[at + 9] == 1) {
            inspect_flag(run, FINDING_OF_ATTACHMENT_MACRO);
        }
        at += 4 + n;
    }
}

/* A presentation keeps its macros within its own records, and says so in two of them
 * ([MS-PPT] 2.4.10, 2.4.11): VbaInfo, which holds nothing but a VbaInfoAtom, whose second number is
 * not 0. */
static bool presentation_has_macros(struct slice s)
{
    static const char container[] = "\xff\x03\x14\0\0\0"; /* its type and length */
    const char *p;

    while ((p = memmem(s.p, s.n, container, sizeof(container) - 1)) != NULL) {
        s = (struct slice){p + 1, s.n - (size_t)(p + 1 - s.p)};
        if (s.n >= 21 && le(p + 8, 2) == 0x400 && le(p + 10, 4) == 12 && le(p + 18, 4) != 0) {
            return true;
        }
    }
    return false;
}

#define STREAM_SEEN  ((size_t)8 << 20)
#define STREAMS_SEEN 16 /* one of a kind is what programs write */

static void read_stream(struct look *l, const struct ole_entry *e)
{
    struct buf b = {0};

    if (++l->read > STREAMS_SEEN) {
        return;
    }
    ole_read(l->ole, e, STREAM_SEEN, &b);
    struct slice s = buf_slice(&b);
    if (strcasecmp(e->name, "Workbook") == 0 || strcasecmp(e->name, "Book") == 0) {
        read_workbook(l->run, s);
    } else if (strcasecmp(e->name, "WordDocument") == 0) {
        if (s.n > 12 && (le(s.p + 10, 2) & 0x0100) != 0) { /* fEncrypted, [MS-DOC] 2.5.2 */
            inspect_flag(l->run, FINDING_OF_ATTACHMENT_ENCRYPTED);
        }
    } else if (s.n > 0 && presentation_has_macros(s)) {
        inspect_flag(l->run, FINDING_OF_ATTACHMENT_MACRO);
    }
    buf_free(&b);
}

/* {000C1084-0000-0000-C000-000000000046}, an installer's database, or 1082 and 1086: a transform, a
 * patch. */
static bool is_installer(const char *class_id)
{
    uint32_t first = le(class_id, 4);

    return (first == 0x000c1084 || first == 0x000c1082 || first == 0x000c1086) &&
           memcmp(class_id + 4, "\0\0\0\0\xc0\0\0\0\0\0\0\x46", 12) == 0;
}

/* Office finds entries by their names in either case. */
static bool look_at(void *arg, const struct ole_entry *e)
{
    static const char *const macros[] = {"VBA", "_VBA_PROJECT", "_VBA_PROJECT_CUR", "Macros",
                                         "PROJECTwm"};
    static const struct {
        const char *name;
        const char *type;
    } streams[] = {{"Workbook", "application/vnd.ms-excel"},
                   {"Book", "application/vnd.ms-excel"},
                   {"WordDocument", "application/msword"},
                   {"PowerPoint Document", "application/vnd.ms-powerpoint"},
                   {"__properties_version1.0", "application/vnd.ms-outlook"}};
    struct look *l = arg;

    for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
        if (strcasecmp(e->name, macros[i]) == 0) {
            inspect_flag(l->run, FINDING_OF_ATTACHMENT_MACRO);
        }
    }
    if (strcasecmp(e->name, "EncryptedPackage") == 0 ||
        strcasecmp(e->name, "EncryptionInfo") == 0) {
        inspect_flag(l->run, FINDING_OF_ATTACHMENT_ENCRYPTED);
    }
    if (e->kind == 5 && is_installer(e->class_id)) {
        inspect_flag(l->run, FINDING_OF_ATTACHMENT_EXECUTABLE);
        l->type = "application/x-msi";
    }
    for (size_t i = 0; e->kind == 2 && i < sizeof(streams) / sizeof(streams[0]); i++) {
        if (strcasecmp(e->name, streams[i].name) == 0) {
            l->type = streams[i].type;
            read_stream(l, e);
        }
    }
    return !inspect_late(l->run);
}

/* ---- all ---- */

void office_open(struct inspect_run *run, const struct file *f)
{
    struct slice s = f->octets;
    struct ole o;

    if (is_ole(s)) {
        struct look l = {run, &o, "application/x-ole-storage", 0};
        if (ole_open(s, &o)) {
            ole_each(&o, look_at, &l);
        }
        inspect_add_name(run, FINDING_OF_ATTACHMENT_TYPE, l.type);
    } else if (is_pdf(s) && has(s, "/Encrypt")) {
        inspect_flag(run, FINDING_OF_ATTACHMENT_ENCRYPTED);
    } else if (is_rtf(s) && (has(s, "\\objdata") || has(s, "\\objupdate") || has(s, "\\objocx"))) {
        inspect_odd(run, ANOMALY_RTF_OBJECT);
    }
}
