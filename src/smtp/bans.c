#include "smtp/bans.h"

#include <stdio.h>
#include <string.h>

#include "fact/bans.h"
#include "policy/course.h"
#include "policy/table.h"
#include "rt/rt.h"

/* More than an operator is shown of it. */
#define WHY_MOST 200

/* ---- who is never banned ---- */

static bool is_spared(const struct smtp_server *srv, const struct addr *client)
{
    const struct policy_table *trusted = srv->policy->fact_tables[FACT_TABLE_TRUSTED];
    return (trusted != NULL && table_has_address(trusted, client) == 1) ||
           conf_is_proxy(srv->conf, client);
}

/* Whether a rule trusts is not to depend on a ban that its trust would undo. */
static int not_banned(const struct evidence *e)
{
    (void)e;
    return 0;
}

enum connect_trust connect_trust(const struct policy *p, const struct evidence *e)
{
    struct evidence_ops ops = *e->ops;
    struct evidence alone = *e;
    struct policy_run run;
    struct ruling r;
    struct arena arena;
    arena_init(&arena);
    ops.client_banned = not_banned;
    alone.ops = &ops;
    alone.memos[SCOPE_CONNECTION] = NULL;
    alone.arena = &arena;
    ruling_init(&r, NULL);
    alone.doubts = &r.doubts;
    policy_begin(&run, p, PHASE_CONNECT, 0);
    run.only_yes = true;
    enum policy_step step = policy_step(&run, &alone, &r, 0);
    enum connect_trust trust = step != STEP_DONE           ? TRUST_PERHAPS
                               : ruling_is(&r, RULE_TRUST) ? TRUST_CERTAIN
                                                           : TRUST_NOT;
    arena_free(&arena);
    return trust;
}

int bans_hold(const struct smtp_server *srv, const struct evidence *e)
{
    int r = bans_find(srv->memory, &e->client, e->wall);
    if (r <= 0) {
        return r;
    }
    return !is_spared(srv, &e->client) && connect_trust(srv->policy, e) != TRUST_CERTAIN;
}

/* ---- the rules ---- */

/* "gatepost.conf:23: rcpt.failures >= 20": what an operator is told who asks why. */
static size_t why_banned(const struct rule *rule, char ret[static WHY_MOST])
{
    static const char when[] = " when ";
    const struct slice w = rule->written;
    const char *at = memmem(w.p, w.n, when, sizeof(when) - 1);
    struct slice condition = {"", 0};
    if (at != NULL) {
        condition.p = at + sizeof(when) - 1;
        condition.n = (size_t)(w.p + w.n - condition.p);
    }
    int n = snprintf(ret, WHY_MOST, "%s%s" SLICE_FMT, rule->where, at != NULL ? ": " : "",
                     SLICE_ARG(condition));
    return n < WHY_MOST ? (size_t)n : WHY_MOST - 1;
}

static void carry_out(const struct smtp_server *srv, const struct addr *client,
                      const struct rule *rule)
{
    char why[WHY_MOST];
    usec_t wall = rt_wall_of(srv->rt);
    size_t n = why_banned(rule, why);
    bans_add(srv->memory, client, wall, wall + rule->amount, (struct slice){why, n});
}

void bans_enforce(const struct smtp_server *srv, const struct addr *client, struct ruling *r,
                  struct fired *behind, bool trusted)
{
    for (struct fired *f = behind != NULL ? behind->next : r->first; f != NULL; f = f->next) {
        if (f->rule->kind != RULE_BAN || f->rule->observe) {
            continue;
        }
        f->without_effect = trusted || is_spared(srv, client);
        if (!f->without_effect && srv->memory != NULL) {
            carry_out(srv, client, f->rule);
        }
    }
}
