/* URLs as a reader's program would follow them: read by the rules of browsers
 * (https://url.spec.whatwg.org), which understand much that no standard of URLs allows, and which
 * is how a host is hidden from whoever looks for it.
 *
 * Only what leads to a host of the web is a URL here; `data:` and `javascript:` are told of, others
 * are none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* What is remarkable about a URL; the names are those of tbl/traits.h. */
enum url_trait {
#define URL_TRAIT(ident, name, prose) URL_IS_##ident,
#define HTML_TRAIT(ident, name, prose)
#define TEXT_TRAIT(ident, name, prose)
#define HEADER_TRAIT(ident, name, prose)
#include "tbl/traits.h"
#undef URL_TRAIT
#undef HTML_TRAIT
#undef TEXT_TRAIT
#undef HEADER_TRAIT
    URL_TRAITS
};

/* Of a longer one the rest is not looked at. */
#define URL_MOST ((size_t)8192)

struct url {
    struct slice host;         /* A-labels in lower case, no dot at the end; an IPv4 address as four
                                * decimal numbers, an IPv6 address without brackets; "" for data:
                                * and javascript: */
    struct slice organisation; /* the host's organisational domain, or its address */
    struct slice path;         /* with what follows */
    uint64_t traits;           /* bit N: enum url_trait N */
};

/* Reads one URL as it stands in an attribute, its entities decoded. `bare`: where no scheme is
 * written, a host stands in front ("www.example.org/…"), as in plain text; otherwise that is a
 * relative reference, which leads nowhere new. 0; or -EINVAL. Texts are in `arena` or in `text`. */
int url_parse(struct slice text, bool bare, struct arena *arena, struct url *ret);

/* Takes the next thing that a mail reader would turn into a link, "http://…", "https://…",
 * "ftp://…" or "www.…", off the front of *text, with what stands before it. False, and *text is
 * empty, when there is none. What follows a sentence is not part of it. */
bool url_find(struct slice *text, struct slice *ret);

/* Is the text nothing but a host's name with a top-level domain that exists, or does it begin with
 * what url_find finds? Then *ret is what url_parse takes, with `bare`. */
bool url_shown(struct slice text, struct slice *ret);
