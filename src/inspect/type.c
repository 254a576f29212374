/* See inspect/type.h. The names are libmagic's. */
#include "inspect/type.h"

#include "inspect/magic.h"
#include "parse/utf8.h"

static const struct {
    size_t at;
    const char *octets;
    size_t n;
    const char *type;
} rows[] = {
#define AT(at, text, type)                                                                         \
    {                                                                                              \
        at, text, sizeof(text) - 1, type                                                           \
    }
    AT(0, "\x89PNG\r\n\x1a\n", "image/png"),
    AT(0, "\xff\xd8\xff", "image/jpeg"),
    AT(0, "GIF8", "image/gif"),
    AT(8, "WEBPVP8", "image/webp"),
    AT(0, "%PDF-", "application/pdf"),
    AT(0, "{\\rtf", "text/rtf"),
    AT(0, "PK\x03\x04", ""),
    AT(0, "PK\x05\x06", ""),
    AT(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ""),
    AT(0, "\x1f\x8b\x08", "application/gzip"),
    AT(0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    AT(0, "Rar!\x1a\x07", "application/x-rar"),
    AT(0, "BZh", "application/x-bzip2"),
    AT(0,
       "\xfd"
       "7zXZ\0",
       "application/x-xz"),
    AT(0, "MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    AT(0, "\x78\x9f\x3e\x22", "application/vnd.ms-tnef"),
    AT(0, "ID3", "audio/mpeg"),
    AT(0, "wOFF", "application/font-woff"),
#undef AT
};

/* A program of Windows: the header that "MZ" points to is there. */
static bool is_portable_executable(struct slice s)
{
    uint32_t at = 0;

    if (s.n < 64 || memcmp(s.p, "MZ", 2) != 0) {
        return false;
    }
    for (size_t i = 4; i-- > 0;) {
        at = at << 8 | (uint8_t)s.p[0x3c + i];
    }
    return at <= s.n - 4 && memcmp(s.p + at, "PE\0\0", 4) == 0;
}

#define TEXT_SEEN ((size_t)4096)

/* Nothing in it but characters of UTF-8, blanks and line ends. */
static bool is_text(struct slice s)
{
    size_t n = s.n < TEXT_SEEN ? s.n : TEXT_SEEN;

    for (size_t i = 0; i < n;) {
        uint32_t c;
        size_t length = utf8_take(s.p + i, s.n - i, &c);
        if (length == 0 || c == 0x7f ||
            (c < ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\f' && c != 0x1b)) {
            return false;
        }
        i += length;
    }
    return n > 0;
}

/* Kinds of text that matter here; behind blanks and a byte order mark. */
static struct slice text_type(struct slice s)
{
    static const struct {
        const char *begin;
        const char *type;
    } begins[] = {
        {"<!doctype html", "text/html"},
        {"<html", "text/html"},
        {"<head", "text/html"},
        {"<body", "text/html"},
        {"<script", "text/html"},
        {"<svg", "image/svg+xml"},
        {"<?xml", "text/xml"},
        {"#!", "text/x-script"},
        {"BEGIN:VCARD", "text/vcard"},
        {"BEGIN:VCALENDAR", "text/calendar"},
        {"-----BEGIN PGP", "application/pgp"},
        {"@echo off", "text/x-msdos-batch"},
    };
    struct slice rest;

    if (slice_prefix(s, "\xef\xbb\xbf", &rest)) {
        s = rest;
    }
    while (s.n > 0 && strchr(" \t\r\n", s.p[0]) && s.p[0]) {
        s = (struct slice){s.p + 1, s.n - 1};
    }
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        size_t n = strlen(begins[i].begin);
        if (s.n >= n && strncasecmp(s.p, begins[i].begin, n) == 0) {
            return slice_of(begins[i].type);
        }
    }
    return SLICE_LIT("text/plain");
}

struct slice file_type(struct inspect_run *run, struct slice octets)
{
    if (octets.n == 0) {
        return (struct slice){"", 0};
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (octets.n >= rows[i].at + rows[i].n &&
            memcmp(octets.p + rows[i].at, rows[i].octets, rows[i].n) == 0) {
            return slice_of(rows[i].type);
        }
    }
    if (is_portable_executable(octets)) {
        return SLICE_LIT("application/vnd.microsoft.portable-executable");
    }
    return is_text(octets) ? text_type(octets) : inspect_magic_type(run->inspect->magic, octets);
}
