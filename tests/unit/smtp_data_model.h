/* What DATA means, said a second time and as plainly as possible: octet by octet over the whole
 * input, looking back and ahead freely. The tests and the fuzzer hold src/parse/smtp_data.c
 * against it; it must never share code or tricks with it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "parse/smtp_data.h"

struct data_model {
    size_t taken; /* octets of the wire up to and including the end, or all */
    size_t size;  /* octets of the message, in the buffer that was given */
    bool ended;
    struct data_notes notes;
};

static inline bool model_line_start(const char *p, size_t i)
{
    return i == 0 || (i >= 2 && p[i - 2] == '\r' && p[i - 1] == '\n');
}

/* Notes of a message. A CR at its very end is bare when `complete`, else not yet known. */
static inline struct data_notes model_notes(const char *p, size_t n, bool complete)
{
    struct data_notes notes = {.size = n};
    uint64_t line = 0;

    for (size_t i = 0; i < n; i++) {
        bool before_lf = i + 1 < n && p[i + 1] == '\n';
        bool behind_cr = i > 0 && p[i - 1] == '\r';

        if (p[i] == '\0')
            notes.has_nul = true;
        if (p[i] < 0)
            notes.has_8bit = true;
        if (p[i] == '.' && model_line_start(p, i))
            notes.has_leading_dot = true;
        if (p[i] == '\r' && (before_lf || (i + 1 == n && !complete)))
            continue;
        if (p[i] == '\n' && behind_cr) {
            line = 0;
            continue;
        }
        if (p[i] == '\r' || p[i] == '\n')
            notes.bare_cr_or_lf = true;
        line++;
        if (line > notes.longest_line)
            notes.longest_line = line;
    }
    return notes;
}

/* The whole of DATA; `message` has room for `n` octets. */
static inline struct data_model model_decode(const char *wire, size_t n, char *message)
{
    struct data_model m = {0};
    bool dropped_cr = false;
    size_t i = 0;

    while (i < n) {
        if (model_line_start(wire, i) && wire[i] == '.') {
            if (i + 2 < n && wire[i + 1] == '\r' && wire[i + 2] == '\n') {
                m.ended = true;
                i += 3;
                break;
            }
            if (i + 1 < n && wire[i + 1] == '\r') {
                dropped_cr |= i + 2 < n;
                i++;
            }
            i++;
            if (i < n && !(wire[i - 1] == '\r' && wire[i] == '\n'))
                message[m.size++] = wire[i++];
            continue;
        }
        message[m.size++] = wire[i++];
    }
    m.taken = i;
    m.notes = model_notes(message, m.size, false);
    m.notes.bare_cr_or_lf |= dropped_cr;
    return m;
}

/* Dot-stuffs a message that is empty or ends in CRLF, and ends it; `wire` has room for 2n + 3
 * octets. Returns the length. */
static inline size_t model_stuff(const char *message, size_t n, char *wire)
{
    size_t length = 0;

    for (size_t i = 0; i < n; i++) {
        if (message[i] == '.' && model_line_start(message, i))
            wire[length++] = '.';
        wire[length++] = message[i];
    }
    memcpy(wire + length, ".\r\n", 3);
    return length + 3;
}

static inline bool model_same_notes(const struct data_notes *a, const struct data_notes *b)
{
    return a->bare_cr_or_lf == b->bare_cr_or_lf && a->has_nul == b->has_nul &&
           a->has_8bit == b->has_8bit && a->has_leading_dot == b->has_leading_dot &&
           a->longest_line == b->longest_line && a->size == b->size;
}
