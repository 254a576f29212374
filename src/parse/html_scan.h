/* HTML cut into tokens, as browsers cut it (https://html.spec.whatwg.org/#tokenization), in one
 * pass and in place. What the tokens mean is for others to say.
 *
 * Nothing is an error. Every octet is looked at a fixed number of times, whatever is opened and not
 * closed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum html_kind {
    HTML_TEXT,    /* between tags; entities as they are */
    HTML_OPEN,    /* <name attributes> */
    HTML_CLOSE,   /* </name> */
    HTML_COMMENT, /* also <!DOCTYPE …> and what browsers take for a comment */
    HTML_RAW,     /* what is inside of an element that holds no tags: script, style, title… */
};

struct html_token {
    enum html_kind kind;
    struct slice name;   /* of the tag, or of the element that is RAW; as it is written */
    struct slice octets; /* the text; a tag's attributes; inside of a comment */
    bool self_closed;    /* <name … /> */
};

struct html_scan {
    struct slice rest;
    struct slice raw; /* name of the element whose inside comes next; "" for none */
};

void html_scan_init(struct html_scan *s, struct slice html);

/* The next token; false at the end. Tokens point into the text. */
bool html_scan_next(struct html_scan *s, struct html_token *ret);

struct html_attribute {
    struct slice name;
    struct slice value; /* without quotes; entities as they are */
};

/* Takes the next attribute off the front of a tag's attributes; false when there is none. */
bool html_attribute_next(struct slice *attributes, struct html_attribute *ret);

/* Writes the text with its entities turned into UTF-8; `out` has room for text.n octets, and may be
 * text.p. Returns how many were written. Adds to *needless (NULL allowed) how many letters and
 * digits of ASCII were written as numbers, for which there is no reason but hiding. */
size_t html_decode(struct slice text, char *out, size_t *needless);
