/* Which hop of the route has a transaction, and how it gets there. Must never be asked for another
 * hop once hop_commit has begun.
 *
 * A hop is chosen (hop_choice.c), a connection to it taken (hop_pool.c), MAIL and RCPT are said.
 * What fails on the way is the hop's failure, and the next hop is tried: no connection, no
 * greeting, 421 or another greeting than 220, EHLO refused, no TLS where it must be; and on a
 * connection that was made, 421, nonsense, no reply in time, or its end. What the hop says to MAIL
 * or RCPT is an answer, be it 4xx or 5xx, and no failure: another hop would be the same server to
 * the outside.
 *
 * A kept connection may have died in the pool without a sign. When it ends, or says 421, before
 * MAIL was answered, all is said once more on a fresh one, to the same hop: that is no failure.
 *
 * Time: all attempts to reach a hop share `limit connect_time`. Each gets its part of what is left,
 * by the number of hops that are well, so that a black hole does not use up what the others need.
 */
#include "route/smtp_hop.h"

#include <errno.h>
#include <stdio.h>

/* Failures are written down as long as they take no more. */
#define FAILED_TOLD 500

/* ---- choosing ---- */

static bool choose(struct smtp_hop *h)
{
    int place = hop_choose(h->pools, h->route, h->passed_over);
    if (place < 0) {
        return false;
    }
    h->pools->counts->hop_failovers += h->passed_over != 0;
    h->place = place;
    h->pool = hop_pool_of(h->pools, h->route->hops[place].hop);
    h->base.story.hop = slice_of(h->pool->hop->name);
    return true;
}

/* For the decision. */
static void tell(struct smtp_hop *h, const char *why)
{
    struct slice *failed = &h->base.story.failed;
    if (failed->n < FAILED_TOLD) {
        *failed = arena_printf(h->arena, SLICE_FMT "%s%s: %s", SLICE_ARG(*failed),
                               failed->n > 0 ? "; " : "", h->pool->hop->name, why);
    }
}

static void pass_over(struct smtp_hop *h)
{
    h->passed_over |= hop_set_of((size_t)h->place);
    h->pool = NULL;
}

/* How the connection is secured, or why there is none, for the decision. */
static void note_security(struct smtp_hop *h)
{
    const struct hop_conn *c = h->conn;
    h->base.story.tls = c != NULL ? arena_copy(h->arena, slice_of(c->tls)) : (struct slice){0};
    h->base.story.tls_unused =
        arena_copy(h->arena, slice_of(c != NULL ? c->tls_unused : h->fault.tls));
}

/* ---- what hops can take ---- */

/* By what it said lately; a hop that nobody has heard for a while might. If not, h->refusal says
 * why. */
static bool might_fit(struct smtp_hop *h, struct hop_pool *pool, uint64_t size)
{
    const struct hop_capabilities *can = hop_abilities_good(pool);
    return can == NULL || hop_fits_envelope(can, h->envelope, size, &h->refusal);
}

/* Is it known of each hop of the route that it cannot take this? */
static bool nobody_fits(struct smtp_hop *h, uint64_t size)
{
    for (size_t i = 0; i < h->route->hop_count; i++) {
        if (might_fit(h, hop_pool_of(h->pools, h->route->hops[i].hop), size)) {
            return false;
        }
    }
    return true;
}

/* The hop that has just been reached cannot take this, and another might: gives the connection
 * back. */
static bool prefers_another(struct smtp_hop *h, uint64_t size)
{
    hop_set passed = h->passed_over | hop_set_of((size_t)h->place);
    struct answer ignored;
    if (hop_fits_envelope(&h->conn->can, h->envelope, size, &ignored) ||
        hop_choices(h->pools, h->route, passed) == 0 || nobody_fits(h, size)) {
        return false;
    }
    hop_pool_give(h->conn);
    h->conn = NULL;
    return true;
}

/* ---- reaching one ---- */

static enum hop_want want(const struct smtp_hop *h)
{
    return h->message != NULL       ? HOP_WANT_MESSAGE
           : h->envelope->unhurried ? HOP_WANT_UNHURRIED
           : h->envelope->slowed    ? HOP_WANT_SLOWED
                                    : HOP_WANT_ENVELOPE;
}

/* A connection to the hop that has been chosen, or to another one. */
static int reach(struct smtp_hop *h, bool fresh, uint64_t size, usec_t deadline)
{
    usec_t until = smtp_hop_until(deadline, h->limits->connect_time);
    int rc = -EHOSTUNREACH;
    while (h->pool != NULL || choose(h)) {
        unsigned choices = hop_choices(h->pools, h->route, h->passed_over);
        struct hop_wish wish = {
            .fresh = fresh,
            .want = want(h),
            .elsewhere = choices > 1,
            .until = hop_share(until, choices),
        };
        if (hop_abilities_fresh(h->pool) && !might_fit(h, h->pool, size)) {
            pass_over(h);
            continue;
        }
        rc = hop_pool_take(h->pool, &wish, &h->conn, &h->fault);
        if (rc == -ECANCELED || (rc == 0 && !prefers_another(h, size))) {
            return rc;
        }
        if (rc < 0) {
            char why[HOP_FAULT_TEXT_MAX];
            tell(h, hop_fault_text(&h->fault, rc, why));
        }
        rc = rc < 0 ? rc : -EHOSTUNREACH;
        pass_over(h);
        if (rt_now() >= until) {
            break;
        }
    }
    return rc;
}

