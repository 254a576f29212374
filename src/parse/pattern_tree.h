/* A regular expression taken apart, as far as one can tell from it which letters the texts have
 * that it matches. It understands what most patterns are made of, and says so where it does not. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

enum pattern_piece_kind {
    PATTERN_OCTET,    /* one of `octets` */
    PATTERN_ANYTHING, /* characters that are not known, or none */
    PATTERN_NOTHING,  /* no character: "\b", "(?=...)" */
    PATTERN_GROUP     /* one of `alternatives` */
};

/* Larger classes are PATTERN_ANYTHING. */
#define PATTERN_PIECE_OCTETS 12

struct pattern_sequence;

struct pattern_piece {
    enum pattern_piece_kind kind;
    bool missing;                      /* it need not be there: "?", "*" */
    bool repeated;                     /* it may be there several times: "+", "*", "{2}" */
    uint8_t n;                         /* 1 at least */
    char octets[PATTERN_PIECE_OCTETS]; /* ASCII, in lower case */
    const struct pattern_sequence *alternatives;
    struct pattern_piece *next;
};

struct pattern_sequence {
    struct pattern_piece *first; /* NULL: the empty one */
    struct pattern_sequence *next;
};

/* The alternatives of a pattern that compiles, in `arena`; NULL where something in it is not
 * understood for certain. */
const struct pattern_sequence *pattern_tree_read(struct slice pattern, struct arena *arena);
