/* Named tables: addresses and networks, texts, domain suffixes, patterns (docs/GRAMMAR.md). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/slice.h"
#include "conf/lexer.h"

/* What a table holds, ready to be asked. Made whole, then never changed. */
struct table_content;

/* One entry as written. */
struct table_entry {
    struct slice text; /* without "!" and, for a pattern, with its slashes and "i" */
    bool negated;
    bool quoted; /* was a string: it is that text and nothing else, whatever it looks like */
    struct place place;
};

struct policy_table {
    const char *name; /* "" for a list in an expression */
    const char *file; /* NULL: inline */
    struct place place;
    struct table_content *content; /* never NULL once compiled */
    bool has_networks;             /* as the content: for the checker */
    bool has_texts;
    bool patterns_only;  /* asked by ~, and may not become anything else */
    uint64_t generation; /* of the content: how often it was replaced */
};

/* Of a file, in octets; and of patterns, which are tried one after the other. */
#define TABLE_FILE_MOST     ((size_t)16 << 20)
#define TABLE_PATTERNS_MOST 1000

/* From entries: 0; or -EINVAL with one that is at fault and the cause. Entries are copied. An entry
 * that stands both with and without "!" is at fault; one that is repeated is not. */
int table_content_new(const struct table_entry *entries, size_t count, struct table_content **ret,
                      const struct table_entry **ret_bad, char *ret_why, size_t why_size);
/* From a file's text, one entry a line in the words of the policy (conf/lexer.h); *ret_at, without
 * a source, is where it is no entry. A byte order mark in front is no part of the text. May be
 * called in any thread. */
int table_content_parse(struct slice text, struct table_content **ret, struct place *ret_at,
                        char *ret_why, size_t why_size);
struct table_content *table_content_free(struct table_content *c);
bool table_content_has_networks(const struct table_content *c);
bool table_content_has_texts(const struct table_content *c);
/* How many entries there were, repeated ones too. */
size_t table_content_count(const struct table_content *c);
/* Are there patterns alone, none of them with "!"? If not, *ret_what is what else there is. */
bool table_content_is_patterns(const struct table_content *c, const char **ret_what);
size_t table_content_pattern_count(const struct table_content *c);
/* The pattern as it is written between its slashes. */
struct slice table_content_pattern(const struct table_content *c, size_t i, bool *ret_caseless);
/* Were both made from a file's text, and from the same octets? */
bool table_content_same(const struct table_content *a, const struct table_content *b);

/* 1, 0, or -E2BIG when a pattern's limit was reached. */
int table_has_address(const struct policy_table *t, const struct addr *a);
int table_has_text(const struct policy_table *t, struct slice text);
