/* What is remarkable about a message's words, by the rows of tbl/traits.h. */
#pragma once

#include "inspect/inspect_impl.h"

enum trait {
#define HEADER_TRAIT(ident, name, prose) HEADER_##ident,
#define HTML_TRAIT(ident, name, prose)   HTML_HAS_##ident,
#define TEXT_TRAIT(ident, name, prose)   TEXT_HAS_##ident,
#define URL_TRAIT(ident, name, prose)    URL_HAS_##ident,
#include "tbl/traits.h"
#undef HEADER_TRAIT
#undef HTML_TRAIT
#undef TEXT_TRAIT
#undef URL_TRAIT
    TRAITS
};

struct trait_row {
    enum finding_id finding; /* whose member it is */
    const char *name;
    const char *prose;
};

extern const struct trait_row trait_rows[TRAITS];

/* Enters it among the members of its finding. */
void inspect_trait(struct inspect_run *run, enum trait which);