/* ---- opening ---- */

static void answer_each(struct hop_recipient *const *r, size_t count, const struct answer *answer)
{
    for (size_t i = 0; i < count; i++) {
        r[i]->answer = *answer;
    }
}

/* The hop cannot take it, as h->refusal says. */
static void refuse(struct smtp_hop *h, struct hop_recipient *const *r, size_t count)
{
    h->refused = true;
    answer_each(r, count, &h->refusal);
}

/* The transaction on the connection there is: 0, or an error. */
static int begin_on(struct smtp_hop *h, struct hop_recipient *const *r, size_t count, uint64_t size,
                    usec_t deadline)
{
    struct answer answer;
    if (!hop_fits_envelope(&h->conn->can, h->envelope, size, &h->refusal)) {
        refuse(h, r, count);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!hop_fits_recipient(&h->conn->can, r[i], &answer)) {
            answer_each(r, count, &answer);
            return 0;
        }
    }
    int rc = smtp_hop_say(h, r, count, size, deadline);
    if (rc == 0) {
        hop_health_served(h->pool);
        if (h->transaction == 0) {
            answer_each(r, count, &h->refusal);
        }
    }
    return rc;
}

int smtp_hop_open(struct smtp_hop *h, struct hop_recipient *const *r, size_t count, uint64_t size,
                  usec_t deadline)
{
    h->mail_answered = false;
    for (bool fresh = false;;) {
        int rc = h->conn != NULL ? 0 : reach(h, fresh, size, deadline);
        note_security(h);
        if (rc < 0 && rc != -ECANCELED && nobody_fits(h, size)) {
            refuse(h, r, count);
            return 0;
        }
        if (rc < 0) {
            return rc;
        }
        bool used = h->conn->used;
        rc = begin_on(h, r, count, size, deadline);
        if (rc == 0) {
            return 0;
        }
        bool gone = rc != -ECANCELED && rc != -ETIMEDOUT && rc != -EPROTO && rc != -EACCES;
        if (used && gone && !fresh && !h->mail_answered) {
            smtp_hop_drop(h);
            fresh = true;
        } else if (!smtp_hop_lost(h, rc, h->mail_answered ? "RCPT" : "MAIL", deadline)) {
            return rc;
        } else {
            fresh = false;
            h->mail_answered = false;
        }
    }
}

/* ---- failing ---- */

/* Is there a hop to go to? One that is down would only take time. */
static bool has_another(const struct smtp_hop *h)
{
    hop_set passed = h->passed_over | hop_set_of((size_t)h->place);
    return hop_choices(h->pools, h->route, passed) > 0;
}

static void note(struct smtp_hop *h, int error, const char *doing)
{
    char words[HOP_FAULT_TEXT_MAX], text[HOP_FAULT_TEXT_MAX];
    const struct hop_fault none = {0};
    const char *what = error == -ECONNRESET ? "it went away or said 421"
                       : error == -EPROTO   ? "it talked nonsense"
                       : error == -EACCES   ? "it wants TLS or authentication"
                                            : hop_fault_text(&none, error, words);
    (void)snprintf(text, sizeof text, "at %s: %s", doing, what);
    tell(h, text);
    if (h->envelope->probe) {
        return; /* nobody's mail came to nothing: a hop may well let such a question wait */
    }
    if (error == -ETIMEDOUT && !h->mail_answered) {
        hop_health_failed(h->pool, text, h->limits->hop_reply_time);
    } else {
        hop_health_doubt(h->pool, text);
    }
}

bool smtp_hop_lost(struct smtp_hop *h, int error, const char *doing, usec_t deadline)
{
    smtp_hop_drop(h);
    if (error == -ECANCELED || h->pool == NULL) {
        return false;
    }
    note(h, error, doing);
    if (!has_another(h) || rt_now() >= deadline) {
        return false;
    }
    pass_over(h);
    return true;
}

/* ---- rest ---- */

static struct hop_conn *yield_connection(struct hop_rest *rest)
{
    struct smtp_hop *h = container_of(rest, struct smtp_hop, rest);
    struct hop_conn *c = h->conn;
    h->conn = NULL;
    h->state = SMTP_HOP_IDLE;
    h->transaction = 0;
    c->used = true;
    return hop_conn_reset_now(c) ? c : hop_conn_abort(c);
}

void smtp_hop_rest(struct smtp_hop *h)
{
    if (h->conn != NULL && h->state == SMTP_HOP_OPEN) {
        h->rest.yield = yield_connection;
        hop_pool_rest(h->pool, &h->rest, h->accepted == 0 || h->envelope->slowed);
    } else if (h->conn != NULL) {
        hop_pool_give(h->conn);
        h->conn = NULL;
    }
}

void smtp_hop_go_on(struct smtp_hop *h)
{
    hop_pool_rouse(&h->rest);
}
