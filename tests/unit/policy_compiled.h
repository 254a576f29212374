/* Policies compiled from texts in memory, for several tests. */
#pragma once

#include "policy/compiler.h"

struct compiled {
    struct conf *conf;
    struct findings findings;
    struct policy *policy; /* NULL unless r is 0 */
    int r;
};

/* The text is that part of /etc/gatepost.conf which says policy. `files`: paths of others and their
 * texts by turns, NULL behind the last; or NULL. */
struct compiled compile_files(struct slice text, const char *const *files);

/* The same where there must be no error. */
struct compiled compile_good(const char *text);

void compiled_free(struct compiled *c);

/* There is an error, the first with `part` in its text, and no policy. Frees. */
void assert_refused(struct compiled *c, const char *part);

void assert_slice(struct slice s, const char *expected);

/* Rule `i` of the phase. */
const struct rule *rule_at(const struct compiled *c, enum phase phase, size_t i);

/* NULL: none of that name is in use. */
const struct policy_table *table_named(const struct policy *p, const char *name);
