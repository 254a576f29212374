/* What is found out about the sender's domain, once for each transaction: SPF, DKIM, ARC and DMARC
 * (src/auth), and of a forwarder's mail whom it came from. Facts and the Authentication-Results
 * field are both made of it. */
#pragma once

#include "auth/arc.h"
#include "auth/dkim.h"
#include "auth/dmarc.h"
#include "auth/spf.h"
#include "fact/evidence.h"
#include "fact/names.h"
#include "rt/once.h"

struct other_side;
struct signed_message;

/* The host that a message is judged by. */
struct message_origin {
    bool known;       /* else a forwarder has it from somebody who is not named */
    bool unsure;      /* or whether the client is a forwarder could not be looked up */
    bool forwarded;   /* another than the client */
    struct addr host; /* port 0 when forwarded */
    struct slice helo;
};

struct sender_checks {
    struct signed_message *message; /* hashed while it came in; NULL: it was not */
    struct once origin_once, spf_once, dkim_once, arc_once, dmarc_once;
    struct message_origin origin;
    struct spf_outcome spf;
    struct dkim_outcome dkim;
    struct arc_outcome arc;
    struct dmarc_outcome dmarc;
    struct once envelope_names_once, message_names_once;
    struct names names; /* of the other side: those of the envelope, then the message's */
    struct other_side *envelope_identity; /* what is remembered of these; NULL: not asked yet */
    struct other_side *message_identity;
    bool awaits_origin; /* something was asked that only the message's header can tell */
};

/* The time for one of them, from now on. */
struct auth_clock sender_clock(const struct evidence *e);

/* Each is found out when it is first asked for, however many ask at a time; the outcome is valid as
 * long as the transaction. Suspends, no longer than limit auth_time. 0; -ENODATA where it cannot be
 * known here and now: there is no DNS, or no message yet; -ECANCELED. */
int sender_spf(const struct evidence *e, const struct spf_outcome **ret);
int sender_dkim(const struct evidence *e, const struct dkim_outcome **ret);
int sender_arc(const struct evidence *e, const struct arc_outcome **ret);
int sender_dmarc(const struct evidence *e, const struct dmarc_outcome **ret);
int sender_origin(const struct evidence *e, const struct message_origin **ret);

/* Is the client a forwarder, by its address or its confirmed name? 0, -EAGAIN when its name could
 * not be looked up, -ECANCELED. */
int sender_by_forwarder(const struct evidence *e, bool *ret);

/* The SPF result of the name in EHLO. As sender_spf, in the arena of that name; not kept. */
int sender_spf_helo(const struct evidence *e, struct spf_outcome *ret);
