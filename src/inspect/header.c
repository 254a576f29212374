/* Findings of the message's own header (inspect/inspect_impl.h). */
#include "inspect/inspect_impl.h"

void inspect_header(struct inspect_run *run, struct slice header)
{
    inspect_rules_match(run, PATTERN_IN_HEADER, header);
}
