/* The elements that HTML has, or had. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

enum html_meaning {
    HTML_IS_INERT, /* nothing in itself; its URLs are not followed */
    HTML_IS_BLOCK, /* may have a background */
    HTML_IS_FONT,
    HTML_IS_LINK,
    HTML_IS_IMAGE,
    HTML_IS_META,
    HTML_IS_SCRIPT,
    HTML_IS_FORM,
    HTML_IS_INPUT,
    HTML_IS_IFRAME,
    HTML_IS_OBJECT,
    HTML_IS_BASE,
    HTML_IS_BODY,
    HTML_IS_UNKNOWN, /* no version of HTML has it */
};

struct html_tag {
    const char *name;
    enum html_meaning what;
    bool empty;   /* has no end tag */
    bool breaks;  /* what is before it and behind it is not one word */
    bool repeats; /* ends where the same begins */
};

/* Without case. Never NULL. What programs put into HTML under names of their own, with a ":" or
 * "-", is INERT. */
const struct html_tag *html_tag_find(struct slice name);
