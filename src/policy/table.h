/* Named tables: addresses and networks, texts, domain suffixes, patterns (docs/GRAMMAR.md). */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/slice.h"
#include "conf/lexer.h"

/* What a table holds, ready to be asked. Made whole, then never changed. */
struct table_content;

/* One entry as written. */
struct table_entry {
    struct slice text; /* without "!" and, for a pattern, with its slashes and "i" */
    bool negated;
    struct place place;
};

struct policy_table {
    const char *name; /* "" for a list in an expression */
    const char *file; /* NULL: inline */
    struct place place;
    struct table_content *content; /* never NULL once compiled */
    bool has_networks;             /* as the content: for the checker */
    bool has_texts;
};

/* From entries: 0; or -EINVAL with the first one at fault and what was expected. */
int table_content_new(const struct table_entry *entries, size_t count, struct table_content **ret,
                      const struct table_entry **ret_bad, char *ret_why, size_t why_size);
/* From a file's text, one entry a line; *ret_line is where it is no entry. */
int table_content_parse(struct slice text, struct table_content **ret, unsigned *ret_line,
                        char *ret_why, size_t why_size);
struct table_content *table_content_free(struct table_content *c);
bool table_content_has_networks(const struct table_content *c);
bool table_content_has_texts(const struct table_content *c);
size_t table_content_count(const struct table_content *c);

/* 1, 0, or -E2BIG when a pattern's limit was reached. */
int table_has_address(const struct policy_table *t, const struct addr *a);
int table_has_text(const struct policy_table *t, struct slice text);
