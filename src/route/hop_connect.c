/* From a hop of the configuration to a connection: by address, by name, or by path. */
#include <errno.h>
#include <stdio.h>

#include "base/counters.h"
#include "client/resolver.h"
#include "route/hop_conn.h"
#include "route/hop_pool.h"

/* Addresses of one name that are tried. */
#define ADDRESSES_MAX 16

/* An attempt is given so much at least, but never more than half of what others may need. */
#define SHARE_LEAST (5 * USEC_SEC)

usec_t hop_share(usec_t until, unsigned left)
{
    usec_t now = rt_now();
    if (left <= 1 || until <= now) {
        return until;
    }
    usec_t half = (until - now) / 2;
    usec_t share = (until - now) / left;
    if (share < SHARE_LEAST) {
        share = SHARE_LEAST < half ? SHARE_LEAST : half;
    }
    return now + share;
}

static void count_one(struct counters *counts, const struct hop_conn *c)
{
    counts->hop_connections++;
    counts->hop_tls += c->tls[0] != '\0';
    counts->hop_tls_resumed += c->tls_resumed;
    counts->hop_clear += c->tls_unused[0] != '\0';
}

static int open_at(struct hop_pool *p, const struct addr *to, usec_t until, struct hop_conn **ret,
                   struct hop_fault *ret_fault)
{
    int rc = hop_conn_open(p->hop, to, &p->tls, p->pools->conf->hostname, until, ret, ret_fault);
    if (rc == 0) {
        (*ret)->pool = p;
        count_one(p->pools->counts, *ret);
        if ((*ret)->extended) { /* who refuses EHLO has said nothing of what it can do */
            hop_abilities_learn(p, &(*ret)->can);
        }
    }
    p->pools->counts->hop_tls_required += rc < 0 && ret_fault->enhanced != NULL;
    return rc;
}

/* What RFC 3463 has for a name that could not be looked up: 4.4.4, no routing information; 4.4.3,
 * the directory server is out of order. Never a 5xx: mail is not lost for what our DNS says. */
static int no_addresses(int rc, bool in_dns, struct hop_fault *ret_fault)
{
    if (rc == -ECANCELED) {
        return rc;
    }
    bool unknown = rc == -ENOENT;
    ret_fault->reply = unknown ? REPLY_HOP_NO_NAME : REPLY_HOP_NO_DNS;
    (void)snprintf(ret_fault->why, sizeof ret_fault->why, "%s",
                   !unknown ? "its name could not be looked up"
                   : in_dns ? "its name has no address"
                            : "its name is not in /etc/hosts, and there is no resolver");
    return rc == -ETIMEDOUT ? rc : -EHOSTUNREACH;
}

static int open_by_name(struct hop_pool *p, usec_t until, struct hop_conn **ret,
                        struct hop_fault *ret_fault)
{
    struct addr to[ADDRESSES_MAX];
    size_t n = 0;
    int rc = -EAGAIN;
    if (p->pools->resolver != NULL) {
        rc = resolver_addresses(p->pools->resolver, p->hop->host, until, to, ADDRESSES_MAX, &n);
    }
    if (rc < 0) {
        return no_addresses(rc, p->pools->resolver == NULL || resolver_has_dns(p->pools->resolver),
                            ret_fault);
    }
    for (size_t i = 0; i < n; i++) {
        to[i].port = p->hop->addr.port;
        rc = open_at(p, &to[i], hop_share(until, (unsigned)(n - i)), ret, ret_fault);
        if (rc == 0 || rc == -ECANCELED || rt_now() >= until) {
            break;
        }
    }
    return rc;
}

int hop_connect(struct hop_pool *p, usec_t until, struct hop_conn **ret,
                struct hop_fault *ret_fault)
{
    *ret_fault = (struct hop_fault){0};
    return p->hop->host != NULL ? open_by_name(p, until, ret, ret_fault)
                                : open_at(p, &p->hop->addr, until, ret, ret_fault);
}
