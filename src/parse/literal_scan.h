/* Which of many short literals are in a text, found in one pass, letters of ASCII compared without
 * case. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct literal_scan;

struct literal_scan *literal_scan_new(void);
/* NULL allowed; returns NULL. */
struct literal_scan *literal_scan_free(struct literal_scan *s);

/* A literal of three octets at least, in lower case, is copied. `number`: what it stands for;
 * several may stand for the same. */
void literal_scan_add(struct literal_scan *s, struct slice literal, uint32_t number);

/* Is told that a literal with this number begins at that octet of the text. */
typedef void literal_found(void *arg, uint32_t number, size_t at);

/* Tells of each literal wherever it is in the text: true. The work is linear in the text, whatever
 * the literals; false when that was not enough, and nothing is known of what was not told. */
bool literal_scan_run(const struct literal_scan *s, struct slice text, literal_found *found,
                      void *arg);
