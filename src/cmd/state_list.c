/* gatepost state list, and show. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "cmd/state.h"
#include "conf/network.h"
#include "conf/value.h"

#define LIMIT_STANDARD 100
#define LIMIT_MOST     100000 /* are in memory at a time */

/* ---- list ---- */

enum sort { SORT_LAST, SORT_FIRST, SORT_NAME, SORT_GOOD, SORT_BAD, SORT_WORTH, SORT_COUNT };

static const char *const sort_names[SORT_COUNT] = {"last", "first", "name", "good", "bad", "worth"};

struct shown {
    double rank; /* the higher, the earlier it stands */
    struct record r;
};

/* The first of all records that are there: a heap, whose root stands behind all others. */
struct listing {
    const struct memory_at *at;
    const struct state_line *line;
    enum sort sort;
    size_t limit; /* 0: all, as they come */
    struct shown **heap;
    size_t count;
    uint64_t found;
};

static double rank_of(const struct listing *l, const struct record *r)
{
    const usec_t wall = l->at->wall;
    struct record now = *r;

    record_decay(&now, memory_rules(l->at->memory), wall);
    switch (l->sort) {
    case SORT_FIRST: return -(double)r->first;
    case SORT_GOOD: return record_good(&now);
    case SORT_BAD: return record_bad(&now);
    case SORT_WORTH: return record_worth(&now, wall);
    case SORT_NAME: return 0;
    default: return (double)r->last;
    }
}

/* < 0: `a` stands before `b`. */
static int order(const struct shown *a, const struct shown *b)
{
    if (a->rank != b->rank) {
        return a->rank > b->rank ? -1 : 1;
    }
    const size_t n = a->r.name_n < b->r.name_n ? a->r.name_n : b->r.name_n;
    const int c = memcmp(a->r.name, b->r.name, n);
    if (c != 0 || a->r.name_n != b->r.name_n) {
        return c != 0 ? c : a->r.name_n < b->r.name_n ? -1 : 1;
    }
    return (int)a->r.kind - (int)b->r.kind;
}

static int order_places(const void *a, const void *b)
{
    return order(*(struct shown *const *)a, *(struct shown *const *)b);
}

static void sift_down(struct listing *l, size_t at)
{
    for (;;) {
        size_t last = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < l->count; child++) {
            last = order(l->heap[child], l->heap[last]) > 0 ? child : last;
        }
        if (last == at) {
            return;
        }
        struct shown *moved = l->heap[at];
        l->heap[at] = l->heap[last];
        l->heap[last] = moved;
        at = last;
    }
}

static void sift_up(struct listing *l, size_t at)
{
    while (at > 0 && order(l->heap[at], l->heap[(at - 1) / 2]) > 0) {
        struct shown *moved = l->heap[at];
        l->heap[at] = l->heap[(at - 1) / 2];
        l->heap[(at - 1) / 2] = moved;
        at = (at - 1) / 2;
    }
}

static void keep(struct listing *l, const struct record *r)
{
    const struct shown s = {rank_of(l, r), *r};

    if (l->count < l->limit) {
        l->heap[l->count] = xmalloc(sizeof(s));
        *l->heap[l->count] = s;
        sift_up(l, l->count++);
    } else if (order(&s, l->heap[0]) < 0) {
        *l->heap[0] = s;
        sift_down(l, 0);
    }
}

static void print(const struct listing *l, const struct record *r)
{
    (l->line->json ? state_print_json : state_print_row)(r, memory_rules(l->at->memory),
                                                         l->at->wall);
}

static int list_one(void *arg, const struct record *r)
{
    struct listing *l = arg;

    if (l->found++ == 0 && !l->line->json) {
        state_print_head();
    }
    if (l->limit == 0) {
        print(l, r);
    } else {
        keep(l, r);
    }
    return 0;
}

static void print_kept(struct listing *l)
{
    if (l->count > 0) {
        qsort((void *)l->heap, l->count, sizeof(*l->heap), order_places);
    }
    for (size_t i = 0; i < l->count; i++) {
        print(l, &l->heap[i]->r);
        free(l->heap[i]);
    }
    if (l->limit > 0 && l->found > l->count && !l->line->json) {
        (void)printf("and %llu more: --limit\n", (unsigned long long)(l->found - l->count));
    }
    free((void *)l->heap);
}

static bool take_sort(struct listing *l, const struct state_line *line)
{
    for (int i = 0; line->sort != NULL && i < SORT_COUNT; i++) {
        if (strcmp(line->sort, sort_names[i]) == 0) {
            l->sort = (enum sort)i;
            return true;
        }
    }
    return line->sort == NULL;
}

