/* The keys of a folder with signed messages, as a zone. */
#pragma once

#include "base/arena.h"
#include "client/zone.h"

/* Reads what is there of
 *
 *   FAKE_DNS.dat   a line a key: its name, blanks, the record; in place of the record NXDOMAIN, or
 *                  ~~WHY~~ for a question that fails, WHY having "timed out" in it where nothing is
 *                  answered; "#" begins a comment (as Mail::DKIM's tests have it)
 *   *.json         one object: names, and their records
 *   zone, *.zone   in master format (parse/zone_file.h)
 *
 * The zone is the caller's. What is not understood, or none of them being there, is a failure. */
struct zone *suite_keys(const char *folder, struct arena *arena);

/* Is a file of that name one of these? */
bool suite_is_key_file(const char *name);
