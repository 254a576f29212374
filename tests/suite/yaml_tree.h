/* YAML files, as the suites use them: each document as a tree of texts, lists and maps.
 *
 * Nothing is interpreted: what YAML calls null, numbers or dates is the text that stands there. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

enum tree_kind { TREE_TEXT, TREE_LIST, TREE_MAP };

struct tree {
    enum tree_kind kind;
    unsigned line;           /* where it begins, from 1 */
    struct slice key;        /* of a map's member its key, else empty */
    struct slice text;       /* of a text */
    const struct tree *next; /* the next member of the same list or map; of a document, the next */
    const struct tree *first;
};

/* The documents of a file, the first of them or NULL for none; everything in `arena`. 0, or -1
 * when it is no YAML, nests deeper than 64, or has a key that is no text: then *ret_problem says
 * what is wrong and where. */
int tree_parse(struct slice octets, struct arena *arena, const struct tree **ret,
               struct slice *ret_problem);

/* The member of a map; NULL: none, or `t` is no map (NULL is none, too). */
const struct tree *tree_find(const struct tree *t, const char *key);

/* The text of a member; `absent` where there is none or it is no text. */
struct slice tree_text(const struct tree *t, const char *key, struct slice absent);
