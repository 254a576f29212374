/* What outside scanners say of a transaction's message: each is asked once, however many facts want
 * it. */
#pragma once

#include "base/arena.h"
#include "conf/conf.h"
#include "fact/evidence.h"

struct message_scans;
struct scan_result;

/* Nothing is asked yet; as long as the arena. `message` is the transaction's, which need not have
 * come in yet, and is only read. */
struct message_scans *message_scans_new(struct arena *arena, struct message *message);

/* Asks the scanner, or waits for the answer that another task is waiting for. *ret is valid as long
 * as the transaction. Suspends. 0; -ENODATA where none can be asked here and now: there is no
 * message, or this is a rehearsal; -ECANCELED. */
int message_scan(const struct evidence *e, enum conf_scanner_kind kind,
                 const struct scan_result **ret);
