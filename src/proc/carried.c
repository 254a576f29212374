/* See proc/carried.h. */
#include "proc/carried.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>

#include "base/fatal.h"
#include "store/shm.h"

/* ---- writing ---- */

static json_t *whole(json_t *made)
{
    if (made == NULL) {
        fatal("out of memory for what is handed over");
    }
    return made;
}

static void append(json_t *array, json_t *item)
{
    if (json_array_append_new(array, whole(item)) != 0) {
        fatal("out of memory for what is handed over");
    }
}

void carried_print(const struct carried *c, struct buf *ret)
{
    json_t *listeners = whole(json_array());
    json_t *generations = whole(json_array());
    json_t *workers = whole(json_array());

    for (size_t i = 0; i < c->listener_count; i++) {
        append(listeners, json_pack("{si sb}", "fd", c->listeners[i].fd, "inherited",
                                    (int)c->listeners[i].inherited));
    }
    for (size_t i = 0; i < c->generations_n; i++) {
        const struct carried_generation *g = &c->generations[i];
        append(generations,
               json_pack("{si sb sb sI sI}", "number", (int)g->number, "serving", (int)g->serving,
                         "told_to_end", (int)g->told_to_end, "deadline", (json_int_t)g->deadline,
                         "hang_time", (json_int_t)g->hang_time));
    }
    for (size_t i = 0; i < c->worker_count; i++) {
        const struct carried_worker *w = &c->workers[i];
        append(workers, json_pack("{si si si}", "generation", (int)w->generation, "slot",
                                  (int)w->slot, "pid", (int)w->pid));
    }
    json_t *all = whole(json_pack(
        "{si ss ss si ss si si ss si s[ii] sI ss si si so so so}", "gatepost", CARRIED_VERSION,
        "program", c->program, "state", c->state, "state_lock", c->state_lock, "layout", c->layout,
        "shared", c->shared, "control", c->control, "control_path", c->control_path, "clerk",
        (int)c->clerk, "records", c->records[0], c->records[1], "run", (json_int_t)c->run,
        "journal", c->journal, "files", c->files, "generation_count", (int)c->generation_count,
        "listeners", listeners, "generations", generations, "workers", workers));
    char *text = json_dumps(all, JSON_COMPACT);
    if (text == NULL) {
        fatal("out of memory for what is handed over");
    }
    buf_append_slice(ret, slice_of(text));
    free(text);
    json_decref(all);
}

/* ---- reading ---- */

struct reader {
    struct arena *arena;
    char *why;
    size_t why_size;
};

static int bad(const struct reader *r, const char *why)
{
    (void)snprintf(r->why, r->why_size, "what was handed over is not understood: %s", why);
    return -EBADMSG;
}

static int number_of(const struct reader *r, const json_t *object, const char *name, json_int_t min,
                     json_int_t max, json_int_t *ret)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        return bad(r, name);
    }
    *ret = json_integer_value(value);
    return 0;
}

static int fd_of(const struct reader *r, const json_t *object, const char *name, int *ret)
{
    json_int_t value;
    int error = number_of(r, object, name, 3, INT_MAX, &value);

    if (error == 0) {
        *ret = (int)value;
    }
    return error;
}

static int flag_of(const struct reader *r, const json_t *object, const char *name, bool *ret)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_boolean(value)) {
        return bad(r, name);
    }
    *ret = json_is_true(value);
    return 0;
}

static int text_of(const struct reader *r, const json_t *object, const char *name, const char **ret)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_string(value)) {
        return bad(r, name);
    }
    *ret = arena_copy(r->arena, slice_of(json_string_value(value))).p;
    return 0;
}

static int read_listener(const struct reader *r, const json_t *from, struct carried_listener *ret)
{
    int error = fd_of(r, from, "fd", &ret->fd);

    return error < 0 ? error : flag_of(r, from, "inherited", &ret->inherited);
}

static int read_generation(const struct reader *r, const json_t *from,
                           struct carried_generation *ret)
{
    json_int_t number = 0, deadline = 0, hang_time = 0;
    int error = number_of(r, from, "number", 1, INT_MAX, &number);

    error = error < 0 ? error : flag_of(r, from, "serving", &ret->serving);
    error = error < 0 ? error : flag_of(r, from, "told_to_end", &ret->told_to_end);
    error = error < 0 ? error : number_of(r, from, "deadline", 0, INT64_MAX, &deadline);
    error = error < 0 ? error : number_of(r, from, "hang_time", 1, INT64_MAX, &hang_time);
    ret->number = (unsigned)number;
    ret->deadline = deadline;
    ret->hang_time = hang_time;
    return error;
}

static int read_worker(const struct reader *r, const json_t *from, struct carried_worker *ret)
{
    json_int_t generation = 0, slot = 0, pid = 0;
    int error = number_of(r, from, "generation", 1, INT_MAX, &generation);

    error = error < 0 ? error : number_of(r, from, "slot", 0, OWNER_SLOTS - 1, &slot);
    error = error < 0 ? error : number_of(r, from, "pid", 2, INT_MAX, &pid);
    *ret = (struct carried_worker){(unsigned)generation, (uint16_t)slot, (pid_t)pid};
    return error;
}

