/* Findings of what people read (inspect/inspect_impl.h). */
#include "inspect/inspect_impl.h"

void inspect_text_part(struct inspect_run *run, const struct inspect_part *part)
{
    inspect_rules_match(run, PATTERN_IN_BODY, part->octets);
}

void inspect_finish_text(struct inspect_run *run)
{
    (void)run;
}
