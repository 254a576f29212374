/* Tables from texts, for several tests. */
#pragma once

#include "policy/table.h"

/* There must be no error; its content is the caller's to free. */
struct policy_table parse_octets(struct slice text);
struct policy_table parse(const char *text);

int has_address(const struct policy_table *t, const char *text);
int has_text(const struct policy_table *t, const char *text);

/* Asks a table once, and forgets it. */
int is_in(const char *entries, const char *text);

/* It is refused for this line, and nothing is left behind. */
void assert_bad_octets(struct slice text, unsigned line, const char *cause);
void assert_bad(const char *text, unsigned line, const char *cause);
