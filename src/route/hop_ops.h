/* What each kind of next hop provides behind route/hop.h. Private to src/route. */
#pragma once

#include "route/hop.h"
#include "route/hop_pool.h"

struct hop_ops {
    int (*rcpt)(struct hop *h, struct hop_recipient *r, usec_t deadline);
    /* NULL: there is nothing to hold */
    int (*hold)(struct hop *h, struct message *m, struct hop_recipient *const *r, size_t count,
                usec_t deadline);
    int (*prepare)(struct hop *h, struct message *m, struct hop_recipient *const *r, size_t count,
                   usec_t deadline);
    int (*commit)(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline);
    int (*commit_wait)(struct hop *h, struct hop_recipient *const *r, size_t count,
                       usec_t deadline);
    void (*end)(struct hop *h);
    const char *(*kind)(const struct hop *h);
};

struct hop {
    const struct hop_ops *ops;
    struct hop_story story;
};

/* Live in `arena`; what else they own is given back by `end`. */
struct hop *smtp_hop_begin(struct hop_pools *pools, const struct conf_route *route,
                           const struct envelope *envelope, struct arena *arena);
struct hop *maildir_begin(struct hop_pools *pools, const struct conf_route *route,
                          const struct envelope *envelope, struct arena *arena);
/* Stands for any of them where none may be asked: see hop_pools_assume. */
struct hop *assumed_hop_begin(const struct envelope *envelope, struct arena *arena);

/* Gives every wanted recipient the same answer. */
void hop_answer_all(struct hop_recipient *const *r, size_t count, const struct answer *answer);

/* Addresses come validated; all the same nothing with a CR, LF or other control character, nor an
 * empty recipient, may ever be written into a command or a header. False, with the answer. */
bool hop_address_safe(const struct envelope *envelope, const struct hop_recipient *r,
                      struct answer *ret_answer);
