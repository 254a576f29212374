/* The output of several processes in one order: each has the chunks that it has made ready wait
 * until it is their turn, and goes on meanwhile. Lives in memory that all of them map. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct batch_order {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t turn; /* the chunk that is to be written next */
    int error;     /* what writing failed with; then nothing more is written */
};

void batch_order_init(struct batch_order *o);

/* One process's. */
#define BATCH_WAITING_CHUNKS 64
#define BATCH_WAITING_OCTETS ((size_t)4 * 1024 * 1024)

struct batch_output {
    struct batch_order *order;
    int to;
    struct waiting_chunk {
        uint64_t number;
        struct buf text;
    } waiting[BATCH_WAITING_CHUNKS]; /* in the order of their numbers */
    size_t count;
    size_t octets;
};

/* Takes the text over and leaves an empty buffer; numbers rise. Blocks while too much waits. False
 * when it is over, by an error of whichever process. */
bool batch_output_add(struct batch_output *o, uint64_t number, struct buf *text);

/* Waits until all is written, and frees. */
bool batch_output_end(struct batch_output *o);

/* Writes all of it: 0 or a negative errno. */
int batch_write(int to, struct slice text);
