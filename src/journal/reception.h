/* The clerk's end of the way that journal/courier.h describes: takes datagrams apart into lines,
 * and puts lines together that came in pieces. No I/O.
 *
 * A worker may be anybody's by now: any octets are taken, within bounds. What makes no sense is
 * dropped; what is a line is said by the line feed at its end alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "journal/record.h"

/* A line is dropped that is longer, or for which there is no room beside other unfinished ones. */
#define RECEPTION_LINE_MOST JOURNAL_LINE_MOST
#define RECEPTION_HELD_MOST ((size_t)64 * 1024 * 1024)

/* Gets a line without its line feed, never an empty one. False: it cannot be taken now. */
typedef bool reception_fn(void *arg, struct slice line);

struct reception;

struct reception *reception_new(reception_fn *fn, void *arg);

/* Takes a datagram, which stays where it is until reception_go has said true. Nothing may be left
 * over from the one before. True: all of its lines were taken. */
bool reception_take(struct reception *r, struct slice datagram);

/* Goes on with lines that could not be taken. True: none is left over. */
bool reception_go(struct reception *r);

/* Octets of unfinished lines that are kept. */
size_t reception_held(const struct reception *r);

/* NULL allowed; returns NULL. */
struct reception *reception_free(struct reception *r);
