/* Inspectors of one's own, for who has no master: a rehearsal, a test. They are as confined as any
 * other, and replaced when they die of a message. */
#pragma once

#include "conf/conf.h"

struct inspector_own;

/* Starts so many, with the limits of `conf`. 0 or a negative errno. Forks: before there is a
 * thread. */
int inspector_own_new(const struct conf *conf, unsigned count, struct inspector_own **ret);

/* The door to them, as inspector_new takes it (client/inspector.h): a new descriptor each time,
 * which is the caller's; or a negative errno. */
int inspector_own_door(const struct inspector_own *i);

/* Waits until they have ended, as they do when nobody has a door to them any more; one that is at a
 * message has its limit of time. NULL allowed; returns NULL. */
struct inspector_own *inspector_own_free(struct inspector_own *i);
