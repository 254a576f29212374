/* A sender's address as it is the same each time: what programs put into the local part anew for
 * each message, or each recipient, is taken out. For keys and tables only, never for mail.
 *
 *     user+token@example.org                   user@example.org
 *     prvs=1234abcdef=user@example.org         user@example.org                (BATV)
 *     bounce-123-anna=example.net@example.org  bounce-#@example.org            (VERP)
 *     SRS0=HHH=TT=example.net=user@example.org srs0=#=example.net@example.org  (SRS)
 *
 * Letters are lowered throughout: senders that differ in case alone are one here. */
#pragma once

#include "base/slice.h"

#define SENDER_FORM_MAX 320

/* Of a reverse-path's mailbox; "" gives "". Text beyond SENDER_FORM_MAX octets is cut. Any octets
 * may come. The same text again gives itself. */
struct slice sender_form(struct slice mailbox, char ret[static SENDER_FORM_MAX]);
