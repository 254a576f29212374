/* What a Received field says of the host that a message came from: the "from" clause of RFC
 * 5321 4.4, in the forms that mail servers really write.
 *
 * Whoever wrote the field chose the form; the greeting in it was chosen by the host it came from,
 * and may pretend to be the rest of the clause. So the address is the last one in the clause that
 * does not belong to a greeting: servers write it there, behind the greeting. */
#pragma once

#include "base/addr.h"
#include "base/slice.h"

/* Of a longer clause no more is looked at. */
#define RECEIVED_FROM_MOST 1024

struct received_from {
    struct slice helo;   /* as said in the greeting, within the field; "" where it is not told */
    struct addr address; /* port 0; family ADDR_NONE where there is none */
};

/* Takes the field's body, with its folds. False when it has no "from" clause: a message that was
 * submitted there and not received. */
bool received_from_parse(struct slice body, struct received_from *ret);
