/* What a trusted ARC sealer says that it found when it got the message (RFC 8617 7.2.1). */
#pragma once

#include <stdbool.h>

#include "fact/evidence.h"

/* Does one vouch for the message? Only a chain that passes and whose newest signature signs From
 * counts, and of it only what stands behind no sealer that the table `sealers` does not have.
 * Suspends. As sender_arc; -EAGAIN where the DNS could not say. */
int sealer_vouches(const struct evidence *e, bool *ret);
