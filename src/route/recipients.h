/* What is true of recipients (DESIGN "Recipients"), beyond what the next hop says of them in the
 * client's own transaction: what it said before, whether it accepts anything, and lists, databases
 * and servers that know better (`recipients … from …`). One for each worker. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "conf/conf.h"
#include "route/answer.h"
#include "route/hop.h"
#include "rt/rt.h"

struct recipients;
struct store;

/* Lines for the operator. */
typedef void recipients_tell(void *arg, bool trouble, const char *line);

/* Reads the lists now, in the caller, and looks at them again while it lives: files that cannot be
 * read are told of, and leave their domains' recipients unknown until they can. The others outlive
 * it. */
struct recipients *recipients_new(struct rt *rt, const struct conf *conf, struct hop_pools *pools,
                                  struct store *store, recipients_tell *tell, void *arg);
/* From now on nobody is asked, and nothing is remembered of one recipient for the next: lists and
 * databases that can be read are used as they are now; a list that cannot, and a server, is taken
 * to know every recipient; nobody accepts all. For a rehearsal (src/judge). */
void recipients_assume(struct recipients *r);
/* The worker is about to end: what goes on by itself ends soon. NULL allowed. */
void recipients_drain(struct recipients *r);
/* All tasks have ended. NULL allowed; returns NULL. */
struct recipients *recipients_free(struct recipients *r);

/* Would its lists and queries do? 0; or -EINVAL with *ret_error, which names line and column. Reads
 * files: for `gatepost check`, and before anything is begun. */
int recipients_check(const struct conf *conf, const char *file, struct conf_error *ret_error);

/* A recipient of a transaction. */
struct recipient_question {
    const struct conf_route *route;
    const struct envelope *envelope;
    struct slice mailbox;
    struct slice local_part; /* unquoted */
    struct slice domain;
    struct arena *arena; /* for answers */
};

/* What can be answered without the next hop: 1 and *ret, the answer to RCPT; 0: the next hop is to
 * be asked; -ECANCELED. Answered are: what is not in the list of its domain (550 5.1.1), or what a
 * list that cannot be read, or a server that cannot be asked, would have to tell (451); what the
 * server behind `recipients` refuses, in its own words; and what the next hop did not know a few
 * minutes ago, in its words of then. Suspends. `r` NULL: 0. */
int recipients_before(struct recipients *r, const struct recipient_question *q, struct answer *ret);

/* The next hop's answer, which is remembered; `hop` is the name of the one that gave it. Where it
 * could not be asked, answer->known_before becomes true if it has known the recipient. Never waits.
 * `r` NULL: nothing. */
void recipients_after(struct recipients *r, const struct recipient_question *q, struct slice hop,
                      struct answer *answer);

/* The next hop has refused the sender or the recipient at delivery: its yes counts no more. Never
 * waits. `r` NULL: nothing. */
void recipients_refused(struct recipients *r, const struct conf_route *route, struct slice mailbox);

/* route.accept_all: does a hop that is asked about this domain's recipients just now accept any
 * address? False for a domain with a list, and for a Maildir. 0, *ret, and in *ret_source who says
 * so; -EAGAIN: it cannot be said; -ETIMEDOUT, -ECANCELED. Suspends. */
int recipients_accept_all(struct recipients *r, const struct recipient_question *q, bool *ret,
                          enum value_source *ret_source);

/* A hop that accepts any address of a domain, for `gatepost status`. */
struct accept_all_figure {
    const char *server; /* as the configuration names it */
    const char *domain;
    usec_t seen; /* when this worker has learned it, in microseconds since 1970 */
};

/* At most `max` of them, the newest first; returns how many there are. Texts are valid until
 * anything else here is called. `r` NULL: none. */
size_t recipients_accepting_all(const struct recipients *r, struct accept_all_figure *ret,
                                size_t max);
