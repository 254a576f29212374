/* Banned clients, seen by all workers of this host. In shared memory like store/marks.h, but a ban
 * has no owner: it ends by its time alone, or with the master.
 *
 * Who is banned is an IPv4 address or the /64 of an IPv6 address. Times are rt_now's clock, which
 * is the same in all processes of a host. */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/time.h"

struct bans;

/* Octets to map for `capacity` bans at a time, and the same memory made ready (once, by the
 * master). */
size_t bans_memory(size_t capacity);
struct bans *bans_init(void *memory, size_t capacity);
void bans_fini(struct bans *b);

/* Bans the client (its port is not looked at) until then; a ban that ends later stays. Does nothing
 * when `until` is over or the address is none. There is always a place: with far more bans than the
 * capacity the one that would end first, of those nearby, is forgotten for it. */
void bans_add(struct bans *b, const struct addr *client, usec_t until, usec_t now);

/* When the client's ban ends; 0 when it is not banned. Takes no lock while nobody at all is. */
usec_t bans_until(struct bans *b, const struct addr *client, usec_t now);

/* Living bans, for tests and figures. */
size_t bans_count(struct bans *b, usec_t now);
