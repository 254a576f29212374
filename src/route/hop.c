/* Hands each call of a hop transaction to the kind of hop it is for. */
#include "route/hop.h"

#include "route/hop_ops.h"

struct hop *hop_begin(struct hop_pools *pools, const struct conf_route *route,
                      const struct envelope *envelope, struct arena *arena)
{
    struct hop *h = pools->assumed ? assumed_hop_begin(envelope, arena)
                    : route->kind == CONF_ROUTE_MAILDIR
                        ? maildir_begin(pools, route, envelope, arena)
                        : smtp_hop_begin(pools, route, envelope, arena);
    h->story.route = slice_of(route->name);
    return h;
}

int hop_rcpt(struct hop *h, struct hop_recipient *r, usec_t deadline)
{
    return h->ops->rcpt(h, r, deadline);
}

int hop_hold(struct hop *h, struct message *m, struct hop_recipient *const *r, size_t count,
             usec_t deadline)
{
    return h->ops->hold != NULL ? h->ops->hold(h, m, r, count, deadline) : 0;
}

int hop_prepare(struct hop *h, struct message *m, struct hop_recipient *const *r, size_t count,
                usec_t deadline)
{
    return h->ops->prepare(h, m, r, count, deadline);
}

int hop_commit(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline)
{
    return h->ops->commit(h, r, count, deadline);
}

int hop_commit_wait(struct hop *h, struct hop_recipient *const *r, size_t count, usec_t deadline)
{
    return h->ops->commit_wait(h, r, count, deadline);
}

struct hop *hop_end(struct hop *h)
{
    if (h != NULL) {
        h->ops->end(h);
    }
    return NULL;
}

const char *hop_kind(const struct hop *h)
{
    return h->ops->kind(h);
}

const struct hop_story *hop_story(const struct hop *h)
{
    return &h->story;
}

void hop_answer_all(struct hop_recipient *const *r, size_t count, const struct answer *answer)
{
    for (size_t i = 0; i < count; i++) {
        if (r[i]->wanted) {
            r[i]->answer = *answer;
        }
    }
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

bool hop_address_safe(const struct envelope *envelope, const struct hop_recipient *r,
                      struct answer *ret_answer)
{
    if (has_control(envelope->sender)) {
        *ret_answer = answer_ours(553, "5.1.7", "the sender's address cannot be used");
        return false;
    }
    if (r->mailbox.n == 0 || has_control(r->mailbox)) {
        *ret_answer = answer_ours(553, "5.1.3", "the recipient's address cannot be used");
        return false;
    }
    return true;
}
