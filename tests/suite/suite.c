/* See suite.h: what all suites need; counting is in main.c, which prints it. */
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "rt/rt.h"
#include "rt/sim.h"
#include "yaml_tree.h"

bool suite_read(const char *path, struct arena *arena, struct slice *ret)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        suite_failed("%s: %s", path, strerror(errno));
        return false;
    }
    struct buf all = {0};
    size_t n;
    do {
        n = fread(buf_reserve(&all, 65536), 1, 65536, file);
        all.n += n;
    } while (n > 0);
    bool good = !ferror(file);
    if (good) {
        *ret = arena_copy(arena, buf_slice(&all));
    } else {
        suite_failed("%s: %s", path, strerror(errno));
    }
    fclose(file);
    buf_free(&all);
    return good;
}

struct slice suite_crlf(struct slice text, struct arena *arena)
{
    char *out = arena_alloc(arena, 2 * text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r')) {
            out[n++] = '\r';
        }
        out[n++] = text.p[i];
    }
    return (struct slice){out, n};
}

void suite_each_document(int count, char **names,
                         void (*fn)(const char *file, const struct tree *document,
                                    struct arena *arena))
{
    struct arena file_arena;
    struct arena arena;
    arena_init(&file_arena);
    arena_init(&arena);
    for (int i = 0; i < count; i++) {
        struct slice octets;
        struct slice problem;
        const struct tree *t = NULL;
        bool any = false;
        if (suite_read(names[i], &file_arena, &octets)) {
            if (tree_parse(octets, &file_arena, &t, &problem) < 0) {
                suite_failed("%s: " SLICE_FMT, names[i], SLICE_ARG(problem));
                any = true;
            }
            for (; t != NULL; t = t->next) {
                if (t->kind != TREE_TEXT || t->text.n > 0) {
                    fn(names[i], t, &arena);
                    arena_reset(&arena);
                    any = true;
                }
            }
            if (!any) {
                suite_failed("%s: nothing in it", names[i]);
            }
        }
        arena_reset(&file_arena);
    }
    arena_free(&arena);
    arena_free(&file_arena);
}

struct play {
    struct rt *rt;
    void (*fn)(struct rt *rt, void *arg);
    void *arg;
    bool done;
};

static void play(void *arg)
{
    struct play *p = arg;
    p->fn(p->rt, p->arg);
    p->done = true;
}

void suite_play(void (*fn)(struct rt *rt, void *arg), void *arg)
{
    struct sim *sim = sim_new(1);
    struct play p = {.rt = sim_rt(sim), .fn = fn, .arg = arg};
    if (task_spawn(p.rt, rt_root_of(p.rt), play, &p) < 0 || !sim_run_until(sim, &p.done)) {
        panic("a case waits for what never comes");
    }
    sim_run(sim, USEC_NEVER);
    sim_rt_free(p.rt);
    sim_free(sim);
}
