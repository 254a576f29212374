/* The DNS: questions and their answers (resolver_ask), and the addresses of next hops, for which
 * /etc/hosts comes first (resolver_addresses). One resolver for each worker; in the simulated world
 * it knows a zone file or a table, and nothing else.
 *
 * Nothing is asked that no caller has asked for. What an answer means for mail is not decided here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/time.h"
#include "conf/conf.h"
#include "parse/dns_name.h"
#include "parse/dns_record.h"

struct resolver;
struct rt;
struct zone;

/* Who is asked, and what is read when a resolver is made; NULL: no such file. */
struct resolver_setup {
    enum conf_resolver way;
    const char *hosts;       /* in the form of hosts(5) */
    const char *resolv_conf; /* CONF_RESOLVER_SYSTEM: in the form of resolv.conf(5), of which only
                                nameserver counts */
    const struct addr *servers; /* CONF_RESOLVER_SERVERS */
    size_t server_count;
    const char *root_hints;   /* CONF_RESOLVER_RECURSIVE: a root of one's own, in master format */
    const char *trust_anchor; /* keys of the root, as DNSKEY or DS records; NULL: nothing is
                                 validated */
    usec_t question_time;     /* for one question; 0: until libunbound gives up */
    size_t cache;             /* octets for answers at hand; 0: no cache of ours */
    unsigned sockets;         /* that questions may have at a time; 0: 256 */
};

/* Told once for each thing about these files that the operator should know. */
typedef void resolver_tell(void *arg, const char *line);

/* A resolver in the real world; reads its files now and opens none later. As resolv.conf(5) has it,
 * the servers are at 127.0.0.1 where no file names any. 0 or a negative errno: -ENOMEM, -ENOTSUP
 * where libunbound cannot use our loop, -EINVAL for a server, trust anchor or root hints that it
 * does not take. */
int resolver_new(struct rt *rt, const struct resolver_setup *setup, resolver_tell *tell, void *arg,
                 struct resolver **ret);

/* Would trust anchor and root hints be taken? 0, or -EINVAL with the file to blame in *ret_culprit
 * and what is wrong with it in *ret_why. */
int resolver_check(const struct resolver_setup *s, const char **ret_culprit, const char **ret_why);

/* Is there a DNS to be asked, or /etc/hosts alone? */
bool resolver_has_dns(const struct resolver *r);

/* A resolver that knows this table in the form of hosts(5), and what client/host_table.h adds to
 * it: "fails NAME" and "silent NAME". */
struct resolver *resolver_of_table(struct rt *rt, struct slice text);
/* Another table from now on, as when somebody has changed the DNS. */
void resolver_set_table(struct resolver *r, struct slice text);

/* A resolver that knows a zone (client/zone.h) and nothing else; each of its answers takes the
 * zone's latency, none is kept, and no question has a time of its own. The zone must live as long.
 */
struct resolver *resolver_of_zone(struct rt *rt, const struct zone *zone);
/* Another zone from now on; the one before must live as long, too, for answers under way. */
void resolver_set_zone(struct resolver *r, const struct zone *zone);
/* Keeps its answers from now on, in so many octets, as the real world's does; another zone begins
 * with none. */
void resolver_keep_answers(struct resolver *r, size_t octets);

/* No task may wait on it any more. NULL allowed; returns NULL. */
struct resolver *resolver_free(struct resolver *r);

/* ---- questions ---- */

enum dns_state {
    DNS_ANSWER,   /* at least one record */
    DNS_NODATA,   /* the name is there, such records are not */
    DNS_NO_NAME,  /* NXDOMAIN */
    DNS_BOGUS,    /* DNSSEC's validation says that it is forged, or its zone is broken */
    DNS_FAILED,   /* SERVFAIL, REFUSED, nonsense, servers out of reach */
    DNS_TIMED_OUT /* nothing came by the deadline */
};

/* "answer" "nodata" "nxdomain" "bogus" "servfail" "timeout" */
const char *dns_state_name(enum dns_state state);

/* Does the answer say how it is? Otherwise nobody knows, and nothing follows from it. */
static inline bool dns_state_is_sure(enum dns_state state)
{
    return state == DNS_ANSWER || state == DNS_NODATA || state == DNS_NO_NAME;
}

struct dns_answer {
    enum dns_state state;
    bool secure;                      /* validated by DNSSEC */
    bool cached;                      /* from our own cache */
    bool cut;                         /* there were more records than DNS_RECORDS_MOST */
    usec_t ttl;                       /* what is left of it */
    const struct dns_name *canonical; /* where CNAMEs led; NULL for FAILED, BOGUS, TIMED_OUT */
    const struct dns_record *records;
    size_t count; /* 0 but for an ANSWER */
};

struct dns_question {
    struct dns_name name;
    enum dns_type type;
    struct dns_answer answer; /* set by resolver_ask */
};

/* Asks all of them together, and waits until the last answer has come or the deadline: what has not
 * come by then is DNS_TIMED_OUT, and goes on, so that a later caller finds it. So is what has not
 * come within the time of one question. What somebody else has asked already is not asked twice.
 * What answers point
 * to is in `arena`. Suspends. 0; or -ECANCELED, and no answer is set. */
int resolver_ask(struct resolver *r, struct dns_question *questions, size_t n, usec_t deadline,
                 struct arena *arena);

/* The same with one question. */
int resolver_ask_one(struct resolver *r, const struct dns_name *name, enum dns_type type,
                     usec_t deadline, struct arena *arena, struct dns_answer *ret);

/* ---- addresses of next hops ---- */

/* The addresses of a host, at most `max` of them, port 0: IPv6 in front, otherwise as the answer
 * has them. A name in /etc/hosts is not asked for in the DNS. A and AAAA are asked for together;
 * when one has brought addresses the other is waited for half a second more.
 *
 * Suspends until the deadline. 0 with *ret_n > 0; -ENOENT: there is no such name, or it has no
 * address (so says the DNS), or it is no name of a host (RFC 1123 2.1); -EAGAIN: the DNS could not
 * say (SERVFAIL, servers out of reach); -ETIMEDOUT, -ECANCELED. What is asked for goes on, so that
 * a later caller finds the answer. */
int resolver_addresses(struct resolver *r, const char *host, usec_t deadline, struct addr *ret,
                       size_t max, size_t *ret_n);

/* ---- how it is ---- */

struct resolver_stats {
    uint64_t lookups;   /* calls of resolver_addresses */
    uint64_t asked;     /* questions to the DNS */
    uint64_t cached;    /* answered from our cache instead */
    uint64_t joined;    /* answered by a question that somebody else had asked already */
    uint64_t failed;    /* of those asked: SERVFAIL, bogus, or no answer that could be used */
    uint64_t timed_out; /* no answer within the time of one question */
    uint64_t under_way; /* just now */
    uint64_t waiting;   /* just now: for others to come to their end first */
};

const struct resolver_stats *resolver_stats(const struct resolver *r);

/* Told when the DNS has come to be broken (`why` says in which way), and when it is well again. */
typedef void resolver_turned(void *arg, bool broken, const char *why);

/* From now on finds out, at once and every few minutes, whether the DNS answers and, where it is
 * validated, whether that works. Once; harmless where there is no DNS. */
void resolver_watch(struct resolver *r, resolver_turned *tell, void *arg);

struct resolver_health {
    bool known;          /* it was found out */
    const char *trouble; /* one plain phrase; NULL: there is none */
    usec_t since;        /* when it came to be so, by the monotonic clock */
};

const struct resolver_health *resolver_health(const struct resolver *r);

/* Are answers validated? */
bool resolver_validates(const struct resolver *r);
