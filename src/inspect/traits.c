/* See inspect/traits.h. */
#include "inspect/traits.h"

const struct trait_row trait_rows[TRAITS] = {
#define HEADER_TRAIT(ident, name, prose) {FINDING_OF_MIME_ANOMALIES, name, prose},
#define HTML_TRAIT(ident, name, prose)   {FINDING_OF_HTML_TRAITS, name, prose},
#define TEXT_TRAIT(ident, name, prose)   {FINDING_OF_TEXT_TRAITS, name, prose},
#define URL_TRAIT(ident, name, prose)    {FINDING_OF_URL_TRAITS, name, prose},
#include "tbl/traits.h"
#undef HEADER_TRAIT
#undef HTML_TRAIT
#undef TEXT_TRAIT
#undef URL_TRAIT
};

void inspect_trait(struct inspect_run *run, enum trait which)
{
    inspect_add_name(run, trait_rows[which].finding, trait_rows[which].name);
}
