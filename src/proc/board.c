/* See proc/board.h. */
#include "proc/board.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "base/text.h"
#include "store/shm.h"

/* How long a reader tries before it takes what it has got: the writer died half-way, and whoever
 * buries it takes the cell over. One that lives may have lost its processor half-way to others. */
#define READ_FOR   (200 * USEC_MSEC)
#define READ_AGAIN 50 /* us between two tries, in which the writer may have the processor */

struct cell {
    uint32_t number; /* odd: being written */
    struct board_worker worker;
};

/* Of one slot, in a cache line that no other slot's worker writes to. */
struct stream_cell {
    _Alignas(64) struct record_stream stream;
};

struct board {
    uint32_t master_number;
    struct board_master master;
    uint32_t moves; /* see board_is_moving */
    uint32_t past_number;
    struct board_past past;
    struct cell cells[BOARD_SLOTS];
    struct stream_cell streams[BOARD_SLOTS];
};

size_t board_memory(void)
{
    return sizeof(struct board);
}

/* Fresh memory of the kernel is zero; touching it all would only take it. */
struct board *board_init(void *memory)
{
    return memory;
}

static uint32_t begin_writing(uint32_t *number)
{
    uint32_t odd = *number | 1;

    __atomic_store_n(number, odd, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    return odd;
}

static void end_writing(uint32_t *number, uint32_t odd)
{
    __atomic_store_n(number, odd + 1, __ATOMIC_RELEASE);
}

static void write_whole(uint32_t *number, void *to, const void *from, size_t n)
{
    uint32_t odd = begin_writing(number);

    memcpy(to, from, n);
    end_writing(number, odd);
}

static bool try_to_read(const uint32_t *number, void *ret, const void *from, size_t n)
{
    uint32_t before = __atomic_load_n(number, __ATOMIC_ACQUIRE);

    memcpy(ret, from, n);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return (before & 1) == 0 && before == __atomic_load_n(number, __ATOMIC_RELAXED);
}

/* Leaves the processor to the writer for a moment; false when it has had enough of them. *end: 0
 * before the first. */
static bool wait_for_writer(usec_t *end)
{
    const struct timespec moment = {.tv_nsec = READ_AGAIN * 1000};

    if (*end == 0) {
        *end = clock_monotonic() + READ_FOR;
    } else if (clock_monotonic() >= *end) {
        return false;
    }
    (void)nanosleep(&moment, NULL);
    return true;
}

static void read_whole(const uint32_t *number, void *ret, const void *from, size_t n)
{
    usec_t end = 0;

    while (!try_to_read(number, ret, from, n) && wait_for_writer(&end)) {
    }
}

static struct cell *cell_of(struct board *b, uint16_t slot)
{
    if (slot >= BOARD_SLOTS) {
        panic("there is no slot %u", slot);
    }
    return &b->cells[slot];
}

void board_write(struct board *b, uint16_t slot, const struct board_worker *w)
{
    struct cell *c = cell_of(b, slot);

    write_whole(&c->number, &c->worker, w, sizeof(*w));
}

void board_write_master(struct board *b, const struct board_master *m)
{
    write_whole(&b->master_number, &b->master, m, sizeof(*m));
}

static void add_counters(struct counters *to, const struct counters *more)
{
#define COUNTER(name, prose) to->name += more->name;
#include "tbl/counters.h"
#undef COUNTER
}

/* ---- decisions by number ---- */

struct record_stream *board_stream(struct board *b, uint16_t slot)
{
    if (slot < BOARD_SLOTS) {
        return &b->streams[slot].stream;
    }
    panic("there is no slot %u", slot);
}

/* Whoever sees the new run sees its numbers, too. */
void board_begin_stream(struct board *b, uint16_t slot, uint64_t run)
{
    struct record_stream *s = board_stream(b, slot);

    if (atomic_load_explicit(&s->run, memory_order_relaxed) != run) {
        atomic_store_explicit(&s->settled, 0, memory_order_relaxed);
        atomic_store_explicit(&s->next, 0, memory_order_relaxed);
        atomic_store_explicit(&s->run, run, memory_order_release);
    }
}

bool board_settled(const struct board *b, uint16_t slot, uint64_t run, uint64_t *ret)
{
    if (slot >= BOARD_SLOTS) {
        return false;
    }
    const struct record_stream *s = &b->streams[slot].stream;
    if (atomic_load_explicit(&s->run, memory_order_acquire) != run) {
        return false;
    }
    uint64_t settled = atomic_load_explicit(&s->settled, memory_order_acquire);
    *ret = settled;
    return atomic_load_explicit(&s->run, memory_order_relaxed) == run;
}

/* What the slot's worker has not sent it never will. */
static void settle(struct board *b, uint16_t slot)
{
    struct record_stream *s = board_stream(b, slot);

    atomic_store_explicit(&s->settled, atomic_load_explicit(&s->next, memory_order_relaxed),
                          memory_order_release);
}

void board_new_epoch(struct board *b, uint16_t slot)
{
    struct cell *c = cell_of(b, slot);
    struct board_past past = b->past;

    settle(b, slot);
    if (c->worker.pid == 0) {
        return;
    }
    add_counters(&past.counters, &c->worker.counters);
    past.decisions_lost += c->worker.decisions_lost;
    uint32_t odd = begin_writing(&b->moves);
    write_whole(&b->past_number, &b->past, &past, sizeof(past));
    board_write(b, slot, &(struct board_worker){0});
    end_writing(&b->moves, odd);
}

uint32_t board_moves(const struct board *b)
{
    uint32_t moves = __atomic_load_n(&b->moves, __ATOMIC_ACQUIRE);
    usec_t end = 0;

    while (board_is_moving(moves) && wait_for_writer(&end)) {
        moves = __atomic_load_n(&b->moves, __ATOMIC_ACQUIRE);
    }
    return moves;
}

bool board_has_moved(const struct board *b, uint32_t moves)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return board_is_moving(moves) || __atomic_load_n(&b->moves, __ATOMIC_RELAXED) != moves;
}

