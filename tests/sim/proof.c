#include "proof.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fatal.h"
#include "house.h"
#include "mail_client.h"
#include "mail_hop.h"
#include "rt/sys.h"
#include "smtp/session.h"

struct trial {
    const struct proof_case *c;
    struct house *house;
    struct mail_hop *hop;
    struct mail_client client;
    struct worker *victim;
    size_t budget_limit;
    bool fired;
    bool fired_in_commit; /* between the commit and the settled ledger */
    bool must_drain;
};

static const char *const fault_texts[] = {
#define X(name, text) text,
    PROOF_FAULTS(X)
#undef X
};

const char *proof_fault_text(enum proof_fault f)
{
    return fault_texts[f];
}

void proof_case_print(const struct proof_case *c, FILE *to)
{
    fprintf(to, "%s%s%s%s, %s at await %llu (seed %llu)", c->maildir ? "maildir" : "smtp",
            c->tls ? " tls" : " plain", c->bdat ? " bdat" : " data",
            c->pipelined ? " pipelined" : " stepwise", fault_texts[c->fault],
            (unsigned long long)c->at, (unsigned long long)c->seed);
}

/* ---- how many copies has a recipient? ---- */

static unsigned count_files(const char *folder)
{
    unsigned n = 0;
    struct dirent *e;
    DIR *d = opendir(folder);
    while (d != NULL && (e = readdir(d)) != NULL) {
        n += e->d_name[0] != '.';
    }
    if (d != NULL) {
        closedir(d);
    }
    return n;
}

static unsigned copies(const struct trial *t, const char *recipient)
{
    if (!t->c->maildir) {
        return mail_hop_copies(t->hop, recipient);
    }
    char folder[160];
    snprintf(folder, sizeof folder, "%s/mail/%.*s/new", t->house->folder,
             (int)strcspn(recipient, "@"), recipient);
    return count_files(folder);
}

static bool has_copy(void *arg, const char *recipient)
{
    return copies(arg, recipient) > 0;
}

/* ---- the faults ---- */

static int file_error; /* given once by the next system call */

static int fail_once(enum sys_op op)
{
    (void)op;
    int e = file_error;
    file_error = 0;
    return e;
}

static void cut_hop(void *arg, struct stream *end, bool accepted)
{
    if (!accepted) {
        sim_cut(end, *(bool *)arg);
    }
}

static void stall_hop(void *arg, struct stream *end, bool accepted)
{
    (void)arg;
    if (!accepted) {
        sim_stall(end);
    }
}

static void cut_client(void *arg, struct stream *end, bool accepted)
{
    (void)arg;
    if (accepted) {
        sim_cut(end, false);
    }
}

static void stall_client(void *arg, struct stream *end, bool accepted)
{
    (void)arg;
    if (accepted) {
        sim_stall(end);
    }
}

static void cancel_sessions(struct worker *w)
{
    list_for_each (it, &w->server.sessions) {
        struct session *s = list_entry(it, struct session, link);
        if (s->scope != NULL) {
            scope_cancel(s->scope, -ESHUTDOWN);
        }
    }
}

static void make_fault(struct trial *t)
{
    struct worker *w = t->victim;
    bool deliver = t->c->fault == FAULT_HOP_GONE_LATE;
    switch (t->c->fault) {
    case FAULT_CLIENT_GONE: sim_each_end(w->rt, cut_client, NULL); break;
    case FAULT_CLIENT_STALL: sim_each_end(w->rt, stall_client, NULL); break;
    case FAULT_HOP_GONE:
    case FAULT_HOP_GONE_LATE: sim_each_end(w->rt, cut_hop, &deliver); break;
    case FAULT_HOP_STALL: sim_each_end(w->rt, stall_hop, NULL); break;
    case FAULT_HOP_SLOW:
        t->client.patience = 40 * USEC_SEC;
        if (t->hop != NULL) {
            t->hop->slow = 400 * USEC_SEC;
        }
        break;
    case FAULT_CANCELLED: cancel_sessions(w); break;
    case FAULT_BUDGET: w->server.budget.limit = 0; break;
    case FAULT_ENOSPC_FILE: file_error = -ENOSPC; break;
    case FAULT_EIO_FILE: file_error = -EIO; break;
    case FAULT_STORE_ERROR: sim_next_call(w->rt, RT_CALL_STORE, -EIO, 0); break;
    case FAULT_STORE_SLOW: sim_next_call(w->rt, RT_CALL_STORE, 0, 30 * USEC_SEC); break;
    case FAULT_KILLED: house_kill(t->house, 0); break;
    case FAULT_SIGTERM:
        house_drain(t->house, 0);
        t->must_drain = true;
        break;
    case FAULT_NONE:
    case FAULT_COUNT: break;
    }
}

static void on_await(void *arg, uint64_t n)
{
    struct trial *t = arg;
    if (n == t->c->at && !t->fired) {
        const struct delivery_stats *st = &t->victim->deliveries.stats;
        t->fired = true;
        t->fired_in_commit = st->committed > st->settled + st->unknown;
        make_fault(t);
    }
}