static int read_lists(const struct reader *r, const json_t *all, struct carried *c)
{
    const json_t *listeners = json_object_get(all, "listeners");
    const json_t *generations = json_object_get(all, "generations");
    const json_t *workers = json_object_get(all, "workers");
    int error = 0;

    c->listener_count = json_array_size(listeners); /* 0 for what is no array */
    c->generations_n = json_array_size(generations);
    c->worker_count = json_array_size(workers);
    c->listeners = arena_zalloc(r->arena, c->listener_count * sizeof(*c->listeners));
    c->generations = arena_zalloc(r->arena, c->generations_n * sizeof(*c->generations));
    c->workers = arena_zalloc(r->arena, c->worker_count * sizeof(*c->workers));
    for (size_t i = 0; error == 0 && i < c->listener_count; i++) {
        error = read_listener(r, json_array_get(listeners, i), &c->listeners[i]);
    }
    for (size_t i = 0; error == 0 && i < c->generations_n; i++) {
        error = read_generation(r, json_array_get(generations, i), &c->generations[i]);
    }
    for (size_t i = 0; error == 0 && i < c->worker_count; i++) {
        error = read_worker(r, json_array_get(workers, i), &c->workers[i]);
    }
    return error;
}

static bool has_generation(const struct carried *c, unsigned number)
{
    for (size_t i = 0; i < c->generations_n; i++) {
        if (c->generations[i].number == number) {
            return true;
        }
    }
    return false;
}

/* Exactly one serves, each worker belongs to one and has a slot of its own. */
static int check_lists(const struct reader *r, const struct carried *c)
{
    bool taken[OWNER_SLOTS] = {false};
    unsigned serving = 0;

    for (size_t i = 0; i < c->generations_n; i++) {
        serving += c->generations[i].serving;
        for (size_t k = 0; k < i; k++) {
            if (c->generations[k].number == c->generations[i].number) {
                return bad(r, "generations");
            }
        }
    }
    for (size_t i = 0; i < c->worker_count; i++) {
        if (taken[c->workers[i].slot] || !has_generation(c, c->workers[i].generation)) {
            return bad(r, "workers");
        }
        taken[c->workers[i].slot] = true;
    }
    return serving == 1 && c->listener_count > 0 ? 0 : bad(r, "generations or listeners");
}

/* One that Gatepost may have to do without: -1. */
static int perhaps_fd_of(const struct reader *r, const json_t *object, const char *name, int *ret)
{
    json_int_t fd = 0;
    int error = number_of(r, object, name, -1, INT_MAX, &fd);

    if (error == 0 && fd >= 0 && fd <= 2) {
        error = bad(r, name);
    }
    *ret = (int)fd;
    return error;
}

/* One that is not ours may mean anything by the rest. */
static int check_version(const struct reader *r, const json_t *all)
{
    json_int_t version = 0;
    int error = number_of(r, all, "gatepost", 1, INT_MAX, &version);

    if (error == 0 && version != CARRIED_VERSION) {
        (void)snprintf(r->why, r->why_size,
                       "it hands over in another way, so a restart is needed (version %d; before: "
                       "%d)",
                       CARRIED_VERSION, (int)version);
        error = -EBADMSG;
    }
    return error;
}

/* What belongs to the journal. */
static int read_records(const struct reader *r, const json_t *all, struct carried *c)
{
    const json_t *ends = json_object_get(all, "records");
    json_int_t clerk = 0, run = 0;
    int error = number_of(r, all, "clerk", 0, INT_MAX, &clerk);

    for (size_t i = 0; error == 0 && i < 2; i++) {
        const json_t *end = json_array_get(ends, i);
        json_int_t fd = json_integer_value(end);
        if (fd < 3 || fd > INT_MAX) {
            error = bad(r, "records");
        }
        c->records[i] = (int)fd;
    }
    error = error < 0 || clerk != 1 ? error : bad(r, "clerk");
    error = error < 0 ? error : number_of(r, all, "run", 0, INT64_MAX, &run);
    error = error < 0 ? error : text_of(r, all, "journal", &c->journal);
    c->clerk = (pid_t)clerk;
    c->run = (uint64_t)run;
    return error;
}

static int read_all(const struct reader *r, const json_t *all, struct carried *c)
{
    json_int_t count = 0;
    int error = check_version(r, all);

    error = error < 0 ? error : text_of(r, all, "program", &c->program);
    error = error < 0 ? error : text_of(r, all, "state", &c->state);
    error = error < 0 ? error : perhaps_fd_of(r, all, "state_lock", &c->state_lock);
    error = error < 0 ? error : text_of(r, all, "layout", &c->layout);
    error = error < 0 ? error : fd_of(r, all, "shared", &c->shared);
    error = error < 0 ? error : perhaps_fd_of(r, all, "control", &c->control);
    error = error < 0 ? error : text_of(r, all, "control_path", &c->control_path);
    error = error < 0 ? error : read_records(r, all, c);
    error = error < 0 ? error : fd_of(r, all, "files", &c->files);
    error = error < 0 ? error : number_of(r, all, "generation_count", 1, INT_MAX, &count);
    c->generation_count = (unsigned)count;
    error = error < 0 ? error : read_lists(r, all, c);
    return error < 0 ? error : check_lists(r, c);
}

int carried_parse(struct slice text, struct arena *arena, struct carried *ret, char *ret_why,
                  size_t why_size)
{
    const struct reader r = {arena, ret_why, why_size};
    struct carried c = {0};
    json_t *all = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(all)) {
        json_decref(all);
        return bad(&r, "no object");
    }
    int error = read_all(&r, all, &c);
    json_decref(all);
    if (error == 0) {
        *ret = c;
    }
    return error;
}
