/* See proc/shared.h. */
#include "proc/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Recipients in doubt at a time, ledger entries disarmed within a few milliseconds, different
 * clients and networks connected at a time, and that came within a minute. */
#define MARKS_MOST    65536
#define DISARMED_MOST 16384
#define CLIENTS_MOST  131072
#define RATES_MOST    32768
/* Messages within an hour of which inspectors died. */
#define KILLERS_MOST 4096

/* Versions of the parts' layouts: raised whenever the same octets would mean something else. */
#define MARKS_LAYOUT    1
#define PRESENCE_LAYOUT 1
#define RATES_LAYOUT    2
#define HEARTS_LAYOUT   2
#define BOARD_LAYOUT    4
#define KILLERS_LAYOUT  1

/* Parts begin at pages of their own, so that none shares a cache line with another. */
#define PART_ALIGNMENT ((size_t)4096)

enum part {
    PART_MARKS,
    PART_DISARMED,
    PART_PRESENCE,
    PART_RATES,
    PART_HEARTS,
    PART_BOARD,
    PART_KILLERS,
    PART_COUNT
};

static const struct {
    const char *name;
    unsigned layout;
} parts[PART_COUNT] = {
    [PART_MARKS] = {"marks", MARKS_LAYOUT},          [PART_DISARMED] = {"disarmed", MARKS_LAYOUT},
    [PART_PRESENCE] = {"presence", PRESENCE_LAYOUT}, [PART_RATES] = {"rates", RATES_LAYOUT},
    [PART_HEARTS] = {"hearts", HEARTS_LAYOUT},       [PART_BOARD] = {"board", BOARD_LAYOUT},
    [PART_KILLERS] = {"killers", KILLERS_LAYOUT},
};

static size_t size_of(enum part part)
{
    switch (part) {
    case PART_MARKS: return marks_memory(MARKS_MOST);
    case PART_DISARMED: return marks_memory(DISARMED_MOST);
    case PART_PRESENCE: return presence_memory(CLIENTS_MOST);
    case PART_RATES: return rates_memory(RATES_MOST);
    case PART_HEARTS: return OWNER_SLOTS * sizeof(struct heartbeat);
    case PART_BOARD: return board_memory();
    case PART_KILLERS: return killers_memory(KILLERS_MOST);
    case PART_COUNT: break;
    }
    return 0;
}

static size_t offset_of(enum part wanted)
{
    size_t at = 0;

    for (int i = 0; i < (int)wanted; i++) {
        at += (size_of((enum part)i) + PART_ALIGNMENT - 1) / PART_ALIGNMENT * PART_ALIGNMENT;
    }
    return at;
}

const char *shared_layout(void)
{
    static char text[512];
    size_t n = 0;

    for (int i = 0; i < PART_COUNT; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %u:%zu", i > 0 ? ", " : "",
                              parts[i].name, parts[i].layout, size_of((enum part)i));
    }
    return text;
}

static void *part_of(const struct shared *s, enum part part)
{
    return (char *)s->memory + offset_of(part);
}

static int map(int fd, struct shared *s)
{
    s->fd = fd;
    s->size = offset_of(PART_COUNT);
    s->memory = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (s->memory == MAP_FAILED) {
        return -errno;
    }
    s->marks = part_of(s, PART_MARKS);
    s->disarmed = part_of(s, PART_DISARMED);
    s->presence = part_of(s, PART_PRESENCE);
    s->rates = part_of(s, PART_RATES);
    s->hearts = part_of(s, PART_HEARTS);
    s->board = part_of(s, PART_BOARD);
    s->killers = part_of(s, PART_KILLERS);
    return 0;
}

int shared_map(struct shared *ret)
{
    int fd = memfd_create("gatepost-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct shared s = {0};

    if (fd < 0) {
        return -errno;
    }
    int r = ftruncate(fd, (off_t)offset_of(PART_COUNT)) < 0 ||
                    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0
                ? -errno
                : map(fd, &s);
    if (r < 0) {
        close(fd);
        return r;
    }
    (void)marks_init(s.marks, MARKS_MOST);
    (void)marks_init(s.disarmed, DISARMED_MOST);
    (void)presence_init(s.presence, CLIENTS_MOST);
    (void)rates_init(s.rates, RATES_MOST);
    (void)killers_init(s.killers, KILLERS_MOST);
    *ret = s;
    return 0;
}

int shared_attach(int fd, struct shared *ret)
{
    struct shared s;
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    if (st.st_size != (off_t)offset_of(PART_COUNT)) {
        return -EBADMSG;
    }
    int r = map(fd, &s);
    if (r == 0) {
        *ret = s;
    }
    return r;
}

struct owner shared_new_owner(const struct shared *s, uint16_t slot)
{
    struct owner who = marks_new_epoch(s->marks, slot);

    marks_take_epoch(s->disarmed, who);
    presence_new_epoch(s->presence, who);
    atomic_store_explicit(&s->hearts[slot].at, 0, memory_order_relaxed);
    board_new_epoch(s->board, slot);
    atomic_store_explicit(&s->hearts[slot].retired, false, memory_order_relaxed);
    return who;
}

void shared_unmap(struct shared *s)
{
    marks_fini(s->marks);
    marks_fini(s->disarmed);
    presence_fini(s->presence);
    rates_fini(s->rates);
    killers_fini(s->killers);
    munmap(s->memory, s->size);
    close(s->fd);
}

void shared_keep_board(struct shared *s)
{
    size_t from = offset_of(PART_BOARD);
    size_t end = offset_of(PART_BOARD + 1);

    munmap(s->memory, from);
    munmap((char *)s->memory + end, s->size - end);
    close(s->fd);
    *s = (struct shared){.board = s->board, .fd = -1};
    (void)mprotect(s->board, end - from, PROT_READ);
}
