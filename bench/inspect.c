/* What taking a message apart costs, by its size: CPU time of this process for plain text, for HTML
 * beside it, and for a file that is attached, of octets that nobody knows (the dearest for
 * libmagic).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "conf/settings.h"
#include "fact/inspected.h"
#include "inspect/inspect.h"

#define SECONDS 0.3 /* for each row at least */

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void lines(struct buf *b, size_t n, const char *line)
{
    while (b->n < n) {
        buf_append_slice(b, slice_of(line));
    }
}

static void base64_noise(struct buf *b, size_t n)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t x = 12345;

    while (b->n < n) {
        char line[78] = {0};
        for (size_t i = 0; i < 76; i++) {
            x = x * 1664525 + 1013904223;
            line[i] = alphabet[x >> 26];
        }
        line[76] = '\r';
        line[77] = '\n';
        buf_append(b, line, sizeof(line));
    }
}

#define HEAD                                                                                       \
    "From: Somebody <a@example.org>\r\nTo: b@example.net\r\nSubject: =?utf-8?Q?hello?=\r\n"        \
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"

static void make(struct buf *b, int kind, size_t n)
{
    static const char prose[] =
        "The quick brown fox jumps over https://example.org/lazy?dog=1 and on.\r\n";
    static const char markup[] =
        "<p>The quick <a href=\"https://example.org/\">brown</a> fox.</p>\r\n";

    buf_append_slice(b, slice_of(HEAD));
    if (kind == 0) {
        buf_append_slice(b, slice_of("Content-Type: text/plain\r\n\r\n"));
        lines(b, n, prose);
        return;
    }
    buf_append_slice(b, slice_of("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"));
    lines(b, kind == 1 ? n / 2 : 500, prose);
    buf_append_slice(b, slice_of("\r\n--b\r\n"));
    if (kind == 1) {
        buf_append_slice(b, slice_of("Content-Type: text/html\r\n\r\n"));
        lines(b, n, markup);
    } else {
        buf_append_slice(b, slice_of("Content-Type: application/octet-stream; name=a.bin\r\n"
                                     "Content-Transfer-Encoding: base64\r\n\r\n"));
        base64_noise(b, n);
    }
    buf_append_slice(b, slice_of("--b--\r\n"));
}

static void measure(struct inspect *i, const char *name, int kind, size_t n)
{
    struct inspection_request r = {
        .work = INSPECT_HEADER | INSPECT_PARTS | INSPECT_TEXT,
        .limits = inspected_limits(&settings_standard),
    };
    struct inspection found;
    struct arena arena;
    struct buf b = {0};
    size_t rounds = 0;

    arena_init(&arena);
    make(&b, kind, n);
    r.size = b.n;
    double began = seconds(), took;
    do {
        arena_reset(&arena);
        inspect_message(i, buf_slice(&b), &r, &arena, &found);
        took = seconds() - began;
        rounds++;
    } while (took < SECONDS);
    printf("%-8s %9zu octets  %9.3f ms\n", name, b.n, took * 1e3 / (double)rounds);
    arena_free(&arena);
    buf_free(&b);
}

int main(void)
{
    static const char *const names[] = {"text", "html", "file"};
    struct inspect *i;
    char why[200];

    double began = seconds();
    if (inspect_new(&i, why, sizeof(why)) < 0) {
        fatal("%s", why);
    }
    printf("libraries made ready in %.0f ms\n", (seconds() - began) * 1e3);
    for (int kind = 0; kind < 3; kind++) {
        for (size_t n = 1024; n <= 10 << 20; n *= 10) {
            measure(i, names[kind], kind, n);
        }
    }
    inspect_free(i);
    return 0;
}
