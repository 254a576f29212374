/* The table of actions, made from the rows of tbl/actions.h. */
#include "policy/policy.h"

/* The sets of phases that the rows name. */
#define PHASES_ALL            ((1u << PHASE_COUNT) - 1)
#define PHASES_RCPT_ON        (1u << PHASE_RCPT | 1u << PHASE_MESSAGE)
#define PHASES_BEFORE_MESSAGE (PHASES_ALL & ~(1u << PHASE_MESSAGE))

const struct action actions[RULE_KIND_COUNT] = {
#define ACTION(ident, name, verdict, phases, synopsis, prose)                                      \
    [RULE_##ident] = {name, verdict, phases, synopsis, prose},
#include "tbl/actions.h"
#undef ACTION
};
