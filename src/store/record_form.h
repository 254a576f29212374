/* How operators name what the memory has: kinds, names and fields as they are typed, in options,
 * in files and on a command's line. */
#pragma once

#include "store/record.h"

/* Room for a sentence that says what was expected. */
#define RECORD_FORM_WHY 200

/* The kind of that name: "spf"; 0: there is none. */
enum record_kind record_kind_named(struct slice text);
/* "client, network, host …" */
void record_kinds_list(char *ret, size_t size);

/* "refused_at_connect": the tally's name, and the rate's, with "_" for blanks. Index or -1. */
const char *record_tally_key(enum record_tally tally, char ret[static 32]);
const char *record_rate_key(enum record_rate rate, char ret[static 32]);
int record_tally_keyed(struct slice key);
int record_rate_keyed(struct slice key);

/* A name of that kind as the memory has it: an address as memory_client_name writes it, a network's
 * as memory_network_name, letters lowered, a correspondent by sender_form. 0 and *ret_name, which
 * lies in `ret`; -EINVAL with a sentence in `why`. */
int record_name_form(enum record_kind kind, struct slice text, char ret[static RECORD_NAME_MAX],
                     struct slice *ret_name, char why[static RECORD_FORM_WHY]);
