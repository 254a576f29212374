/* What the memory costs: finding, adding, and applying what was added, in microseconds of processor
 * time each, with as many records as there are after a while; what one record takes on disk; and
 * what a botnet of a million names in an hour does to a memory that is full.
 *
 * usage: remember [RECORDS]   (default 1000000) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "store/memory.h"

#define DAY   ((usec_t)86400 * USEC_SEC)
#define HOUR  ((usec_t)3600 * USEC_SEC)
#define READS 1000000
#define GOOD  100000
#define BATCH 64 /* changes of some messages, as they come in 10 ms */

static char folder[] = "/tmp/gatepost-bench.XXXXXX";

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void expect(bool holds, const char *what)
{
    if (!holds) {
        fatal("%s failed", what);
    }
}

static void tell(const char *what, double began, unsigned count)
{
    double each = (seconds() - began) / count;
    printf("%-44s %8.2f us %12.0f a second\n", what, each * 1e6, 1 / each);
    fflush(stdout);
}

static struct memory *open_memory(uint64_t size)
{
    const struct memory_setup setup = {
        .rules = {.half_life = 30 * DAY, .returned_time = 36 * DAY, .window = DAY}, .size = size};
    struct memory *m;
    const char *note;
    expect(memory_open_lmdb(NULL, folder, &setup, &m, &note) == 0, "opening");
    return m;
}

static void name_of(unsigned i, char ret[static 32])
{
    snprintf(ret, 32, "%u.%u.%u.%u", 1 + (i >> 24), i >> 16 & 255, i >> 8 & 255, i & 255);
}

/* As a connection that was refused leaves it. */
static struct record one(unsigned i, usec_t wall)
{
    char name[32];
    struct record r;
    name_of(i, name);
    record_init(&r, RECORD_CLIENT, slice_of(name), wall);
    r.rate[RATE_CONNECTIONS] = 1;
    r.tally[TALLY_REFUSED_RCPT] = 1;
    return r;
}

static struct memory_stats stats_of(struct memory *m)
{
    struct memory_stats stats;
    memory_stats(m, &stats);
    return stats;
}

/* Adds `count` from `from` on, by the batch; two columns: queueing them, and applying. */
static void add(struct memory *m, const char *what, unsigned from, unsigned count, unsigned spread)
{
    double began = seconds(), applying = 0;
    char text[64];
    for (unsigned i = 0; i < count; i++) {
        struct record r = one(from + (spread == 0 ? i : i * 2654435761U % spread), clock_wall());
        memory_add(m, &r);
        if (i % BATCH == BATCH - 1) {
            double before = seconds();
            expect(memory_flush(m) == 0, "writing");
            applying += seconds() - before;
        }
    }
    snprintf(text, sizeof(text), "add %s: queue it", what);
    tell(text, began + applying, count);
    snprintf(text, sizeof(text), "add %s: apply it, %d a batch", what, BATCH);
    tell(text, seconds() - applying, count);
}

static void find(struct memory *m, const char *what, unsigned from, unsigned spread, int expected)
{
    usec_t wall = clock_wall();
    struct record r;
    char name[32];
    double began = seconds();
    for (unsigned i = 0; i < READS; i++) {
        name_of(from + i * 2654435761U % spread, name);
        expect(memory_find(m, RECORD_CLIENT, slice_of(name), wall, &r) == expected, "finding");
    }
    tell(what, began, READS);
}

static int count_one(void *arg, const struct record *r)
{
    (void)r;
    ++*(unsigned *)arg;
    return 0;
}

static void operations(unsigned records)
{
    struct memory *m = open_memory((uint64_t)4 << 30);
    add(m, "a new one", 0, records, 0);
    printf("%-44s %8.1f octets on disk\n", "a record",
           (double)stats_of(m).octets / (double)stats_of(m).records);
    find(m, "find one that is there", 0, records, 1);
    find(m, "find none", 1U << 30, records, 0);
    add(m, "to one that is there", 0, records / 2, records);
    unsigned count = 0;
    double began = seconds();
    expect(memory_each(m, 0, clock_wall(), count_one, &count) == 0 && count == records, "all");
    tell("go through all", began, count);
    memory_close(m);
}

/* A hundred thousand good names, and then a million that come once. */
static void botnet(void)
{
    struct memory *m = open_memory(64 << 20);
    char name[32];
    struct record r;
    usec_t wall = clock_wall();
    for (unsigned i = 0; i < GOOD; i++) {
        snprintf(name, sizeof(name), "good%u.example", i);
        record_init(&r, RECORD_HOST, slice_of(name), wall - 10 * DAY);
        r.tally[TALLY_ACCEPTED] = 2;
        r.days = 2;
        memory_put(m, &r);
    }
    add(m, "a new one while it is full", 0, 1000000, 0);
    unsigned stay = 0;
    for (unsigned i = 0; i < GOOD; i++) {
        snprintf(name, sizeof(name), "good%u.example", i);
        stay += memory_find(m, RECORD_HOST, slice_of(name), wall, &r) == 1;
    }
    struct memory_stats stats = stats_of(m);
    printf(
        "limit 64M: %.1f MiB on disk, %llu records, %llu sent away, %llu lost, %u of %d good ones "
        "stay\n",
        (double)stats.octets / (1 << 20), (unsigned long long)stats.records,
        (unsigned long long)stats.evicted, (unsigned long long)stats.lost, stay, GOOD);
    memory_close(m);
}

static void clear(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s/memory", folder);
    expect(system(command) == 0, "clearing");
}

int main(int argc, char **argv)
{
    unsigned records = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
    expect(mkdtemp(folder) != NULL, "a folder");
    operations(records);
    clear();
    botnet();
    clear();
    expect(rmdir(folder) == 0, "removing the folder");
    return 0;
}
