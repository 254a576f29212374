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

/* Sets bit N % 8 of bits[N / 8] for each number N a literal of which is in the text: true. The work
 * is linear in the text, whatever the literals; false when that was not enough, and nothing is
 * known of bits that are not set. */
bool literal_scan_run(const struct literal_scan *s, struct slice text, uint8_t *bits);
