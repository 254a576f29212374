/* See parse/mail_undo.h. */
#include "parse/mail_undo.h"

#include "parse/ascii.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

/* A run of base64 begins with a line of at least so much; shorter ones are words. */
#define BASE64_LEAST 16

/* Blanks and the marks of quoting. */
static bool is_mark(char c)
{
    return c == ' ' || c == '\t' || c == '>' || c == '|';
}

/* Octets of a line end at the beginning of the text, with the marks that begin the next line. 0:
 * there is none. */
static size_t line_end(struct slice text)
{
    size_t n = text.n > 1 && text.p[0] == '\r' && text.p[1] == '\n'     ? 2
               : text.n > 0 && (text.p[0] == '\n' || text.p[0] == '\r') ? 1
                                                                        : 0;

    while (n > 0 && n < text.n && is_mark(text.p[n])) {
        n++;
    }
    return n;
}

void mail_undo_quoted_printable(struct slice text, struct buf *ret)
{
    for (size_t i = 0; i < text.n; i++) {
        const struct slice rest = {text.p + i + 1, text.n - i - 1};
        const size_t end = text.p[i] == '=' ? line_end(rest) : 0;
        if (end > 0) {
            i += end;
        } else if (text.p[i] == '=' && rest.n >= 2 && ascii_hex(rest.p[0]) >= 0 &&
                   ascii_hex(rest.p[1]) >= 0) {
            const char c = (char)(ascii_hex(rest.p[0]) << 4 | ascii_hex(rest.p[1]));
            buf_append(ret, &c, 1);
            i += 2;
        } else {
            buf_append(ret, text.p + i, 1);
        }
    }
}

void mail_undo_lines(struct slice text, struct buf *ret)
{
    for (size_t i = 0; i < text.n; i++) {
        const size_t end = line_end((struct slice){text.p + i, text.n - i});
        if (end > 0) {
            i += end - 1;
        } else {
            buf_append(ret, text.p + i, 1);
        }
    }
}

/* ---- base64 ---- */

/* The line at the beginning of the text, without marks and blanks around it; `*rest` is what comes
 * after it. */
static struct slice take_line(struct slice *rest)
{
    struct slice line = *rest;
    const char *end = memchr(rest->p, '\n', rest->n);

    if (end != NULL) {
        line.n = (size_t)(end - rest->p);
    }
    *rest = (struct slice){rest->p + line.n, rest->n - line.n};
    if (rest->n > 0) {
        *rest = (struct slice){rest->p + 1, rest->n - 1};
    }
    while (line.n > 0 && is_mark(line.p[0])) {
        line = (struct slice){line.p + 1, line.n - 1};
    }
    while (line.n > 0 && (is_mark(line.p[line.n - 1]) || line.p[line.n - 1] == '\r')) {
        line.n--;
    }
    return line;
}

/* Padding, which is the end of a run, counts. */
static bool is_base64(struct slice line)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    while (n < line.n && line.p[n] != '\0' && strchr(digits, line.p[n]) != NULL) {
        n++;
    }
    while (n < line.n && line.n - n <= 2 && line.p[n] == '=') {
        n++;
    }
    return line.n > 0 && n == line.n;
}

static void decode_run(struct buf *run, struct buf *ret)
{
    const size_t n = run->n - run->n % 4;

    if (n > 0) {
        unsigned char *to = (unsigned char *)buf_reserve(ret, n);
        const int decoded = EVP_DecodeBlock(to, (const unsigned char *)run->p, (int)n);
        ret->n += decoded > 0 ? (size_t)decoded : 0;
        buf_append(ret, "\n", 1);
    }
    buf_consume(run, run->n);
}

void mail_undo_base64(struct slice text, struct buf *ret)
{
    struct buf run = {0};

    while (text.n > 0) {
        const struct slice line = take_line(&text);
        if (!is_base64(line) || (run.n == 0 && line.n < BASE64_LEAST)) {
            decode_run(&run, ret);
            continue;
        }
        buf_append_slice(&run, line);
        if (line.p[line.n - 1] == '=') {
            decode_run(&run, ret);
        }
    }
    decode_run(&run, ret);
    buf_free(&run);
}
