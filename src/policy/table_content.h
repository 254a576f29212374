/* The inside of a table's content, for the files that make it and ask it. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "parse/ascii.h"
#include "parse/pattern.h"
#include "policy/table.h"

struct network {
    uint8_t octets[16]; /* no bit behind `bits` is set */
    uint8_t family;     /* enum addr_family */
    uint8_t bits;
    bool negated;
    uint32_t number; /* of its entry, for errors */
};

/* Networks of one length, sorted by their octets. */
struct network_span {
    uint8_t family;
    uint8_t bits;
    uint32_t first;
    uint32_t count;
};

/* An exact text, or a suffix with its leading dot. */
struct table_text {
    uint32_t offset; /* in `octets` */
    uint32_t length;
    uint32_t hash;
    uint32_t number; /* of its entry, for errors */
    bool suffix;
    bool negated;
};

struct table_pattern {
    struct pattern *pattern;
    size_t offset; /* of its text in `pattern_octets` */
    size_t length;
    bool caseless;
    bool negated;
};

struct table_content {
    struct buf networks; /* struct network, by family, the longest first, octets */
    struct buf spans;    /* struct network_span, in that order */
    struct buf texts;    /* struct table_text, in the order of the entries */
    struct buf octets;   /* of all texts, ASCII letters in lower case */
    uint32_t *slots;     /* hash table: 0, or 1 + the place of a text; linear probing */
    size_t slot_mask;
    size_t longest_exact;
    size_t longest_suffix;
    struct buf patterns; /* struct table_pattern, in the order of the entries */
    struct buf pattern_octets;
    size_t count;
    bool from_file;
    struct digest digest; /* of the file's text */
};

/* The hash of a text is made from its last octet to its first, so that those of all its suffixes
 * come by the way. */
#define TEXT_HASH_START 2166136261u

/* FNV-1a */
static inline uint32_t text_hash_step(uint32_t hash, char c)
{
    return (hash ^ (unsigned char)ascii_lower(c)) * 16777619u;
}

/* The same text, letters compared without case, as is in the table; or NULL. `hash` is `text`'s. */
const struct table_text *table_text_find(const struct table_content *c, struct slice text,
                                         uint32_t hash, bool suffix);

/* The first `bits` bits of an address; the others become zero. */
void network_mask(uint8_t octets[static 16], unsigned bits);

/* ---- table_build.c ---- */

struct table_content *table_content_begin(void);

/* Adds one; `number` comes back in errors. 0, or -EINVAL with the cause. */
int table_content_add(struct table_content *c, const struct table_entry *entry, uint32_t number,
                      char *ret_why, size_t why_size);

/* Makes it ready to be asked. 0, or -EINVAL with the number of an entry that contradicts another
 * one. */
int table_content_finish(struct table_content *c, uint32_t *ret_number, char *ret_why,
                         size_t why_size);

/* Room for entry_show with the terminating NUL. */
#define ENTRY_SHOWN_MAX 68

/* The text in quotes, cut when it is long, fit to be shown. Returns `ret_text`. */
const char *entry_show(struct slice text, char ret_text[static ENTRY_SHOWN_MAX]);
