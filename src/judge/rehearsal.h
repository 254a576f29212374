/* One message, rehearsed: the real session, from the connection to the decision line, in the
 * simulated world (rt/sim.h). The clock is pretended, so that waits cost nothing; so are the
 * network, the next hop, which takes everything (hop_pools_assume), and what a host remembers of
 * other mail, which is nothing. The DNS says what a zone says, and without one there is no DNS.
 * Nobody is connected to, and nothing is written anywhere.
 *
 * One rehearsal serves any number of messages, one after the other, and none is told of another:
 * the same case has the same outcome whatever came before it.
 *
 * Room for what comes: scanners that may really be asked live outside of the simulated world: their
 * client will be handed a call that runs in the pretended file thread (rt_call, RT_CALL_FILE),
 * which blocks for real while pretended time stands still, and which lasts as long as it says it
 * did. */
#pragma once

#include "client/zone.h"
#include "conf/conf.h"
#include "judge/client.h"
#include "policy/policy.h"

struct rehearsal;

/* Lines for the operator: lists of recipients that cannot be read. */
typedef void rehearsal_tell(void *arg, bool trouble, const char *line);

/* Reads the configuration's lists of recipients. `dns`: NULL for none. `door`: to inspectors
 * (client/inspector.h), the rehearsal's from now on; -1 for none. Policy, configuration and zone
 * must outlive it. */
struct rehearsal *rehearsal_new(const struct conf *conf, const struct policy *policy,
                                const struct zone *dns, int door, rehearsal_tell *tell, void *arg);
/* NULL allowed; returns NULL. */
struct rehearsal *rehearsal_free(struct rehearsal *r);

/* Valid until the next rehearsal_run. */
struct judge_outcome {
    struct slice line; /* the decision line, without its end */
    /* Of what the line says: */
    struct slice verdict;
    uint16_t code; /* of the reply; 0: none */
    struct slice enhanced;
    struct slice text;
    struct slice rule;  /* where it stands; "" when none decided */
    struct slice reply; /* the client's last that was no yes: "501 5.5.4 text"; "" */
};

/* Has the message come in. 0; or -EPROTO when no decision came of it, which is a mistake of ours.
 */
int rehearsal_run(struct rehearsal *r, const struct judge_case *c, struct judge_outcome *ret);
