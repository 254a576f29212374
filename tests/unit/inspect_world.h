/* An inspector for tests, and messages for it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "conf/settings.h"
#include "fact/inspected.h"
#include "inspect/inspect.h"

struct inspect_world {
    struct inspect *inspect;
    struct inspection_request request; /* all work, limits as they are set by default */
    struct arena arena;
    struct inspection found;
};

static inline int inspect_world_open(void **state)
{
    struct inspect_world *w = calloc(1, sizeof(*w));
    char why[200];

    assert_non_null(w);
    assert_int_equal(inspect_new(&w->inspect, why, sizeof(why)), 0);
    w->request.work = INSPECT_HEADER | INSPECT_PARTS | INSPECT_TEXT;
    w->request.limits = inspected_limits(&settings_standard);
    *state = w;
    return 0;
}

static inline int inspect_world_close(void **state)
{
    struct inspect_world *w = *state;

    arena_free(&w->arena);
    inspect_free(w->inspect);
    free(w);
    return 0;
}

/* Inspects a text; its lines end in LF, and are made CRLF first. */
static inline void inspect_text(struct inspect_world *w, const char *text)
{
    struct buf b = {0};

    for (; *text; text++) {
        buf_append(&b, *text == '\n' ? "\r\n" : text, *text == '\n' ? 2 : 1);
    }
    arena_reset(&w->arena);
    w->request.size = b.n;
    inspect_message(w->inspect, arena_copy(&w->arena, buf_slice(&b)), &w->request, &w->arena,
                    &w->found);
    buf_free(&b);
}

static inline bool inspect_has(const struct inspect_world *w, enum finding_id id, const char *text)
{
    for (size_t i = 0; i < w->found.of[id].count; i++) {
        if (slice_eq(w->found.of[id].texts[i], slice_of(text))) {
            return true;
        }
    }
    return false;
}

static inline bool inspect_is_odd(const struct inspect_world *w, const char *name)
{
    return inspect_has(w, FINDING_OF_MIME_ANOMALIES, name);
}

static inline void inspect_print(const struct inspect_world *w)
{
    for (size_t id = 0; id < FINDINGS; id++) {
        const struct finding *f = &w->found.of[id];
        if (f->count > 0 || f->number != 0 || f->open) {
            printf("%zu%s: %lld", id, f->open ? " (open)" : "", (long long)f->number);
            for (size_t i = 0; i < f->count; i++) {
                printf(" \"" SLICE_FMT "\"", SLICE_ARG(f->texts[i]));
            }
            printf("\n");
        }
    }
}

/* Inspects one attached file, as it is. */
static inline void attach(struct inspect_world *w, struct slice octets)
{
    struct buf b = {0};

    buf_printf(&b, "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
                   "Content-Disposition: attachment\r\n\r\n");
    buf_append_slice(&b, octets);
    arena_reset(&w->arena);
    w->request.size = b.n;
    inspect_message(w->inspect, arena_copy(&w->arena, buf_slice(&b)), &w->request, &w->arena,
                    &w->found);
    buf_free(&b);
}