static bool take_limit(struct listing *l, const struct state_line *line)
{
    int64_t n = LIMIT_STANDARD;

    if (line->limit != NULL &&
        (value_parse(VALUE_COUNT, slice_of(line->limit), &n) < 0 || n > LIMIT_MOST)) {
        return false;
    }
    l->limit = (size_t)n;
    return true;
}

enum cmd_status state_list(const struct state_line *line)
{
    struct memory_at at;
    struct listing l = {.at = &at, .line = line};
    enum record_kind kind = 0;

    if (line->count > 1) {
        return cmd_wrong(line->command, "one word too many:", line->operands[1]);
    }
    if (line->count == 1 && (kind = state_kind(line, line->operands[0])) == 0) {
        return CMD_WRONG;
    }
    if (!take_sort(&l, line)) {
        return cmd_wrong(line->command, "--sort wants last, first, name, good, bad or worth, not",
                         line->sort);
    }
    if (!take_limit(&l, line)) {
        return cmd_wrong(line->command, "--limit wants a number up to 100000, or 0 for all, not",
                         line->limit);
    }
    enum cmd_status status = memory_at_open(line->file, MEMORY_TO_LOOK, &at);
    if (status == CMD_DONE) {
        l.heap = xcalloc(l.limit + 1, sizeof(struct shown *));
        const int r = memory_each(at.memory, kind, at.wall, list_one, &l);
        print_kept(&l);
        status = r < 0 ? memory_at_failed(&at, r) : l.found > 0 ? CMD_DONE : CMD_NO;
        if (status == CMD_NO) {
            (void)fprintf(stderr, "gatepost: nothing of that kind is remembered\n");
        }
    }
    status = memory_at_close(&at, status);
    return status == CMD_DONE ? cmd_printed() : status;
}

/* ---- show ---- */

struct showing {
    const struct memory_at *at;
    const struct state_line *line;
    unsigned found;
    int error;
    struct record last;
};

static void show_record(struct showing *s, enum record_kind kind, struct slice name)
{
    const int r = memory_look(s->at->memory, kind, name, s->at->wall, &s->last);

    if (r <= 0) {
        s->error = r < 0 ? r : s->error;
        return;
    }
    s->found++;
    (s->line->json ? state_print_json : state_print)(&s->last, memory_rules(s->at->memory),
                                                     s->at->wall);
}

/* Under the form that a name of this kind has, where the text can be one. */
static bool show_kind(struct showing *s, enum record_kind kind, struct slice text)
{
    char form[RECORD_NAME_MAX], why[RECORD_FORM_WHY];
    const unsigned before = s->found;
    struct slice name;

    if (record_name_form(kind, text, form, &name, why) == 0) {
        show_record(s, kind, name);
    }
    return s->found > before;
}

/* Of an address: itself, its network, bans of either, and whose it is. */
static void show_address(struct showing *s, const struct addr *a)
{
    char client[MEMORY_ADDRESS_MAX], network[MEMORY_ADDRESS_MAX], organisation[RECORD_NOTE_MAX];
    const struct slice client_name = memory_client_name(a, client);
    const struct slice network_name = memory_network_name(a, network);
    size_t n = 0;

    show_record(s, RECORD_CLIENT, client_name);
    if (s->found > 0 && s->last.kind == RECORD_CLIENT) {
        n = s->last.note_n;
        memcpy(organisation, s->last.note, n);
    }
    show_record(s, RECORD_NETWORK, network_name);
    show_record(s, RECORD_BAN, client_name);
    if (!slice_eq(client_name, network_name)) {
        show_record(s, RECORD_BAN, network_name);
    }
    if (n > 0) {
        show_record(s, RECORD_HOST, (struct slice){organisation, n});
    }
}

static void show_name(struct showing *s, struct slice text)
{
    struct conf_network n;

    if (network_parse(text, &n) == 0 && network_is_address(&n)) {
        show_address(s, &n.addr);
        return;
    }
    for (enum record_kind k = 1; k < RECORD_KINDS; k++) {
        (void)show_kind(s, k, text);
    }
}

enum cmd_status state_show(const struct state_line *line)
{
    struct memory_at at;
    struct showing s = {.at = &at, .line = line};

    if (line->count != 1) {
        return line->count == 0 ? cmd_wrong(line->command, "show wants a name,", "none is given")
                                : cmd_wrong(line->command, "one word too many:", line->operands[1]);
    }
    enum cmd_status status = memory_at_open(line->file, MEMORY_TO_LOOK, &at);
    if (status == CMD_DONE) {
        show_name(&s, slice_of(line->operands[0]));
        status = s.error < 0 ? memory_at_failed(&at, s.error) : s.found > 0 ? CMD_DONE : CMD_NO;
        if (status == CMD_NO) {
            (void)fprintf(stderr, "gatepost: nothing is remembered of %s\n", line->operands[0]);
        }
    }
    status = memory_at_close(&at, status);
    return status == CMD_DONE ? cmd_printed() : status;
}
