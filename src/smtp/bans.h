/* Bans in the conversation: whom the policy's `ban` rules ban, whom they cannot, and what
 * client.banned says. The bans themselves are records of the memory (store/ban.h), which all
 * workers see at once and which outlive a restart.
 *
 * An allow beats a ban: addresses in the table `trusted`, configured proxies, and connections that
 * a connect rule trusts are never banned, and client.banned is not true for them, whoever has
 * banned them. */
#pragma once

#include "policy/evaluate.h"
#include "smtp/server.h"

/* What the connect rules will say of a client, as far as they can be walked without asking. */
enum connect_trust { TRUST_NOT, TRUST_PERHAPS, TRUST_CERTAIN };

/* Walks them, remembers nothing, and never suspends. `e` as at connect. */
enum connect_trust connect_trust(const struct policy *p, const struct evidence *e);

/* client.banned: 1, 0, or a negative errno when the memory cannot tell. Never suspends. */
int bans_hold(const struct smtp_server *srv, const struct evidence *e);

/* Carries out the ban rules that fired behind `behind` (NULL: all). With `trusted`, by a connect
 * rule, and for others that are never banned, they are marked as being without effect. Where there
 * is no memory nobody is banned. */
void bans_enforce(const struct smtp_server *srv, const struct addr *client, struct ruling *r,
                  struct fired *behind, bool trusted);
