/* The way of decision lines from a worker to the clerk: datagrams on a socket that all workers
 * share, of whole lines, or of a piece of a line that is longer than one. journal/reception.h is
 * its other end.
 *
 * Never waits for the clerk and never fails its caller: what the socket does not take is kept, up
 * to a bound, and dropped beyond that. What is dropped shows as a gap in the lines' numbers. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"

/* How many lines one worker slot has made, over all workers that were in it; in memory that they
 * share with the master, and that the clerk reads. */
struct record_stream {
    _Atomic uint64_t run;     /* what `run` in its lines is; 0: they go to no journal */
    _Atomic uint64_t next;    /* number of the next line */
    _Atomic uint64_t settled; /* lines below this are in the socket, were taken from it, or will
                                 never come; at most `next` */
};

/* A datagram: a head of four octets (version, flags, slot with its high octet first), then octets
 * of lines, each ended by a line feed. */
#define COURIER_VERSION  1
#define COURIER_FIRST    1 /* it begins with the beginning of a line */
#define COURIER_LAST     2 /* it ends with the end of a line */
#define COURIER_HEAD     ((size_t)4)
#define COURIER_DATAGRAM ((size_t)60 * 1024) /* its octets at most, with the head */

/* For so long, or until they fill half a datagram, lines wait for others: the clerk looks no more
 * often, and a datagram for each would cost more than all the rest. */
#define COURIER_GATHER_TIME (20 * USEC_MSEC)
#define COURIER_SEND_AT     (COURIER_DATAGRAM / 2)

/* Octets waiting from which on an added line makes it send before the turn ends, and from which on
 * further lines are dropped. */
#define COURIER_FLUSH_AT    (COURIER_DATAGRAM - COURIER_HEAD)
#define COURIER_WAITING_MAX ((size_t)1024 * 1024)

struct courier;

/* `fd` is a connected socket of kind SOCK_SEQPACKET, shared with other processes, and the
 * courier's from now on. `settled` is the stream's, or NULL. */
struct courier *courier_new(int fd, unsigned slot, _Atomic uint64_t *settled);

/* Takes a line, whose final octet is its only line feed; `number` is its own. */
void courier_add(struct courier *c, struct slice line, uint64_t number);

/* Sends what waits, as far as it goes. */
void courier_flush(struct courier *c);

/* The same when it is worth it by now. Called at the end of each turn of the loop, and soon again
 * while something waits. */
void courier_turn(struct courier *c);

/* Octets that wait, and lines that were dropped. */
size_t courier_waiting(const struct courier *c);
uint64_t courier_lost(const struct courier *c);

/* Flushes for at most a second, and frees. NULL allowed; returns NULL. */
struct courier *courier_free(struct courier *c);
