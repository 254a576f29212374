/* What an inspector says of one message: asked for once, however many facts want it.
 *
 * Facts reach it through evidence_ops.inspected; the conversation has one for each transaction. */
#pragma once

#include "base/arena.h"
#include "base/counters.h"
#include "conf/conf.h"
#include "message/message.h"
#include "parse/inspection.h"
#include "parse/inspection_request.h"
#include "rt/once.h"

struct inspector;
struct killers;

/* For all that is done to a message until it is answered (DESIGN "Commit"). */
#define INSPECTED_TIME (60 * USEC_SEC)

/* Who may be asked, and for what. */
struct inspected_by {
    const struct conf *conf;
    struct inspector *inspector; /* NULL: there is none */
    struct killers *killers;     /* NULL: those that kill are not remembered */
    struct counters *counts;
    uint32_t work; /* of enum inspect_work: what the policy's facts rest on */
};

/* Starts zeroed, and lasts as long as the message. */
struct inspected {
    struct once once;
    int error;
    struct inspection inspection;
};

/* How far messages are taken apart, by the limits inspect_*. */
struct inspection_limits inspected_limits(const struct conf_limits *l);

/* From now on these patterns are looked for (parse/inspection_request.h). Where that is not
 * possible they are in no message, and what asks for them is unknown. */
void inspected_set_patterns(const struct inspected_by *by, struct slice octets, size_t group_count);

/* 0 and *ret, which is in `i` and `arena`. -ENODATA where there is no inspector; -ETIMEDOUT; -EIO
 * when it died of the message, now or within the last hour, or could not be asked; -ECANCELED.
 * Suspends. */
int inspected_ask(struct inspected *i, const struct inspected_by *by, struct message *m,
                  struct arena *arena, const struct inspection **ret);
