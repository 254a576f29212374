/* What was found out about the sender's domain, as fields for the programs behind:
 * Authentication-Results (RFC 8601) and, where the configuration wants it, Received-SPF (RFC 7208
 * 9.1). */
#include <errno.h>

#include "auth/auth_results.h"
#include "auth/received_spf.h"
#include "fact/fact.h"
#include "fact/known_client.h"
#include "fact/sender_checks.h"
#include "smtp/session.h"

bool sender_report_wanted(const struct session *s)
{
    const struct conf *c = s->server->conf;
    return s->server->resolver != NULL && (c->authentication_results || c->received_spf) &&
           !judge_trusts(s);
}

/* ---- asking: all that no rule has asked for, together ---- */

struct check {
    const struct evidence *e;
    int (*run)(const struct evidence *e);
    const struct once *once; /* done: a rule has asked */
    int result;
};

static int run_name(const struct evidence *e)
{
    struct value ignored;
    return fact_client_name(e, NULL, &ignored);
}

static int run_arc(const struct evidence *e)
{
    const struct arc_outcome *ignored;
    return sender_arc(e, &ignored);
}

static int run_dkim(const struct evidence *e)
{
    const struct dkim_outcome *ignored;
    return sender_dkim(e, &ignored);
}

static int run_dmarc(const struct evidence *e)
{
    const struct dmarc_outcome *ignored;
    return sender_dmarc(e, &ignored);
}

static void check_task(void *arg)
{
    struct check *c = arg;
    c->result = c->run(c->e);
}

static int run_together(const struct evidence *e)
{
    const struct sender_checks *c = e->checks;
    struct check checks[] = {{e, run_name, &e->known_client->once, 0},
                             {e, run_arc, &c->arc_once, 0},
                             {e, run_dkim, &c->dkim_once, 0},
                             {e, run_dmarc, &c->dmarc_once, 0}};
    const size_t count = sizeof(checks) / sizeof(checks[0]);
    struct scope scope;
    bool canceled = false;
    scope_enter(&scope);
    for (size_t i = 0; i < count; i++) {
        if (checks[i].once->done) {
            continue;
        }
        if (i + 1 == count || task_spawn(rt_self(), &scope, check_task, &checks[i]) < 0) {
            check_task(&checks[i]);
        }
    }
    scope_join(&scope);
    scope_leave(&scope);
    for (size_t i = 0; i < count; i++) {
        canceled = canceled || checks[i].result == -ECANCELED;
    }
    return canceled ? -ECANCELED : 0;
}

/* ---- writing ---- */

/* By RFC 8601 2.7.3 an address without any name is a permerror, and a fail only one whose names do
 * not lead back. */
static struct auth_iprev iprev_of(const struct evidence *e)
{
    struct value name = {0}, ptr = {0};
    struct auth_iprev iprev = {.result = AUTH_TEMPERROR, .client = e->client};
    if (fact_client_name(e, NULL, &name) < 0 || name.state != VALUE_KNOWN ||
        fact_client_ptr(e, NULL, &ptr) < 0) {
        return iprev;
    }
    iprev.result = name.text.n > 0                                  ? AUTH_PASS
                   : ptr.state == VALUE_KNOWN && ptr.set.count == 0 ? AUTH_PERMERROR
                                                                    : AUTH_FAIL;
    iprev.name = name.text;
    return iprev;
}

static void write_results(struct session *s, const struct spf_outcome *spf, struct buf *fields)
{
    const struct evidence *e = &s->evidence;
    const struct conf *c = s->server->conf;
    const struct auth_iprev iprev = iprev_of(e);
    struct auth_report report = {
        .id = slice_of(c->authserv_id),
        .iprev = &iprev,
        .spf = spf,
        .sender = e->sender,
        .helo = e->checks->origin.helo,
    };
    if (sender_dkim(e, &report.dkim) < 0) {
        report.dkim = NULL;
    }
    if (sender_arc(e, &report.arc) < 0) {
        report.arc = NULL;
    }
    if (sender_dmarc(e, &report.dmarc) < 0) {
        report.dmarc = NULL;
    }
    buf_append_slice(fields, auth_results_write(&report, e->arena));
}

static void write_received_spf(struct session *s, const struct spf_outcome *spf, struct buf *fields)
{
    const struct evidence *e = &s->evidence;
    const struct received_spf received = {
        .receiver = slice_of(s->server->conf->hostname),
        .outcome = spf,
        .identity_helo = e->sender.n == 0,
        .client = e->checks->origin.host,
        .sender = e->sender,
        .helo = e->checks->origin.helo,
    };
    buf_append_slice(fields, received_spf_write(&received, e->arena));
}

int sender_report_check(struct session *s)
{
    struct client_watch watch;
    if (!sender_report_wanted(s)) {
        return 0;
    }
    client_watch_begin(s, &watch);
    int r = run_together(&s->evidence);
    return client_watch_end(s, &watch, r);
}

void sender_report_write(struct session *s, struct buf *fields)
{
    const struct spf_outcome *spf;
    if (!sender_report_wanted(s)) {
        return;
    }
    bool has_spf = sender_spf(&s->evidence, &spf) == 0;
    if (s->server->conf->authentication_results) {
        write_results(s, has_spf ? spf : NULL, fields);
    }
    if (s->server->conf->received_spf && has_spf && s->evidence.checks->origin.known) {
        write_received_spf(s, spf, fields);
    }
}