/* ---- the trial ---- */

static const char conf_smtp[] = "hostname mx.example\n"
                                "listen 192.0.2.10:25\n"
                                "route example.org to smtp://" HOUSE_HOP "\n"
                                "limit message_memory 16384\n";
static const char conf_maildir[] = "hostname mx.example\n"
                                   "listen 192.0.2.10:25\n"
                                   "route example.org to maildir:@DIR@/mail/%{rcpt.local_part}\n"
                                   "limit message_memory 16384\n";

/* Long enough to go through the spool's file. */
static char *make_message(void)
{
    size_t lines = 450;
    char *text = xmalloc(lines * 80 + 200);
    int n = sprintf(text, "Subject: proof\r\n\r\n");
    for (size_t i = 0; i < lines; i++) {
        n += sprintf(text + n, "line %4zu of a message that must neither be lost nor doubled\r\n",
                     i);
    }
    return text;
}

static const char *const recipients[CLIENT_RECIPIENTS] = {"anna@example.org", "bert@example.org",
                                                          "carl@example.org"};

static void make_mailboxes(const struct house *h)
{
    for (unsigned i = 0; i < CLIENT_RECIPIENTS; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/mail/%.4s", h->folder, recipients[i]);
        mkdir(path, 0700);
    }
}

static void begin(struct trial *t, char *message)
{
    const struct proof_case *c = t->c;
    t->house = house_new(c->seed, c->maildir ? conf_maildir : conf_smtp, 2, c->tls);
    if (c->maildir) {
        make_mailboxes(t->house);
    } else {
        t->hop = mail_hop_new(t->house);
        t->hop->chunking = c->bdat;
    }
    t->client = (struct mail_client){
        .house = t->house,
        .tls = c->tls,
        .bdat = c->bdat,
        .pipelined = c->pipelined,
        .message = message,
        .patience = 1200 * USEC_SEC,
        .has_copy = has_copy,
        .has_copy_arg = t,
    };
    memcpy(t->client.recipients, recipients, sizeof recipients);
    t->victim = house_worker(t->house, 0);
    file_error = 0;
    sys_fault = fail_once;
    sim_on_await(t->victim->rt, on_await, t);
}

static void restore_budget(struct trial *t)
{
    t->victim->server.budget.limit = (size_t)t->house->conf->limits.spool_memory;
}

static void fail(struct proof_result *r, const char *why)
{
    if (!r->violated) {
        r->violated = true;
        snprintf(r->why, sizeof r->why, "%s", why);
    }
}

static void check(struct trial *t, struct proof_result *r)
{
    const struct mail_client *c = &t->client;
    uint64_t lost_track = house_stat(t->house, offsetof(struct delivery_stats, unknown)) +
                          house_stat(t->house, offsetof(struct delivery_stats, ledger_failed));
    bool excused = lost_track > 0 || t->fired_in_commit;
    r->put_off_delivered = c->put_off > 0;
    if (!c->done || c->attempts >= CLIENT_ATTEMPTS) {
        fail(r, "no final answer after many attempts");
    }
    if (c->unfounded > 0) {
        fail(r, "250 without a copy at the hop");
    }
    if (c->false_no > 0) {
        fail(r, "5xx for a delivered message");
    }
    if (c->stray > 0) {
        fail(r, "more than one reply to the end of the data");
    }
    for (unsigned i = 0; i < CLIENT_RECIPIENTS; i++) {
        unsigned n = copies(t, c->recipients[i]);
        if (c->finals[i] == CLIENT_DELIVERED && n == 0) {
            fail(r, "accepted and lost");
        }
        if (c->finals[i] == CLIENT_REFUSED && t->c->fault != FAULT_NONE) {
            fail(r, "refused for good because of a passing fault");
        }
        if (n > 1 && excused) {
            r->exception = true;
        } else if (n > 1) {
            fail(r, "delivered twice");
        }
    }
    bool late = house_stat(t->house, offsetof(struct delivery_stats, late)) > 0;
    if (c->put_off > 0 && !excused && !late &&
        house_stat(t->house, offsetof(struct delivery_stats, in_doubt)) == 0) {
        fail(r, "4xx for a delivered message");
    }
    r->exception |= c->put_off > 0;
    if (t->must_drain && !house_drained(t->house)) {
        fail(r, "a worker did not end after SIGTERM");
    }
}

void proof_run(const struct proof_case *c, struct proof_result *ret)
{
    struct trial t = {.c = c};
    char *message = make_message();
    *ret = (struct proof_result){0};
    begin(&t, message);
    mail_client_start(&t.client);
    /* The budget's fault lasts for one attempt. */
    sim_run(t.house->sim, sim_now(t.house->sim) + 100 * USEC_SEC);
    restore_budget(&t);
    sim_run(t.house->sim, USEC_NEVER);
    ret->awaits = rt_stats(t.victim->rt)->awaits;
    check(&t, ret);
    sys_fault = NULL;
    if (t.hop != NULL) {
        mail_hop_free(t.hop);
    }
    house_free(t.house);
    free(message);
}
