/* Conformance suites: cases that others, or the RFCs, wrote, read from files and counted.
 *
 *     build/release/suite NAME FILE…
 *
 * One row of main.c's table, and one file suite_NAME.c, for each. A line tells each failure; the
 * last line is always `N passed, N failed`, and the exit status is 1 if any did, 2 for wrong
 * usage. A file that cannot be read, or that holds none of the suite's cases, is a failure: nothing
 * that was not understood is ever passed over in silence.
 *
 * The cases are played in the simulated world: nothing here may touch the network or read the
 * clock of the host. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

struct rt;
struct tree;

/* One more case did what it should. */
void suite_passed(void);

/* One did not, or something could not be read: counted, and told in one line; what would disturb a
 * terminal is taken out. */
void suite_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Something that is left out and spoils nothing: a line, not counted. */
void suite_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The octets of a file, in `arena`; false, and a failure counted, when it cannot be read. */
bool suite_read(const char *path, struct arena *arena, struct slice *ret);

/* The octets with each line ending in CRLF, as a client would have sent them: what stands in a file
 * of a suite ends its lines in LF. In `arena`. */
struct slice suite_crlf(struct slice text, struct arena *arena);

/* Calls fn for each document that the named YAML files have in them, but for empty ones. A file
 * that is no YAML, or has no document, is a failure. The arena is reset after each document. */
void suite_each_document(int count, char **names,
                         void (*fn)(const char *file, const struct tree *document,
                                    struct arena *arena));

/* Runs fn(rt, arg) as a task in a simulated world of its own, to its end. */
void suite_play(void (*fn)(struct rt *rt, void *arg), void *arg);

/* The suites stand here, int suite_NAME(int count, char **names): each reads the named files or
 * folders and counts; 0, or -1 when it wants other arguments. */
int suite_arc(int count, char **names);
int suite_dmarc(int count, char **names);
int suite_dkim(int count, char **names);
int suite_spf(int count, char **names);
