/* Too many at a time: who waits for a place, in which order places are given, and who has to go.
 *
 * Nobody is refused at once. When there is no place for a client that is to be greeted it stays in
 * the lobby, up to `limit shed_time`; when the lobby itself is full the one with the worst standing
 * goes. A client's standing is worse the more sessions its network has (by powers of two); those
 * that will be refused anyway, or spoke before they were greeted, come last. Of equal ones the one
 * that came first gets a place first, and has to go last. The worse its standing, the more of the
 * last places it leaves to others (proc/gate.c). So a crowd from one network keeps nobody else out,
 * however large it is. docs/decisions/015 says what was tried. */
#pragma once

#include "smtp/lobby.h"

/* What a guest's standing is, when its network has `network` sessions beside it: the less the
 * better. */
uint8_t crowd_rank(unsigned network);

/* Lists a guest that waits for its greeting by rule, or, with its state GUEST_QUEUED, for a place.
 */
void crowd_enlist(struct guest *g);

/* Makes it wait for a place; its connect rules are through when `judged`. */
void crowd_queue(struct guest *g, bool judged);

/* Ends the waiting of one whose standing is worse than this guest's; false when there is none. */
bool crowd_make_way(const struct guest *g);

/* A place may be free: called when a session has ended. */
void crowd_place_free(struct smtp_server *srv);

void crowd_init(struct smtp_server *srv);
void crowd_fini(struct smtp_server *srv);