/* ---- reading what a worker has written ---- */

static void make_bool(bool *value)
{
    unsigned char octet;

    memcpy(&octet, value, sizeof(octet));
    *value = octet != 0;
}

/* So that sums and differences have room. */
static void make_time(usec_t *value)
{
    if (*value < 0 || *value > INT64_MAX / 4) {
        *value = 0;
    }
}

static void make_hop_readable(struct board_hop *h)
{
    h->name[sizeof(h->name) - 1] = '\0';
    h->error[sizeof(h->error) - 1] = '\0';
    text_clean(h->name, strlen(h->name));
    text_clean(h->error, strlen(h->error));
    make_bool(&h->down);
    make_time(&h->since);
}

static void make_dns_readable(struct board_dns *d)
{
    d->trouble[sizeof(d->trouble) - 1] = '\0';
    make_bool(&d->asked);
    make_bool(&d->validates);
    make_bool(&d->known);
    make_bool(&d->well);
    make_time(&d->since);
}

static void make_memory_readable(struct board_memory_figures *m)
{
    m->trouble[sizeof(m->trouble) - 1] = '\0';
    text_clean(m->trouble, strlen(m->trouble));
}

static void make_list_readable(struct board_list *l)
{
    l->zone[sizeof(l->zone) - 1] = '\0';
    l->why[sizeof(l->why) - 1] = '\0';
    text_clean(l->zone, strlen(l->zone));
    text_clean(l->why, strlen(l->why));
    make_bool(&l->domains);
    make_bool(&l->well);
    make_time(&l->since);
}

static void make_scanner_readable(struct board_scanner *s)
{
    s->name[sizeof(s->name) - 1] = '\0';
    s->error[sizeof(s->error) - 1] = '\0';
    text_clean(s->name, strlen(s->name));
    text_clean(s->error, strlen(s->error));
    make_bool(&s->down);
    make_time(&s->since);
}

static void make_readable(struct board_worker *w)
{
    make_bool(&w->draining);
    make_bool(&w->level.seccomp);
    make_time(&w->began);
    make_time(&w->blocks.longest);
    make_time(&w->blocks.longest_at);
    make_time(&w->blocks.recent);
    make_time(&w->blocks.own);
    make_time(&w->blocks.own_recent);
    w->hop_count = w->hop_count < BOARD_HOPS ? w->hop_count : BOARD_HOPS;
    for (size_t i = 0; i < w->hop_count; i++) {
        make_hop_readable(&w->hops[i]);
    }
    make_dns_readable(&w->dns);
    make_memory_readable(&w->memory);
    w->list_count = w->list_count < BOARD_LISTS ? w->list_count : BOARD_LISTS;
    for (size_t i = 0; i < w->list_count; i++) {
        make_list_readable(&w->lists[i]);
    }
    w->scanner_count = w->scanner_count < CONF_SCANNERS ? w->scanner_count : CONF_SCANNERS;
    for (size_t i = 0; i < w->scanner_count; i++) {
        make_scanner_readable(&w->scanners[i]);
    }
    w->accept_all[sizeof(w->accept_all) - 1] = '\0';
}

bool board_read(const struct board *b, uint16_t slot, struct board_worker *ret)
{
    const struct cell *c = &b->cells[slot];

    if (slot >= BOARD_SLOTS || c->worker.pid == 0) {
        return false;
    }
    read_whole(&c->number, ret, &c->worker, sizeof(*ret));
    make_readable(ret);
    return ret->pid != 0;
}

void board_read_master(const struct board *b, struct board_master *ret)
{
    read_whole(&b->master_number, ret, &b->master, sizeof(*ret));
}

void board_read_past(const struct board *b, struct board_past *ret)
{
    read_whole(&b->past_number, ret, &b->past, sizeof(*ret));
}
