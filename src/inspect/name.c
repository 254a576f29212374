/* See inspect/name.h. */
#include "inspect/name.h"

#include "parse/ascii.h"
#include "parse/utf8.h"

/* ---- extensions ---- */

static const struct extension_row {
    const char *name;
    const char *why;
} extensions[] = {
#define EXTENSION(name, why) {name, why},
#include "tbl/extensions.h"
#undef EXTENSION
};

/* Extensions of documents, pictures and archives, behind which a program likes to hide. */
static const char *const harmless[] = {
    "pdf", "doc",  "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "txt", "csv", "odt",  "ods",
    "jpg", "jpeg", "png",  "gif", "bmp",  "tif", "tiff", "mp3", "mp4", "avi", "mov",  "wav",
    "htm", "html", "xml",  "zip", "rar",  "7z",  "eml",  "msg", "log", "svg", "webp", "dwg",
};

const char *file_extension_runs(struct slice extension)
{
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        if (slice_eq(extension, slice_of(extensions[i].name))) {
            return extensions[i].why;
        }
    }
    /* A class's number in braces is run as what it names, whatever that is. */
    return extension.n == 38 && extension.p[0] == '{' ? "names a class of Windows" : NULL;
}

static bool is_harmless(struct slice extension)
{
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        if (slice_eq(extension, slice_of(harmless[i]))) {
            return true;
        }
    }
    return false;
}

/* Windows' file systems leave out blanks and dots at the end, and what stands behind a colon names
 * a stream of the file. */
static struct slice as_kept(struct slice name)
{
    while (name.n > 0 && (memchr(". \t\r\n\"'", name.p[name.n - 1], 7) || !name.p[name.n - 1])) {
        name.n--;
    }
    return name;
}

static struct slice last_part(struct slice name)
{
    for (size_t i = name.n; i-- > 0;) {
        if (name.p[i] == '/' || name.p[i] == '\\') {
            return (struct slice){name.p + i + 1, name.n - i - 1};
        }
    }
    return name;
}

/* What stands behind the last dot, with the dot's place; false when there is none. */
static bool behind_dot(struct slice name, size_t *ret_dot, struct slice *ret)
{
    for (size_t i = name.n; i-- > 0;) {
        if (name.p[i] == '.') {
            *ret_dot = i;
            *ret = (struct slice){name.p + i + 1, name.n - i - 1};
            return ret->n > 0;
        }
    }
    return false;
}

/* Longer ones are no extensions that anybody knows. */
#define EXTENSION_MOST 64

/* Without characters that are not seen: a.e<U+200B>xe is shown as a.exe, but is none; a.exe with
 * such characters at its end is one for some. */
static struct slice lowered(struct slice extension, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < extension.n && n < EXTENSION_MOST; i++) {
        if (extension.p[i] > ' ' || (uint8_t)extension.p[i] >= 0x80) {
            out[n++] = ascii_lower(extension.p[i]);
        }
    }
    return (struct slice){out, n};
}

struct slice file_extension(struct slice name, char *out)
{
    struct slice extension;
    size_t dot;

    if (!behind_dot(as_kept(last_part(name)), &dot, &extension)) {
        return (struct slice){"", 0};
    }
    return lowered(extension, out);
}

/* ---- characters ---- */

static bool turns(uint32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
           c == 0x200f || c == 0x061c;
}

static bool is_unseen(uint32_t c)
{
    return c == 0xad || (c >= 0x200b && c <= 0x200d) || (c >= 0x2060 && c <= 0x2064) ||
           c == 0xfeff || (c >= 0xfe00 && c <= 0xfe0f) || c == 0x115f || c == 0x3164 ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

static void odd_characters(struct inspect_run *run, struct slice name)
{
    for (size_t i = 0; i < name.n;) {
        uint32_t c = ' ';
        size_t n = utf8_take(name.p + i, name.n - i, &c);
        if (turns(c)) {
            inspect_odd(run, ANOMALY_NAME_RIGHT_TO_LEFT);
        } else if (is_unseen(c)) {
            inspect_odd(run, ANOMALY_NAME_INVISIBLE);
        } else if (c < ' ' || (c >= 0x7f && c < 0xa0)) {
            inspect_odd(run, ANOMALY_NAME_CONTROL);
        }
        i += n > 0 ? n : 1;
    }
}

/* ---- the whole name ---- */

static void odd_extensions(struct inspect_run *run, struct slice kept, struct slice extension,
                           size_t dot)
{
    char out[EXTENSION_MOST + 1];
    struct slice before = {kept.p, dot}, other;
    size_t at = dot, blanks = 0;

    while (at > 0 && (kept.p[at - 1] == ' ' || kept.p[at - 1] == '_')) {
        at--;
        blanks++;
    }
    if (blanks >= 4) {
        inspect_odd(run, ANOMALY_NAME_GAP);
    }
    before.n = at;
    if (file_extension_runs(extension) && behind_dot(before, &dot, &other) &&
        is_harmless(lowered(other, out))) {
        inspect_odd(run, ANOMALY_NAME_DOUBLE_EXTENSION);
    }
}

void file_name(struct inspect_run *run, struct slice name)
{
    struct slice last = last_part(name), kept = as_kept(last), extension;
    char out[EXTENSION_MOST + 1];
    size_t dot;

    inspect_add(run, FINDING_OF_ATTACHMENT_NAMES, name);
    odd_characters(run, name);
    if (last.n < name.n) {
        inspect_odd(run, ANOMALY_NAME_PATH);
    }
    if (kept.n < last.n) {
        inspect_odd(run, ANOMALY_NAME_TRAILING);
    }
    if (name.n > 255) {
        inspect_odd(run, ANOMALY_NAME_LONG);
    }
    if (!behind_dot(kept, &dot, &extension)) {
        return;
    }
    extension = lowered(extension, out);
    inspect_add(run, FINDING_OF_ATTACHMENT_EXT, extension);
    odd_extensions(run, kept, extension, dot);
    if (file_extension_runs(extension)) {
        inspect_flag(run, FINDING_OF_ATTACHMENT_EXECUTABLE);
    }
    const char *colon = memchr(extension.p, ':', extension.n);
    if (colon && file_extension_runs((struct slice){extension.p, (size_t)(colon - extension.p)})) {
        inspect_flag(run, FINDING_OF_ATTACHMENT_EXECUTABLE);
        inspect_odd(run, ANOMALY_NAME_CONTROL);
    }
}
